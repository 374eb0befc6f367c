"""The thread of a worker process that tells other systems what happened, beside sending mail.

It needs no broker: it looks at the database every second. As long as no endpoint is enabled it loads nothing for that.
"""

from __future__ import annotations

import threading

import structlog

from rugcourse.bootstrap import Runtime, open_webhook_dispatcher
from rugcourse.db.engine import DatabaseAway
from rugcourse.outgoing_webhooks.work import has_work

log = structlog.get_logger()

_LOOK_SECONDS = 1.0
_STOP_SECONDS = 20.0  # a request under way takes less


class WebhookThread:
    """Runs until stopped. Any number of processes may have one: they share the work by leases."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the requests under way; events that were not begun go back."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        dispatcher = None
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                if self._runtime.database.query(has_work, self._runtime.clock.now()):
                    dispatcher = dispatcher or open_webhook_dispatcher(self._runtime, self._stop)
                    dispatcher.send_due()
            except DatabaseAway as error:
                log.warning("database_unreachable", error=str(error))
            except Exception:  # nobody would notice if the thread ended, and the next time may succeed
                log.exception("thread_step_failed", thread="webhooks")
