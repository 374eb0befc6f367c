"""Rate limits: how many mails go out per minute and per day.

Limits are token buckets: each lesson takes a token from every bucket that applies to it, and buckets refill over time.
They are stored in the database and locked during a claim, so they apply to all workers together. Mail that a person
waits for takes tokens too, but is never delayed by a bucket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.models import DeliveryQueue
from rugcourse.db.queries import campaigns, sending_holds
from rugcourse.db.queries.claims import DeliveryJob
from rugcourse.db.queries.sending_holds import ALL, TokenBucket, campaign_key, domain_key

_BURST_SECONDS = 20.0  # the capacity of a bucket, in seconds of its limit
_SECONDS_PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The warm-up of a new sender: `count` mails on the first day, and each day `growth` times the day before."""

    first_day: date
    count: int
    growth: float

    def cap(self, day: date) -> int | None:
        """Return how many mails may go out on a day (UTC); None before the warm-up begins."""
        age = (day - self.first_day).days
        return None if age < 0 else int(self.count * self.growth ** min(age, 60))


@dataclass(frozen=True, slots=True)
class SendLimits:
    """The limits from the settings: `per_minute` for all mail, `domains` by the recipient's domain (per minute)."""

    per_minute: int | None = None
    domains: Mapping[str, int] = field(default_factory=dict)
    warm_up: WarmUp | None = None


@dataclass(slots=True)
class RateLimiter:
    """Decides which deliveries may go out. `held`: keys of active holds; `stale`: keys of expired holds."""

    held: set[str]
    stale: set[str]
    buckets: dict[str, TokenBucket]

    @property
    def closed(self) -> bool:
        return ALL in self.held

    def exhausted(self) -> set[str]:
        """Return the keys of empty buckets."""
        return {key for key, bucket in self.buckets.items() if bucket.tokens < 1}

    def admit(self, queue: DeliveryQueue, candidates: Sequence[DeliveryJob]) -> list[DeliveryJob]:
        """Return the deliveries that may go out, and take their tokens."""
        if not self.buckets:
            return list(candidates)
        admitted = []
        for one in candidates:
            mine = [self.buckets[key] for key in _keys(one) if key in self.buckets]
            if queue == DeliveryQueue.LESSONS and any(bucket.tokens < 1 for bucket in mine):
                continue
            for bucket in mine:
                bucket.tokens -= 1
            admitted.append(one)
        return admitted


_SENDING = "sending"
_TODAY = "today"


def load_rate_limiter(session: Session, limits: SendLimits, clock: Clock) -> RateLimiter:
    """Read the holds, and refill the buckets, which stay locked until the transaction ends."""
    now = clock.now()
    holds = sending_holds.all_holds(session)
    held = {one.key for one in holds if one.until is None or one.until > now}
    stale = {one.key for one in holds} - held
    held |= {campaign_key(one) for one in campaigns.halted(session)}
    per_minute = {domain_key(domain): float(limit) for domain, limit in limits.domains.items()}
    per_minute |= {campaign_key(one): float(limit) for one, limit in sending_holds.campaign_limits(session).items()}
    if limits.per_minute is not None:
        per_minute[_SENDING] = float(limits.per_minute)
    cap = limits.warm_up.cap(now.date()) if limits.warm_up else None
    keys = set(per_minute) | ({_TODAY} if cap is not None else set())
    buckets = sending_holds.lock_buckets(session, keys)
    second = clock.span(1)
    for key, limit in per_minute.items():
        buckets[key] = _fill(buckets.get(key), limit / _SECONDS_PER_MINUTE, now, second)
    if cap is not None:
        today = buckets.get(_TODAY)
        if today is None or today.filled_at.date() != now.date():
            buckets[_TODAY] = TokenBucket(float(cap), now)
    return RateLimiter(held, stale, buckets)


def _fill(bucket: TokenBucket | None, per_second: float, now: datetime, second: timedelta) -> TokenBucket:
    most = max(1.0, per_second * _BURST_SECONDS)
    if bucket is None:
        return TokenBucket(max(1.0, per_second), now)
    gained = per_second * max(0.0, (now - bucket.filled_at) / second)
    return TokenBucket(min(most, bucket.tokens + gained), now)


def _keys(candidate: DeliveryJob) -> Iterator[str]:
    yield _SENDING
    yield _TODAY
    yield campaign_key(candidate.campaign_id)
    yield domain_key(candidate.domain)
