"""A setting becomes a storage."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rugcourse.errors import ConfigError
from rugcourse.picture_storage.bucket import BucketStorage
from rugcourse.picture_storage.folder import FolderStorage
from rugcourse.picture_storage.storage import PictureStorage
from rugcourse.setting_values import read_picture_storage


class StorageNotConfigured(ConfigError):
    """Pictures are to be kept in a bucket, and something is missing for that. The message says what."""


def open_storage(location: str, key_id: str, secret: str) -> PictureStorage | None:
    """Return the storage that a setting names; None is the database. Connects to nothing, and loads nothing yet.

    Raises ValueError for a location that can't be read, and StorageNotConfigured.
    """
    found = read_picture_storage(location)
    if found is None:
        return None
    if isinstance(found, Path):
        return FolderStorage(found)
    if not (key_id and secret):
        raise StorageNotConfigured(
            "pictures are kept in a bucket: set RUGCOURSE_PICTURE_STORAGE_KEY_ID and RUGCOURSE_PICTURE_STORAGE_SECRET"
        )
    if find_spec("obstore") is None:
        raise StorageNotConfigured("pictures are kept in a bucket: install `rugcourse[s3]`")
    return BucketStorage(found, key_id, secret)
