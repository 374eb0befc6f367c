"""What the processes of an installation hold in memory once settled, and how long the demo's first page takes.

The product's own commands run as real processes. RSS is what a process holds, also what it shares with
others; PSS divides what is shared (the pages of libraries that all of them have mapped) by those who share it.
"""

from __future__ import annotations

import os
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.builders import COURSE, make_settings
from tests.support.servers import HOST, free_port, postgres, redis
from tests.support.smtp_sink import Sink
from tests.support.stack import Process, Stack, environment

from bench.http import wait_for
from bench.site import resident_mb
from bench.starting import time_starts
from rugcourse.bootstrap import import_lessons, make_ebooks, open_runtime
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade

ROUNDS = 20
TARGET_MB = {"worker": 130, "web": 120, "serve": 150}
TARGET_SECONDS = 2.5
PAGES = [
    "/nl", "/en", "/nl/privacy", "/nl/my-page", f"/nl/{COURSE}", f"/nl/{COURSE}/test", f"/nl/{COURSE}/signup",
    f"/nl/{COURSE}/safety-notice", f"/nl/{COURSE}/lessons/stress", f"/nl/{COURSE}/share.png", "/admin/login",
]  # fmt: skip
_SETTLED_SECONDS = 6.0  # within so long of each other two looks find nearly the same
_SETTLED_MB = 0.5
_LONGEST_SECONDS = 90.0


def measure_memory() -> dict[str, Any]:
    """In MB: a worker and a web process on PostgreSQL and Redis, and `serve` on SQLite, all after some pages."""
    figures = {**_on_servers(), **_embedded()}
    return {
        "mb": figures,
        "target_rss_mb": TARGET_MB,
        "demo": time_starts(),
        "target_first_page_seconds": TARGET_SECONDS,
    }


def _on_servers() -> dict[str, dict[str, float]]:
    with (
        tempfile.TemporaryDirectory(prefix="rugcourse-") as name,
        tempfile.TemporaryDirectory() as local,
        Sink() as sink,
    ):
        folder, port = Path(local), free_port()
        with postgres(Path(name)) as url, redis(folder) as broker:
            settings = make_settings(folder, sink.url, database_url=url, base_url=f"http://{HOST}:{port}")
            _import(settings.database_url, folder, sink.url)
            variables = environment(
                url, broker, sink.url, folder / "data", base_url=settings.base_url, port=port, tick_seconds=1
            )
            with Stack(variables, folder / "log") as stack:
                processes = {kind: stack.start(kind) for kind in ("worker", "web")}
                stack.start("beat")
                return _measure(processes, port)


def _embedded() -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as local, Sink() as sink:
        folder, port = Path(local), free_port()
        url = f"sqlite:///{folder / 'bench.db'}"
        variables = environment(
            url, "memory://", sink.url, folder / "data", base_url=f"http://{HOST}:{port}", port=port, tick_seconds=1
        )
        with Stack(variables, folder / "log") as stack:
            stack.run("db", "upgrade")  # as at every start but the first
            return _measure({"serve": stack.start("serve")}, port)


def _import(url: str, folder: Path, smtp_url: str) -> None:
    """What an operator does once: the tables and the courses."""
    upgrade(Database(url))
    runtime = open_runtime(make_settings(folder, smtp_url, database_url=url))
    import_lessons(runtime)
    make_ebooks(runtime)
    runtime.database.close()


def _measure(processes: dict[str, Process], port: int) -> dict[str, dict[str, float]]:
    """Each process's memory, after its pages were asked for."""
    wait_for(port)
    _ask(port, PAGES)
    _wait_until_settled(list(processes.values()))
    found = {kind: {"start_rss": round(resident_mb(process.pid), 1)} for kind, process in processes.items()}
    for _ in range(ROUNDS):
        _ask(port, PAGES)
    _wait_until_settled(list(processes.values()))
    for kind, process in processes.items():
        found[kind] |= _memory_mb(process.pid)
    return found


def _ask(port: int, pages: Sequence[str]) -> None:
    for page in pages:
        with urllib.request.urlopen(f"http://{HOST}:{port}{page}", timeout=30) as answer:
            answer.read()


def _wait_until_settled(processes: Sequence[Process]) -> None:
    """Return when nobody's memory changes any more. Raises TimeoutError."""
    end = time.monotonic() + _LONGEST_SECONDS
    before = [0.0] * len(processes)
    while time.monotonic() < end:
        now = [resident_mb(process.pid) for process in processes]
        if all(abs(one - other) <= _SETTLED_MB for one, other in zip(before, now, strict=True)):
            return
        before = now
        time.sleep(_SETTLED_SECONDS)
    raise TimeoutError("the memory still grows")


def _memory_mb(pid: int) -> dict[str, float]:
    """RSS and PSS as the kernel counts them, and the number of threads."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    kb = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in rollup[1:])}
    return {
        "rss": round(kb["Rss"] / 1024, 1),
        "pss": round(kb["Pss"] / 1024, 1),
        "threads": len(os.listdir(f"/proc/{pid}/task")),  # noqa: PTH208 - names are enough
    }
