"""Takes back what dead workers held, and settles what they had found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.delivery.journal import LeaseRecord, dead_journals, read_records
from rugcourse.store import deliveries
from rugcourse.store.database import Database, DatabaseAway
from rugcourse.store.deliveries import Settlement
from rugcourse.store.tables import DeliveryState

log = structlog.get_logger()

_NO_ANSWER = "the worker that was sending it ended before the server answered"


@dataclass(frozen=True, slots=True)
class Recovered:
    """`settled`: answers that a dead worker had journalled; `unknown`: the ids that nobody can be sure about."""

    settled: int = 0
    given_back: int = 0
    unknown: tuple[int, ...] = ()


def settle_journals(database: Database, clock: Clock, folder: Path) -> Recovered:
    """Settle the journals of dead processes. A worker does this before it takes new work.

    Answered is what the answer was; never begun goes back to planned; begun without an answer is unknown. A journal
    that can't be settled is set aside under another name and told to the log: what it held becomes unknown when its
    lease runs out, and the worker starts. Raises DatabaseAway.
    """
    settled, given_back = 0, 0
    unknown: list[int] = []
    with dead_journals(folder) as journals:
        for path in journals:
            try:
                found = _settle(database, clock, read_records(path))
            except DatabaseAway:
                raise
            except Exception:
                aside = path.with_suffix(".unreadable")
                log.exception("a journal can't be settled and is set aside", file=str(aside))
                path.replace(aside)
                continue
            settled, given_back = settled + found.settled, given_back + found.given_back
            unknown += found.unknown
            path.unlink(missing_ok=True)
    return Recovered(settled, given_back, tuple(unknown))


def _settle(database: Database, clock: Clock, records: Sequence[LeaseRecord]) -> Recovered:
    """The leases of one journal, in one transaction."""
    settled, given_back, unknown = 0, 0, []
    with database.write() as session:
        for record in records:
            settled += _settle_replies(session, record, clock.now())
            begun = record.begun | set(record.replies)
            never_begun = [one for one in record.submitted if one not in begun]
            given_back += deliveries.give_back(
                session, record.lease, never_begun, clock.now(), "its worker ended before it was begun"
            )
            doubtful = [one for one in record.submitted if one in begun and one not in record.replies]
            unknown += deliveries.doubt(session, record.lease, doubtful, clock.now(), _NO_ANSWER)
            deliveries.release(session, record.lease)
    return Recovered(settled, given_back, tuple(unknown))


def expire_leases(database: Database, clock: Clock) -> list[int]:
    """Call unknown what silent workers hold, never planned; returns the ids."""
    with database.write() as session:
        return deliveries.expire_leases(session, clock.now())


def _settle_replies(session: Session, record: LeaseRecord, now: datetime) -> int:
    return deliveries.settle(
        session,
        record.lease,
        [
            Settlement(delivery_id, state, words, not_before=now if state == DeliveryState.PLANNED else None)
            for delivery_id, (state, words) in record.replies.items()
        ],
        now,
    )
