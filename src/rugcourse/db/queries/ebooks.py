"""Queries for the cache of e-books, which all processes share."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from rugcourse.db.bulk import upsert
from rugcourse.db.models import EbookKind, EbookRow


class EbookKey(NamedTuple):
    course_id: int
    language: str
    kind: EbookKind


def find_ebook(session: Session, key: EbookKey, fingerprint: str | None = None) -> bytes | None:
    """Return the file, or None. With a `fingerprint` only if it was built from the same input."""
    query = select(EbookRow.content).where(
        EbookRow.course_id == key.course_id, EbookRow.language == key.language, EbookRow.kind == key.kind
    )
    return session.scalar(query if fingerprint is None else query.where(EbookRow.fingerprint == fingerprint))


def save_ebook(session: Session, key: EbookKey, fingerprint: str, content: bytes, now: datetime) -> None:
    values = {"fingerprint": fingerprint, "content": content, "made_at": now}
    session.execute(
        upsert(session, EbookRow)
        .values(**key._asdict(), **values)
        .on_conflict_do_update(index_elements=["course_id", "language", "kind"], set_=values)
    )
