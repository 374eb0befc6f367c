"""Bulk actions: the same change for all subscribers of an audience, counted first, then done in batches. Idempotent."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import date, datetime, time
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from rugcourse.db.audience import MAX_TAG_LENGTH, Audience, IdRange
from rugcourse.db.models import JobKind, JobRow, JobState, SubscriberRow
from rugcourse.db.queries import audiences, campaigns, jobs, subscribers
from rugcourse.db.queries.subscribers import LOCK
from rugcourse.enrolment import preferences
from rugcourse.enrolment.suppression import suppress
from rugcourse.errors import ConflictError
from rugcourse.links import Signer

BATCH = 200


class BulkAction(StrEnum):
    TAG = "tag"
    UNTAG = "untag"
    PAUSE = "pause"
    RESUME = "resume"
    UNSUBSCRIBE = "unsubscribe"
    SUPPRESS = "suppress"


class CountChanged(ConflictError):
    """The size of the audience has changed since it was counted."""


class BulkActionRequest(BaseModel):
    """A bulk action. `tag`: for tagging; `until`: the day on which a pause ends (UTC)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    audience: Audience
    act: BulkAction
    reason: str = Field(min_length=3, max_length=500)
    tag: str = Field(default="", max_length=MAX_TAG_LENGTH)
    until: date | None = None


def preview(session: Session, now: datetime, order: BulkActionRequest, admin_id: int | None) -> int:
    """Count the audience of a bulk action, and store it as a job that waits for an admin. Returns the job's id."""
    about = order.model_dump(mode="json", exclude_defaults=True)
    job = jobs.add(session, JobKind.BULK_ACTION, JobState.CHECKED, {"order": about}, admin_id, now)
    _count(session, job, now)
    return job.id


def recount(session: Session, now: datetime, job_id: int) -> None:
    """Count the audience again, unless the job was started meanwhile."""
    job = jobs.find(session, job_id, lock=True)
    if job is not None and job.state == JobState.CHECKED:
        _count(session, job, now)


def check_count(session: Session, now: datetime, job: JobRow) -> None:
    """Raise CountChanged if the audience has another size than was shown. Later subscribers are not included."""
    audience = BulkActionRequest.model_validate(job.params["order"]).audience
    if audiences.size(session, audience, now, up_to_id=job.total) != job.counts["people"]:
        raise CountChanged


def _count(session: Session, job: JobRow, now: datetime) -> None:
    audience = BulkActionRequest.model_validate(job.params["order"]).audience
    job.total = campaigns.newest_subscriber(session)
    job.counts = {"people": audiences.size(session, audience, now, up_to_id=job.total)}


def step(session: Session, now: datetime, signer: Signer, job: JobRow) -> None:
    """Run the next batch. The caller holds the lock of the job."""
    order = BulkActionRequest.model_validate(job.params["order"])
    people = audiences.members(session, order.audience, now, IdRange(job.cursor, job.total, BATCH))
    do = _DOINGS[order.act]
    for subscriber_id, _ in people:
        do(session, now, signer, subscriber_id, order)
    job.counts = {**job.counts, "done": job.counts.get("done", 0) + len(people)}
    if len(people) < BATCH:
        job.state, job.cursor, job.ended_at = JobState.DONE, job.total, now
    else:
        job.cursor = people[-1][0]


def _tag(session: Session, _now: datetime, _signer: Signer, subscriber_id: int, order: BulkActionRequest) -> None:
    subscribers.add_tags(session, [subscriber_id], order.tag)


def _untag(session: Session, _now: datetime, _signer: Signer, subscriber_id: int, order: BulkActionRequest) -> None:
    subscribers.remove_tag(session, subscriber_id, order.tag)


def _pause(session: Session, now: datetime, _signer: Signer, subscriber_id: int, order: BulkActionRequest) -> None:
    until = datetime.combine(order.until, time(), tzinfo=now.tzinfo) if order.until else None
    subscribers.lock(session, [subscriber_id])  # as the reader may be pausing themselves
    schedule = subscribers.load_schedule(session, subscriber_id)
    rests_longer = schedule.paused and (
        schedule.paused_until is None or (until is not None and schedule.paused_until >= until)
    )
    if not rests_longer:
        preferences.pause(session, now, subscriber_id, until)


def _resume(session: Session, now: datetime, _signer: Signer, subscriber_id: int, _order: BulkActionRequest) -> None:
    preferences.resume(session, now, subscriber_id)


def _unsubscribe(
    session: Session, now: datetime, _signer: Signer, subscriber_id: int, _order: BulkActionRequest
) -> None:
    with contextlib.suppress(preferences.NotAReader):  # unconfirmed subscribers get no mail anyway
        preferences.unsubscribe_on_request(session, now, subscriber_id)


def _suppress(session: Session, now: datetime, signer: Signer, subscriber_id: int, _order: BulkActionRequest) -> None:
    # Locked, as a concurrent transaction may correct the address.
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK, populate_existing=True)
    if person is not None:
        suppress(session, now, signer, person.email, "admin")


_DOINGS: dict[BulkAction, Callable[[Session, datetime, Signer, int, BulkActionRequest], None]] = {
    BulkAction.TAG: _tag,
    BulkAction.UNTAG: _untag,
    BulkAction.PAUSE: _pause,
    BulkAction.RESUME: _resume,
    BulkAction.UNSUBSCRIBE: _unsubscribe,
    BulkAction.SUPPRESS: _suppress,
}
