"""Queries for campaigns: drafts, running campaigns, and enrolling an audience step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, literal, null, or_, select, update
from sqlalchemy.orm import Session

from rugcourse.content import Message
from rugcourse.db.bulk import as_rows, count, dialect_of, insert_from, rows_of, run
from rugcourse.db.models import (
    ANY_GROUND_KINDS,
    CAMPAIGN_MAIL,
    CAMPAIGN_TYPES,
    OPEN_STATES,
    AbTestRow,
    CampaignKind,
    CampaignRow,
    CampaignStatus,
    CourseRow,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    Ground,
    JsonObject,
    LessonRow,
    LessonVersionRow,
    SubscriberRow,
)
from rugcourse.db.queries.course_publishing import message_slug
from rugcourse.db.queries.lesson_versions import save_version
from rugcourse.db.types import UtcDateTime
from rugcourse.scheduling import DAILY, Cadence, Timing


@dataclass(frozen=True, slots=True)
class Sending:
    """A running campaign. `lessons`: position → lesson id; `go_from`: moments before this instant (UTC) were missed."""

    id: int
    kind: CampaignKind
    timing: Timing
    go_from: datetime | None
    lessons: Mapping[int, int]

    @property
    def delivers(self) -> DeliveryKind:
        return CAMPAIGN_TYPES[self.kind].sends


def sending(session: Session) -> list[Sending]:
    """Return the running campaigns, oldest first."""
    lessons: dict[int, dict[int, int]] = {}
    for campaign_id, position, lesson_id, _ in places_of_lessons(session):
        lessons.setdefault(campaign_id, {})[position] = lesson_id
    rows = session.execute(_with_cadence(CampaignRow.status == CampaignStatus.RUNNING))
    return [
        Sending(row.id, CampaignKind(row.kind), _timing_in(row, cadence), row.resumed_at, lessons.get(row.id, {}))
        for row, cadence in rows
    ]


def due(session: Session, now: datetime) -> list[int]:
    """Return the running campaigns with due enrolments, oldest first."""
    somebody = (
        select(EnrolmentRow.id)
        .where(EnrolmentRow.campaign_id == CampaignRow.id, EnrolmentRow.next_due_at <= now)
        .limit(1)
        .correlate(CampaignRow)
        .scalar_subquery()
    )
    running = CampaignRow.status == CampaignStatus.RUNNING
    return list(session.scalars(select(CampaignRow.id).where(running, somebody.is_not(None)).order_by(CampaignRow.id)))


def find_sending(session: Session, campaign_id: int) -> Sending | None:
    """Return a campaign if it is running, otherwise None."""
    found = session.execute(
        _with_cadence(CampaignRow.id == campaign_id, CampaignRow.status == CampaignStatus.RUNNING)
    ).first()
    if found is None:
        return None
    row, cadence = found
    lessons = lessons_of(session, campaign_id)
    return Sending(row.id, CampaignKind(row.kind), _timing_in(row, cadence), row.resumed_at, lessons)


def is_running(session: Session, campaign_id: int) -> bool:
    return session.scalar(select(CampaignRow.status).where(CampaignRow.id == campaign_id)) == CampaignStatus.RUNNING


def has_delivered_since(session: Session, campaign_id: int, instant: datetime) -> bool:
    """Whether any mail of a campaign was accepted since an instant (UTC)."""
    accepted = (
        select(DeliveryRow.id)
        .join(EnrolmentRow, EnrolmentRow.id == DeliveryRow.enrolment_id)
        .where(
            EnrolmentRow.campaign_id == campaign_id,
            DeliveryRow.state == DeliveryState.ACCEPTED,
            DeliveryRow.settled_at >= instant,
        )
    )
    return session.scalar(accepted.limit(1)) is not None


def lessons_of(session: Session, campaign_id: int) -> dict[int, int]:
    """Return position → lesson id of a campaign."""
    places = places_of_lessons(session, CampaignRow.id == campaign_id)
    return {position: lesson for _, position, lesson, _ in places}


def places_of_lessons(session: Session, *conditions: ColumnElement[bool]) -> list[tuple[int, int, int, str]]:
    """Return (campaign id, position, lesson id, slug) of the current lessons and messages.

    `conditions` restrict the campaigns.
    """
    mine = LessonRow.campaign_id == CampaignRow.id
    of_course = and_(LessonRow.course_id == CampaignRow.course_id, LessonRow.campaign_id.is_(None))
    rows = session.execute(
        select(CampaignRow.id, LessonRow.position, LessonRow.id, LessonRow.slug)
        .join(LessonRow, or_(and_(~CampaignRow.sends_course, mine), and_(CampaignRow.sends_course, of_course)))
        .where(LessonRow.position.is_not(None), CampaignRow.status != CampaignStatus.DRAFT, *conditions)
    )
    return [(campaign_id, position or 0, lesson_id, slug) for campaign_id, position, lesson_id, slug in rows]


def lessons_ever_in(session: Session, row: CampaignRow) -> Sequence[LessonRow]:
    """Return the message of a campaign, or the lessons of its course in order, followed by removed ones."""
    message = LessonRow.campaign_id == row.id
    of_course = and_(LessonRow.course_id == row.course_id, LessonRow.campaign_id.is_(None))
    return session.scalars(
        select(LessonRow)
        .where(of_course if row.sends_course else message, LessonRow.current_version_id.is_not(None))
        .order_by(LessonRow.position.is_(None), LessonRow.position, LessonRow.id)
    ).all()


def timing_of(row: CampaignRow) -> Timing:
    """Return the timing that is set for a campaign itself, without the cadence of its course."""
    return Timing.model_validate(row.timing)


def find_timing(session: Session, campaign_id: int) -> Timing:
    """Return the timing of a campaign, with the cadence of its course; an empty one if there is no such campaign."""
    found = session.execute(_with_cadence(CampaignRow.id == campaign_id)).first()
    return _timing_in(*found) if found is not None else Timing()


def cadence_of(session: Session, course_id: int) -> Cadence:
    """Return how often the lessons of a course come."""
    return _cadence(session.scalar(select(CourseRow.cadence).where(CourseRow.id == course_id)))


def _with_cadence(*conditions: ColumnElement[bool]) -> Select[CampaignRow, JsonObject]:
    """SQL: campaigns with the cadence of their course, oldest first."""
    joined = select(CampaignRow, CourseRow.cadence).join(CourseRow, CourseRow.id == CampaignRow.course_id)
    return joined.where(*conditions).order_by(CampaignRow.id)


def _timing_in(row: CampaignRow, cadence: JsonObject) -> Timing:
    """Return the timing of a campaign. A message is not part of a course, and has no cadence."""
    timing = timing_of(row)
    return timing.model_copy(update={"cadence": _cadence(cadence)}) if row.sends_course else timing


def _cadence(document: JsonObject | None) -> Cadence:
    return Cadence.model_validate(document) if document else DAILY


def halted(session: Session) -> set[int]:
    """Return the ids of campaigns of which nothing may go out."""
    stopped = CampaignRow.status.in_((CampaignStatus.PAUSED, CampaignStatus.CANCELLED))
    return set(session.scalars(select(CampaignRow.id).where(stopped)))


def of_courses(session: Session) -> dict[int, int]:
    """Return campaign id → course id of all campaigns that deliver a course."""
    rows = session.execute(select(CampaignRow.id, CampaignRow.course_id).where(CampaignRow.sends_course))
    return dict(iter(rows))


def listed(session: Session, *, archived: bool = False) -> Sequence[CampaignRow]:
    """Return the campaigns without discarded ones, newest first."""
    shelved = CampaignRow.archived_at.is_not(None)
    return session.scalars(
        select(CampaignRow)
        .where(shelved if archived else ~shelved, CampaignRow.discarded_at.is_(None))
        .order_by(CampaignRow.id.desc())
    ).all()


def discarded(session: Session) -> Sequence[CampaignRow]:
    """Return the discarded drafts, newest first."""
    return session.scalars(
        select(CampaignRow).where(CampaignRow.discarded_at.is_not(None)).order_by(CampaignRow.discarded_at.desc())
    ).all()


def forget_discarded(session: Session, before: datetime) -> int:
    """Delete drafts that were discarded before an instant, with their messages. Returns how many."""
    old = select(CampaignRow.id).where(CampaignRow.discarded_at < before)
    messages = select(LessonRow.id).where(LessonRow.campaign_id.in_(old))
    for table in (AbTestRow, LessonVersionRow):
        session.execute(delete(table).where(table.lesson_id.in_(messages)).execution_options(synchronize_session=False))
    session.execute(
        delete(LessonRow).where(LessonRow.campaign_id.in_(old)).execution_options(synchronize_session=False)
    )
    return count(
        session.execute(
            delete(CampaignRow).where(CampaignRow.discarded_at < before).execution_options(synchronize_session=False)
        )
    )


def find(session: Session, campaign_id: int, *, lock: bool = False) -> CampaignRow | None:
    return session.get(CampaignRow, campaign_id, with_for_update=True if lock else None)


def course_of(session: Session, campaign_id: int) -> int | None:
    """Return the course id of a campaign; None if there is no such campaign."""
    return session.scalar(select(CampaignRow.course_id).where(CampaignRow.id == campaign_id))


def ground_of(session: Session, campaign_id: int) -> str | None:
    """Return the ground of a broadcast: the consent it relies on. None if there is no such campaign."""
    return session.scalar(select(CampaignRow.ground).where(CampaignRow.id == campaign_id))


def any_ground(session: Session, campaign_id: int) -> bool:
    """Whether a campaign may enrol people who consented only to news, too."""
    return session.scalar(select(CampaignRow.kind).where(CampaignRow.id == campaign_id)) in ANY_GROUND_KINDS


def is_news(session: Session, campaign_id: int) -> bool:
    """Whether a campaign is a broadcast with news, for people who consented to that."""
    row = session.get(CampaignRow, campaign_id)
    return row is not None and row.type.chooses_ground and row.ground == Ground.NEWS


def pause_for_admin(session: Session, campaign_id: int, because: str) -> None:
    """Pause a running campaign until an admin decides."""
    session.execute(
        update(CampaignRow)
        .where(CampaignRow.id == campaign_id, CampaignRow.status == CampaignStatus.RUNNING)
        .values(status=CampaignStatus.PAUSED, pause_reason=because)
        .execution_options(synchronize_session=False)
    )


def find_message(session: Session, campaign_id: int) -> Message | None:
    """Return the message of a broadcast, or None if it is not written yet."""
    document = session.scalar(
        select(LessonVersionRow.document)
        .join(LessonRow, LessonRow.current_version_id == LessonVersionRow.id)
        .where(LessonRow.campaign_id == campaign_id)
    )
    return Message.model_validate(document) if document else None


def message_id_of(session: Session, campaign_id: int) -> int | None:
    """Return the id of the lesson row of a broadcast's message, or None if it is not written yet."""
    return session.scalar(select(LessonRow.id).where(LessonRow.campaign_id == campaign_id))


def save_message(session: Session, row: CampaignRow, message: Message, now: datetime) -> None:
    """Save the message of a broadcast. Earlier versions stay, for mails that were sent with them."""
    lesson = session.scalar(select(LessonRow).where(LessonRow.campaign_id == row.id))
    if lesson is None:
        lesson = LessonRow(
            course_id=row.course_id, campaign_id=row.id, slug=message_slug(row.id), position=1, read_count=0
        )
        session.add(lesson)
        session.flush()
    lesson.course_id = row.course_id
    lesson.current_version_id = save_version(session, lesson.id, message, now)


def newest_subscriber(session: Session) -> int:
    return session.scalar(select(func.max(SubscriberRow.id))) or 0


def lock_starting(session: Session) -> CampaignRow | None:
    """Lock and return a running campaign whose audience is not fully enrolled. Skips those that are locked."""
    return session.scalars(
        select(CampaignRow)
        .where(CampaignRow.status == CampaignStatus.RUNNING, CampaignRow.enrolled_up_to < CampaignRow.enrol_up_to)
        .order_by(CampaignRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def enrol(session: Session, campaign_id: int, dues: Mapping[datetime | None, Sequence[int]], now: datetime) -> int:
    """Enrol people. `dues`: when the first mail is due → subscriber ids. Existing enrolments are unchanged."""
    dialect = dialect_of(session)
    new = rows_of(EnrolmentRow, ("next_due_at",), dialect)
    values: dict[str, object] = {
        "campaign_id": bindparam("campaign"),
        "subscriber_id": SubscriberRow.id,
        "status": literal(EnrolmentStatus.ACTIVE),
        "next_position": literal(1),
        "lessons_planned": literal(0),
        **new.values,
        "started_at": bindparam("now", type_=UtcDateTime()),
    }
    statement = insert_from(EnrolmentRow, values, new.about(SubscriberRow.__table__.c.id), dialect)
    rows = as_rows(session, EnrolmentRow, ((ids, {"next_due_at": due}) for due, ids in dues.items()))
    parameters = {"campaign": campaign_id, "now": now, "rows": rows}
    return count(run(session, statement.on_conflict_do_nothing(), parameters))


def has_open(session: Session, campaign_id: int) -> bool:
    """Whether anybody may still get a mail of a campaign."""
    somebody = session.scalars(_active_in(campaign_id).limit(1)).first()
    return bool(planned_of(session, campaign_id, 1)) or somebody is not None


def cancelled_with_open(session: Session) -> list[int]:
    """Return the cancelled campaigns of which something is still planned or due."""
    cancelled = session.scalars(select(CampaignRow.id).where(CampaignRow.status == CampaignStatus.CANCELLED)).all()
    return [one for one in cancelled if has_open(session, one)]


def planned_of(session: Session, campaign_id: int, limit: int) -> list[int]:
    """Return the planned deliveries of a campaign, without mails that a person asked for, such as a magic link."""
    its_own = DeliveryRow.kind.in_(CAMPAIGN_MAIL)
    return list(
        session.scalars(
            select(DeliveryRow.id)
            .where(DeliveryRow.not_before.is_not(None), DeliveryRow.campaign_id == campaign_id, its_own)
            .limit(limit)
        )
    )


def stop_enrolments(session: Session, campaign_id: int, limit: int) -> int:
    """End up to `limit` active enrolments of a campaign; returns how many."""
    stopped = session.execute(
        update(EnrolmentRow)
        .where(EnrolmentRow.id.in_(_active_in(campaign_id).limit(limit).scalar_subquery()))
        .values(next_due_at=null(), status=EnrolmentStatus.CANCELLED)
        .execution_options(synchronize_session=False)
    )
    return count(stopped)


def readers_in(
    session: Session, campaign_id: int, state: DeliveryState | None, lesson_id: int, after: int, limit: int
) -> Sequence[Any]:
    """Return (delivery, subscriber) of a campaign's mails in a state (None: open ones), by delivery id."""
    states = OPEN_STATES if state is None else (state,)
    query = (
        select(DeliveryRow, SubscriberRow)
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(DeliveryRow.campaign_id == campaign_id, DeliveryRow.state.in_(states), DeliveryRow.id > after)
    )
    if lesson_id:
        query = query.where(DeliveryRow.lesson_id == lesson_id)
    return session.execute(query.order_by(DeliveryRow.id).limit(limit)).all()


def _active_in(campaign_id: int) -> Select[int]:
    """SQL: the active enrolments of a campaign."""
    return select(EnrolmentRow.id).where(
        EnrolmentRow.campaign_id == campaign_id, EnrolmentRow.status == EnrolmentStatus.ACTIVE
    )
