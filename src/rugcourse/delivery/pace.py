"""How fast, and whether at all: limits per minute and per day, and holds.

Limits are buckets of tokens: each lesson takes one from every bucket that concerns it, and they fill by themselves.
They stand in the store and are locked by whoever claims, so they hold for all workers together. Mail that a person
waits for takes its tokens too, but is never held up by a bucket.

A hold stops everything, a campaign, or a recipient's domain. One that we placed ourselves ends after a while, longer
each time; when mail gets through again it is forgotten. One that an operator placed ends when an operator says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.store import pacing
from rugcourse.store.deliveries import Outgoing
from rugcourse.store.pacing import ALL, Bucket, campaign_key, domain_key
from rugcourse.store.tables import Queue

log = structlog.get_logger()

_BURST_SECONDS = 20.0  # how much of a limit can be saved up
_SECONDS_PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A sender nobody knows yet: so many on the first day, and each day `growth` times as many as the day before."""

    first_day: date
    count: int
    growth: float

    def cap(self, day: date) -> int | None:
        """How many may go out on a day (UTC); None before it begins."""
        age = (day - self.first_day).days
        return None if age < 0 else int(self.count * self.growth ** min(age, 60))


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings allow: `per_minute` for all our mail, `domains` by the recipient's domain."""

    per_minute: int | None = None
    domains: Mapping[str, int] = field(default_factory=dict)
    warm_up: WarmUp | None = None


@dataclass(slots=True)
class Gate:
    """What may pass at one moment. `held`: keys of what may not; `stale`: holds whose time is over."""

    held: set[str]
    stale: set[str]
    buckets: dict[str, Bucket]

    @property
    def closed(self) -> bool:
        return ALL in self.held

    def exhausted(self) -> set[str]:
        """Keys of campaigns and domains that have had their share for now."""
        return {key for key, bucket in self.buckets.items() if bucket.tokens < 1}

    def admit(self, queue: Queue, candidates: Sequence[Outgoing]) -> list[Outgoing]:
        """Those that may go, each with its tokens taken."""
        if not self.buckets:
            return list(candidates)
        admitted = []
        for one in candidates:
            mine = [self.buckets[key] for key in _keys(one) if key in self.buckets]
            if queue == Queue.LESSONS and any(bucket.tokens < 1 for bucket in mine):
                continue
            for bucket in mine:
                bucket.tokens -= 1
            admitted.append(one)
        return admitted


_SENDING = "sending"
_TODAY = "today"


def open_gate(session: Session, limits: Limits, clock: Clock) -> Gate:
    """Look at holds, and fill and lock the buckets, until the transaction ends."""
    now = clock.now()
    holds = pacing.all_holds(session)
    held = {one.key for one in holds if one.until is None or one.until > now}
    per_minute = {domain_key(domain): float(limit) for domain, limit in limits.domains.items()}
    per_minute |= {campaign_key(one): float(limit) for one, limit in pacing.campaign_limits(session).items()}
    if limits.per_minute is not None:
        per_minute[_SENDING] = float(limits.per_minute)
    cap = limits.warm_up.cap(now.date()) if limits.warm_up else None
    keys = set(per_minute) | ({_TODAY} if cap is not None else set())
    buckets = pacing.lock_buckets(session, keys)
    second = clock.span(1)
    for key, limit in per_minute.items():
        buckets[key] = _fill(buckets.get(key), limit / _SECONDS_PER_MINUTE, now, second)
    if cap is not None:
        today = buckets.get(_TODAY)
        if today is None or today.filled_at.date() != now.date():
            buckets[_TODAY] = Bucket(float(cap), now)
    return Gate(held, {one.key for one in holds} - held, buckets)


def is_closed(session: Session, now: datetime) -> bool:
    """Whether everything is held."""
    everything = pacing.find_hold(session, ALL)
    return everything is not None and (everything.until is None or everything.until > now)


def hold(
    session: Session, key: str, reason: str, now: datetime, first: timedelta, longest: timedelta
) -> datetime | None:
    """Stop what `key` names, for `first`, or twice as long as the time before; tells the log the first time only.

    Returns until when it is held; None: until an operator says go.
    """
    row = pacing.find_hold(session, key, lock=True)
    if row is None:
        if pacing.add_hold(session, key, reason, now, now + first):
            log.error("sending is held", what=key, until=str(now + first), reason=reason)
        return now + first
    if row.until is not None and row.until <= now:
        row.times += 1
        row.reason = reason
        row.until = now + min(longest, first * 2 ** min(row.times - 1, 16))
    return row.until


def _fill(bucket: Bucket | None, per_second: float, now: datetime, second: timedelta) -> Bucket:
    most = max(1.0, per_second * _BURST_SECONDS)
    if bucket is None:
        return Bucket(max(1.0, per_second), now)
    gained = per_second * max(0.0, (now - bucket.filled_at) / second)
    return Bucket(min(most, bucket.tokens + gained), now)


def _keys(candidate: Outgoing) -> Iterator[str]:
    yield _SENDING
    yield _TODAY
    yield campaign_key(candidate.campaign_id)
    yield domain_key(candidate.domain)
