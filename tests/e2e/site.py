"""An installation in this process for tests in a browser: real pages on a port, mails in a sink, a clock to move."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType

from playwright.sync_api import Page
from tests.support.builders import make_runtime, make_settings, plan, send_all
from tests.support.servers import HOST, free_port
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import open_dispatcher
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.web.app import create_app
from rugcourse.web.forms import MIN_SECONDS
from rugcourse.web.server import BackgroundServer


class Site:
    """Use as a context manager. Mails go out when the test says so: `deliver`."""

    def __init__(self, database: Database, clock: VirtualClock, folder: Path, name: str = HOST) -> None:
        port = free_port()
        self.address = f"http://{name}:{port}"
        self.clock = clock
        self._sink = Sink()
        settings = make_settings(folder, self._sink.url, base_url=self.address)
        self.runtime = make_runtime(database, settings, clock)
        self._app = create_app(self.runtime)
        self._server = BackgroundServer(self._app, HOST, port)
        self._dispatcher = open_dispatcher(self.runtime)

    def __enter__(self) -> Site:
        self._sink.__enter__()
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._dispatcher.close()
        self._sink.__exit__(kind, error, trace)

    def deliver(self) -> None:
        """Plan what is due now, and send it."""
        plan(self.runtime)
        send_all(self._dispatcher)

    def wait_for_notices(self) -> None:
        """Until the mails are sent that are in no ledger."""
        self._app.state.outbox.wait()

    def next_day(self) -> None:
        """A day later, and the lesson of that day."""
        self.clock.advance(days=1)
        self.deliver()

    def read_forms(self) -> None:
        """Let as much time pass as a human needs for a form."""
        self.clock.advance(seconds=MIN_SECONDS + 1)

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(one.raw, policy=policy.default) for one in self._sink.taken]

    def html(self, subject: str) -> str:
        """The HTML of the newest mail with a subject (a regular expression)."""
        found = [one for one in self.mails if re.search(subject, str(one["Subject"]))]
        assert found, [str(one["Subject"]) for one in self.mails]
        part = found[-1].get_body(("html",))
        assert part is not None
        return str(part.get_content())

    def open_mail(self, page: Page, subject: str) -> None:
        """Show a mail as a web mail does: its HTML on an address of ours."""
        html = self.html(subject)
        page.route("**/mail.html", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
        page.goto(f"{self.address}/mail.html")
        page.unroute("**/mail.html")
