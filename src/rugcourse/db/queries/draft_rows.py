"""Saves rows of drafts, so that nobody overwrites what somebody else has saved meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Executable, update
from sqlalchemy.orm import Session

from rugcourse.db.bulk import upsert
from rugcourse.db.models import CourseDraftRow, CourseRow, LessonDraftRow


def save_row(
    session: Session,
    table: type[LessonDraftRow | CourseDraftRow],
    key: Mapping[str, object],
    values: Mapping[str, object],
    seen: int,
) -> bool:
    """Save a draft with a new revision. `key`: its primary key, with `course_id`.

    `seen`: its revision when it was opened, 0 for a new one. Returns False if it was saved since.
    """
    new = {**values, "revision": _next_revision(session, key["course_id"])}
    statement: Executable
    if seen == 0:
        insert = upsert(session, table).values(**key, **new)
        statement = insert.on_conflict_do_nothing(index_elements=list(key)).returning(table.revision)
    else:
        statement = (
            update(table)
            .filter_by(**key, revision=seen)
            .values(new)
            .returning(table.revision)
            .execution_options(synchronize_session=False)
        )
    return session.scalar(statement) is not None


def _next_revision(session: Session, course_id: object) -> int:
    """Return a new revision number. Never reused, so that an old form can't overwrite a new draft."""
    return session.scalars(
        update(CourseRow)
        .where(CourseRow.id == course_id)
        .values(draft_revision=CourseRow.draft_revision + 1)
        .returning(CourseRow.draft_revision)
        .execution_options(synchronize_session=False)
    ).one()
