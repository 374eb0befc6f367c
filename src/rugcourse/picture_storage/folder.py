"""Keeps the files of pictures in a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rugcourse.picture_storage.storage import (
    MAX_FILE_BYTES,
    StorageUnavailable,
    StoredFileMissing,
    StoredObject,
    check_key,
    is_key,
)

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no link is followed, and no pipe waited for
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderStorage:
    """A folder that is there already: made anew, it would hide that a disk is not mounted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        return str(self._folder)

    def get(self, key: str) -> bytes:
        check_key(key)
        with self._errors(), os.fdopen(os.open(self._folder / key, _READ), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise StorageUnavailable(f"{self.name}/{key} is no file")
            content = opened.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise StorageUnavailable(f"{self.name}/{key} is too large for a picture")
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep a file. A crash may leave a part of one, which nobody knows of: its key is told when it is whole."""
        check_key(key)
        with self._errors():
            descriptor = os.open(self._folder / key, _WRITE, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as opened:
                    opened.write(content)
                    opened.flush()
                    os.fsync(opened.fileno())
                self._sync()
            except OSError:  # the disk is full
                (self._folder / key).unlink()
                raise

    def delete(self, key: str) -> None:
        check_key(key)
        with self._errors():
            (self._folder / key).unlink(missing_ok=True)
            self._sync()

    def listed(self) -> Iterator[StoredObject]:
        with self._errors(), os.scandir(self._folder) as entries:
            for entry in entries:
                if is_key(entry.name) and entry.is_file(follow_symlinks=False):
                    found = entry.stat(follow_symlinks=False)
                    yield StoredObject(entry.name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def _sync(self) -> None:
        """Make sure that the names of files, too, outlast a power cut."""
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            is_gone = isinstance(error, FileNotFoundError) and self._folder.is_dir()
            kind = StoredFileMissing if is_gone else StorageUnavailable
            raise kind(f"{error.filename or self.name}: {error.strerror}") from error
