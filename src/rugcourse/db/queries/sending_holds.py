"""Queries for holds and rate limits, which all workers share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from rugcourse.db.bulk import count, upsert
from rugcourse.db.models import CampaignRow, HoldRow, RateLimitBucketRow

ALL = "all"


@dataclass(slots=True)
class TokenBucket:
    """The remaining tokens of a rate limit at an instant (UTC)."""

    tokens: float
    filled_at: datetime


def campaign_key(campaign_id: int) -> str:
    return f"campaign:{campaign_id}"


def domain_key(domain: str) -> str:
    return f"domain:{domain}"


def all_holds(session: Session) -> Sequence[HoldRow]:
    """Return all holds, oldest first, including expired ones that wait for a success to be removed."""
    return session.scalars(select(HoldRow).order_by(HoldRow.since)).all()


def held_domains(session: Session, now: datetime) -> set[str]:
    """Return the recipients' domains that are held."""
    prefix = domain_key("")
    return {
        one.key.removeprefix(prefix)
        for one in all_holds(session)
        if one.key.startswith(prefix) and (one.until is None or one.until > now)
    }


def find_hold(session: Session, key: str, *, lock: bool = False) -> HoldRow | None:
    return session.get(HoldRow, key, with_for_update=True if lock else None)


def add_hold(session: Session, key: str, reason: str, now: datetime, until: datetime | None) -> bool:
    """Add a hold; returns False if there is one already."""
    added = session.execute(
        upsert(session, HoldRow)
        .values(key=key, reason=reason, since=now, until=until, consecutive=1)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(HoldRow.key)
    )
    return added.first() is not None


def hold_indefinitely(session: Session, key: str, reason: str, now: datetime) -> bool:
    """Hold until an admin releases it; returns False if it was already held that way."""
    values = {"reason": reason, "since": now, "until": None}
    held = session.execute(
        upsert(session, HoldRow)
        .values(key=key, consecutive=1, **values)
        .on_conflict_do_update(index_elements=["key"], set_=values, where=HoldRow.until.is_not(None))
        .returning(HoldRow.key)
    )
    return held.first() is not None


def release_holds(session: Session, keys: Collection[str], *, also_of_operators: bool) -> list[str]:
    """Remove holds; returns the keys of those that existed. Only an admin can release an admin's hold."""
    query = delete(HoldRow).where(HoldRow.key.in_(keys)).execution_options(synchronize_session=False)
    if not also_of_operators:
        query = query.where(HoldRow.until.is_not(None))
    return list(session.scalars(query.returning(HoldRow.key)))


def lock_buckets(session: Session, keys: Iterable[str]) -> dict[str, TokenBucket]:
    """Lock and return the existing buckets with these keys."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    rows = session.scalars(
        select(RateLimitBucketRow)
        .where(RateLimitBucketRow.key.in_(wanted))
        .order_by(RateLimitBucketRow.key)
        .with_for_update()
    )
    return {row.key: TokenBucket(row.tokens, row.filled_at) for row in rows}


def save_buckets(session: Session, buckets: Mapping[str, TokenBucket]) -> None:
    for key, bucket in sorted(buckets.items()):
        values = {"tokens": bucket.tokens, "filled_at": bucket.filled_at}
        session.execute(
            upsert(session, RateLimitBucketRow)
            .values(key=key, **values)
            .on_conflict_do_update(index_elements=["key"], set_=values)
        )


def campaign_limits(session: Session) -> dict[int, int]:
    """Return campaign id → lessons per minute, for campaigns with a limit."""
    rows = session.execute(
        select(CampaignRow.id, CampaignRow.rate_per_minute).where(CampaignRow.rate_per_minute.is_not(None))
    )
    return {campaign_id: limit for campaign_id, limit in rows if limit is not None}


def set_campaign_limit(session: Session, campaign_id: int, per_minute: int | None) -> bool:
    """Set or remove a campaign's limit; returns False if there is no such campaign."""
    result = session.execute(
        update(CampaignRow)
        .where(CampaignRow.id == campaign_id)
        .values(rate_per_minute=per_minute)
        .execution_options(synchronize_session=False)
    )
    return count(result) == 1
