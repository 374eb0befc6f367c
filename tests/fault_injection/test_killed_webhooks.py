"""Drill: a worker is killed while it tells other systems. Nothing is lost, and one person's events stay in order."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.support.builders import make_runtime, make_settings
from tests.support.webhook_receiver import Received, Reply, add_endpoint, make_dispatcher, receiver

from rugcourse.bootstrap import Runtime
from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.models import WebhookDeliveryRow, WebhookEndpointRow, WebhookEvent, WebhookState
from rugcourse.db.queries import webhook_events

KILLS = 10
PEOPLE = 60
EACH = 5
LEASE_SECONDS = 2.0


def send_and_die(runtime: Runtime, after_seconds: float) -> None:
    """Send in a process of its own, which is killed on the way."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            runtime.database.engine.dispose(close=False)
            make_dispatcher(runtime, lease_seconds=LEASE_SECONDS, total_seconds=1.0).send_due()
        os._exit(0)
    time.sleep(after_seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def first_of_each(received: list[Received]) -> dict[int, list[int]]:
    """Person → the numbers of their events, in the order in which each came first."""
    found: dict[int, list[int]] = {}
    for one in received:
        mine = found.setdefault(one.payload["data"]["subscriber_id"], [])
        number = int(one.id.split("_")[1])
        if number not in mine:
            mine.append(number)
    return found


def test_ten_kills_lose_nothing_and_keep_the_order_of_each_person(database: Database, tmp_path: Path) -> None:
    runtime = replace(make_runtime(database, make_settings(tmp_path)), clock=SystemClock())
    dice = random.Random(7)  # noqa: S311 - no secret
    with receiver() as there:
        there.reply = lambda _: Reply(200 if dice.random() > 0.05 else 400)
        add_endpoint(runtime, there.url)
        for _ in range(EACH):
            told = [(person, {"course": "c"}) for person in range(1, PEOPLE + 1)]
            runtime.database.run(webhook_events.note, WebhookEvent.CONFIRMED, runtime.clock.now(), told)
        for _ in range(KILLS):
            send_and_die(runtime, dice.uniform(0.1, 0.5))
        there.reply = lambda _: Reply(200)
        runtime.database.run(_make_all_due)
        until = time.monotonic() + 60
        while _waiting(runtime) and time.monotonic() < until:
            make_dispatcher(runtime, lease_seconds=LEASE_SECONDS, total_seconds=1.0).send_due()
            runtime.database.run(_make_all_due)
            time.sleep(0.2)
        found = first_of_each(there.received)
    assert _waiting(runtime) == 0
    assert set(found) == set(range(1, PEOPLE + 1)), "lost"
    assert all(len(numbers) == EACH for numbers in found.values()), "lost"
    assert all(numbers == sorted(numbers) for numbers in found.values()), "out of order"


def _make_all_due(session: Session) -> None:
    """End the waits of refused events; leases stay."""
    now = SystemClock().now()
    waits = (WebhookDeliveryRow.state == WebhookState.WAITING, WebhookDeliveryRow.lease.is_(None))
    session.execute(update(WebhookDeliveryRow).where(*waits).values(next_attempt_at=now))
    session.execute(update(WebhookEndpointRow).values(retry_at=None))


def _waiting(runtime: Runtime) -> int:
    with runtime.database.read() as session:
        waiting = select(WebhookDeliveryRow.id).where(WebhookDeliveryRow.state == WebhookState.WAITING)
        return len(session.scalars(waiting).all())
