"""Checks the folder or bucket in which pictures are, if they are not in the database."""

from __future__ import annotations

from collections.abc import Iterator

from rugcourse.db.engine import Database, DatabaseAway, DatabaseError
from rugcourse.db.migrate import is_current
from rugcourse.db.queries import picture_files
from rugcourse.doctor.report import Finding, _, failure, ok, warning
from rugcourse.picture_storage.storage import StorageUnavailable, try_out


def check_pictures(database: Database) -> Iterator[Finding]:
    """Write to the storage, read and delete there. Yields nothing if the database can't be read."""
    try:
        if not is_current(database):
            return
        outside = database.query(picture_files.count_in_storage)
        waiting = len({one.digest for one in database.query(picture_files.in_database)})
    except (DatabaseAway, DatabaseError):
        return
    storage = database.picture_storage
    if storage is None:
        if outside:
            yield failure(
                "pictures",
                _("%(count)s pictures are in a folder or bucket, and RUGCOURSE_PICTURE_STORAGE does not say in which."),
                _("Set it as it was, or bring them back: rugcourse pictures move --from …"),
                count=outside,
            )
        else:
            yield ok("pictures", _("They are in the database."))
        return
    try:
        try_out(storage)
    except StorageUnavailable as error:
        yield failure(
            "pictures",
            _("They can't be kept: %(error)s."),
            _("Correct RUGCOURSE_PICTURE_STORAGE and its key, or see to the folder or bucket."),
            error=error,
        )
        return
    if waiting:
        yield warning(
            "pictures",
            _("%(count)s pictures are not in %(place)s yet, but in the database."),
            _("Run: rugcourse pictures move"),
            count=waiting,
            place=storage.name,
        )
    else:
        yield ok("pictures", _("They are in %(place)s, which can be written to and read."), place=storage.name)
