"""A worker, or a beat, as a process of its own."""

from __future__ import annotations

from celery import Celery
from celery.apps.beat import Beat

from rugcourse.delivery.send import Dispatcher
from rugcourse.settings import Settings
from rugcourse.worker.app import worker_options


def run_worker(app: Celery, settings: Settings, dispatcher: Dispatcher) -> int:
    """Work until a signal says stop; returns the exit code. A first SIGTERM lets the batch end, a second does not."""
    worker = app.Worker(loglevel="WARNING", quiet=True, **worker_options(settings))
    try:
        worker.start()
    finally:
        dispatcher.stopping.set()
        dispatcher.close()
    return int(worker.exitcode or 0)


def run_beat(app: Celery) -> None:
    """Tick until a signal says stop. Any number of beats may run: their ticks do the same work, once."""
    Beat(app=app, scheduler_cls="celery.beat:Scheduler", loglevel="WARNING", quiet=True).run()
