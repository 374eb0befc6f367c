"""Queries for tokens of the API, and for idempotency keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from rugcourse.db.models import AdminRow, ApiTokenRow, IdempotencyKeyRow


def add(session: Session, row: ApiTokenRow) -> int:
    """Store a token; returns its id."""
    session.add(row)
    session.flush()
    return row.id


def by_hash(session: Session, token_hash: str) -> tuple[ApiTokenRow, AdminRow] | None:
    """Return a token and the admin as whom it acts."""
    query = select(ApiTokenRow, AdminRow).join(AdminRow, AdminRow.id == ApiTokenRow.admin_id)
    found = session.execute(query.where(ApiTokenRow.token_hash == token_hash)).one_or_none()
    return None if found is None else (found[0], found[1])


def everything(session: Session) -> Sequence[tuple[ApiTokenRow, str]]:
    """Return all tokens, the newest first, with the address of the admin of each."""
    query = select(ApiTokenRow, AdminRow.email).join(AdminRow, AdminRow.id == ApiTokenRow.admin_id)
    return [(one, email) for one, email in session.execute(query.order_by(ApiTokenRow.id.desc()))]


def find(session: Session, token_id: int, *, lock: bool = False) -> ApiTokenRow | None:
    return session.get(ApiTokenRow, token_id, with_for_update=lock)


def revoke_all(session: Session, admin_id: int, now: datetime) -> None:
    """End all tokens of an admin."""
    mine = update(ApiTokenRow).where(ApiTokenRow.admin_id == admin_id, ApiTokenRow.revoked_at.is_(None))
    session.execute(mine.values(revoked_at=now))


def mark_used(session: Session, token_id: int, now: datetime) -> None:
    session.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id).values(used_at=now))


def lock(session: Session, token_id: int) -> None:
    """Let one request of a token with an idempotency key in at a time."""
    session.execute(select(ApiTokenRow.id).where(ApiTokenRow.id == token_id).with_for_update())


def find_key(session: Session, token_id: int, key_hash: str) -> IdempotencyKeyRow | None:
    return session.get(IdempotencyKeyRow, (token_id, key_hash))


def keep_key(session: Session, row: IdempotencyKeyRow) -> None:
    session.add(row)
    session.flush()


def forget_keys(session: Session, before: datetime) -> int:
    """Delete the keys of requests before an instant (UTC); returns how many."""
    gone = delete(IdempotencyKeyRow).where(IdempotencyKeyRow.created_at < before)
    return len(session.scalars(gone.returning(IdempotencyKeyRow.token_id)).all())
