"""Takes over the deliveries of dead workers, and settles the results that they had journalled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from rugcourse.clock import Clock
from rugcourse.db.engine import Database, DatabaseAway
from rugcourse.db.models import DeliveryState
from rugcourse.db.queries import claims, results
from rugcourse.db.queries.results import Settlement
from rugcourse.delivery.failures import OnRejection, settle_failure
from rugcourse.delivery.journal import LeaseRecord, dead_journals, read_records

log = structlog.get_logger()

_NO_ANSWER = "the worker that was sending it ended before the server answered"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was recovered from dead workers.

    `settled`: number of journalled replies. `given_back`: number of deliveries returned to planned. `unknown`: ids of
    deliveries that may have been sent.
    """

    settled: int = 0
    given_back: int = 0
    unknown: tuple[int, ...] = ()


def settle_journals(database: Database, clock: Clock, folder: Path, on_rejection: OnRejection) -> Recovered:
    """Settle the journals of dead processes. A worker does this before it takes new work. Raises DatabaseAway.

    Deliveries with a reply get its result; those never begun go back to planned; those begun without a reply become
    unknown. A journal with unreadable lines is settled as far as possible, renamed and logged, and the worker starts:
    nothing from it goes out again unless that is certain to be safe.
    """
    settled, given_back = 0, 0
    unknown: list[int] = []
    with dead_journals(folder) as journals:
        for path in journals:
            try:
                records = read_records(path)
                found = _settle(database, clock, records.leases, on_rejection)
            except DatabaseAway:
                raise
            except Exception:
                log.exception("journal_not_settled", file=path.name)
                _set_aside(path)
                continue
            settled, given_back = settled + found.settled, given_back + found.given_back
            unknown += found.unknown
            if records.intact:
                path.unlink(missing_ok=True)
            else:
                _set_aside(path)
    return Recovered(settled, given_back, tuple(unknown))


def _set_aside(path: Path) -> None:
    aside = path.with_suffix(".unreadable")
    log.error("journal_set_aside", file=str(aside))
    path.replace(aside)


def _settle(database: Database, clock: Clock, leases: Sequence[LeaseRecord], on_rejection: OnRejection) -> Recovered:
    """Settle the leases of one journal: each failure in its own transaction, the rest in one."""
    settled, given_back, unknown = 0, 0, []
    for record in leases:
        for failure in (one for one in _replies(record, clock.now()) if one.state == DeliveryState.FAILED):
            with database.write() as session:
                settled += settle_failure(session, record.lease, failure, clock.now(), on_rejection)
    with database.write() as session:
        for record in leases:
            others = [one for one in _replies(record, clock.now()) if one.state != DeliveryState.FAILED]
            settled += results.record_results(session, record.lease, others, clock.now())
            given_back += claims.return_to_planned(
                session, record.lease, record.not_started, clock.now(), "its worker ended before it was begun"
            )
            unknown += results.mark_unknown(session, record.lease, record.maybe_sent, clock.now(), _NO_ANSWER)
            claims.release(session, record.lease)
    return Recovered(settled, given_back, tuple(unknown))


def expire_leases(database: Database, clock: Clock) -> list[int]:
    """Mark deliveries under expired leases as unknown, never as planned; returns their ids."""
    with database.write() as session:
        return results.expire_leases(session, clock.now())


def _replies(record: LeaseRecord, now: datetime) -> list[Settlement]:
    return [
        Settlement(delivery_id, state, words, not_before=now if state == DeliveryState.PLANNED else None)
        for delivery_id, (state, words) in record.replies.items()
    ]
