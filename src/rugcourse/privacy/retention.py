"""Deletes data when its retention period ends, as `rugcourse.privacy.inventory` declares.

The privacy page states the same periods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import BOUNCE, DISCARDED_DAYS, SuppressionRow
from rugcourse.db.queries import (
    address_changes,
    api_tokens,
    campaigns,
    erasure,
    lesson_drafts,
    subscribers,
    webhook_deliveries,
)
from rugcourse.db.queries.admins import LONGEST_SESSION_DAYS, SECURITY_EVENT_DAYS
from rugcourse.db.queries.webhook_deliveries import KEPT_DAYS
from rugcourse.delivery.restore_guard import KEPT_DAYS as PROCESS_DAYS
from rugcourse.enrolment.new_address import VALID
from rugcourse.enrolment.preferences import UNDO_DAYS
from rugcourse.enrolment.signup import CONFIRMATION_WINDOW
from rugcourse.links import Signer
from rugcourse.privacy.erase import erase
from rugcourse.settings import Settings

_BATCH = 200
_EVENTS_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Retention:
    """Retention periods in days. Those with a default are not configurable."""

    unconfirmed_days: int
    measured_days: int
    left_days: int
    finished_days: int
    idle_days: int
    bounced_days: int
    bounce_mail_days: int
    suppressed_days: int
    remark_days: int
    log_days: int
    job_days: int
    withdrawal_days: int
    asked_days: int = field(default=CONFIRMATION_WINDOW.days, init=False)
    security_days: int = field(default=SECURITY_EVENT_DAYS, init=False)
    session_days: int = field(default=LONGEST_SESSION_DAYS, init=False)
    webhook_days: int = field(default=KEPT_DAYS, init=False)
    process_days: int = field(default=PROCESS_DAYS, init=False)

    @classmethod
    def of(cls, settings: Settings) -> Retention:
        return cls(
            unconfirmed_days=settings.keep_unconfirmed_days,
            measured_days=settings.keep_measured_days,
            left_days=settings.keep_left_days,
            finished_days=settings.keep_finished_days,
            idle_days=settings.keep_idle_days,
            bounced_days=settings.keep_bounced_days,
            bounce_mail_days=settings.keep_bounce_mail_days,
            suppressed_days=settings.keep_suppressed_days,
            remark_days=settings.keep_remark_days,
            log_days=settings.keep_log_days,
            job_days=settings.keep_job_days,
            withdrawal_days=settings.keep_withdrawal_days,
        )


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The number of deleted items of each kind."""

    attempts: int = 0
    unconfirmed: int = 0
    measured: int = 0
    left: int = 0
    finished: int = 0
    idle: int = 0
    suppressed: int = 0
    suppressions: int = 0
    remarks: int = 0
    changes: int = 0
    jobs: int = 0
    admins: int = 0
    drafts: int = 0
    addresses: int = 0
    webhooks: int = 0


def forget(database: Database, clock: Clock, signer: Signer, retention: Retention) -> Forgotten:
    """Delete everything whose retention period has ended, in small transactions. Idempotent."""

    def before(days: int) -> datetime:
        return clock.now() - timedelta(days=days)

    def erase(find: Callable[[Session, datetime, int], list[int]], days: int, *, keep_hash: bool = True) -> int:
        return _erase_all(database, clock, signer, find, before(days), keep_hash=keep_hash)

    def once(delete: Callable[[Session, datetime], int], days: int) -> int:
        with database.write() as session:
            return delete(session, before(days))

    forgotten = Forgotten(
        attempts=once(erasure.forget_attempts, retention.unconfirmed_days),
        unconfirmed=erase(erasure.unconfirmed, retention.unconfirmed_days, keep_hash=False),
        measured=_forget_in_batches(database, erasure.forget_events, before(retention.measured_days)),
        left=erase(partial(erasure.gone, asked=before(retention.unconfirmed_days)), retention.left_days),
        finished=erase(partial(erasure.finished, left=before(UNDO_DAYS)), retention.finished_days),
        idle=erase(erasure.idle, retention.idle_days),
        suppressed=_erase_suppressed(
            database, clock, signer, before(retention.bounced_days), before(retention.left_days)
        ),
        suppressions=_forget_suppressions(database, before(retention.bounced_days), before(retention.suppressed_days)),
        remarks=once(erasure.forget_remarks, retention.remark_days),
        changes=once(erasure.forget_changes, retention.log_days),
        jobs=once(erasure.forget_jobs, retention.job_days),
        admins=once(erasure.forget_admins, retention.log_days),
        drafts=_forget_drafts(database, before(DISCARDED_DAYS)),
        webhooks=_forget_in_batches(database, webhook_deliveries.forget, before(retention.webhook_days)),
        addresses=_forget_addresses(database, before(retention.asked_days), clock.now() - VALID),
    )
    once(api_tokens.forget_keys, days=1)
    _forget_domains(database, before(retention.log_days))
    database.scrub()
    return forgotten


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
                erase(session, clock.now(), signer, subscriber_id, keep_hash=keep_hash)
        total += len(found)
        if len(found) < _BATCH:
            return total


def _erase_suppressed(
    database: Database, clock: Clock, signer: Signer, bounced_before: datetime, other_before: datetime
) -> int:
    """Erase people whose address has been suppressed since before an instant; the hash stays. Returns how many.

    People who also left are erased as soon as others who left.
    """

    def is_over(kept: SuppressionRow | None, left_at: datetime | None) -> bool:
        if kept is None or (left_at is not None and left_at < other_before):
            return True
        return kept.created_at < (bounced_before if kept.reason == BOUNCE else other_before)

    total = 0
    for people in _suppressed_people(database):
        digests = {subscriber_id: signer.digest(email) for subscriber_id, email, _ in people}
        with database.write() as session:
            kept = subscribers.suppressions_among(session, list(digests.values()))
            over = [one for one, _, left_at in people if is_over(kept.get(digests[one]), left_at)]
            for subscriber_id in over:
                erase(session, clock.now(), signer, subscriber_id, keep_hash=kept.get(digests[subscriber_id]) is None)
        total += len(over)
    return total


def _suppressed_people(database: Database) -> Iterator[list[tuple[int, str, datetime | None]]]:
    last = 0
    while True:
        with database.read() as session:
            found = [(row[0], row[1], row[2]) for row in erasure.suppressed(session, last, _BATCH)]
        if not found:
            return
        yield found
        last = found[-1][0]


def _forget_suppressions(database: Database, bounced_before: datetime, other_before: datetime) -> int:
    with database.write() as session:
        return erasure.forget_suppressions(session, bounced_before, other_before)


def _forget_in_batches(database: Database, forget: Callable[[Session, datetime, int], int], before: datetime) -> int:
    total = 0
    while True:
        with database.write() as session:
            forgotten = forget(session, before, _EVENTS_BATCH)
        total += forgotten
        if forgotten < _EVENTS_BATCH:
            return total


def _forget_drafts(database: Database, before: datetime) -> int:
    """Delete discarded drafts of lessons and campaigns."""
    with database.write() as session:
        return lesson_drafts.forget_discarded(session, before) + campaigns.forget_discarded(session, before)


def _forget_addresses(database: Database, before: datetime, open_before: datetime) -> int:
    """Delete old requests to change an address, and the requested address once its link has expired."""
    with database.write() as session:
        address_changes.end(session, open_before)
        return address_changes.forget(session, before)


def _forget_domains(database: Database, held_before: datetime) -> None:
    """Delete the state of domains without subscribers, except holds that an operator placed recently."""
    with database.write() as session:
        for domain in erasure.known_domains(session) - erasure.held_by_hand_since(session, held_before):
            erasure.forget_domain(session, domain)
