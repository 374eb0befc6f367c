"""Queries for background jobs over many subscribers, done batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from rugcourse.db.models import ACTIVE_STATES, JobChunkRow, JobKind, JobRow, JobState
from rugcourse.db.models.json_columns import JobDocument


def add(
    session: Session, kind: JobKind, state: JobState, about: JobDocument, admin_id: int | None, now: datetime
) -> JobRow:
    row = JobRow(kind=kind, state=state, params=about, admin_id=admin_id, created_at=now)
    row.cursor, row.total, row.counts, row.problems = 0, 0, {}, []
    session.add(row)
    session.flush()
    return row


def find(session: Session, job_id: int, *, lock: bool = False) -> JobRow | None:
    return session.get(JobRow, job_id, with_for_update=True if lock else None)


def newest(session: Session, limit: int) -> Sequence[JobRow]:
    return session.scalars(select(JobRow).order_by(JobRow.id.desc()).limit(limit)).all()


def lock_next(session: Session) -> JobRow | None:
    """Lock and return a running job. Skips those that are locked."""
    return session.scalars(
        select(JobRow)
        .where(JobRow.state.in_(ACTIVE_STATES))
        .order_by(JobRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def add_lines(session: Session, job_id: int, number: int, lines: list[tuple[int, list[str]]]) -> None:
    session.add(JobChunkRow(job_id=job_id, number=number, lines=lines))


def lines_of(session: Session, job_id: int, number: int) -> list[tuple[int, list[str]]] | None:
    """Return the lines of a chunk; None after the last one."""
    return session.scalar(select(JobChunkRow.lines).where(JobChunkRow.job_id == job_id, JobChunkRow.number == number))


def drop_lines(session: Session, job_id: int) -> None:
    session.execute(delete(JobChunkRow).where(JobChunkRow.job_id == job_id))


def abandoned(session: Session, before: datetime) -> Sequence[JobRow]:
    """Return jobs from before an instant (UTC) that nobody started."""
    waits = (JobState.DRAFT, JobState.CHECKED)
    return session.scalars(
        select(JobRow).where(JobRow.state.in_(waits), JobRow.created_at < before).with_for_update()
    ).all()
