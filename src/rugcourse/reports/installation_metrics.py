"""The figures of a whole installation for Prometheus, read from the database when it asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db import counters
from rugcourse.db.models import DeliveryQueue
from rugcourse.db.queries import deliveries, sending_holds
from rugcourse.metrics.exposition import MetricGauge
from rugcourse.reports.sending_state import sending_state

_DAYS = 7
# What a week's emails came to → how the counters name it.
_OUTCOMES = {"accepted": "mail accepted", "failed": "mail failed", "unknown": "mail unknown"}
_EVENTS = {"bounced": "event bounce ", "complained": "event complaint ", "unsubscribed": "event unsubscribe "}


def installation_gauges(session: Session, clock: Clock) -> list[MetricGauge]:
    """Return the gauges of an installation. Times are in seconds by its clock."""
    return [*_queues(session, clock), _holds(session), *_processes(session, clock), _last_week(session, clock)]


def _queues(session: Session, clock: Clock) -> Iterator[MetricGauge]:
    now = clock.now()
    waiting, since = deliveries.waiting_by_queue(session, now), deliveries.due_since(session, now)
    yield MetricGauge(
        "rugcourse_deliveries_waiting",
        "Emails that may go out now and have not, by queue.",
        ("queue",),
        {(one.value,): waiting.get(one, 0) for one in DeliveryQueue},
    )
    yield MetricGauge(
        "rugcourse_queue_age_seconds",
        "How long the oldest of them waits, by queue; 0 if none does.",
        ("queue",),
        {(one.value,): (now - since.get(one, now)).total_seconds() for one in DeliveryQueue},
    )


def _holds(session: Session) -> MetricGauge:
    counted = Counter(hold.key.partition(":")[0] for hold in sending_holds.all_holds(session))
    return MetricGauge(
        "rugcourse_holds",
        "Holds on sending, by what they hold.",
        ("scope",),
        {(scope,): counted[scope] for scope in ("all", "campaign", "domain")},
    )


def _processes(session: Session, clock: Clock) -> Iterator[MetricGauge]:
    now, state = clock.now(), sending_state(session, clock)
    yield MetricGauge(
        "rugcourse_processes_alive",
        "Processes with a heartbeat in the last minute, by kind.",
        ("kind",),
        {(one.kind,): one.alive for one in state.processes},
    )
    yield MetricGauge(
        "rugcourse_heartbeat_age_seconds",
        "How long ago the latest heartbeat of a kind of process was.",
        ("kind",),
        {(one.kind,): (now - one.seen_at).total_seconds() for one in state.processes},
    )


def _last_week(session: Session, clock: Clock) -> MetricGauge:
    counted: Counter[str] = Counter()
    for key, count in counters.since(session, (clock.now() - timedelta(days=_DAYS)).date()).items():
        for outcome, metric in _OUTCOMES.items():
            counted[outcome] += count if key.metric == metric else 0
        for outcome, begins in _EVENTS.items():
            counted[outcome] += count if key.metric.startswith(begins) else 0
    return MetricGauge(
        "rugcourse_week_emails",
        "Emails of the last seven days, by what they came to. Those that bounced were accepted first.",
        ("outcome",),
        {(outcome,): counted[outcome] for outcome in (*_OUTCOMES, *_EVENTS)},
    )
