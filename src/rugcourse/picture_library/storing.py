"""Keeps what an admin uploads, and what comes with the files of a course."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from typing import BinaryIO

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.content.picture_files import PictureFile
from rugcourse.db.engine import Database
from rugcourse.db.models import AuditAction
from rugcourse.db.queries import admins, pictures
from rugcourse.pictures.encoder import EncodedPicture, encode_picture
from rugcourse.pictures.errors import EncoderUnavailable, InvalidPicture
from rugcourse.pictures.reference import PictureRef, digest_of, picture_name

log = structlog.get_logger()


def upload(
    database: Database, clock: Clock, file: BinaryIO, file_name: str, admin_id: int | None, *, square: bool = False
) -> PictureRef:
    """Keep an upload, made anew; returns how texts name it. Nothing of the file itself is kept.

    `admin_id`: who uploads it, for the audit log; None on the command line. `square`: cut a square out of it. Raises
    InvalidPicture and EncoderUnavailable. It is made before the transaction begins, as that takes a second.
    """
    encoded = encode_picture(file, square=square)
    ref = reference_of(encoded, file_name)
    database.run(_keep, clock.now(), ref, encoded, admin_id)
    return ref


def upload_all(database: Database, clock: Clock, files: Iterable[tuple[str, bytes]], admin_id: int | None) -> None:
    """Keep pictures that came with something else, as name and bytes. Logs those that can't be used."""
    for name, content in files:
        try:
            upload(database, clock, BytesIO(content), name, admin_id)
        except (InvalidPicture, EncoderUnavailable) as error:
            log.warning("picture_not_made", name=name[:100], error=str(error))


def reference_of(encoded: EncodedPicture, file_name: str) -> PictureRef:
    """Return how texts name a picture that was made anew."""
    digest = digest_of(encoded.largest)
    return PictureRef(picture_name(file_name), digest, encoded.width, encoded.height, encoded.extension)


def _keep(session: Session, now: datetime, ref: PictureRef, encoded: EncodedPicture, admin_id: int | None) -> None:
    if not pictures.add(session, ref, encoded.largest, admin_id, now):
        return
    pictures.add_renditions(session, ref.digest, encoded.files)
    after = {"name": ref.name, "width": ref.width, "height": ref.height, "bytes": len(encoded.largest)}
    admins.record_change(session, now, admin_id, AuditAction.PICTURE_UPLOAD, ref.digest, None, after)


def store_files(session: Session, now: datetime, files: Iterable[PictureFile]) -> None:
    """Keep the pictures of a course that was read from files, as they are: `file_check` has looked at them."""
    for one in files:
        pictures.add(session, one.ref, one.content, None, now)
