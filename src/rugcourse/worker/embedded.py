"""Runs worker and beat as threads of this process, with the in-memory broker."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import celery.worker.state
from celery import Celery
from celery.beat import Scheduler, Service
from celery.worker import WorkController
from kombu.transport import memory

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.worker.celery_app import create_app, make_notifier, worker_options
from rugcourse.worker.heartbeat import BrokerActivity, Heartbeat
from rugcourse.worker.tasks import register
from rugcourse.worker.webhook_thread import WebhookThread

_POLL_SECONDS = 0.2
_STOP_SECONDS = 5.0


class QuickTransport(memory.Transport):
    """The in-memory broker with short waits for messages, so that a stop is noticed immediately."""

    def drain_events(self, connection: Any, timeout: float | None = None, **_kwargs: object) -> None:
        super().drain_events(connection, timeout=min(timeout or _POLL_SECONDS, _POLL_SECONDS))


def embed(runtime: Runtime) -> tuple[Runtime, EmbeddedWorker]:
    """Create a worker for `runtime`, without starting it. Returns the runtime that notifies it, and the worker."""
    app = create_app(runtime.settings)
    runtime = replace(runtime, notify_worker=make_notifier(app))
    dispatcher = open_dispatcher(runtime)
    register(app, runtime, dispatcher, BrokerActivity())
    return runtime, EmbeddedWorker(app, runtime, dispatcher)


class EmbeddedWorker:
    """Runs the worker and the beat of an application until stopped. One per process at a time."""

    def __init__(self, app: Celery, runtime: Runtime, dispatcher: Dispatcher) -> None:
        app.set_default()  # Celery's threads look up their tasks in the default application
        self._dispatcher = dispatcher
        self._worker = WorkController(app=app, loglevel="WARNING", **worker_options(runtime.settings))
        self._pulse = Heartbeat(runtime, "serve")
        self._webhooks = WebhookThread(runtime)
        self._beat = Service(app, scheduler_cls=Scheduler)
        self._threads = [
            threading.Thread(target=self._worker.start, name="worker", daemon=True),
            threading.Thread(target=self._beat.start, name="beat", daemon=True),
        ]

    def start(self) -> None:
        self._pulse.start()
        self._webhooks.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop both, after the message being sent."""
        self._dispatcher.stopping.set()
        self._beat.stop(wait=False)
        celery.worker.state.should_stop = 0  # type: ignore[assignment] # 0 is the exit code: Celery's way to say "stop, all is well"
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
        self._webhooks.stop()
        celery.worker.state.should_stop = None  # global: the next worker of this process would stop immediately
        self._pulse.stop()
        self._dispatcher.close()
