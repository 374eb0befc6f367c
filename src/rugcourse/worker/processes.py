"""A worker, or a beat, as a process of its own."""

from __future__ import annotations

import gc
import signal
import sys
from dataclasses import replace

from celery.apps.beat import Beat
from celery.signals import worker_shutting_down

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.worker.celery_app import create_app, make_notifier, worker_options
from rugcourse.worker.heartbeat import BrokerActivity, Heartbeat
from rugcourse.worker.tasks import register


def run_worker(runtime: Runtime) -> int:
    """Work until a signal says stop; returns the exit code.

    A first SIGTERM, or Ctrl-C, ends each conversation with the mail server after its message, and gives back what was
    not begun; a second does not wait for that.
    """
    app = create_app(runtime.settings)
    runtime = replace(runtime, notify_worker=make_notifier(app))
    dispatcher = open_dispatcher(runtime)
    activity, heartbeat = BrokerActivity(), Heartbeat(runtime, "worker")
    look_and_send = register(app, runtime, dispatcher, activity)
    shutdowns: list[str] = []

    def stop(how: str, **_: object) -> None:
        shutdowns.append(how)
        dispatcher.stopping.set()

    worker_shutting_down.connect(stop, weak=False)
    _spare_the_collector()
    _end_well_while_starting()
    worker = app.Worker(loglevel="WARNING", quiet=True, **worker_options(runtime.settings))
    heartbeat.start()
    heartbeat.watch(activity, look_and_send)
    try:
        worker.start()
    finally:
        dispatcher.stopping.set()
        heartbeat.stop()
        dispatcher.close()
    # To Celery a Ctrl-C is a failure, however well the worker ended.
    return 0 if shutdowns == ["Warm"] else int(worker.exitcode or 0)


def _spare_the_collector() -> None:
    """What is here by now stays, and sending makes next to no cycles: looking for them took a tenth of the work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _end_well_while_starting() -> None:
    """A signal that comes before Celery listens for it is no failure either."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))


def run_beat(runtime: Runtime) -> None:
    """Tick until a signal says stop. Any number of beats may run: their ticks do the same work, once."""
    heartbeat = Heartbeat(runtime, "beat")
    _end_well_while_starting()
    heartbeat.start()
    try:
        Beat(
            app=create_app(runtime.settings), scheduler_cls="celery.beat:Scheduler", loglevel="WARNING", quiet=True
        ).run()
    finally:
        heartbeat.stop()
