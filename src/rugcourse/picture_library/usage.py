"""Which texts show a picture, and deleting one that none shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content.picture_search import pictures_in
from rugcourse.db.engine import Database
from rugcourse.db.models import AuditAction, PictureRow
from rugcourse.db.queries import admins, pictures
from rugcourse.db.queries.pictures import PictureUse
from rugcourse.errors import InvalidState
from rugcourse.picture_library.files import PictureNotFound
from rugcourse.picture_library.stored_files import discard
from rugcourse.pictures.reference import PictureRef


class PictureInUse(InvalidState):
    """A text shows the picture, or mails that were sent do. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A picture in the library. `size`: bytes; `uses`: the texts that name it."""

    ref: PictureRef
    size: int
    created_at: datetime
    uses: Sequence[PictureUse]


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """Pictures, newest first. `after`: the digest to ask the next page with, or None."""

    entries: Sequence[LibraryEntry]
    after: str | None


def library_page(session: Session, count: int, after: str | None = None) -> LibraryPage:
    """Return `count` pictures, behind that with the digest `after`."""
    last = pictures.find(session, after) if after else None
    rows = pictures.newest(session, count + 1, (last.created_at, last.digest) if last else None)
    uses = pictures.uses(session) if rows else {}
    entries = [LibraryEntry(_ref_of(row), row.size, row.created_at, uses.get(row.digest, ())) for row in rows[:count]]
    return LibraryPage(entries, entries[-1].ref.digest if len(rows) > count else None)


def delete_picture(database: Database, now: datetime, digest: str, admin_id: int | None) -> None:
    """Delete a picture that no text shows and no mail showed, and its files, wherever they are.

    Raises PictureNotFound and PictureInUse.
    """
    discard(database.picture_storage, database.run(delete, now, digest, admin_id))


def delete(session: Session, now: datetime, digest: str, admin_id: int | None) -> list[str]:
    """Delete the row of a picture; returns the keys of its files in the picture storage, which can be deleted then.

    Raises PictureNotFound and PictureInUse.
    """
    row = pictures.find(session, digest)
    if row is None:
        raise PictureNotFound
    if pictures.uses(session).get(digest):
        raise PictureInUse
    keys = pictures.remove(session, digest)
    before = {"name": row.name, "width": row.width, "height": row.height, "bytes": row.size}
    admins.record_change(session, now, admin_id, AuditAction.PICTURE_DELETE, digest, before, None)
    return keys


def missing(session: Session, texts: Iterable[str]) -> list[PictureRef]:
    """Return the pictures that texts name and that are not here."""
    named = list(dict.fromkeys(ref for text in texts for ref in pictures_in(text)))
    here = pictures.sizes(session, [ref.digest for ref in named]) if named else {}
    return [ref for ref in named if ref.digest not in here]


def _ref_of(row: PictureRow) -> PictureRef:
    return PictureRef(row.name, row.digest, row.width, row.height, row.extension)
