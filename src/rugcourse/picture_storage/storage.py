"""What a picture storage does, the keys of its files, and what can go wrong."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

from rugcourse.errors import UnavailableError

MAX_FILE_BYTES = 40_000_000  # no picture is as large
_KEY = re.compile(r"[0-9a-f]{32}-[1-9][0-9]{0,3}-[0-9a-f]{16}\.(?:jpg|png)")
_PROBE = f"{'0' * 32}-1-{{}}.png"  # the key of a file that is written to see whether that works


class StorageUnavailable(UnavailableError):
    """The folder or bucket with the pictures can't be used now, or lacks a file. The message has no secrets."""


class StoredFileMissing(StorageUnavailable):
    """The folder or bucket is there, but not this file."""


class StoredObject(NamedTuple):
    """A file in a storage. `size`: bytes."""

    key: str
    size: int
    modified_at: datetime


class PictureStorage(Protocol):
    """A place for files that are never changed. Every method raises StorageUnavailable, after seconds at most."""

    @property
    def name(self) -> str:
        """What the admin calls it: the path, or s3://bucket/prefix."""

    def get(self, key: str) -> bytes: ...

    def put(self, key: str, content: bytes) -> None:
        """Keep a file: when this returns, it is on the disk."""

    def delete(self, key: str) -> None:
        """Delete a file. One that is gone already is no error."""

    def listed(self) -> Iterator[StoredObject]:
        """Yield the files with a key. Those of other programs are left alone."""


def new_key(digest: str, width: int, extension: str) -> str:
    """Return a key that no file has."""
    return f"{digest}-{width}-{secrets.token_hex(8)}.{extension}"


def is_key(name: str) -> bool:
    return _KEY.fullmatch(name) is not None


def check_key(key: str) -> None:
    """Raise StorageUnavailable for anything else, such as a path, whoever wrote it into the database."""
    if not is_key(key):
        raise StorageUnavailable(f"{key[:80]!r} is no key of a picture")


def try_out(storage: PictureStorage) -> None:
    """Write a file, read it again and delete it. Raises StorageUnavailable."""
    key, content = _PROBE.format(secrets.token_hex(8)), secrets.token_bytes(16)
    storage.put(key, content)
    found = storage.get(key)
    storage.delete(key)
    if found != content:
        raise StorageUnavailable(f"{storage.name} returns something else than was written")
