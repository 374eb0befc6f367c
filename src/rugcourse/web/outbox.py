"""Sends mails that are not in the ledger in a background thread, after the response.

Otherwise the response time would reveal who has an account.
"""

from __future__ import annotations

import queue
import threading
from enum import StrEnum

import structlog

from rugcourse.auth import account_emails
from rugcourse.auth.account_emails import AccountNotice
from rugcourse.bootstrap import Runtime, send_now, sender
from rugcourse.privacy.subscriber_emails import ReaderNotice, compose

_MAX_QUEUED = 100
log = structlog.get_logger()


class Outbox:
    """A queue and one thread, started with the first mail. A mail that can't be sent is logged and dropped."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._waiting: queue.Queue[tuple[str, StrEnum, bytes]] = queue.Queue(_MAX_QUEUED)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell_admin(self, notice: AccountNotice, email: str, language: str, link: str = "") -> None:
        """Queue a notice to an admin. `link`: see `rugcourse.auth.account_emails.compose`; the login page if empty."""
        login = f"{self._runtime.settings.base_url}/admin/login"
        self._send(
            notice,
            email,
            account_emails.compose(notice, email, language, sender(self._runtime.site.settings), link or login),
        )

    def tell_reader(self, notice: ReaderNotice, email: str, language: str, link: str = "") -> None:
        """Queue a notice to a reader. `link`: see `rugcourse.privacy.subscriber_emails.compose`."""
        privacy = self._runtime.links.privacy(language)
        self._send(notice, email, compose(notice, email, language, sender(self._runtime.site.settings), privacy, link))

    def _send(self, notice: StrEnum, email: str, message: bytes) -> None:
        try:
            self._waiting.put_nowait((email, notice, message))
        except queue.Full:
            log.error("notice_queue_full", notice=notice.value)  # noqa: TRY400
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Wait until the queue is empty and all mails were handled."""
        self._waiting.join()

    def _run(self) -> None:
        while True:
            email, notice, message = self._waiting.get()
            try:
                if not send_now(self._runtime, message, email):
                    log.error("notice_rejected", notice=notice.value)
            except Exception as error:  # noqa: BLE001 - other mails must still be sent; no traceback, as it may contain the link
                log.error("notice_not_sent", notice=notice.value, error=type(error).__name__)  # noqa: TRY400
            finally:
                self._waiting.task_done()
