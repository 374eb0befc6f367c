"""Runs a worker or a beat as a process."""

from __future__ import annotations

import gc
import signal
import sys
from dataclasses import replace

from celery.apps.beat import Beat
from celery.signals import worker_shutting_down

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.metrics.exposition import listen
from rugcourse.process_memory import freeze_startup_objects
from rugcourse.worker.celery_app import create_app, make_notifier, worker_options
from rugcourse.worker.heartbeat import BrokerActivity, Heartbeat
from rugcourse.worker.tasks import register
from rugcourse.worker.webhook_thread import WebhookThread


def run_worker(runtime: Runtime) -> int:
    """Work until a signal stops it; returns the exit code.

    The first SIGTERM or Ctrl-C ends each SMTP session after its current message, and returns deliveries that were not
    begun; the second does not wait for that.
    """
    app = create_app(runtime.settings)
    runtime = replace(runtime, notify_worker=make_notifier(app))
    dispatcher = open_dispatcher(runtime)
    activity, heartbeat, webhooks = BrokerActivity(), Heartbeat(runtime, "worker"), WebhookThread(runtime)
    look_and_send = register(app, runtime, dispatcher, activity)
    shutdowns: list[str] = []

    def stop(how: str, **_: object) -> None:
        shutdowns.append(how)
        dispatcher.stopping.set()

    worker_shutting_down.connect(stop, weak=False)
    _spare_the_collector()
    _end_well_while_starting()
    worker = app.Worker(loglevel="WARNING", quiet=True, **worker_options(runtime.settings))
    port = runtime.settings.metrics_port
    stop_metrics = listen(runtime.settings.metrics_host, port) if port else None
    heartbeat.start()
    heartbeat.watch(activity, look_and_send)
    webhooks.start()
    try:
        worker.start()
    finally:
        dispatcher.stopping.set()
        webhooks.stop()
        heartbeat.stop()
        dispatcher.close()
        if stop_metrics:
            stop_metrics()
    # Celery treats Ctrl-C as a failure, even if the worker ended cleanly.
    return 0 if shutdowns == ["Warm"] else int(worker.exitcode or 0)


def _spare_the_collector() -> None:
    """Tune garbage collection: objects created so far stay, and sending creates hardly any reference cycles.

    Searching for cycles took a tenth of the time.
    """
    freeze_startup_objects()
    gc.set_threshold(50_000, 20, 20)


def _end_well_while_starting() -> None:
    """Exit with code 0 if a signal comes before Celery handles signals."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))


def run_beat(runtime: Runtime) -> None:
    """Tick until a signal stops it. Any number of beats may run: the work of their ticks is done once."""
    heartbeat = Heartbeat(runtime, "beat")
    _end_well_while_starting()
    heartbeat.start()
    try:
        Beat(
            app=create_app(runtime.settings), scheduler_cls="celery.beat:Scheduler", loglevel="WARNING", quiet=True
        ).run()
    finally:
        heartbeat.stop()
