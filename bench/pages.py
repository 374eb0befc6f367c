"""Public pages at fifty requests at once: the time to each whole answer, and what a first view weighs in all."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from tests.support.builders import COURSE, course_of, make_runtime, make_settings
from tests.support.servers import HOST, free_port, postgres
from tests.support.stack import Stack, environment

from bench.http import answer, request, spread, wait_for
from rugcourse.bootstrap import Runtime
from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.learning.assessment import save_attempt
from rugcourse.links import TokenPurpose

AT_ONCE = 50
ROUNDS = 20
TARGET_SECONDS = 0.3
TARGET_BYTES = 60_000
PAGES = [
    "/nl", "/nl/privacy", "/nl/my-page", f"/nl/{COURSE}", f"/nl/{COURSE}/test", f"/nl/{COURSE}/signup",
    f"/nl/{COURSE}/safety-notice", f"/nl/{COURSE}/lessons/stress",
]  # fmt: skip
_FILE = re.compile(rb"(?:src|href)=\"(/static/[^\"]+)\"")


def measure_pages() -> dict[str, Any]:
    """On PostgreSQL, from one web process; the slowest and the heaviest page count."""
    with tempfile.TemporaryDirectory(prefix="rugcourse-") as name, tempfile.TemporaryDirectory() as local:
        folder = Path(local)
        with postgres(Path(name), durable=True) as url:
            database = Database(url)
            upgrade(database)
            port = free_port()
            settings = make_settings(folder, base_url=f"http://{HOST}:{port}")
            pages = [*PAGES, _result(make_runtime(database, settings, SystemClock()))]
            database.close()
            variables = environment(
                url, "memory://", settings.smtp_url, folder / "data", base_url=settings.base_url, port=port
            )
            with Stack(variables, folder / "log") as stack:
                stack.start("web")
                wait_for(port)
                uvloop.run(_all_at_once(port, PAGES[0], 2))
                times = {page: uvloop.run(_all_at_once(port, page, ROUNDS)) for page in pages}
                weights = {page: uvloop.run(_weigh(port, page)) for page in pages}
    return {
        "at_once": AT_ONCE,
        "milliseconds": {page: spread(seconds) for page, seconds in times.items()},
        "slowest_ms": max(spread(seconds)["max"] for seconds in times.values()),
        "target_ms": TARGET_SECONDS * 1000,
        "bytes_in_all": weights,
        "heaviest_bytes": max(weights.values()),
        "target_bytes": TARGET_BYTES,
    }


def _result(runtime: Runtime) -> str:
    """The page of somebody's result in the test."""
    published = course_of(runtime)
    test = published.course.tests["nl"]
    chosen = {question.id: 0 for question in test.questions}
    attempt = runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, chosen)
    return f"/nl/{COURSE}/result/{runtime.signer.sign(TokenPurpose.ATTEMPT, attempt)}"


async def _all_at_once(port: int, page: str, rounds: int) -> list[float]:
    """The seconds of each request, where so many are sent together, and again when all are answered."""
    connections = [await asyncio.open_connection(HOST, port) for _ in range(AT_ONCE)]

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
        begun = time.perf_counter()
        writer.write(request(page))
        if (await answer(reader)).status != 200:
            raise ValueError(f"{page} did not answer with 200")
        return time.perf_counter() - begun

    times = [seconds for _ in range(rounds) for seconds in await asyncio.gather(*(one(*each) for each in connections))]
    for _, writer in connections:
        writer.close()
    return times


async def _weigh(port: int, page: str) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)

    async def fetch(path: str) -> bytes:
        writer.write(request(path))
        return (await answer(reader)).body

    body = await fetch(page)
    files = [await fetch(path.decode()) for path in sorted(set(_FILE.findall(body)))]
    writer.close()
    return len(body) + sum(map(len, files))
