"""Pictures that are kept outside the database are in the backup as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.backups import all_rows, back_up, empty_place, silent, target_for

from rugcourse.backup.restore import NoPlaceForPictures, RestoreTarget, restore_backup
from rugcourse.bootstrap import Runtime
from rugcourse.picture_library.stored_files import move_to_storage
from rugcourse.picture_storage.folder import FolderStorage

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def folder(runtime: Runtime, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    runtime.database.picture_storage = FolderStorage(folder)
    assert move_to_storage(runtime.database)
    return folder


@pytest.fixture
def target(runtime: Runtime, tmp_path: Path) -> Iterator[RestoreTarget]:
    with empty_place("sqlite", tmp_path, "") as place:
        yield target_for(runtime, place, tmp_path / "elsewhere")


def files_in(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_files_come_back_and_half_a_file_is_made_whole(
    runtime: Runtime, folder: Path, target: RestoreTarget, tmp_path: Path
) -> None:
    made = back_up(runtime, tmp_path / "backup.zip")
    other = tmp_path / "other"
    other.mkdir()
    (other / min(files_in(folder))).write_bytes(b"half")
    target.database.picture_storage = FolderStorage(other)
    restore_backup(target, made.path, replace=False, progress=silent)
    assert files_in(other) == files_in(folder)
    assert all_rows(target.database)["picture"] == all_rows(runtime.database)["picture"]


def test_a_database_alone_is_no_place_for_them(
    runtime: Runtime, folder: Path, target: RestoreTarget, tmp_path: Path
) -> None:
    made = back_up(runtime, tmp_path / "backup.zip")
    with pytest.raises(NoPlaceForPictures, match="RUGCOURSE_PICTURE_STORAGE"):
        restore_backup(target, made.path, replace=False, progress=silent)


def test_a_file_that_is_lost_is_named(runtime: Runtime, folder: Path, tmp_path: Path) -> None:
    lost = min(folder.iterdir())
    lost.unlink()
    assert back_up(runtime, tmp_path / "backup.zip").manifest.missing_pictures == (lost.name,)
