"""The doctor tries the folder or bucket of pictures out, and says what is left to do."""

from __future__ import annotations

from pathlib import Path

from tests.support.pictures import picture_file

from rugcourse.bootstrap import Runtime
from rugcourse.doctor.checks.pictures import check_pictures
from rugcourse.doctor.report import State
from rugcourse.picture_library.stored_files import move_to_storage
from rugcourse.picture_library.storing import store_files
from rugcourse.picture_storage.folder import FolderStorage


def check(runtime: Runtime) -> tuple[State, str]:
    (finding,) = check_pictures(runtime.database)
    return finding.state, f"{finding.found % finding.values} {finding.fix % finding.values}"


def test_pictures_in_the_database_need_nothing(runtime: Runtime) -> None:
    assert check(runtime) == (State.OK, "They are in the database. ")


def test_pictures_that_wait_to_be_moved_are_counted(runtime: Runtime, tmp_path: Path) -> None:
    runtime.database.run(store_files, runtime.clock.now(), [picture_file()])
    runtime.database.picture_storage = FolderStorage(tmp_path)
    state, said = check(runtime)
    assert state == State.WARNING
    assert "rugcourse pictures move" in said
    move_to_storage(runtime.database)
    assert check(runtime) == (State.OK, f"They are in {tmp_path}, which can be written to and read. ")
    assert not list(tmp_path.glob("0000*"))


def test_a_folder_that_is_gone_is_an_error_with_its_name(runtime: Runtime, tmp_path: Path) -> None:
    runtime.database.picture_storage = FolderStorage(tmp_path / "unplugged")
    state, said = check(runtime)
    assert state == State.ERROR
    assert f"{tmp_path / 'unplugged'}" in said


def test_pictures_that_no_setting_finds_are_an_error(runtime: Runtime, tmp_path: Path) -> None:
    runtime.database.run(store_files, runtime.clock.now(), [picture_file()])
    runtime.database.picture_storage = FolderStorage(tmp_path)
    move_to_storage(runtime.database)
    runtime.database.picture_storage = None
    state, said = check(runtime)
    assert state == State.ERROR
    assert "RUGCOURSE_PICTURE_STORAGE does not say in which" in said
