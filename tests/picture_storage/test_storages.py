"""A folder and a bucket do the same: files are written once, read, listed and deleted, under keys and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.buckets import KEY_ID, SECRET

from rugcourse.picture_storage.opening import open_storage
from rugcourse.picture_storage.storage import (
    PictureStorage,
    StorageUnavailable,
    StoredFileMissing,
    is_key,
    new_key,
    try_out,
)

DIGEST = "9f86d081884c7d659a2feaa0c55ad015"


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> PictureStorage:
    location = str(tmp_path) if request.param == "folder" else request.getfixturevalue("bucket")
    opened = open_storage(location, KEY_ID, SECRET)
    assert opened is not None
    return opened


def test_a_file_is_read_as_it_was_written(storage: PictureStorage) -> None:
    key, content = new_key(DIGEST, 600, "png"), bytes(range(256)) * 4000
    storage.put(key, content)
    assert storage.get(key) == content


def test_files_are_listed_with_their_size_and_age(storage: PictureStorage) -> None:
    keys = [new_key(DIGEST, 600, "jpg") for _ in range(3)]
    for key in keys:
        storage.put(key, b"four")
    found = list(storage.listed())
    assert sorted(one.key for one in found) == sorted(keys)
    assert {one.size for one in found} == {4}
    assert all(abs(datetime.now(UTC) - one.modified_at) < timedelta(minutes=10) for one in found)


def test_a_file_that_was_deleted_is_gone_and_can_be_deleted_again(storage: PictureStorage) -> None:
    key = new_key(DIGEST, 600, "png")
    storage.put(key, b"four")
    storage.delete(key)
    storage.delete(key)
    with pytest.raises(StoredFileMissing, match=key):
        storage.get(key)
    assert list(storage.listed()) == []


def test_trying_out_leaves_nothing(storage: PictureStorage) -> None:
    try_out(storage)
    assert list(storage.listed()) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "../secret.png",
        f"../{DIGEST}-600-0123456789abcdef.png",
        f"/{DIGEST}-600-0123456789abcdef.png",
        f"{DIGEST}-600-0123456789abcdef.png\n",
        f"{DIGEST}-600-0123456789abcdef.png/..",
        f"{DIGEST}-600-0123456789abcdef.svg",
        f"{DIGEST.upper()}-600-0123456789abcdef.png",
        f"{DIGEST}-600.png",
        f"{DIGEST}-٦00-0123456789abcdef.png",
        "a\0b",
    ],
)
def test_nothing_but_a_key_is_a_name(storage: PictureStorage, key: str) -> None:
    asked: list[Callable[[], object]] = [
        lambda: storage.get(key),
        lambda: storage.put(key, b"x"),
        lambda: storage.delete(key),
    ]
    for ask in asked:
        with pytest.raises(StorageUnavailable, match="no key of a picture"):
            ask()


def test_no_key_is_given_twice() -> None:
    keys = {new_key(DIGEST, 1600, "jpg") for _ in range(1000)}
    assert len(keys) == 1000
    assert all(is_key(one) for one in keys)
