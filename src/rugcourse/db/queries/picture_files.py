"""Queries for where the files of pictures are: in the database, or in the picture storage."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Select, func, literal, select, union_all, update
from sqlalchemy.orm import Session

from rugcourse.db.models import PictureRenditionRow, PictureRow

_Files = Select[str, int, str, str | None, bool]


class FileRef(NamedTuple):
    """A file of a picture. `key`: in the storage. `is_whole`: the picture itself, whose hash is `digest`."""

    digest: str
    width: int
    extension: str
    key: str | None
    is_whole: bool


def in_database(session: Session, *, moved_back: bool = False) -> list[FileRef]:
    """Return the files whose bytes are in the database. `moved_back`: also those that have a key all the same."""
    pictures, renditions = _files()
    pictures = pictures.where(PictureRow.content.is_not(None))
    renditions = renditions.where(PictureRenditionRow.content.is_not(None))
    if not moved_back:
        pictures = pictures.where(PictureRow.storage_key.is_(None))
        renditions = renditions.where(PictureRenditionRow.storage_key.is_(None))
    return _found(session, pictures, renditions)


def in_storage(session: Session) -> list[FileRef]:
    """Return the files whose bytes are in the picture storage only."""
    pictures, renditions = _files()
    return _found(
        session, pictures.where(PictureRow.content.is_(None)), renditions.where(PictureRenditionRow.content.is_(None))
    )


def all_keys(session: Session) -> set[str]:
    """Return the keys in the picture storage that a row names."""
    named = union_all(select(PictureRow.storage_key), select(PictureRenditionRow.storage_key))
    return {key for key in session.scalars(named) if key is not None}


def count_in_storage(session: Session) -> int:
    """Return how many pictures are in the picture storage only."""
    return session.scalar(select(func.count()).select_from(PictureRow).where(PictureRow.content.is_(None))) or 0


def content(session: Session, file: FileRef) -> bytes | None:
    """Return the bytes of a file that are in the database."""
    if file.is_whole:
        return session.scalar(select(PictureRow.content).where(PictureRow.digest == file.digest))
    rendition = select(PictureRenditionRow.content).where(PictureRenditionRow.digest == file.digest)
    return session.scalar(rendition.where(PictureRenditionRow.width == file.width))


def set_place(session: Session, file: FileRef, content: bytes | None, key: str | None) -> bool:
    """Say where the bytes of a file are now. Returns False if it was deleted or moved meanwhile."""
    table = PictureRow if file.is_whole else PictureRenditionRow
    change = update(table).where(table.digest == file.digest)
    change = change.where(table.storage_key.is_(None) if file.key is None else table.storage_key == file.key)
    change = change.where(table.content.is_(None) if content is not None else table.content.is_not(None))
    if not file.is_whole:
        change = change.where(PictureRenditionRow.width == file.width)
    return session.scalar(change.values(content=content, storage_key=key).returning(table.digest)) is not None


def _files() -> tuple[_Files, _Files]:
    pictures = select(
        PictureRow.digest, PictureRow.width, PictureRow.extension, PictureRow.storage_key, literal(value=True)
    )
    renditions = select(
        PictureRenditionRow.digest,
        PictureRenditionRow.width,
        PictureRow.extension,
        PictureRenditionRow.storage_key,
        literal(value=False),
    ).join(PictureRow, PictureRow.digest == PictureRenditionRow.digest)
    return pictures, renditions


def _found(session: Session, *queries: _Files) -> list[FileRef]:
    return [FileRef(*row) for query in queries for row in session.execute(query)]
