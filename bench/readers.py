"""Readers at their mails: pictures and links fetched, questions opened and answered, as fast as one web process goes.

PostgreSQL waits for the disk at each commit, and shares the two cores with the web process and with those who ask: each
on a connection of its own, the next request when the last is answered. Nothing is answered before it is committed;
that is checked: afterwards the store holds each picture, click and answer that was answered with success.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy import func, select, update
from tests.support.builders import course_of, make_runtime, make_settings
from tests.support.bulk_readers import STAMP, add_crowd, add_lesson_mails
from tests.support.servers import HOST, free_port, postgres
from tests.support.stack import Stack, environment

from bench.http import answer, request, spread, wait_for
from bench.site import cpu_seconds, resident_mb, tidy_up
from rugcourse.bootstrap import Runtime
from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import EmailEventRow, EventKind, LessonVersionRow, SubscriberRow
from rugcourse.links import Links, MailRef
from rugcourse.scheduling import Schedule

READERS = 20_000
CONNECTIONS = 64
SECONDS = 15.0
TARGET_PER_SECOND = 1000
LESSONS = 3
_WARM_UP_SECONDS = 3.0
_KINDS = {"picture": EventKind.OPEN, "click": EventKind.CLICK, "answer": EventKind.ANSWER}


@dataclass
class Load:
    """What was asked and how long each took, in seconds, by kind. `failed`: answered with something else."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: int = 0

    @property
    def count(self) -> int:
        return sum(len(one) for one in self.seconds.values())


def measure_readers() -> dict[str, Any]:
    """Requests a second in a mix of a mail's links, and each kind's time to its answer, on both databases."""
    with tempfile.TemporaryDirectory(prefix="rugcourse-") as name, postgres(Path(name), durable=True) as url:
        on_postgresql = _measure(url)
    with tempfile.TemporaryDirectory() as folder:
        on_sqlite = _measure(f"sqlite:///{folder}/readers.db")
    return {
        "connections": CONNECTIONS,
        "target_per_second": TARGET_PER_SECOND,
        "postgresql": on_postgresql,
        "sqlite": on_sqlite,
    }


def _measure(url: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as local:
        folder = Path(local)
        database = Database(url)
        upgrade(database)
        port = free_port()
        settings = make_settings(folder, base_url=f"http://{HOST}:{port}")
        runtime = make_runtime(database, settings, SystemClock())
        _add_readers(runtime)
        variables = environment(
            url, "memory://", settings.smtp_url, folder / "data", base_url=settings.base_url, port=port
        )
        with Stack(variables, folder / "log") as stack:
            web = stack.start("web")
            wait_for(port)
            uvloop.run(_ask(runtime.links, port, _WARM_UP_SECONDS))
            before = _events(database)
            paced = uvloop.run(_ask(runtime.links, port, SECONDS, TARGET_PER_SECOND))
            used, begun = cpu_seconds(web.pid), time.perf_counter()
            load = uvloop.run(_ask(runtime.links, port, SECONDS))
            took = time.perf_counter() - begun
            used = cpu_seconds(web.pid) - used
            memory = resident_mb(web.pid)
        after = _events(database)
        database.close()
    return {
        "requests_per_second": round(load.count / took),
        "failed": load.failed + paced.failed,
        "kept_all_that_was_answered": all(
            after[kind] - before[kind] == len(load.seconds[name]) + len(paced.seconds[name])
            for name, kind in _KINDS.items()
        ),
        "milliseconds_at_target": _spreads(paced),
        "milliseconds_at_most": _spreads(load),
        "web_process_cores": round(used / took, 2),
        "web_process_mb": round(memory),
    }


def _add_readers(runtime: Runtime) -> None:
    """Readers who agreed to measuring, each with the first three lessons in their mailbox."""
    published = course_of(runtime)
    with runtime.database.write() as session:  # the shipped lessons link to nothing outside
        for version in session.scalars(select(LessonVersionRow)):
            linked = {**version.document["texts"]["en"], "body": "Read [more](https://elsewhere.example/)."}
            version.document = {**version.document, "texts": {**version.document["texts"], "en": linked}}
    add_crowd(runtime.database, published.campaign_id, READERS, Schedule("UTC", 8), None)
    add_lesson_mails(runtime.database, published.id, datetime.now(UTC), lessons=LESSONS)
    with runtime.database.write() as session:
        session.execute(update(SubscriberRow).values(tracking_consent=True))
    tidy_up(runtime.database)


async def _ask(links: Links, port: int, seconds: float, per_second: float | None = None) -> Load:
    """Ask as fast as it is answered, or `per_second` times: then the time counts from when a request was to be sent."""
    load, begun = Load(), time.perf_counter()
    pause = CONNECTIONS / per_second if per_second else 0.0
    await asyncio.gather(
        *(
            _one_asks(links, port, load, begun + pause * number / CONNECTIONS, begun + seconds, pause)
            for number in range(CONNECTIONS)
        )
    )
    return load


async def _one_asks(links: Links, port: int, load: Load, begin: float, end: float, pause: float) -> None:
    """Open and answer as readers do: of five requests two pictures, a click, a question and its answer."""
    reader, writer = await asyncio.open_connection(HOST, port)
    site, mails = len(links.base_url), READERS * LESSONS
    at = begin
    while at < end:
        delivery, other = (MailRef(random.randrange(mails) + 1, STAMP) for _ in range(2))
        option = random.randrange(3)
        for kind, address, body in (
            ("picture", links.pixel(delivery), ""),
            ("picture", links.pixel(other), ""),
            ("click", links.click(delivery, 0), ""),
            ("question", links.answer(delivery, 0, option), ""),
            ("answer", links.answer(delivery, 0, option), f"o={option}"),
        ):
            if at > (now := time.perf_counter()):
                await asyncio.sleep(at - now)
            if not pause:
                at = time.perf_counter()
            writer.write(request(address[site:], body))
            if (await answer(reader)).status == (302 if kind == "click" else 200):
                load.seconds[kind].append(time.perf_counter() - at)
            else:
                load.failed += 1
            at = at + pause if pause else time.perf_counter()
    writer.close()


def _events(database: Database) -> dict[str, int]:
    with database.read() as session:
        rows = session.execute(select(EmailEventRow.kind, func.count()).group_by(EmailEventRow.kind))
        return defaultdict(int, dict(iter(rows)))


def _spreads(load: Load) -> dict[str, dict[str, float]]:
    return {kind: spread(seconds) for kind, seconds in sorted(load.seconds.items())}
