"""Courses as files, kept in the store: whichever process made one, each has it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from rugcourse.db.bulk import upsert
from rugcourse.db.models import EditionRow


class EditionKind(StrEnum):
    PDF = "pdf"
    EPUB = "epub"
    SHARE = "share"  # a picture, PNG


class EditionKey(NamedTuple):
    course_id: int
    language: str
    kind: EditionKind


def find_edition(session: Session, key: EditionKey, fingerprint: str | None = None) -> bytes | None:
    """The file, if it is there and was made of just this; without a fingerprint, whatever it was made of."""
    query = select(EditionRow.content).where(
        EditionRow.course_id == key.course_id, EditionRow.language == key.language, EditionRow.kind == key.kind
    )
    return session.scalar(query if fingerprint is None else query.where(EditionRow.fingerprint == fingerprint))


def save_edition(session: Session, key: EditionKey, fingerprint: str, content: bytes, now: datetime) -> None:
    values = {"fingerprint": fingerprint, "content": content, "made_at": now}
    session.execute(
        upsert(session, EditionRow)
        .values(**key._asdict(), **values)
        .on_conflict_do_update(index_elements=["course_id", "language", "kind"], set_=values)
    )
