"""Runs the services of docker-compose.yml on this machine, without Docker: `make stack`.

PostgreSQL and Redis come from wheels. Mail goes to RUGCOURSE_SMTP_URL, or, without it, to an inbox with a page of its
own. All processes write into one log, var/stack/log. Ctrl-C ends it, and the database goes with it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from tests.servers import HOST, postgres, redis
from tests.stack import Stack, environment

from rugcourse.inbox import app as inbox_pages
from rugcourse.inbox.mailbox import Mailbox
from rugcourse.inbox.sink import open_sink
from rugcourse.web.server import BackgroundServer

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "stack"
WEB_PORT, INBOX_PORT, SMTP_PORT = 8000, 8001, 8002


def services(file: Path = ROOT / "docker-compose.yml") -> dict[str, tuple[list[str], int]]:
    """The services of ours in a compose file: name → its `rugcourse` arguments, and how many of it run."""
    described: dict[str, Any] = YAML(typ="safe").load(file.read_text(encoding="utf-8"))["services"]
    return {
        name: (service["command"][1:], service.get("deploy", {}).get("replicas", 1))
        for name, service in described.items()
        if service.get("command", [""])[0] == "rugcourse"
    }


@contextmanager
def inbox(folder: Path, site: str) -> Iterator[str]:
    """A mail server that keeps what it gets, with a page; yields its address."""
    mailbox = Mailbox(folder)
    sink = open_sink(mailbox, HOST, SMTP_PORT)
    page = BackgroundServer(inbox_pages.create_app(mailbox, site), HOST, INBOX_PORT)
    sink.start()
    page.start()
    try:
        yield f"smtp://{HOST}:{SMTP_PORT}?starttls=never"
    finally:
        page.stop()
        sink.stop()


def main() -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    FOLDER.mkdir(parents=True, exist_ok=True)
    site = f"http://{HOST}:{WEB_PORT}"
    with ExitStack() as running:
        data = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="rugcourse-")))
        database_url = running.enter_context(postgres(data, durable=True))
        broker_url = running.enter_context(redis(FOLDER))
        smtp_url = os.environ.get("RUGCOURSE_SMTP_URL") or running.enter_context(inbox(FOLDER / "inbox", site))
        variables = environment(database_url, broker_url, smtp_url, FOLDER / "data", base_url=site, port=WEB_PORT)
        stack = running.enter_context(Stack(variables, FOLDER / "log"))
        stack.run("db", "upgrade")
        stack.run("lessons", "publish")
        for name, (command, replicas) in services().items():
            for _ in range(replicas):
                stack.start(*command)
            sys.stdout.write(f"{replicas} × {name}\n")
        sys.stdout.write(f"Courses       {site}\nInbox         http://{HOST}:{INBOX_PORT}\nLog           {stack.log}\n")
        sys.stdout.write("Ctrl-C ends it.\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
