"""A worker, or a beat, as a process of its own."""

from __future__ import annotations

import gc
from dataclasses import replace

from celery.apps.beat import Beat
from celery.signals import worker_shutting_down

from rugcourse.runtime import Runtime, open_dispatcher
from rugcourse.worker.app import create_app, ringer, worker_options
from rugcourse.worker.pulse import Ear, Pulse
from rugcourse.worker.tasks import register


def run_worker(runtime: Runtime) -> int:
    """Work until a signal says stop; returns the exit code.

    A first SIGTERM ends each conversation with the mail server after its message, and gives back what was not begun; a
    second does not wait for that.
    """
    app = create_app(runtime.settings)
    runtime = replace(runtime, ring=ringer(app))
    dispatcher = open_dispatcher(runtime)
    ear, pulse = Ear(), Pulse(runtime, "worker")
    look_and_send = register(app, runtime, dispatcher, ear)
    worker_shutting_down.connect(lambda **_: dispatcher.stopping.set(), weak=False)
    _spare_the_collector()
    worker = app.Worker(loglevel="WARNING", quiet=True, **worker_options(runtime.settings))
    pulse.start()
    pulse.watch(ear, look_and_send)
    try:
        worker.start()
    finally:
        dispatcher.stopping.set()
        pulse.stop()
        dispatcher.close()
    return int(worker.exitcode or 0)


def _spare_the_collector() -> None:
    """What is here by now stays, and sending makes next to no cycles: looking for them took a tenth of the work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def run_beat(runtime: Runtime) -> None:
    """Tick until a signal says stop. Any number of beats may run: their ticks do the same work, once."""
    pulse = Pulse(runtime, "beat")
    pulse.start()
    try:
        Beat(
            app=create_app(runtime.settings), scheduler_cls="celery.beat:Scheduler", loglevel="WARNING", quiet=True
        ).run()
    finally:
        pulse.stop()
