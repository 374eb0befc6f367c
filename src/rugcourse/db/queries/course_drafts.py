"""Queries for drafts of the parts of a course that are not lessons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from rugcourse.db.bulk import count
from rugcourse.db.models import AdminRow, CourseDraftRow, CourseRow, DiscardedDraftRow, LessonDraftRow
from rugcourse.db.queries.draft_rows import save_row


@dataclass(frozen=True, slots=True)
class PartDraft:
    """A draft of a part. `saved`: its revision; `saved_by`: the address of the last admin who saved it, if any."""

    fields: Mapping[str, str]
    saved: int
    saved_at: datetime
    saved_by: str | None


def of_course(session: Session, course_id: int) -> dict[str, PartDraft]:
    """Return the drafts of a course by part."""
    rows = session.execute(
        select(CourseDraftRow, AdminRow.email)
        .outerjoin(AdminRow, AdminRow.id == CourseDraftRow.admin_id)
        .where(CourseDraftRow.course_id == course_id)
    )
    return {row.part: PartDraft(row.fields, row.revision, row.saved_at, email) for row, email in rows}


def save(
    session: Session,
    course_id: int,
    part: str,
    fields: Mapping[str, str],
    seen: int,
    admin_id: int | None,
    now: datetime,
) -> bool:
    """Save a draft. `seen`: its revision when opened, 0 for a new one. Returns False if it was saved since."""
    values = {
        "fields": dict(fields),
        "admin_id": admin_id,
        "saved_at": now,
    }
    return save_row(session, CourseDraftRow, {"course_id": course_id, "part": part}, values, seen)


def remove(session: Session, course_id: int, part: str, seen: int | None = None) -> bool:
    """Remove a draft. Returns False if there is none, or with `seen`, if it was saved since that revision."""
    conditions = [CourseDraftRow.course_id == course_id, CourseDraftRow.part == part]
    if seen is not None:
        conditions.append(CourseDraftRow.revision == seen)
    return count(session.execute(delete(CourseDraftRow).where(*conditions))) > 0


def delete_unpublished(session: Session, course_id: int) -> None:
    """Delete a course that was never published, with all that was written for it."""
    for table in (CourseDraftRow, LessonDraftRow, DiscardedDraftRow):
        session.execute(delete(table).where(table.course_id == course_id))
    session.execute(delete(CourseRow).where(CourseRow.id == course_id, CourseRow.published_at.is_(None)))
