"""Runs the demo: all processes on a fast clock, with an inbox of its own."""

from __future__ import annotations

import secrets
import shutil
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.bootstrap import Runtime, import_lessons, make_ebooks_later, open_runtime
from rugcourse.clock import ScaledClock
from rugcourse.db.migrate import is_current, upgrade
from rugcourse.db.models import Role
from rugcourse.db.queries import admins
from rugcourse.dev.mailcatcher import web as inbox_pages
from rugcourse.dev.mailcatcher.mailbox import CaughtMails
from rugcourse.dev.mailcatcher.smtp_server import open_sink
from rugcourse.dev.sample_data.history import make_history
from rugcourse.dev.saved_clock import CLOCK, DATABASE, open_clock, save_clock
from rugcourse.settings import Settings, load_settings
from rugcourse.web import app as pages
from rugcourse.web.port_check import require_free
from rugcourse.web.server import BackgroundServer
from rugcourse.worker.embedded import embed

HOST = "127.0.0.1"
_SAVE_SECONDS = 1.0
ADMIN = "demo@rugcourse.example"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of a running demo."""

    site: str
    inbox: str
    smtp: str
    password: str  # of the demo's admin, `ADMIN`


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How to run a demo. Everything is stored in `folder`; three ports from `port` on are used.

    `day_seconds`: how long a day lasts. `fresh`: empty the folder first. `empty`: begin without made-up readers.
    """

    folder: Path
    port: int
    day_seconds: float
    fresh: bool = False
    empty: bool = False


def run_demo(options: DemoOptions, making: Callable[[], None], ready: Callable[[Addresses], None]) -> None:
    """Run until Ctrl-C or SIGTERM. Raises PortBusy.

    Calls `making` before a history is made, which takes some seconds, and `ready` when the pages respond. A demo that
    was started before goes on where it was, and gets no history.
    """
    folder, port = options.folder, options.port
    for number, purpose in enumerate(("the web pages", "the inbox", "its mail server"), port):
        require_free(HOST, number, purpose, f"rugcourse demo --port {min(port + 10, 65533)}")
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    clock_file = folder / CLOCK
    begins = open_clock(clock_file, options.day_seconds).now()
    addresses = Addresses(
        f"http://{HOST}:{port}",
        f"http://{HOST}:{port + 1}",
        f"smtp://{HOST}:{port + 2}",
        _kept_secret(folder / "admin", 9),
    )
    has_history = not (options.empty or (folder / DATABASE).exists())
    if has_history:
        making()
        make_history(demo_settings(folder, addresses), folder / DATABASE, begins, ADMIN, addresses.password)
    clock = ScaledClock(begins, options.day_seconds)
    with ExitStack() as running:
        _start(running, folder, clock, addresses, port, import_courses=not has_history)
        ready(addresses)
        while not stop.wait(_SAVE_SECONDS):
            save_clock(clock_file, clock)
    save_clock(clock_file, clock)


def demo_settings(folder: Path, addresses: Addresses) -> Settings:
    """Return settings with which nothing leaves this machine, whatever the environment says."""
    return load_settings(
        database_url=f"sqlite:///{folder / DATABASE}",
        broker_url="memory://",
        smtp_url=f"{addresses.smtp}?starttls=never",
        base_url=addresses.site,
        secret_keys=(_kept_secret(folder / "secret", 32),),
        data_dir=folder,
        lessons_dir=None,
        ehlo_name="localhost",
        tick_seconds=0.5,
    )


def _start(
    running: ExitStack, folder: Path, clock: ScaledClock, addresses: Addresses, port: int, *, import_courses: bool
) -> None:
    """Start inbox, worker and pages; `running` stops them in reverse order."""
    settings = demo_settings(folder, addresses)
    runtime = open_runtime(settings, clock)
    running.callback(runtime.database.close)
    if not is_current(runtime.database):
        upgrade(runtime.database)
    if import_courses:
        import_lessons(runtime)
    _let_admin_in(runtime, addresses.password)
    mailbox = CaughtMails(folder / "inbox")
    sink = open_sink(mailbox, HOST, port + 2)
    sink.start()
    running.callback(sink.stop)
    runtime, worker = embed(runtime)
    worker.start()
    running.callback(worker.stop)
    for app, its_port in (
        (pages.create_app(runtime), port),
        (inbox_pages.create_app(mailbox, addresses.site), port + 1),
    ):
        server = BackgroundServer(app, HOST, its_port)
        server.start()
        running.callback(server.stop)
    running.callback(make_ebooks_later(runtime).cancel)


def _let_admin_in(runtime: Runtime, password: str) -> None:
    """Create an owner account for the demo, unless it exists, so that a changed password stays."""
    with runtime.database.read() as session:
        if admins.count_admins(session):
            return
    invitation = runtime.database.run(invite, runtime.clock, ADMIN, Role.OWNER)
    set_first_password(runtime.database, runtime.clock, invitation.token, password)


def _kept_secret(file: Path, size: int) -> str:
    """Return a secret of this demo, generated once, so that links and password still work after a restart."""
    if not file.exists():
        file.write_text(secrets.token_urlsafe(size), encoding="ascii")
    return file.read_text(encoding="ascii")
