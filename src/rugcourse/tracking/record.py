"""Keeps opens and clicks of readers who agreed to that."""

from __future__ import annotations

from dataclasses import dataclass

from rugcourse.clock import Clock
from rugcourse.store import deliveries, events, subscribers
from rugcourse.store.database import Database
from rugcourse.store.tables import EventKind, EventRow, Verdict
from rugcourse.tracking.verdicts import BURST_LINKS, BURST_SECONDS, judge


@dataclass(frozen=True, slots=True)
class Request:
    """What is looked at to judge a request, and then forgotten."""

    method: str
    user_agent: str


def record_open(database: Database, clock: Clock, delivery_id: int, request: Request) -> None:
    """Keep that a mail's picture was fetched; nothing for readers who did not agree to measuring."""
    _record(database, clock, delivery_id, EventKind.OPEN, None, request)


def record_click(database: Database, clock: Clock, delivery_id: int, link: int, request: Request) -> None:
    """Keep that a link was followed. Many links of one mail within seconds are a scanner's, all of them."""
    _record(database, clock, delivery_id, EventKind.CLICK, link, request)


def _record(
    database: Database, clock: Clock, delivery_id: int, kind: EventKind, link: int | None, request: Request
) -> None:
    now = clock.now()
    with database.write() as session:
        found = subscribers.by_delivery(session, delivery_id)
        if found is None or not found[0].measuring:
            return
        verdict = judge(request.method, request.user_agent)
        events.add_event(session, EventRow(delivery_id=delivery_id, kind=kind, link=link, verdict=verdict, at=now))
        session.flush()
        since = now - clock.span(BURST_SECONDS)
        if kind == EventKind.CLICK and events.links_clicked_since(session, delivery_id, since) >= BURST_LINKS:
            events.judge_clicks_since(session, delivery_id, since, Verdict.MACHINE)
        if verdict == Verdict.HUMAN:
            deliveries.settle_by_evidence(session, delivery_id, now)
