"""Holds: sending is stopped for everything, a campaign, or a recipient's domain.

An automatic hold expires after a while, which gets longer each time; it is removed when mail gets through again. A
hold by an admin, or one that an admin has to look at, lasts until an admin releases it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.models import AuditAction
from rugcourse.db.queries import admins, heartbeats, sending_holds
from rugcourse.db.queries.sending_holds import ALL, domain_key
from rugcourse.delivery import retry

log = structlog.get_logger()
EVERYTHING = ALL  # the key of the hold on all sending


def is_closed(session: Session, now: datetime) -> bool:
    """Whether everything is held."""
    return is_held(session, ALL, now)


def is_held(session: Session, key: str, now: datetime) -> bool:
    """Whether what `key` names is held."""
    row = sending_holds.find_hold(session, key)
    return row is not None and (row.until is None or row.until > now)


def hold(
    session: Session, key: str, reason: str, now: datetime, first: timedelta, longest: timedelta
) -> datetime | None:
    """Hold `key` for `first`, or twice as long as the last time, up to `longest`. Logs only the first time.

    Returns until when it is held, or None for a hold until an admin releases it.
    """
    row = sending_holds.find_hold(session, key, lock=True)
    if row is None:
        if sending_holds.add_hold(session, key, reason, now, now + first):
            log.error("sending_held", what=key, until=str(now + first), reason=reason)
        return now + first
    if row.until is not None and row.until <= now:
        row.consecutive += 1
        row.reason = reason
        row.until = now + min(longest, first * 2 ** min(row.consecutive - 1, 16))
    return row.until


def hold_domain(session: Session, clock: Clock, domain: str, words: str) -> None:
    """Hold a domain that refuses our mail by policy: for an hour, twice as long each time, at most a day."""
    now = clock.now()
    hold(session, domain_key(domain), words, now, *(clock.span(seconds) for seconds in retry.POLICY_HOLD_SECONDS))


def hold_until_released(session: Session, reason: str, now: datetime) -> None:
    """Hold everything until an admin releases it."""
    if sending_holds.hold_indefinitely(session, ALL, reason, now):
        log.error("sending_held_until_resumed", reason=reason)


def release(session: Session, now: datetime, key: str, admin_id: int | None = None) -> bool:
    """Release a hold, by an admin. Returns False if `key` was not held."""
    if key == ALL:
        if sending_holds.find_hold(session, ALL) is not None:
            heartbeats.move_numbers_on(session)
        heartbeats.keep_identity(session, heartbeats.identity(session))
    lifted = sending_holds.release_holds(session, [key], also_of_operators=True)
    if lifted and admin_id is not None:
        admins.record_change(session, now, admin_id, AuditAction.SENDING_RESUME, key)
    log.warning("sending_resumed", what=key, at=str(now))
    return bool(lifted)


def hold_by_admin(session: Session, now: datetime, key: str, reason: str) -> None:
    """Hold everything, a campaign or a domain, until an admin runs `sending resume`."""
    sending_holds.hold_indefinitely(session, key, reason, now)
