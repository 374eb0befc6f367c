"""Starting, pausing, resuming, cancelling and archiving campaigns.

Starting a campaign is one short transaction, which stores the highest subscriber id of its audience. Background tasks
then enrol the audience in batches. Each batch is one transaction that also advances the cursor, so that any number of
workers can take part and be killed at any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from rugcourse.campaigns.drafts import Actor, DraftConflict, NoDraft, etag, is_draft
from rugcourse.campaigns.send_preview import repeats_counted
from rugcourse.clock import Clock
from rugcourse.db.audience import Again, Audience, IdRange, permission_of
from rugcourse.db.engine import Database
from rugcourse.db.models import AuditAction, CampaignRow, CampaignStatus
from rugcourse.db.queries import audiences, campaigns, cancellations, courses, subscribers
from rugcourse.errors import ConflictError, InvalidState
from rugcourse.scheduling import QuietHours, Schedule, Timing, next_mail

BATCH = 5000


class InvalidCampaignState(InvalidState):
    """The campaign's state does not allow this."""


class SendTimePassed(InvalidState):
    """The send time of the campaign is in the past."""


class NoMessage(InvalidState):
    """The broadcast has no message yet."""


class AudienceChanged(ConflictError):
    """The number of previous readers in the audience has changed since it was counted."""


class RepeatsNotConfirmed(ConflictError):
    """The audience contains previous readers, and the admin did not confirm that all of them get the course again."""


def start(session: Session, actor: Actor, campaign_id: int, again: int = 0, seen: str | None = None) -> None:
    """Start a draft.

    `again`: how many previous readers are to get the course again, as they were counted. `seen`: the etag of the draft
    when the page was loaded. Raises NoDraft, DraftConflict, SendTimePassed, NoMessage, AudienceChanged,
    RepeatsNotConfirmed.
    """
    row = campaigns.find(session, campaign_id, lock=True)
    if row is None or not is_draft(row):
        raise NoDraft
    if not row.sends_course and campaigns.find_message(session, campaign_id) is None:
        raise NoMessage
    timing = campaigns.timing_of(row)
    if is_over(timing, actor.at):
        raise SendTimePassed
    if seen is not None and seen != etag(session, row):
        raise DraftConflict
    if row.type.enrols_once:
        row.again_before = _again_before(session, row, actor.at, again)
    row.timing = timing.begun(actor.at).document()
    row.status, row.started_at, row.estimate = CampaignStatus.RUNNING, actor.at, None
    row.enrol_up_to, row.enrolled_up_to = campaigns.newest_subscriber(session), 0
    actor.record(
        session,
        AuditAction.CAMPAIGN_START,
        row,
        {"audience": row.audience, "timing": row.timing, "again": again or None},
    )


def _again_before(session: Session, row: CampaignRow, now: datetime, confirmed: int) -> datetime | None:
    """Return when the previous readers were counted, None if nobody gets the course again.

    Only those who were previous readers at that time get it: the admin did not see anybody who completed it, signed up
    or came back later. Raises AudienceChanged, RepeatsNotConfirmed.
    """
    counted = repeats_counted(row.estimate)
    if counted is None:
        raise AudienceChanged
    at, repeats = counted
    audience = Audience.model_validate(row.audience)
    again = Again(row.course_id, at)
    if audiences.repeats(session, audience, now, again, permission_of(row)) != repeats:
        raise AudienceChanged
    if confirmed != repeats.total:
        raise RepeatsNotConfirmed
    return at if repeats.total else None


def is_over(timing: Timing, now: datetime) -> bool:
    """Return whether a send time has passed; days are compared in UTC."""
    return (timing.at is not None and timing.at < now) or (timing.day is not None and timing.day < now.date())


def enrol_batch(session: Session, now: datetime, quiet: QuietHours | None) -> int:
    """Enrol the next batch of a starting campaign's audience. Returns how many people were examined."""
    row = campaigns.lock_starting(session)
    if row is None:
        return 0
    started = row.started_at or now
    audience, timing = Audience.model_validate(row.audience), campaigns.find_timing(session, row.id)
    if row.type.enrols_once:  # else two campaigns of one course could both enrol the same person
        courses.lock_id(session, row.course_id)
    again = Again(row.course_id, row.again_before) if row.type.enrols_once else None
    span = IdRange(row.enrolled_up_to, row.enrol_up_to, BATCH)
    members = partial(audiences.members, session, audience, started, again=again, allowed=permission_of(row))
    people = [subscriber_id for subscriber_id, _ in members(span)]
    dues = defaultdict(list)
    for subscriber_id, schedule in _locked(session, members, people, span):
        dues[_first_due(timing, schedule, started, quiet)].append(subscriber_id)
    campaigns.enrol(session, row.id, dues, now)
    row.enrolled_up_to = people[-1] if len(people) == BATCH else row.enrol_up_to
    return len(people)


def _locked(
    session: Session, members: Callable[[IdRange], list[tuple[int, Schedule]]], people: list[int], span: IdRange
) -> Iterator[tuple[int, Schedule]]:
    """Lock people, and yield those who still belong to the audience.

    Without the lock, somebody who unsubscribes, declines news or resumes now would not find the enrolment made for
    them.
    """
    if not people:
        return
    subscribers.lock(session, people)
    found = dict(members(IdRange(span.after_id, people[-1], people[-1] - span.after_id)))
    yield from ((one, found[one]) for one in people if one in found)


def _first_due(timing: Timing, schedule: Schedule, started: datetime, quiet: QuietHours | None) -> datetime | None:
    """Return when a reader's first mail is due. An unknown time zone is left to the planner, which postpones and
    reports it, so that one reader does not block the batch.
    """
    try:
        return next_mail(timing, schedule, started, None, quiet)
    except ZoneInfoNotFoundError:
        return started


def pause(session: Session, actor: Actor, campaign_id: int) -> None:
    """Stop planning and sending until the campaign is resumed. Raises InvalidCampaignState."""
    row = _in(session, campaign_id, CampaignStatus.RUNNING)
    row.status, row.pause_reason = CampaignStatus.PAUSED, None
    actor.record(session, AuditAction.CAMPAIGN_PAUSE, row)


def resume(session: Session, actor: Actor, campaign_id: int) -> None:
    """Resume sending. No backlog is sent: send times that passed are rescheduled. Raises InvalidCampaignState."""
    row = _in(session, campaign_id, CampaignStatus.PAUSED)
    row.status, row.pause_reason, row.resumed_at = CampaignStatus.RUNNING, None, actor.at
    actor.record(session, AuditAction.CAMPAIGN_RESUME, row)


def cancel(session: Session, actor: Actor, campaign_id: int) -> None:
    """Cancel a campaign for good; a background task cancels its planned mails. Raises InvalidCampaignState."""
    row = _in(session, campaign_id, CampaignStatus.RUNNING, CampaignStatus.PAUSED)
    if not row.type.has_audience:
        raise InvalidCampaignState
    row.status, row.pause_reason = CampaignStatus.CANCELLED, None
    actor.record(session, AuditAction.CAMPAIGN_CANCEL, row)


def archive(session: Session, actor: Actor, campaign_id: int, *, back: bool = False) -> None:
    """Hide a campaign in the list, or show it again (`back`); nothing is deleted.

    Raises InvalidCampaignState while it can still send.
    """
    row = campaigns.find(session, campaign_id, lock=True)
    if row is None or not row.type.has_audience or row.status == CampaignStatus.PAUSED:
        raise InvalidCampaignState
    begins = row.enrolled_up_to < row.enrol_up_to
    if row.status == CampaignStatus.RUNNING and (begins or campaigns.has_open(session, campaign_id)):
        raise InvalidCampaignState
    row.archived_at = None if back else actor.at
    actor.record(session, AuditAction.CAMPAIGN_UNARCHIVE if back else AuditAction.CAMPAIGN_ARCHIVE, row)


def cancel_remaining(database: Database, clock: Clock) -> int:
    """Cancel planned mails and enrolments of cancelled campaigns. Returns how many."""
    with database.read() as session:
        ids = campaigns.cancelled_with_open(session)
    done = 0
    for campaign_id in ids:
        step = BATCH
        while step == BATCH:
            with database.write() as session:
                planned = campaigns.planned_of(session, campaign_id, BATCH)
                cancellations.cancel_for_good(session, planned, "its campaign was cancelled", clock.now())
                step = campaigns.stop_enrolments(session, campaign_id, BATCH)
            done += step + len(planned)
    return done


def _in(session: Session, campaign_id: int, *statuses: CampaignStatus) -> CampaignRow:
    row = campaigns.find(session, campaign_id, lock=True)
    if row is None or row.status not in statuses:
        raise InvalidCampaignState
    return row
