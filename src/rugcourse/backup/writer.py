"""Writes the file of a backup: under another name until it is whole and on the disk."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rugcourse.backup.manifest import MANIFEST, Manifest, PartEntry
from rugcourse.errors import ConflictError, InvalidInput, UnavailableError

_FASTEST = 1  # zlib's levels above cost three times the time for a sixth of the size
_PRIVATE_FILE = 0o100600 << 16  # as zip keeps the mode of a file
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP}


class BackupExists(ConflictError):
    """There is a file with the name of the backup."""


class BackupNotWritten(UnavailableError):
    """The disk or the folder of the backup does not take it."""


class BackupRuns(ConflictError):
    """Another process is writing this backup."""


class BackupWriter:
    """Writes parts into a zip file, and keeps their sizes and hashes."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_FASTEST)
        self.parts: list[PartEntry] = []

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """Write a part, piece by piece."""
        info = zipfile.ZipInfo(name)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, _PRIVATE_FILE
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=True) as part:
            for piece in content:
                part.write(piece)
                digest.update(piece)
                size += len(piece)
        self.parts.append(PartEntry(name=name, size=size, sha256=digest.hexdigest()))

    def finish(self, manifest: Manifest) -> None:
        """Write the list of contents, without which the file is no backup."""
        info = zipfile.ZipInfo(MANIFEST)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, _PRIVATE_FILE
        self._zip.writestr(info, manifest.model_dump_json(indent=1))
        self._zip.close()


@contextmanager
def new_file(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Yield a file that gets its name when the block ends well, and is deleted otherwise.

    A killed process leaves `<name>.part`, which the next one writes anew. Raises BackupExists (there is such a file and
    `overwrite` is False), BackupRuns, BackupNotWritten.
    """
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder; give the name of a file")
    if path.exists() and not overwrite:
        raise BackupExists(f"{path} exists; --overwrite replaces it")
    partial = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BackupNotWritten(f"{partial}: {error.strerror}") from error
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRuns(f"another process is writing {partial}") from None
        try:
            file.truncate(0)
            yield file
            file.flush()
            os.fsync(file.fileno())
            _give_name(partial, path, overwrite=overwrite)
        except OSError as error:
            raise BackupNotWritten(f"{path}: {error.strerror or error}") from error
        finally:
            partial.unlink(missing_ok=True)


def _give_name(partial: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        partial.replace(path)
    else:
        try:
            os.link(partial, path)  # unlike renaming, it replaces nothing that appeared meanwhile
        except FileExistsError:
            raise BackupExists(f"{path} exists; --overwrite replaces it") from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
