"""A folder follows no links, is never made, and leaves the files of others alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rugcourse.picture_storage import folder as folders
from rugcourse.picture_storage.folder import FolderStorage
from rugcourse.picture_storage.storage import StorageUnavailable, StoredFileMissing, new_key

KEY = new_key("9f86d081884c7d659a2feaa0c55ad015", 600, "png")


def test_a_folder_that_is_missing_is_said_and_not_made(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "not-mounted")
    with pytest.raises(StorageUnavailable, match=r"not-mounted.*No such file"):
        storage.put(KEY, b"x")
    with pytest.raises(StorageUnavailable) as caught:
        storage.get(KEY)
    assert not isinstance(caught.value, StoredFileMissing)  # nothing is known of the file
    with pytest.raises(StorageUnavailable):
        list(storage.listed())
    assert not (tmp_path / "not-mounted").exists()


def test_no_link_is_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "secret"
    inside.mkdir()
    outside.write_bytes(b"secret")
    (inside / KEY).symlink_to(outside)
    storage = FolderStorage(inside)
    with pytest.raises(StorageUnavailable):
        storage.get(KEY)
    with pytest.raises(StorageUnavailable):
        storage.put(KEY, b"overwritten")
    assert outside.read_bytes() == b"secret"
    assert list(storage.listed()) == []


def test_a_pipe_is_no_picture_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / KEY)
    with pytest.raises(StorageUnavailable, match="is no file"):
        FolderStorage(tmp_path).get(KEY)


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("ours", encoding="utf-8")
    (tmp_path / "photo.png").write_bytes(b"x")
    assert list(FolderStorage(tmp_path).listed()) == []


def test_a_file_is_never_changed(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    storage.put(KEY, b"first")
    with pytest.raises(StorageUnavailable):
        storage.put(KEY, b"second")
    assert storage.get(KEY) == b"first"


def test_files_are_private(tmp_path: Path) -> None:
    FolderStorage(tmp_path).put(KEY, b"x")
    assert stat.S_IMODE((tmp_path / KEY).stat().st_mode) == 0o600


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageUnavailable, match="No space left"):
        FolderStorage(tmp_path).put(KEY, b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_too_large_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_FILE_BYTES", 10)
    (tmp_path / KEY).write_bytes(bytes(11))
    with pytest.raises(StorageUnavailable, match="too large"):
        FolderStorage(tmp_path).get(KEY)
