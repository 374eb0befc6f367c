"""A worker, or a beat, as a process of its own."""

from __future__ import annotations

import gc
from dataclasses import replace

from celery.apps.beat import Beat

from rugcourse.runtime import Runtime, open_dispatcher
from rugcourse.settings import Settings
from rugcourse.worker.app import create_app, ringer, worker_options
from rugcourse.worker.tasks import register


def run_worker(runtime: Runtime) -> int:
    """Work until a signal says stop; returns the exit code. A first SIGTERM lets the batch end, a second does not."""
    app = create_app(runtime.settings)
    runtime = replace(runtime, ring=ringer(app))
    dispatcher = open_dispatcher(runtime)
    register(app, runtime, dispatcher)
    _spare_the_collector()
    worker = app.Worker(loglevel="WARNING", quiet=True, **worker_options(runtime.settings))
    try:
        worker.start()
    finally:
        dispatcher.stopping.set()
        dispatcher.close()
    return int(worker.exitcode or 0)


def _spare_the_collector() -> None:
    """What is here by now stays, and sending makes next to no cycles: looking for them took a tenth of the work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def run_beat(settings: Settings) -> None:
    """Tick until a signal says stop. Any number of beats may run: their ticks do the same work, once."""
    Beat(app=create_app(settings), scheduler_cls="celery.beat:Scheduler", loglevel="WARNING", quiet=True).run()
