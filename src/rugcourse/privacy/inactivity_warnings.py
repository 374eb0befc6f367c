"""Warns inactive readers by mail two weeks before their data is erased.

A reader who then requests a link to their own page gets a mail, from which the period starts again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import SubscriberRow, SubscriberStatus
from rugcourse.db.queries import erasure
from rugcourse.db.queries.subscribers import LOCK
from rugcourse.delivery import holds
from rugcourse.enrolment.preferences import UNDO_DAYS
from rugcourse.privacy.retention import Retention

WARNED_DAYS = 14
_PER_NIGHT = 2000  # rate limits of domains do not apply to these mails
_MAX_REFUSED = 10  # before giving up until the next night

Send = Callable[[str, str], bool]  # (address, language) → whether the mail server took it


def warn(database: Database, clock: Clock, retention: Retention, send: Send) -> int:
    """Warn readers whose data will be erased in two weeks, each once. Returns how many. Does nothing while sending is
    on hold.
    """
    with database.read() as session:
        found = [] if holds.is_closed(session, clock.now()) else _nearly_over(session, clock.now(), retention)
    warned = refused = 0
    for subscriber_id in found:
        if refused == _MAX_REFUSED:
            break
        was_told = _warn_one(database, clock, subscriber_id, send)
        warned, refused = warned + was_told, refused + (not was_told)
    return warned


def _nearly_over(session: Session, now: datetime, retention: Retention) -> list[int]:
    finished = partial(erasure.finished, left=now - timedelta(days=UNDO_DAYS))
    ends = ((finished, retention.finished_days), (erasure.idle, retention.idle_days))
    return [
        subscriber_id
        for find, days in ends
        for subscriber_id in partial(find, unwarned=True)(session, now - timedelta(days=days - WARNED_DAYS), _PER_NIGHT)
    ]


def _warn_one(database: Database, clock: Clock, subscriber_id: int, send: Send) -> bool:
    """Warn one reader. The warning is stored before it is sent, so that a crash causes no second one; if the mail
    server refuses it, it is retried the next night.
    """
    with database.write() as session:
        person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK)
        if person is None or person.status != SubscriberStatus.ACTIVE:
            return False
        before, person.warned_at = person.warned_at, clock.now()
        address, language = person.email, person.language
    if send(address, language):
        return True
    with database.write() as session:
        person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK)
        if person is not None:
            person.warned_at = before
    return False
