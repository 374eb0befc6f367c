"""Queries that publish a course: its lessons get their positions and versions, and no reader loses a lesson."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.orm import Session

from rugcourse.content import Course, Lesson
from rugcourse.content.places import new_positions, renamed_lessons
from rugcourse.db.models import (
    CampaignKind,
    CampaignRow,
    CourseRow,
    CourseVersionRow,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    LessonRow,
    LessonVersionRow,
)
from rugcourse.db.queries import lesson_drafts
from rugcourse.db.queries.enrolments import stays_finished
from rugcourse.db.queries.lesson_versions import save_version
from rugcourse.scheduling import Cadence


def add_course(session: Session, course: Course, now: datetime) -> None:
    """Publish a course that is not there yet. Raises IntegrityError if there is one with its slug."""
    session.add(CourseRow(slug=course.slug, document={}, created_at=now))
    session.flush()
    save_course(session, course, now)


def save_course(session: Session, course: Course, now: datetime) -> list[str]:
    """Publish `course`. Returns the slugs of new and changed lessons.

    Versions are only ever added. A lesson removed from the course keeps its row, its versions and its deliveries.
    """
    row = session.scalar(select(CourseRow).where(CourseRow.slug == course.slug).with_for_update())
    if row is None:
        row = CourseRow(slug=course.slug, document={}, created_at=now)
        session.add(row)
        session.flush()
    if row.published_at is None:
        name = next(iter(course.texts.values())).title
        session.add(CampaignRow(course_id=row.id, kind=CampaignKind.EVERGREEN, name=name, created_at=now))
    if row.content_hash == course.content_hash:
        return []
    row.languages = list(dict.fromkeys([*row.languages, *course.languages]))
    _move_messages(session, row.id, [lesson.slug for lesson in course.lessons])
    before = _rename(session, row.id, _places(session, row.id), course)
    row.content_hash = course.content_hash
    document = course.model_dump(mode="json", exclude={"lessons"})
    if document != row.document:
        session.add(CourseVersionRow(course_id=row.id, document=document, published_at=now))
    row.document, row.published_at = document, now
    _set_cadence(session, row, course.cadence, now)
    session.execute(
        update(LessonRow).where(LessonRow.course_id == row.id, LessonRow.campaign_id.is_(None)).values(position=None)
    )
    changed = [lesson.slug for lesson in course.lessons if _save_lesson(session, row.id, lesson, now)]
    _keep_places(session, row.id, before, {lesson.slug: lesson.number for lesson in course.lessons})
    _give_back(session, row.id, [lesson.slug for lesson in course.lessons if lesson.slug not in before], now)
    return changed


def _lock_enrolments(session: Session, *which: ColumnElement[bool]) -> None:
    """Lock enrolments in the order of their ids, before a statement that changes them.

    PostgreSQL looks for rows to update as they were before it waited, and would miss a reader whom a planner advances
    meanwhile.
    """
    theirs = select(EnrolmentRow.id).where(*which).order_by(EnrolmentRow.id).with_for_update()
    session.execute(select(func.count()).select_from(theirs.subquery()))


def _set_cadence(session: Session, row: CourseRow, cadence: Cadence, now: datetime) -> None:
    """Set how often lessons come, and let planners decide again when the next lesson of each reader is due.

    Not when the first one is: a campaign may have promised its moment.
    """
    document = cadence.model_dump(mode="json", exclude_defaults=True)
    if document == row.cadence:
        return
    row.cadence = document
    session.flush()
    of_course = EnrolmentRow.campaign_id.in_(
        select(CampaignRow.id).where(CampaignRow.course_id == row.id, CampaignRow.sends_course)
    )
    _lock_enrolments(session, of_course, EnrolmentRow.next_due_at.is_not(None))
    session.execute(
        update(EnrolmentRow)
        .where(of_course, EnrolmentRow.last_local_date.is_not(None), EnrolmentRow.next_due_at > now)
        .values(next_due_at=now)
        .execution_options(synchronize_session=False)
    )
    if not cadence.waits_for_answer:
        session.execute(
            update(EnrolmentRow)
            .where(of_course, EnrolmentRow.awaits_answer)
            .values(awaits_answer=False)
            .execution_options(synchronize_session=False)
        )


def _places(session: Session, course_id: int) -> list[str]:
    """Return the current slugs of a course's lessons, in order."""
    return list(
        session.scalars(
            select(LessonRow.slug)
            .where(LessonRow.course_id == course_id, LessonRow.position.is_not(None), LessonRow.campaign_id.is_(None))
            .order_by(LessonRow.position)
        )
    )


def message_slug(campaign_id: int) -> str:
    """Return the slug of a broadcast's message, which no lesson can have."""
    return f"campaign:{campaign_id}"


def _move_messages(session: Session, course_id: int, slugs: Sequence[str]) -> None:
    """Rename messages of broadcasts whose slug a lesson needs: they were once named like `campaign-7`."""
    named = (LessonRow.course_id == course_id, LessonRow.slug.in_(slugs), LessonRow.campaign_id.is_not(None))
    for message in session.scalars(select(LessonRow).where(*named)):
        message.slug = message_slug(message.campaign_id or 0)
    session.flush()


def _rename(session: Session, course_id: int, before: Sequence[str], course: Course) -> list[str]:
    """Rename lessons that have a new slug; returns the slugs of `before` as they are now. Raises AmbiguousRename.

    Deliveries, answers and drafts stay with the lesson, and readers who had it do not get it again. If a removed
    lesson has the slug that is needed, it gets another one.
    """
    rows = session.execute(
        select(LessonRow.slug, LessonRow.id, LessonVersionRow.document)
        .join(LessonVersionRow, LessonVersionRow.id == LessonRow.current_version_id)
        .where(LessonRow.course_id == course_id, LessonRow.campaign_id.is_(None))
        .order_by(LessonRow.id)
    ).all()
    ids = {slug: lesson_id for slug, lesson_id, _ in rows}
    known = {slug: Lesson.model_validate(document) for slug, _, document in rows}
    here = {slug: known[slug] for slug in before}
    removed = {slug: lesson for slug, lesson in known.items() if slug not in here}
    renamed = renamed_lessons(here, removed, {lesson.slug: lesson for lesson in course.lessons})
    freed = {slug: f"{slug[:40]}-{ids[slug]}" for slug in set(renamed.values()) & ids.keys() - renamed.keys()}
    moves = {**freed, **renamed}
    for old in moves:  # in two steps, as lessons may swap slugs
        _set_slug(session, ids[old], f"{ids[old]}:")
        lesson_drafts.rename(session, course_id, old, f"{ids[old]}:")
    for old, new in moves.items():
        _set_slug(session, ids[old], new)
        lesson_drafts.rename(session, course_id, f"{ids[old]}:", new, f"{new[:40]}-{ids[old]}")
    return [moves.get(slug, slug) for slug in before]


def _set_slug(session: Session, lesson_id: int, slug: str) -> None:
    session.execute(update(LessonRow).where(LessonRow.id == lesson_id).values(slug=slug))


def _keep_places(session: Session, course_id: int, before: Sequence[str], after: Mapping[str, int]) -> None:
    """Move all readers so that they miss no lesson that was ahead of them, see `content.places`."""
    enrolments_of_course = EnrolmentRow.campaign_id.in_(
        select(CampaignRow.id).where(CampaignRow.course_id == course_id, CampaignRow.sends_course)
    )
    over = len(after) + 1
    moved = {place: new for place, new in new_positions(before, after).items() if new != place}
    if moved or len(before) != len(after):
        _lock_enrolments(session, enrolments_of_course)
    if before and moved:
        session.execute(
            update(EnrolmentRow)
            .where(
                enrolments_of_course,
                EnrolmentRow.status != EnrolmentStatus.COMPLETED,
                EnrolmentRow.next_position.in_(moved),
            )
            .values(next_position=case(moved, value=EnrolmentRow.next_position))
            .execution_options(synchronize_session=False)
        )
    session.execute(
        update(EnrolmentRow)
        .where(
            enrolments_of_course,
            EnrolmentRow.status == EnrolmentStatus.COMPLETED,
            EnrolmentRow.next_position != over,
        )
        .values(next_position=over)
        .execution_options(synchronize_session=False)
    )


def _give_back(session: Session, course_id: int, slugs: Sequence[str], now: datetime) -> None:
    """Handle removed lessons that are back: readers whose delivery was cancelled by the removal get it next.

    Except readers who have left the course since.
    """
    back = session.execute(
        select(DeliveryRow.enrolment_id, func.min(LessonRow.position))
        .join(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .join(EnrolmentRow, EnrolmentRow.id == DeliveryRow.enrolment_id)
        .where(
            LessonRow.course_id == course_id,
            LessonRow.slug.in_(slugs),
            LessonRow.campaign_id.is_(None),
            DeliveryRow.state == DeliveryState.CANCELLED,
            ~stays_finished(),
        )
        .group_by(DeliveryRow.enrolment_id)
    ).all()
    for enrolment_id, place in back:
        enrolment = session.get_one(EnrolmentRow, enrolment_id, populate_existing=True)
        if place is None or enrolment.next_position <= place or enrolment.status == EnrolmentStatus.CANCELLED:
            continue
        enrolment.next_position = place
        if enrolment.status == EnrolmentStatus.COMPLETED:
            enrolment.status, enrolment.completed_at, enrolment.next_due_at = EnrolmentStatus.ACTIVE, None, now
    session.flush()


def _save_lesson(session: Session, course_id: int, lesson: Lesson, now: datetime) -> bool:
    named = (LessonRow.course_id == course_id, LessonRow.slug == lesson.slug, LessonRow.campaign_id.is_(None))
    row = session.scalar(select(LessonRow).where(*named))
    if row is None:
        row = LessonRow(course_id=course_id, slug=lesson.slug, read_count=0)
        session.add(row)
    row.position = lesson.number
    session.flush()
    version_id = save_version(session, row.id, lesson, now)
    changed = row.current_version_id != version_id
    row.current_version_id = version_id
    return changed
