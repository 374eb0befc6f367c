"""The two tasks."""

from __future__ import annotations

from celery import Celery

from rugcourse.delivery.plan import plan_due
from rugcourse.delivery.recover import expire_leases
from rugcourse.delivery.send import BATCH, Dispatcher
from rugcourse.runtime import Runtime
from rugcourse.store import deliveries
from rugcourse.store.tables import Queue
from rugcourse.worker.app import DELIVER, TICK

_MOST_RINGS = 8  # more are not heard sooner: each batch that was full rings again


def register(app: Celery, runtime: Runtime, dispatcher: Dispatcher) -> None:
    """Give the application, and no other in this process, its tasks.

    Each is one call; sent twice, or twenty times, it does the same.
    """

    @app.task(name=TICK, shared=False, lazy=False)
    def tick() -> None:
        look(runtime)

    @app.task(name=DELIVER, shared=False, lazy=False)
    def deliver(queue: str) -> None:
        send(runtime, dispatcher, Queue(queue))


def look(runtime: Runtime) -> None:
    """Plan what is due, take back what silent workers hold, and ring for everything that may go."""
    expire_leases(runtime.database, runtime.clock)
    plan_due(runtime.database, runtime.clock, runtime.grace)
    with runtime.database.read() as session:
        waiting = deliveries.waiting_by_queue(session, runtime.clock.now())
    for queue, count in waiting.items():
        for _ in range(min(_MOST_RINGS, -(-count // BATCH))):
            runtime.ring(queue)


def send(runtime: Runtime, dispatcher: Dispatcher, queue: Queue) -> None:
    """Send one batch; where there was a whole one, there may be another."""
    if dispatcher.send_batch(queue) == BATCH:
        runtime.ring(queue)
