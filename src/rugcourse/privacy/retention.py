"""Forgets in time what is no longer needed; the privacy page says the same days to everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.links import Signer
from rugcourse.privacy.erase import erase_in
from rugcourse.store import campaigns, drafts, erasing
from rugcourse.store.database import Database

_BATCH = 200
_EVENTS_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days what is kept."""

    unconfirmed_days: int
    measured_days: int
    left_days: int
    finished_days: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many of each were forgotten."""

    attempts: int
    unconfirmed: int
    measured: int
    left: int
    finished: int
    drafts: int


def forget(database: Database, clock: Clock, signer: Signer, retention: Retention) -> Forgotten:
    """Forget all whose time has come, a batch with each transaction. Doing it twice does no harm."""

    def before(days: int) -> datetime:
        return clock.now() - timedelta(days=days)

    with database.write() as session:
        attempts = erasing.forget_attempts(session, before(retention.unconfirmed_days))
    return Forgotten(
        attempts=attempts,
        unconfirmed=_erase_all(
            database, clock, signer, erasing.unconfirmed, before(retention.unconfirmed_days), keep_hash=False
        ),
        measured=_forget_events(database, before(retention.measured_days)),
        left=_erase_all(
            *(database, clock, signer),
            partial(erasing.gone, asked=before(retention.unconfirmed_days)),
            before(retention.left_days),
        ),
        finished=_erase_all(database, clock, signer, erasing.finished, before(retention.finished_days)),
        drafts=_forget_drafts(database, before(drafts.DISCARDED_DAYS)),
    )


def _erase_all(
    database: Database,
    clock: Clock,
    signer: Signer,
    find: Callable[[Session, datetime, int], list[int]],
    before: datetime,
    *,
    keep_hash: bool = True,
) -> int:
    total = 0
    while True:
        with database.write() as session:
            found = find(session, before, _BATCH)
            for subscriber_id in found:
                erase_in(session, clock, signer, subscriber_id, keep_hash=keep_hash)
        total += len(found)
        if len(found) < _BATCH:
            return total


def _forget_events(database: Database, before: datetime) -> int:
    total = 0
    while True:
        with database.write() as session:
            forgotten = erasing.forget_events(session, before, _EVENTS_BATCH)
        total += forgotten
        if forgotten < _EVENTS_BATCH:
            return total


def _forget_drafts(database: Database, before: datetime) -> int:
    """Drafts of lessons and campaigns that were discarded."""
    with database.write() as session:
        return drafts.forget_discarded(session, before) + campaigns.forget_discarded(session, before)
