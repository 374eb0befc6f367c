"""Keeps the bytes of pictures outside the database, where a setting says so; their rows are written by others.

Bytes are written before the row that names them, and deleted after it. So a crash leaves bytes that no row names, and
never a row without bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog

from rugcourse.db.engine import Database
from rugcourse.db.queries import picture_files
from rugcourse.db.queries.picture_files import FileRef
from rugcourse.db.queries.pictures import StoredFile, bytes_of
from rugcourse.errors import InvalidState
from rugcourse.picture_storage.storage import PictureStorage, StorageUnavailable, StoredFileMissing, new_key

log = structlog.get_logger()

_NOT_YET_NAMED = timedelta(days=1)  # no upload takes as long from its bytes to its row


class StorageNotUsed(InvalidState):
    """Pictures can't be moved between these two."""


def put(
    storage: PictureStorage | None, digest: str, extension: str, files: Mapping[int, bytes]
) -> dict[int, StoredFile]:
    """Keep the files of a picture by width; returns what their rows say. Raises StorageUnavailable."""
    if storage is None:
        return {width: StoredFile(content) for width, content in files.items()}
    kept: dict[int, StoredFile] = {}
    try:
        for width, content in files.items():
            key = new_key(digest, width, extension)
            storage.put(key, content)
            kept[width] = StoredFile(None, key)
    except StorageUnavailable:
        discard(storage, keys_of(kept.values()))
        raise
    return kept


def keys_of(files: Iterable[StoredFile]) -> list[str]:
    return [one.key for one in files if one.key is not None]


def discard(storage: PictureStorage | None, keys: Iterable[str]) -> None:
    """Delete files that no row names. What can't be deleted now is left to `remove_unnamed`."""
    for key in keys:
        try:
            if storage is not None:
                storage.delete(key)
        except StorageUnavailable as error:
            log.warning("picture_file_left", key=key, error=str(error))


def move_to_storage(database: Database) -> int:
    """Bring what was written with a row, as an import does, to the picture storage; returns how many files.

    Raises StorageUnavailable.
    """
    if database.picture_storage is None:
        return 0
    files = database.query(picture_files.in_database)
    return sum(_move_out(database, database.picture_storage, file) for file in files)


class Moved(NamedTuple):
    """How many files were moved, and the keys of those that were not where they should be."""

    files: int
    missing: tuple[str, ...]


def move(database: Database, source: PictureStorage | None, target: PictureStorage | None) -> Moved:
    """Bring all files from one storage to another; None is the database.

    What is there already is left out, so that it can be repeated. Nothing is deleted from a folder or bucket, whose
    files other processes still read. Raises StorageUnavailable and StorageNotUsed.
    """
    if source is not None and target is not None and source.name != target.name:
        return _copy_all(database, source, target)
    if source is not None and target is None:
        return _counted(partial(_move_in, database, source), database.query(picture_files.in_storage))
    if target is None or source is not None:
        raise StorageNotUsed("the pictures are there already; say where from, or where to")
    if database.picture_storage is None or database.picture_storage.name != target.name:
        raise StorageNotUsed(
            f"set RUGCOURSE_PICTURE_STORAGE to {target.name} and restart all processes first, so that they find them"
        )
    files = database.query(picture_files.in_database, moved_back=True)
    return _counted(partial(_move_out, database, target), files)


def remove_unnamed(database: Database, storage: PictureStorage, now: datetime, *, delete: bool) -> list[str]:
    """Return the keys of files that no row names, and `delete` them if so asked. Raises StorageUnavailable.

    Such a file is left by a crash between bytes and row. One that was written within a day is left alone, as its row
    may follow. The rows are read after the files are listed: no key is given twice.
    """
    old = [one.key for one in storage.listed() if one.modified_at < now - _NOT_YET_NAMED]
    named = database.query(picture_files.all_keys)
    unnamed = [key for key in old if key not in named]
    for key in unnamed if delete else ():
        storage.delete(key)
    return unnamed


def _counted(move_one: Callable[[FileRef], bool], files: Iterable[FileRef]) -> Moved:
    count, missing = 0, []
    for file in files:
        try:
            count += move_one(file)
        except StoredFileMissing:
            missing.append(file.key or "")
    return Moved(count, tuple(dict.fromkeys(missing)))


def _move_out(database: Database, storage: PictureStorage, file: FileRef) -> bool:
    content = database.query(picture_files.content, file)
    if content is None:
        return False
    (kept,) = put(storage, file.digest, file.extension, {file.width: content}).values()
    if database.run(picture_files.set_place, file, None, kept.key):
        return True
    discard(storage, keys_of([kept]))
    return False


def _move_in(database: Database, source: PictureStorage, file: FileRef) -> bool:
    content = bytes_of(source, StoredFile(None, file.key), file.digest if file.is_whole else "")
    return database.run(picture_files.set_place, file, content, file.key)


def _copy_all(database: Database, source: PictureStorage, target: PictureStorage) -> Moved:
    """Copy files under the same keys, so that rows needn't change: the setting says where the keys are."""
    here, there = ({one.key: one.size for one in storage.listed()} for storage in (source, target))
    files = {file.key: file for file in reversed(database.query(picture_files.in_storage)) if file.key is not None}

    def copy(file: FileRef) -> bool:
        key = file.key or ""
        if key in there and there[key] == here.get(key, there[key]):
            return False
        content = bytes_of(source, StoredFile(None, key), file.digest if file.is_whole else "")
        if key in there:  # a part of it, as somebody pulled the plug
            target.delete(key)
        target.put(key, content)
        return True

    return _counted(copy, files.values())
