"""Queries for courses, lessons and their versions."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from rugcourse.content import Course
from rugcourse.content.fingerprints import Fingerprints, fingerprints_of
from rugcourse.db.models import (
    CampaignKind,
    CampaignRow,
    CourseRow,
    CourseVersionRow,
    DeliveryRow,
    LessonRow,
    LessonVersionRow,
)
from rugcourse.db.published_course import PublishedCourse


class CourseState(NamedTuple):
    """What tells that a cached course is out of date."""

    content_hash: str
    is_archived: bool


def course_states(session: Session) -> dict[str, CourseState]:
    """Return slug → state of the published courses, in the order in which they were made."""
    rows = session.execute(
        select(CourseRow.slug, CourseRow.content_hash, CourseRow.archived_at)
        .where(CourseRow.published_at.is_not(None))
        .order_by(CourseRow.id)
    )
    return {slug: CourseState(content_hash, archived_at is not None) for slug, content_hash, archived_at in rows}


def course_ids(session: Session) -> list[tuple[int, str]]:
    """Return (id, slug) of the published courses."""
    rows = session.execute(
        select(CourseRow.id, CourseRow.slug).where(CourseRow.published_at.is_not(None)).order_by(CourseRow.id)
    )
    return list(rows)


def find(session: Session, slug: str) -> CourseRow | None:
    return session.scalar(select(CourseRow).where(CourseRow.slug == slug))


def unpublished(session: Session) -> list[CourseRow]:
    """Return the courses that were never published, the newest first."""
    return list(
        session.scalars(select(CourseRow).where(CourseRow.published_at.is_(None)).order_by(CourseRow.id.desc()))
    )


def slug_of(session: Session, course_id: int) -> str:
    return session.scalars(select(CourseRow.slug).where(CourseRow.id == course_id)).one()


def load_course(session: Session, slug: str) -> PublishedCourse | None:
    row = session.scalar(select(CourseRow).where(CourseRow.slug == slug))
    if row is None or row.published_at is None:
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
    return PublishedCourse(
        row.id,
        campaign_id,
        course,
        lesson_ids,
        row.content_hash,
        row.published_at,
        row.archived_at is not None,
    )


def slug_of_campaign(session: Session, campaign_id: int) -> str | None:
    return session.scalar(
        select(CourseRow.slug)
        .join(CampaignRow, CampaignRow.course_id == CourseRow.id)
        .where(CampaignRow.id == campaign_id)
    )


def takes_readers(session: Session, campaign_id: int) -> bool:
    """Whether new readers may join the course of a campaign: it was not archived."""
    course = select(CourseRow.id).join(CampaignRow, CampaignRow.course_id == CourseRow.id)
    found = course.where(CampaignRow.id == campaign_id, CourseRow.archived_at.is_(None))
    return session.scalar(found) is not None


def lock(session: Session, slug: str) -> Fingerprints | None:
    """Lock a course against publishing until the transaction ends; returns the last seen fingerprints of its files."""
    return session.scalar(select(CourseRow.synced_hashes).where(CourseRow.slug == slug).with_for_update()) or None


def is_slug_used(session: Session, course_id: int, slug: str) -> bool:
    """Whether a lesson of the course has, or had, that slug."""
    found = select(LessonRow.id).where(LessonRow.course_id == course_id, LessonRow.slug == slug)
    return session.scalar(found) is not None


def find_lesson(session: Session, course_id: int, slug: str) -> tuple[int, int] | None:
    """Return (lesson id, current version id), also of a lesson that was removed from the course."""
    named = (LessonRow.course_id == course_id, LessonRow.slug == slug, LessonRow.campaign_id.is_(None))
    row = session.scalar(select(LessonRow).where(*named))
    return (row.id, row.current_version_id or 0) if row else None


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


def make_current(session: Session, lesson_id: int, version_id: int, now: datetime) -> None:
    """Make a version the current one of a lesson."""
    session.execute(update(LessonRow).where(LessonRow.id == lesson_id).values(current_version_id=version_id))
    row = session.scalars(
        select(CourseRow).join(LessonRow, LessonRow.course_id == CourseRow.id).where(LessonRow.id == lesson_id)
    ).one()
    published = load_course(session, row.slug)
    if published is not None:  # processes that cache the course compare its hash
        row.content_hash, row.published_at = published.course.content_hash, now


def note_files(session: Session, course: Course) -> None:
    """Record the content of the files as this course."""
    session.execute(
        update(CourseRow).where(CourseRow.slug == course.slug).values(synced_hashes=fingerprints_of(course))
    )


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


def languages_of(session: Session, course_id: int) -> tuple[str, ...]:
    """Return the languages that a course is written in, published or not, the first one first."""
    return tuple(session.scalars(select(CourseRow.languages).where(CourseRow.id == course_id)).one())


def versions(session: Session, course_id: int, most: int) -> list[CourseVersionRow]:
    """Return what was published of a course other than its lessons, the newest first."""
    found = select(CourseVersionRow).where(CourseVersionRow.course_id == course_id)
    return list(session.scalars(found.order_by(CourseVersionRow.id.desc()).limit(most)))


def version(session: Session, course_id: int, version_id: int) -> CourseVersionRow | None:
    row = session.get(CourseVersionRow, version_id)
    return row if row is not None and row.course_id == course_id else None


def set_languages(session: Session, course_id: int, languages: list[str]) -> None:
    session.execute(update(CourseRow).where(CourseRow.id == course_id).values(languages=languages))


def set_archived(session: Session, course_id: int, at: datetime | None) -> None:
    session.execute(update(CourseRow).where(CourseRow.id == course_id).values(archived_at=at))
