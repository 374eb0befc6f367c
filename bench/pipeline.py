"""The whole pipeline on PostgreSQL and Redis: what is due is planned, claimed, written, sent and settled.

Two worker processes on the cores that they share with the database and the sink, against what Postfix's own load
generator reaches with messages of the same size against the same sink, measured just before and just after.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import func, select
from tests.support.builders import make_pending

from bench import postfix
from bench.naive import naive_rate
from bench.rendering import mean_lesson_bytes
from bench.site import WORKERS, Site, open_site
from rugcourse.db.models import DeliveryKind, DeliveryQueue, DeliveryRow
from rugcourse.worker.celery_app import create_app, make_notifier

SAME_MINUTE = 10_000
MANY = 120_000
ROUNDS = 2
SIGNED = 20_000
WAITING = 15


def measure_pipeline() -> dict[str, Any]:
    """Throughput, lateness, mail that a person waits for, and the workers' memory; and the naive way beside it."""
    with postfix.sink() as (port, sink_pid), open_site(port, SAME_MINUTE) as site:
        late, waiting = _same_minute(site)
        size = mean_lesson_bytes(number=1)
        source = _source(port, size)
        rates, memory, spent = [], [], []
        version = site.database_version()
        before = site.cpu_seconds(sink_pid)
        for _ in range(ROUNDS):
            rates.append(_rate_of(site, MANY // ROUNDS, memory))
            after = site.cpu_seconds(sink_pid)
            spent = [{name: after[name] - before[name] for name in after}, *spent]
            source.append(_source(port, size)[0])
            before = site.cpu_seconds(sink_pid)
        naive = WORKERS * naive_rate(site.runtime, port)  # as if each process went on as fast as one alone
    with_dkim = _with_dkim()
    ours = statistics.median(rates)
    return {
        "message_bytes": size,
        "workers": WORKERS,
        "rounds": ROUNDS,
        "smtp_source_per_second": [_rounded(one) for one in source],
        "ours_per_second": [round(one) for one in rates],
        "ratio": _ratio(rates, source),
        "target_ratio": 0.7,
        "database": version,
        "cpu_seconds_for_10000_messages": {
            name: round(10_000 * statistics.median(one[name] for one in spent) / (MANY // ROUNDS), 2)
            for name in spent[0]
        },
        "naive_per_second": round(naive, 1),
        "times_faster_than_naive": round(ours / naive, 1),
        "target_times_faster": 20,
        "with_dkim_rsa_2048": with_dkim,
        "same_minute": {"due": SAME_MINUTE, "lateness_seconds": late},
        "waiting_mail_seconds": waiting,
        "memory_mb": {"each_round_highest_worker": memory, "max": max(memory), "target_max": 150},
    }


def _with_dkim() -> dict[str, Any]:
    """The same with an RSA-2048 signature on each message."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "key.pem"
        key = rsa.generate_private_key(65537, 2048)
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with postfix.sink() as (port, _), open_site(port, 100, dkim_keys=f"bench={file}") as site:
            site.release()
            site.wait_accepted(100)  # the workers are warm
            size = mean_lesson_bytes(number=1)
            source = _source(port, size)
            rate = _rate_of(site, SIGNED, [])
            source += _source(port, size)
    return {
        "ours_per_second": round(rate),
        "smtp_source_per_second": [_rounded(one) for one in source],
        "ratio": _ratio([rate], source),
        "target_ratio": 0.3,
    }


def _source(port: int, size: int) -> list[float | None]:
    return [postfix.source_rate(port, size)]


def _ratio(ours: list[float], source: list[float | None]) -> float | str:
    """The median of ours over the median of Postfix's own."""
    known = [one for one in source if one is not None]
    if not known:
        return "not measured: Postfix's smtp-source is not installed (Debian: apt install postfix)"
    return round(statistics.median(ours) / statistics.median(known), 3)


def _same_minute(site: Site) -> tuple[dict[str, float], dict[str, float]]:
    """10,000 due at once: how late each was accepted; and, meanwhile, how long those waited who had just signed up."""
    notify_worker = make_notifier(create_app(site.runtime.settings))
    stop = threading.Event()

    def sign_people_up() -> None:
        for _ in range(WAITING):
            make_pending(site.runtime)
            notify_worker(DeliveryQueue.TRANSACTIONAL)
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


def _rate_of(site: Site, readers: int, memory: list[int]) -> float:
    """Lessons a second, from the first that is planned to the last that is settled; appends the highest memory seen."""
    site.add_readers(readers)
    before = site.accepted()
    begun = site.release()
    highest = 0.0
    time.sleep(2)
    while site.is_busy():
        highest = max(highest, *site.memory_mb())
        time.sleep(0.5)
    assert site.accepted() == before + readers
    memory.append(round(highest))
    with site.runtime.database.read() as session:
        first, last = session.execute(
            select(func.min(DeliveryRow.planned_at), func.max(DeliveryRow.settled_at)).where(
                DeliveryRow.kind == DeliveryKind.LESSON, DeliveryRow.planned_at >= begun
            )
        ).one()
    return readers / float((last - first).total_seconds())


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
