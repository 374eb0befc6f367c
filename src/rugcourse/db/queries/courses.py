"""Queries for courses, lessons and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.orm import Session

from rugcourse.content import Course, Lesson, Message
from rugcourse.content.fingerprints import fingerprints_of
from rugcourse.content.places import new_positions, renamed_lessons
from rugcourse.db.bulk import upsert
from rugcourse.db.models import (
    CampaignKind,
    CampaignRow,
    CourseRow,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    LessonRow,
    LessonVersionPinRow,
    LessonVersionRow,
)
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import lesson_drafts
from rugcourse.db.queries.enrolments import stays_finished


def course_hashes(session: Session) -> dict[str, str]:
    """Return slug → hash of the published courses, in the order of publishing."""
    rows = session.execute(select(CourseRow.slug, CourseRow.content_hash).order_by(CourseRow.id))
    return dict(iter(rows))


def course_ids(session: Session) -> list[tuple[int, str]]:
    rows = session.execute(select(CourseRow.id, CourseRow.slug).order_by(CourseRow.id))
    return list(rows)


def slug_of(session: Session, course_id: int) -> str:
    return session.scalars(select(CourseRow.slug).where(CourseRow.id == course_id)).one()


def load_course(session: Session, slug: str) -> PublishedCourse | None:
    row = session.scalar(select(CourseRow).where(CourseRow.slug == slug))
    if row is None:
        return None
    lessons = session.execute(
        select(LessonRow.id, LessonVersionRow.document)
        .join(LessonVersionRow, LessonVersionRow.id == LessonRow.current_version_id)
        .where(LessonRow.course_id == row.id, LessonRow.position.is_not(None), LessonRow.campaign_id.is_(None))
        .order_by(LessonRow.position)
    ).all()
    course = Course.model_validate({**row.document, "lessons": [document for _, document in lessons]})
    campaign_id = session.scalars(
        select(CampaignRow.id).where(CampaignRow.course_id == row.id, CampaignRow.kind == CampaignKind.EVERGREEN)
    ).one()
    lesson_ids = {lesson.slug: lesson_id for lesson, (lesson_id, _) in zip(course.lessons, lessons, strict=True)}
    return PublishedCourse(row.id, campaign_id, course, lesson_ids, row.content_hash, row.published_at)


def slug_of_campaign(session: Session, campaign_id: int) -> str | None:
    return session.scalar(
        select(CourseRow.slug)
        .join(CampaignRow, CampaignRow.course_id == CourseRow.id)
        .where(CampaignRow.id == campaign_id)
    )


def load_version(session: Session, version_id: int) -> Lesson:
    return Lesson.model_validate(_document(session, version_id))


def has_version(session: Session, version_id: int) -> bool:
    return session.get(LessonVersionRow, version_id) is not None


def load_message(session: Session, version_id: int) -> Message:
    return Message.model_validate(_document(session, version_id))


def _document(session: Session, version_id: int) -> dict[str, Any]:
    found: dict[str, Any] = session.scalars(
        select(LessonVersionRow.document).where(LessonVersionRow.id == version_id)
    ).one()
    return found


def save_course(session: Session, course: Course, now: datetime) -> list[str]:
    """Publish `course`. Returns the slugs of new and changed lessons.

    Versions are only ever added. A lesson removed from the course keeps its row, its versions and its deliveries.
    """
    row = session.scalar(select(CourseRow).where(CourseRow.slug == course.slug).with_for_update())
    if row is None:
        row = CourseRow(slug=course.slug, content_hash="", document={}, published_at=now)
        session.add(row)
        session.flush()
        name = next(iter(course.texts.values())).title
        session.add(CampaignRow(course_id=row.id, kind=CampaignKind.EVERGREEN, name=name, created_at=now))
    if row.content_hash == course.content_hash:
        return []
    _move_messages(session, row.id, [lesson.slug for lesson in course.lessons])
    before = _rename(session, row.id, _places(session, row.id), course)
    row.content_hash = course.content_hash
    row.document = course.model_dump(mode="json", exclude={"lessons"})
    row.published_at = now
    session.execute(
        update(LessonRow).where(LessonRow.course_id == row.id, LessonRow.campaign_id.is_(None)).values(position=None)
    )
    changed = [lesson.slug for lesson in course.lessons if _save_lesson(session, row.id, lesson, now)]
    _keep_places(session, row.id, before, {lesson.slug: lesson.number for lesson in course.lessons})
    _give_back(session, row.id, [lesson.slug for lesson in course.lessons if lesson.slug not in before], now)
    return changed


def lock(session: Session, slug: str) -> dict[str, Any]:
    """Lock a course against publishing until the transaction ends; returns the last seen fingerprints of its files."""
    return session.scalar(select(CourseRow.in_files).where(CourseRow.slug == slug).with_for_update()) or {}


def is_slug_used(session: Session, course_id: int, slug: str) -> bool:
    """Whether a lesson of the course has, or had, that slug."""
    found = select(LessonRow.id).where(LessonRow.course_id == course_id, LessonRow.slug == slug)
    return session.scalar(found) is not None


def find_lesson(session: Session, course_id: int, slug: str) -> tuple[int, int] | None:
    """Return (lesson id, current version id), also of a lesson that was removed from the course."""
    named = (LessonRow.course_id == course_id, LessonRow.slug == slug, LessonRow.campaign_id.is_(None))
    row = session.scalar(select(LessonRow).where(*named))
    return (row.id, row.current_version_id or 0) if row else None


def find_published_version(session: Session, course_id: int, slug: str) -> int | None:
    """Return the published version of a lesson; None if it is not in the course."""
    return session.scalar(
        select(LessonRow.current_version_id).where(
            LessonRow.course_id == course_id,
            LessonRow.slug == slug,
            LessonRow.position.is_not(None),
            LessonRow.campaign_id.is_(None),
        )
    )


def published_at(session: Session, version_id: int) -> datetime:
    """Return when a version was first published (UTC)."""
    return session.scalars(select(LessonVersionRow.published_at).where(LessonVersionRow.id == version_id)).one()


def versions(session: Session, lesson_id: int) -> list[tuple[int, datetime, Lesson]]:
    """Return (id, first published at, content) of all versions of a lesson, newest first."""
    rows = session.scalars(
        select(LessonVersionRow).where(LessonVersionRow.lesson_id == lesson_id).order_by(LessonVersionRow.id.desc())
    )
    return [(row.id, row.published_at, Lesson.model_validate(row.document)) for row in rows]


def save_version(session: Session, lesson_id: int, wording: Lesson | Message, now: datetime) -> int:
    """Return the id of the version with this content, and create it if there is none."""
    content_hash = wording.content_hash
    found = session.scalar(
        select(LessonVersionRow.id).where(
            LessonVersionRow.lesson_id == lesson_id, LessonVersionRow.content_hash == content_hash
        )
    )
    if found is not None:
        return found
    document = wording.model_dump(mode="json")
    version = LessonVersionRow(lesson_id=lesson_id, content_hash=content_hash, document=document, published_at=now)
    session.add(version)
    session.flush()
    return version.id


def wording_of(session: Session, lesson_id: int) -> tuple[int, Lesson | Message] | None:
    """Return (version id, content) that readers get of a lesson or of the message of a broadcast."""
    row = session.get(LessonRow, lesson_id)
    if row is None or row.current_version_id is None:
        return None
    load = load_version if row.campaign_id is None else load_message
    return row.current_version_id, load(session, row.current_version_id)


def subjects_of_version(session: Session, version_id: int) -> dict[str, str]:
    """Return language → subject of a version."""
    return {language: text["subject"] for language, text in _document(session, version_id)["texts"].items()}


def lock_id(session: Session, course_id: int) -> None:
    """Lock a course until the transaction ends."""
    session.execute(select(CourseRow.id).where(CourseRow.id == course_id).with_for_update(key_share=True))


def lock_of_lesson(session: Session, lesson_id: int) -> None:
    """Lock the course of a lesson, or of the message of a broadcast."""
    lock_id(session, session.scalars(select(LessonRow.course_id).where(LessonRow.id == lesson_id)).one())


def lock_to_join(session: Session, campaign_id: int) -> None:
    """Lock the course of a campaign (shared): cohorts can't enrol until the transaction ends, single readers can."""
    course = select(CampaignRow.course_id).where(CampaignRow.id == campaign_id).scalar_subquery()
    session.execute(select(CourseRow.id).where(CourseRow.id == course).with_for_update(read=True))


def lock_to_join_by(session: Session, delivery_id: int) -> None:
    """Lock the course of a mail's campaign, see `lock_to_join`."""
    campaign_id = session.scalar(select(DeliveryRow.campaign_id).where(DeliveryRow.id == delivery_id))
    if campaign_id is not None:
        lock_to_join(session, campaign_id)


def versions_like(session: Session, version_id: int) -> list[int]:
    """Return the versions of the same lesson with the same content: only the lesson's number differs."""
    lesson_id = select(LessonVersionRow.lesson_id).where(LessonVersionRow.id == version_id).scalar_subquery()
    rows = session.execute(
        select(LessonVersionRow.id, LessonVersionRow.document).where(LessonVersionRow.lesson_id == lesson_id)
    )
    texts = {found: document["texts"] for found, document in rows}
    return [found for found, text in texts.items() if text == texts[version_id]]


def make_current(session: Session, lesson_id: int, version_id: int, now: datetime) -> None:
    """Make a version the current one of a lesson."""
    session.execute(update(LessonRow).where(LessonRow.id == lesson_id).values(current_version_id=version_id))
    row = session.scalars(
        select(CourseRow).join(LessonRow, LessonRow.course_id == CourseRow.id).where(LessonRow.id == lesson_id)
    ).one()
    published = load_course(session, row.slug)
    if published is not None:  # processes that cache the course compare its hash
        row.content_hash, row.published_at = published.course.content_hash, now


def pin_version(session: Session, lesson_id: int, version_id: int) -> None:
    """Pin this version for readers enrolled now, even if a newer one is published. Earlier pins stay."""
    newest = session.scalar(select(func.max(EnrolmentRow.id))) or 0
    session.execute(
        upsert(session, LessonVersionPinRow)
        .values(lesson_id=lesson_id, up_to_enrolment=newest, version_id=version_id)
        .on_conflict_do_nothing(index_elements=["lesson_id", "up_to_enrolment"])
    )


def unpin_versions(session: Session, lesson_id: int) -> None:
    """Remove all pins of a lesson, so that all readers get its current version."""
    session.execute(delete(LessonVersionPinRow).where(LessonVersionPinRow.lesson_id == lesson_id))


def kept_versions(session: Session, lesson_id: int) -> set[int]:
    """Return the versions of a lesson that are pinned for some readers."""
    return set(
        session.scalars(select(LessonVersionPinRow.version_id).where(LessonVersionPinRow.lesson_id == lesson_id))
    )


def note_files(session: Session, course: Course) -> None:
    """Record the content of the files as this course."""
    session.execute(update(CourseRow).where(CourseRow.slug == course.slug).values(in_files=fingerprints_of(course)))


def count_reading(session: Session, lesson_id: int) -> int:
    """Count one view of a lesson's web version, and return the total."""
    return session.scalars(
        update(LessonRow)
        .where(LessonRow.id == lesson_id)
        .values(read_count=LessonRow.read_count + 1)
        .returning(LessonRow.read_count)
    ).one()


def read_count(session: Session, lesson_id: int) -> int:
    return session.scalars(select(LessonRow.read_count).where(LessonRow.id == lesson_id)).one()


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
        select(CampaignRow.id).where(CampaignRow.course_id == course_id, CampaignRow.kind != CampaignKind.BROADCAST)
    )
    over = len(after) + 1
    moved = {place: new for place, new in new_positions(before, after).items() if new != place}
    if moved or len(before) != len(after):
        # First, and in a statement of its own: PostgreSQL looks for rows to update as they were before it waited, and
        # would miss a reader whom a planner advances meanwhile.
        theirs = select(EnrolmentRow.id).where(enrolments_of_course).order_by(EnrolmentRow.id).with_for_update()
        session.execute(select(func.count()).select_from(theirs.subquery()))
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
