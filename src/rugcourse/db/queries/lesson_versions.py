"""Queries for the versions of a lesson, and for pins: which readers keep an earlier version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from rugcourse.content import Lesson, Message
from rugcourse.db.bulk import upsert
from rugcourse.db.models import EnrolmentRow, LessonRow, LessonVersionPinRow, LessonVersionRow


def load_version(session: Session, version_id: int) -> Lesson:
    return Lesson.model_validate(version_document(session, version_id))


def has_version(session: Session, version_id: int) -> bool:
    return session.get(LessonVersionRow, version_id) is not None


def load_message(session: Session, version_id: int) -> Message:
    return Message.model_validate(version_document(session, version_id))


def version_document(session: Session, version_id: int) -> dict[str, Any]:
    found: dict[str, object] = session.scalars(
        select(LessonVersionRow.document).where(LessonVersionRow.id == version_id)
    ).one()
    return found


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
    return {language: text["subject"] for language, text in version_document(session, version_id)["texts"].items()}


def versions_like(session: Session, version_id: int) -> list[int]:
    """Return the versions of the same lesson with the same content: only the lesson's number differs."""
    lesson_id = select(LessonVersionRow.lesson_id).where(LessonVersionRow.id == version_id).scalar_subquery()
    rows = session.execute(
        select(LessonVersionRow.id, LessonVersionRow.document).where(LessonVersionRow.lesson_id == lesson_id)
    )
    texts = {found: document["texts"] for found, document in rows}
    return [found for found, text in texts.items() if text == texts[version_id]]


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


def pinned_versions(session: Session, lesson_id: int) -> set[int]:
    """Return the versions of a lesson that are pinned for some readers."""
    return set(
        session.scalars(select(LessonVersionPinRow.version_id).where(LessonVersionPinRow.lesson_id == lesson_id))
    )
