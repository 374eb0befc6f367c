"""Heartbeat thread; in a worker also a watchdog that polls when the broker is silent.

The broker only notifies. If it is broken, or no beat runs, a worker that has received nothing for a while polls the
database itself: mail goes out some ticks later, but it does go out.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from rugcourse.bootstrap import Runtime
from rugcourse.db.engine import DatabaseAway
from rugcourse.db.models import HeartbeatRow
from rugcourse.db.queries import heartbeats
from rugcourse.delivery import restore_guard

log = structlog.get_logger()

BEAT_SECONDS = 10.0
_SILENT_TICKS = 3


@dataclass(slots=True)
class BrokerActivity:
    """When a process last received a task, by the monotonic clock."""

    last_seen_at: float = field(default_factory=time.monotonic)

    def touch(self) -> None:
        self.last_seen_at = time.monotonic()


class Heartbeat:
    """Runs until stopped. `kind`: the kind of the process."""

    def __init__(self, runtime: Runtime, kind: str) -> None:
        self._runtime = runtime
        self._kind = kind
        self._id = secrets.token_hex(8)
        self._seen_at = runtime.clock.now()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._known = False

    def start(self) -> None:
        self._run("pulse", BEAT_SECONDS, self._beat)

    def watch(self, activity: BrokerActivity, look: Callable[[], None]) -> None:
        """Call `look` at every tick for as long as the broker is silent."""
        tick = self._runtime.settings.tick_seconds
        was_deaf = False

        def listen() -> None:
            nonlocal was_deaf
            deaf = time.monotonic() - activity.last_seen_at > _SILENT_TICKS * tick
            if deaf != was_deaf:
                log.warning("broker_silent" if deaf else "broker_heard_again")
                was_deaf = deaf
            if deaf:
                look()

        self._run("watchdog", tick, listen)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5)

    def _run(self, name: str, seconds: float, step: Callable[[], None]) -> None:
        def loop() -> None:
            while True:
                try:
                    step()
                except DatabaseAway as error:
                    log.warning("database_unreachable", error=str(error))
                except OSError as error:  # the process is alive nevertheless
                    log.warning("data_folder_not_writable", error=str(error))
                except Exception:  # nobody would notice if the thread ended, and the next time may succeed
                    log.exception("thread_step_failed", thread=name)
                if self._stop.wait(seconds):
                    return

        thread = threading.Thread(target=loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _beat(self) -> None:
        """Write a heartbeat, and notice if the database no longer has the previous one."""
        runtime, now = self._runtime, self._runtime.clock.now()
        kept = timedelta(days=restore_guard.KEPT_DAYS)
        with runtime.database.write() as session:
            remembered = self._known and heartbeats.touch_process(session, self._id, self._seen_at, now)
            # After a sleep that is longer than heartbeats are kept, the previous one is rightly gone.
            forgotten = self._known and not remembered and now - self._seen_at < kept
            if not remembered:
                heartbeats.register_process(session, self._process(now))
            heartbeats.forget_processes(session, now - kept)
        self._seen_at, self._known = now, True
        if forgotten:
            restore_guard.forgotten_while_running(runtime.database, runtime.clock)
        restore_guard.note(runtime.settings.data_dir, self._id, now)

    def _process(self, now: datetime) -> HeartbeatRow:
        host = socket.gethostname()[:255]
        return HeartbeatRow(id=self._id, kind=self._kind, host=host, pid=os.getpid(), started_at=now, seen_at=now)
