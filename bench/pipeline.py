"""The whole pipeline on PostgreSQL and Redis: what is due is planned, claimed, written, sent and settled.

Two worker processes on the cores that they share with the database and the sink, against what Postfix's own load
generator reaches with messages of the same size against the same sink, measured just before and just after.
"""

from __future__ import annotations

import statistics
import threading
import time
from datetime import datetime
from typing import Any

from sqlalchemy import select
from tests.builders import make_pending

from bench import postfix
from bench.rendering import mean_lesson_bytes
from bench.site import WORKERS, Site, open_site
from rugcourse.store.tables import DeliveryKind, DeliveryRow, Queue
from rugcourse.worker.app import create_app, ringer

SAME_MINUTE = 10_000
MANY = 100_000
WAITING = 15


def measure_pipeline() -> dict[str, Any]:
    """Throughput, lateness, mail that a person waits for, and the workers' memory."""
    with postfix.sink() as port, open_site(port, SAME_MINUTE) as site:
        late, waiting = _same_minute(site)
        size = mean_lesson_bytes(number=1)
        site.add_readers(MANY)
        before = postfix.source_rate(port, size)
        rate, memory = _many(site)
        after = postfix.source_rate(port, size)
    source = statistics.mean([before, after]) if before and after else None
    return {
        "message_bytes": size,
        "workers": WORKERS,
        "smtp_source_per_second": _rounded(source),
        "ours_per_second": round(rate),
        "ratio": round(rate / source, 3) if source else "not measured: Postfix's smtp-source is not installed",
        "target_ratio": 0.7,
        "same_minute": {"due": SAME_MINUTE, "lateness_seconds": late},
        "waiting_mail_seconds": waiting,
        "memory_mb": memory,
    }


def _same_minute(site: Site) -> tuple[dict[str, float], dict[str, float]]:
    """10,000 due at once: how late each was accepted; and, meanwhile, how long those waited who had just signed up."""
    ring = ringer(create_app(site.runtime.settings))
    stop = threading.Event()

    def sign_people_up() -> None:
        for _ in range(WAITING):
            make_pending(site.runtime)
            ring(Queue.WAITING)
            if stop.wait(0.1):
                return

    people = threading.Thread(target=sign_people_up)
    released = site.release()
    people.start()
    site.wait_accepted(SAME_MINUTE)
    stop.set()
    people.join()
    time.sleep(1)
    return _lateness(site, released), _waited(site)


def _lateness(site: Site, released: datetime) -> dict[str, float]:
    with site.runtime.database.read() as session:
        settled = session.scalars(
            select(DeliveryRow.settled_at).where(
                DeliveryRow.kind == DeliveryKind.LESSON, DeliveryRow.planned_at >= released
            )
        ).all()
    return _percentiles([(one - released).total_seconds() for one in settled if one is not None])


def _waited(site: Site) -> dict[str, float]:
    with site.runtime.database.read() as session:
        rows = session.execute(
            select(DeliveryRow.planned_at, DeliveryRow.settled_at).where(DeliveryRow.kind == DeliveryKind.CONFIRM)
        ).all()
    return {
        "mails": len(rows),
        "target_max": 2,
        **_percentiles([(b - a).total_seconds() for a, b in rows if b is not None]),
    }


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "p50": round(statistics.median(ordered), 2),
        "p99": round(ordered[int(len(ordered) * 0.99)], 2),
        "max": round(ordered[-1], 2),
    }


def _many(site: Site) -> tuple[float, dict[str, Any]]:
    """Lessons a second over 100,000, and each worker's memory after every tenth."""
    memory = [site.memory_mb()]
    done = site.accepted()
    begun = time.perf_counter()
    site.release()
    for tenth in range(1, 11):
        site.wait_accepted(done + MANY * tenth // 10)
        memory.append(site.memory_mb())
    rate = MANY / (time.perf_counter() - begun)
    highest = [max(each) for each in memory]
    return rate, {"after_each_tenth": [round(one) for one in highest], "max": round(max(highest)), "target_max": 150}


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
