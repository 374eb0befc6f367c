"""Keeps what an admin uploads, and what comes with the files of a course."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from io import BytesIO
from time import monotonic
from typing import BinaryIO

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.content.picture_files import PictureFile
from rugcourse.db.engine import Database
from rugcourse.db.models import AuditAction
from rugcourse.db.queries import admins, pictures
from rugcourse.db.queries.pictures import StoredFile
from rugcourse.picture_library import stored_files
from rugcourse.picture_storage.storage import StorageUnavailable
from rugcourse.pictures.encoder import EncodedPicture, encode_picture
from rugcourse.pictures.errors import EncoderUnavailable, InvalidPicture
from rugcourse.pictures.reference import PictureRef, digest_of, picture_name

LONGEST_UPLOAD = timedelta(seconds=30)  # that somebody waits for the pictures of one file

log = structlog.get_logger()


def upload(
    database: Database, clock: Clock, file: BinaryIO, file_name: str, admin_id: int | None, *, square: bool = False
) -> PictureRef:
    """Keep an upload, made anew; returns how texts name it. Nothing of the file itself is kept.

    `admin_id`: who uploads it, for the audit log; None on the command line. `square`: cut a square out of it. Raises
    InvalidPicture and EncoderUnavailable, and StorageUnavailable where pictures are in a folder or bucket. It is made
    and written before the transaction begins, as that takes a second.
    """
    encoded = encode_picture(file, square=square)
    ref = reference_of(encoded, file_name)
    kept = stored_files.put(database.picture_storage, ref.digest, ref.extension, encoded.files)
    if not database.run(_keep, clock.now(), ref, kept, len(encoded.largest), admin_id):
        stored_files.discard(database.picture_storage, stored_files.keys_of(kept.values()))
    return ref


def upload_all(
    database: Database, clock: Clock, files: Iterable[tuple[str, str, bytes]], admin_id: int | None
) -> dict[str, PictureRef]:
    """Keep pictures that came with something else: a key, a name and the bytes of each; returns them by their keys.

    Logs those that can't be used, and those for which `LONGEST_UPLOAD` is not enough.
    """
    made: dict[str, PictureRef] = {}
    end = monotonic() + LONGEST_UPLOAD.total_seconds()
    for key, name, content in files:
        if monotonic() > end:
            log.warning("picture_not_made", name=name[:100], error="the others took too long")
            continue
        try:
            made[key] = upload(database, clock, BytesIO(content), name, admin_id)
        except (InvalidPicture, EncoderUnavailable, StorageUnavailable) as error:
            log.warning("picture_not_made", name=name[:100], error=str(error))
    return made


def encode_all(files: Iterable[tuple[str, str, bytes]]) -> dict[str, tuple[PictureRef, bytes]]:
    """Make pictures anew for the folder of a course: a key, a name and the bytes of each; returns them by their keys.

    Those that can't be used are passed over. Raises EncoderUnavailable.
    """
    made: dict[str, tuple[PictureRef, bytes]] = {}
    for key, name, content in files:
        try:
            encoded = encode_picture(BytesIO(content))
        except InvalidPicture as error:
            log.warning("picture_not_made", name=name[:100], error=str(error))
            continue
        made[key] = reference_of(encoded, name), encoded.largest
    return made


def reference_of(encoded: EncodedPicture, file_name: str) -> PictureRef:
    """Return how texts name a picture that was made anew."""
    digest = digest_of(encoded.largest)
    return PictureRef(picture_name(file_name), digest, encoded.width, encoded.height, encoded.extension)


def _keep(
    session: Session,
    now: datetime,
    ref: PictureRef,
    files: Mapping[int, StoredFile],
    size: int,
    admin_id: int | None,
) -> bool:
    """Returns False if the picture is here already. The file of its full width is the picture itself."""
    if not pictures.add(session, ref, files[ref.width], size, admin_id, now):
        return False
    pictures.add_renditions(session, ref.digest, files)
    after = {"name": ref.name, "width": ref.width, "height": ref.height, "bytes": size}
    admins.record_change(session, now, admin_id, AuditAction.PICTURE_UPLOAD, ref.digest, None, after)
    return True


def store_files(session: Session, now: datetime, files: Iterable[PictureFile]) -> None:
    """Keep the pictures of a course that was read from files, as they are: `file_check` has looked at them.

    They are in the database until `make_renditions` brings them to the picture storage: a transaction waits for none.
    """
    for one in files:
        pictures.add(session, one.ref, StoredFile(one.content), len(one.content), None, now)
