"""Lessons that are being written, in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from rugcourse.store.statements import upsert
from rugcourse.store.tables import AdminRow, LessonDraftRow


@dataclass(frozen=True, slots=True)
class LessonDraft:
    """`saved`: how often it was kept; `saved_by`: the address of who did so last, if it was an admin."""

    slug: str
    fields: Mapping[str, str]
    saved: int
    saved_at: datetime
    saved_by: str | None


def find(session: Session, course_id: int, slug: str) -> LessonDraft | None:
    return next((one for one in of_course(session, course_id) if one.slug == slug), None)


def of_course(session: Session, course_id: int) -> list[LessonDraft]:
    rows = session.execute(
        select(LessonDraftRow, AdminRow.email)
        .outerjoin(AdminRow, AdminRow.id == LessonDraftRow.admin_id)
        .where(LessonDraftRow.course_id == course_id)
        .order_by(LessonDraftRow.slug)
    )
    return [LessonDraft(row.slug, row.fields, row.saved, row.saved_at, email) for row, email in rows]


def save(
    session: Session,
    course_id: int,
    slug: str,
    fields: Mapping[str, str],
    seen: int,
    admin_id: int | None,
    now: datetime,
) -> bool:
    """Keep a draft that had been kept `seen` times when it was opened. False, and nothing, if it was kept since."""
    values = {"fields": dict(fields), "admin_id": admin_id, "saved_at": now}
    if seen == 0:
        statement = (
            upsert(session, LessonDraftRow)
            .values(course_id=course_id, slug=slug, saved=1, **values)
            .on_conflict_do_nothing(index_elements=["course_id", "slug"])
            .returning(LessonDraftRow.saved)
        )
    else:
        statement = (
            update(LessonDraftRow)
            .where(LessonDraftRow.course_id == course_id, LessonDraftRow.slug == slug, LessonDraftRow.saved == seen)
            .values(saved=seen + 1, **values)
            .returning(LessonDraftRow.saved)
            .execution_options(synchronize_session=False)
        )
    return session.scalar(statement) is not None


def remove(session: Session, course_id: int, slug: str) -> None:
    session.execute(delete(LessonDraftRow).where(LessonDraftRow.course_id == course_id, LessonDraftRow.slug == slug))
