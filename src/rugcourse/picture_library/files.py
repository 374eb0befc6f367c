"""The files of pictures in the widths of mails and pages."""

from __future__ import annotations

from typing import NamedTuple

import structlog

from rugcourse.db.engine import Database
from rugcourse.db.models import PictureRow
from rugcourse.db.queries import pictures
from rugcourse.db.queries.pictures import StoredFile
from rugcourse.errors import NotFoundError
from rugcourse.picture_library.stored_files import move_to_storage
from rugcourse.picture_storage.storage import StorageUnavailable
from rugcourse.pictures.encoder import encode_picture
from rugcourse.pictures.errors import EncoderUnavailable, InvalidPicture
from rugcourse.pictures.reference import rendition_widths

log = structlog.get_logger()


_MOST_UNDECODABLE = 1000
_undecodable: set[str] = set()  # so that no visitor can have this process try again and again


class PictureNotFound(NotFoundError):
    """There is no such picture, or not in this width."""


class FileOfPicture(NamedTuple):
    """`is_final`: it is the file of that width. Otherwise it is the picture at its full size, until that is made."""

    content: bytes
    is_final: bool


def picture_file(database: Database, digest: str, width: int, extension: str) -> FileOfPicture:
    """Return a picture in a width, and make its files if this is the first time.

    Nobody waits for another picture to be made: they get this one at its full size. Raises PictureNotFound, and
    StorageUnavailable where pictures are in a folder or bucket. That one is asked after the transaction.
    """
    with database.read() as session:
        found = pictures.find_rendition(session, digest, width, extension)
        picture = None if found is not None else pictures.find(session, digest)
    if found is not None:
        return FileOfPicture(pictures.bytes_of(database.picture_storage, found), is_final=True)
    if picture is None or picture.extension != extension or width not in rendition_widths(picture.width):
        raise PictureNotFound
    content = _whole(database, picture)
    made = _make(database, digest, content, extension, patient=False)
    if made and width in made:
        return FileOfPicture(made[width], is_final=True)
    return FileOfPicture(content, is_final=False)


def make_renditions(database: Database) -> None:
    """Make the files of all pictures that came with the files of a course, and bring them to the picture storage.

    Logs those that can't be made, and a storage that can't be used.
    """
    with database.read() as session:
        digests = pictures.without_renditions(session)
    for digest in digests:
        with database.read() as session:
            picture = pictures.find(session, digest)
        if picture is not None and picture.content is not None:  # one that came with files is in the database
            _make(database, digest, picture.content, picture.extension, patient=True)
    try:
        move_to_storage(database)
    except StorageUnavailable as error:
        log.warning("pictures_not_moved", error=str(error))


def _whole(database: Database, picture: PictureRow) -> bytes:
    file = StoredFile(picture.content, picture.storage_key)
    return pictures.bytes_of(database.picture_storage, file, picture.digest)


def _make(database: Database, digest: str, content: bytes, extension: str, *, patient: bool) -> dict[int, bytes] | None:
    if digest in _undecodable:
        return None
    try:
        made = dict(encode_picture(content, extension, patient=patient).files)
    except (InvalidPicture, EncoderUnavailable) as error:
        log.warning("picture_not_made", picture=digest, error=str(error))
        if isinstance(error, InvalidPicture) and len(_undecodable) < _MOST_UNDECODABLE:
            _undecodable.add(digest)
        return None
    with database.write() as session:
        if pictures.sizes(session, [digest]):  # it may have been deleted meanwhile
            pictures.add_renditions(session, digest, {width: StoredFile(one) for width, one in made.items()})
    return made
