"""Runs the services of docker-compose.yml on this machine, without Docker: `make stack`.

PostgreSQL and Redis come from wheels. Mail goes to RUGCOURSE_SMTP_URL, or, without it, to an inbox with a page of its
own. All processes write into one log, var/stack/log. Ctrl-C ends it, and the database goes with it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from tests.support.servers import HOST, postgres, redis
from tests.support.stack import Stack, environment

from rugcourse.dev.mailcatcher import web as inbox_pages
from rugcourse.dev.mailcatcher.mailbox import CaughtMails
from rugcourse.dev.mailcatcher.smtp_server import open_sink
from rugcourse.web.port_check import PortBusy, require_free
from rugcourse.web.server import BackgroundServer

ROOT = Path(__file__).resolve().parent.parent
COMPOSE_FILE = ROOT / "docker-compose.yml"


def services(file: Path = COMPOSE_FILE) -> dict[str, tuple[list[str], int]]:
    """The services of ours in a compose file: name → its `rugcourse` arguments, and how many of it run."""
    return {
        name: (service["command"][1:], service.get("deploy", {}).get("replicas", 1))
        for name, service in _described(file).items()
        if service.get("command", [""])[0] == "rugcourse"
    }


def preparation(file: Path = COMPOSE_FILE) -> list[list[str]]:
    """What the service `migrate` runs before the others: the arguments of `rugcourse`, command by command."""
    _shell, _option, line = _described(file)["migrate"]["command"]
    return [shlex.split(part)[1:] for part in line.split("&&")]


def _described(file: Path) -> dict[str, Any]:
    described: dict[str, Any] = YAML(typ="safe").load(file.read_text(encoding="utf-8"))["services"]
    return described


@contextmanager
def inbox(folder: Path, site: str, page_port: int, smtp_port: int) -> Iterator[str]:
    """A mail server that keeps what it gets, with a page; yields its address."""
    mailbox = CaughtMails(folder)
    sink = open_sink(mailbox, HOST, smtp_port)
    page = BackgroundServer(inbox_pages.create_app(mailbox, site), HOST, page_port)
    sink.start()
    page.start()
    try:
        yield f"smtp://{HOST}:{smtp_port}?starttls=never"
    finally:
        page.stop()
        sink.stop()


def main() -> int:
    options = _options()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    folder: Path = options.dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    port, inbox_port, smtp_port = range(options.port, options.port + 3)
    site = f"http://{HOST}:{port}"
    try:
        for number, purpose in ((port, "the web pages"), (inbox_port, "the inbox"), (smtp_port, "its mail server")):
            require_free(HOST, number, purpose, f'make stack ARGS="--port {min(port + 10, 65533)}"')
    except PortBusy as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    with ExitStack() as running:
        data = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="rugcourse-")))
        database_url = running.enter_context(postgres(data, durable=True))
        broker_url = running.enter_context(redis(folder))
        smtp_url = os.environ.get("RUGCOURSE_SMTP_URL") or running.enter_context(
            inbox(folder / "inbox", site, inbox_port, smtp_port)
        )
        variables = environment(database_url, broker_url, smtp_url, folder / "data", base_url=site, port=port)
        stack = running.enter_context(Stack(variables, folder / "log"))
        for command in preparation():
            stack.run(*command)
        for name, (command, replicas) in services().items():
            for _ in range(replicas):
                stack.start(*command)
            sys.stdout.write(f"{replicas} × {name}\n")
        sys.stdout.write(f"Courses       {site}\nInbox         http://{HOST}:{inbox_port}\nLog           {stack.log}\n")
        sys.stdout.write("Ctrl-C ends it.\n")
        sys.stdout.flush()
        stop.wait()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make stack", description="Run the services of docker-compose.yml here.")
    parser.add_argument("--port", type=int, default=8000, help="the first of three: web, inbox, mail server")
    parser.add_argument("--dir", type=Path, default=ROOT / "var" / "stack", help="where log and inbox are kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
