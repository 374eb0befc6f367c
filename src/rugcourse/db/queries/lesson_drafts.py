"""Queries for drafts of lessons, and discarded drafts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from rugcourse.db.bulk import count
from rugcourse.db.models import AdminRow, DiscardedDraftRow, LessonDraftRow
from rugcourse.db.queries.draft_rows import save_row


class DraftContent(NamedTuple):
    """The fields of a draft. `began_from`: the lesson version it started from, 0 if there was none."""

    fields: Mapping[str, str]
    began_from: int


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """A saved draft. `saved`: a revision number, unique in the course, that changes with each save.

    `saved_by`: the address of the last admin who saved it, if any. `began_from`: the lesson version that was published
    when it was begun, 0 for none.
    """

    slug: str
    fields: Mapping[str, str]
    saved: int
    saved_at: datetime
    saved_by: str | None
    began_from: int


@dataclass(frozen=True, slots=True)
class DiscardedDraft:
    """A discarded draft. `by`: the address of the admin who discarded it, if any."""

    id: int
    slug: str
    fields: Mapping[str, str]
    at: datetime
    by: str | None


def find(session: Session, course_id: int, slug: str) -> SavedDraft | None:
    return next((one for one in of_course(session, course_id) if one.slug == slug), None)


def revision_of(session: Session, course_id: int, slug: str) -> int:
    """Return the revision of a draft that exists."""
    one = (LessonDraftRow.course_id == course_id, LessonDraftRow.slug == slug)
    return session.scalars(select(LessonDraftRow.revision).where(*one)).one()


def of_course(session: Session, course_id: int) -> list[SavedDraft]:
    rows = session.execute(
        select(LessonDraftRow, AdminRow.email)
        .outerjoin(AdminRow, AdminRow.id == LessonDraftRow.admin_id)
        .where(LessonDraftRow.course_id == course_id)
        .order_by(LessonDraftRow.slug)
    )
    return [
        SavedDraft(row.slug, row.fields, row.revision, row.saved_at, email, row.base_version_id) for row, email in rows
    ]


def save(
    session: Session,
    course_id: int,
    slug: str,
    draft: DraftContent,
    seen: int,
    admin_id: int | None,
    now: datetime,
) -> bool:
    """Save a draft. `seen`: its revision when opened, 0 for a new one. Returns False if it was saved since."""
    values = {
        "fields": dict(draft.fields),
        "base_version_id": draft.began_from,
        "admin_id": admin_id,
        "saved_at": now,
    }
    return save_row(session, LessonDraftRow, {"course_id": course_id, "slug": slug}, values, seen)


def remove(session: Session, course_id: int, slug: str) -> None:
    session.execute(delete(LessonDraftRow).where(LessonDraftRow.course_id == course_id, LessonDraftRow.slug == slug))


def rename(session: Session, course_id: int, old: str, new: str, otherwise: str = "") -> None:
    """Move the drafts of a lesson to its new slug, or to `otherwise` if that slug already has a draft."""
    taken = bool(otherwise) and find(session, course_id, new) is not None
    for table, slug in ((LessonDraftRow, otherwise if taken else new), (DiscardedDraftRow, new)):
        session.execute(
            update(table)
            .where(table.course_id == course_id, table.slug == old)
            .values(slug=slug)
            .execution_options(synchronize_session=False)
        )


def discard(session: Session, course_id: int, slug: str, seen: int, admin_id: int | None, now: datetime) -> int | None:
    """Discard a draft with the revision `seen`; returns the id by which it can be restored.

    Returns None, and does nothing, if there is none or it was saved since.
    """
    found = session.execute(
        delete(LessonDraftRow)
        .where(LessonDraftRow.course_id == course_id, LessonDraftRow.slug == slug, LessonDraftRow.revision == seen)
        .returning(LessonDraftRow.fields, LessonDraftRow.base_version_id)
    ).one_or_none()
    if found is None:
        return None
    fields, began_from = found
    row = DiscardedDraftRow(
        course_id=course_id, slug=slug, fields=fields, admin_id=admin_id, discarded_at=now, base_version_id=began_from
    )
    session.add(row)
    session.flush()
    return row.id


def discarded_of_course(session: Session, course_id: int) -> list[DiscardedDraft]:
    """Return the discarded drafts of a course, newest first."""
    rows = session.execute(
        select(DiscardedDraftRow, AdminRow.email)
        .outerjoin(AdminRow, AdminRow.id == DiscardedDraftRow.admin_id)
        .where(DiscardedDraftRow.course_id == course_id)
        .order_by(DiscardedDraftRow.id.desc())
    )
    return [DiscardedDraft(row.id, row.slug, row.fields, row.discarded_at, email) for row, email in rows]


def find_discarded(session: Session, discarded_id: int) -> DiscardedDraftRow | None:
    """Lock and return a discarded draft."""
    return session.get(DiscardedDraftRow, discarded_id, with_for_update=True)


def restore(session: Session, row: DiscardedDraftRow, admin_id: int | None, now: datetime) -> bool:
    """Restore a discarded draft. Returns False, and does nothing, if the lesson has another draft."""
    if not save(session, row.course_id, row.slug, DraftContent(row.fields, row.base_version_id), 0, admin_id, now):
        return False
    session.delete(row)
    return True


def forget_discarded(session: Session, before: datetime) -> int:
    """Delete drafts that were discarded before an instant; returns how many."""
    return count(session.execute(delete(DiscardedDraftRow).where(DiscardedDraftRow.discarded_at < before)))
