"""Starting, pausing, resuming, cancelling and archiving campaigns.

Starting a campaign is one short transaction that says up to which person its audience is meant. Enrolling them is done
behind it, batch by batch: each batch is one transaction that moves the mark of how far it is, so that it can be killed
anywhere and goes on there, and any number of workers may do it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from rugcourse.campaigns.drafts import Author, DraftConflict, NoDraft, etag, is_draft
from rugcourse.campaigns.send_preview import repeats_counted
from rugcourse.clock import Clock
from rugcourse.db.audience import Again, Audience, IdRange, permission_of
from rugcourse.db.engine import Database
from rugcourse.db.models import CampaignKind, CampaignRow, CampaignStatus
from rugcourse.db.queries import audiences, campaigns, cancellations, courses, subscribers
from rugcourse.errors import ConflictError, InvalidState
from rugcourse.scheduling import QuietHours, Schedule, Timing, next_mail

BATCH = 5000


class InvalidCampaignState(InvalidState):
    """The campaign is not in a state in which that can be done."""


class SendTimePassed(InvalidState):
    """The moment at which the campaign was to go out has passed."""


class NoMessage(InvalidState):
    """The broadcast has no message yet."""


class AudienceChanged(ConflictError):
    """Those of the audience who know the course are not as many as were counted."""


class RepeatsNotConfirmed(ConflictError):
    """Some of the audience know the course, and nobody said that all of these are to get it again."""


def start(session: Session, author: Author, campaign_id: int, again: int = 0, seen: str | None = None) -> None:
    """Let a draft go out. Pressing twice is the same as pressing once.

    `again`: to how many people who know the course it is to go all the same, as they were counted for the draft.
    `seen`: the etag of the draft as whoever starts it saw it.
    Raises NoDraft, DraftConflict, MomentOver, NoMessage, AudienceChanged, RepeatsNotConfirmed.
    """
    row = campaigns.find(session, campaign_id, lock=True)
    if row is None or not is_draft(row):
        raise NoDraft
    if row.kind == CampaignKind.BROADCAST and campaigns.find_message(session, campaign_id) is None:
        raise NoMessage
    timing = campaigns.timing_of(row)
    if is_over(timing, author.at):
        raise SendTimePassed
    if seen is not None and seen != etag(session, row):
        raise DraftConflict
    if row.kind == CampaignKind.COHORT:
        row.again_before = _again_before(session, row, author.at, again)
    row.timing = timing.begun(author.at).document()
    row.status, row.started_at, row.estimate = CampaignStatus.RUNNING, author.at, None
    row.enrol_up_to, row.enrolled_up_to = campaigns.newest_subscriber(session), 0
    author.note(session, "start", row, {"audience": row.audience, "timing": row.timing, "again": again or None})


def _again_before(session: Session, row: CampaignRow, now: datetime, confirmed: int) -> datetime | None:
    """Up to when those who know the course must have stood to it as they do, to get it again: who finished it, signed
    up or came back since they were counted was not seen by whoever says "again". None when nobody gets it again.
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
    """Whether the moment of a campaign has passed; a day, by the date in UTC."""
    return (timing.at is not None and timing.at < now) or (timing.day is not None and timing.day < now.date())


def enrol_batch(session: Session, now: datetime, quiet: QuietHours | None) -> int:
    """Enrol some more of the audience of a campaign that was started; returns how many people were looked at."""
    row = campaigns.lock_starting(session)
    if row is None:
        return 0
    started = row.started_at or now
    audience, timing = Audience.model_validate(row.audience), campaigns.timing_of(row)
    if row.kind == CampaignKind.COHORT:  # two of one course at once would both take those who don't know it
        courses.lock_id(session, row.course_id)
    again = Again(row.course_id, row.again_before) if row.kind == CampaignKind.COHORT else None
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
    """Those of some people who belong to the audience still, locked: who leaves, wants no news or goes on after a pause
    at this moment would not find the enrolment that is made for them.
    """
    if not people:
        return
    subscribers.lock(session, people)
    found = dict(members(IdRange(span.after_id, people[-1], people[-1] - span.after_id)))
    yield from ((one, found[one]) for one in people if one in found)


def _first_due(timing: Timing, schedule: Schedule, started: datetime, quiet: QuietHours | None) -> datetime | None:
    """When somebody's first mail is due. Who lives in a zone that this machine does not know is left to the planner,
    which puts them off and says so: they stop nobody else.
    """
    try:
        return next_mail(timing, schedule, started, None, quiet)
    except ZoneInfoNotFoundError:
        return started


def pause(session: Session, author: Author, campaign_id: int) -> None:
    """Plan and send nothing more until it is resumed. Raises InvalidCampaignState."""
    row = _in(session, campaign_id, CampaignStatus.RUNNING)
    row.status, row.because = CampaignStatus.PAUSED, None
    author.note(session, "pause", row)


def resume(session: Session, author: Author, campaign_id: int) -> None:
    """Go on: nobody gets a pile, and moments that passed meanwhile come anew. Raises InvalidCampaignState."""
    row = _in(session, campaign_id, CampaignStatus.PAUSED)
    row.status, row.because, row.go_from = CampaignStatus.RUNNING, None, author.at
    author.note(session, "resume", row)


def cancel(session: Session, author: Author, campaign_id: int) -> None:
    """Send nothing more of it, ever; what stands planned is cancelled behind this. Raises InvalidCampaignState."""
    row = _in(session, campaign_id, CampaignStatus.RUNNING, CampaignStatus.PAUSED)
    if row.kind == CampaignKind.EVERGREEN:
        raise InvalidCampaignState
    row.status, row.because = CampaignStatus.CANCELLED, None
    author.note(session, "cancel", row)


def archive(session: Session, author: Author, campaign_id: int, *, back: bool = False) -> None:
    """Take a campaign from the list, or bring it back; nothing of it is deleted.

    Raises InvalidCampaignState while it could send.
    """
    row = campaigns.find(session, campaign_id, lock=True)
    if row is None or row.kind == CampaignKind.EVERGREEN or row.status == CampaignStatus.PAUSED:
        raise InvalidCampaignState
    begins = row.enrolled_up_to < row.enrol_up_to
    if row.status == CampaignStatus.RUNNING and (begins or campaigns.has_open(session, campaign_id)):
        raise InvalidCampaignState
    row.archived_at = None if back else author.at
    author.note(session, "unarchive" if back else "archive", row)


def cancel_remaining(database: Database, clock: Clock) -> int:
    """Cancel what still stands planned or due of cancelled campaigns; returns for how much that was done."""
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
