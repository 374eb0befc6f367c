"""Pictures in a folder or bucket: bytes before rows, rows before bytes, and nothing lost on the way from one to another."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.support.buckets import KEY_ID, SECRET
from tests.support.pictures import picture_file, png

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import PictureRenditionRow, PictureRow
from rugcourse.db.queries import picture_files
from rugcourse.db.queries import pictures as picture_rows
from rugcourse.picture_library import files, storing, usage
from rugcourse.picture_library.files import make_renditions
from rugcourse.picture_library.files import picture_file as file_of
from rugcourse.picture_library.stored_files import (
    Moved,
    StorageNotUsed,
    move,
    move_to_storage,
    remove_unnamed,
)
from rugcourse.picture_library.storing import store_files
from rugcourse.picture_storage.folder import FolderStorage
from rugcourse.picture_storage.opening import open_storage
from rugcourse.picture_storage.storage import PictureStorage, StorageUnavailable, new_key
from rugcourse.pictures.encoder import EncodedPicture
from rugcourse.pictures.reference import PictureRef, digest_of

PICTURE = picture_file("load", 1000, 20)
REF = PICTURE.ref
LATER = datetime.now(UTC) + timedelta(days=2)


@pytest.fixture(autouse=True)
def _quick_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(source: object, extension: str = "", *, patient: bool = True, square: bool = False) -> EncodedPicture:
        content = source if isinstance(source, bytes) else source.read()  # type: ignore[attr-defined]
        return EncodedPicture("png", 1000, 20, {600: b"six of " + content[-40:], 800: b"eight", 1000: content})

    monkeypatch.setattr(storing, "encode_picture", encode)
    monkeypatch.setattr(files, "encode_picture", encode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "kept"
    made.mkdir()
    return made


@pytest.fixture
def storage(runtime: Runtime, folder: Path) -> Iterator[PictureStorage]:
    """A runtime whose pictures are in a folder; those of the shipped courses are there already."""
    runtime.database.picture_storage = FolderStorage(folder)
    move_to_storage(runtime.database)
    yield runtime.database.picture_storage
    runtime.database.picture_storage = None


def upload(runtime: Runtime, shade: int = 30) -> PictureRef:
    return storing.upload(runtime.database, runtime.clock, io.BytesIO(png(1000, 20, (1, 2, shade))), "a.png", None)


def keys(storage: PictureStorage | None) -> set[str]:
    assert storage is not None
    return {one.key for one in storage.listed()}


def rows_with_bytes(runtime: Runtime) -> int:
    with runtime.database.read() as session:
        return sum(
            len(session.scalars(select(table.digest).where(table.content.is_not(None))).all())
            for table in (PictureRow, PictureRenditionRow)
        )


def shown(runtime: Runtime, ref: PictureRef, width: int) -> bytes:
    found = file_of(runtime.database, ref.digest, width, ref.extension)
    assert found.is_final
    return found.content


def test_an_upload_is_in_the_folder_and_not_in_the_database(runtime: Runtime, storage: PictureStorage) -> None:
    before = keys(storage)
    ref = upload(runtime)
    assert rows_with_bytes(runtime) == 0
    assert len(keys(storage) - before) == 3  # the full width is the picture itself, kept once
    assert digest_of(shown(runtime, ref, 1000)) == ref.digest
    assert shown(runtime, ref, 800) == b"eight"


def test_an_upload_of_what_is_here_leaves_no_second_copy(runtime: Runtime, storage: PictureStorage) -> None:
    upload(runtime)
    before = keys(storage)
    upload(runtime)
    assert keys(storage) == before


def test_pictures_of_a_course_are_brought_there_after_the_import(runtime: Runtime, storage: PictureStorage) -> None:
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE])
    assert shown(runtime, REF, 1000) == PICTURE.content
    make_renditions(runtime.database)
    assert rows_with_bytes(runtime) == 0
    assert shown(runtime, REF, 1000) == PICTURE.content
    assert shown(runtime, REF, 800) == b"eight"


def test_an_import_needs_no_folder_and_loses_nothing(runtime: Runtime, storage: PictureStorage, folder: Path) -> None:
    folder.rename(folder.with_name("unplugged"))
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE])
    make_renditions(runtime.database)
    assert shown(runtime, REF, 800) == b"eight"
    folder.with_name("unplugged").rename(folder)
    make_renditions(runtime.database)
    assert rows_with_bytes(runtime) == 0
    assert shown(runtime, REF, 800) == b"eight"


def test_an_upload_without_the_folder_is_refused_and_leaves_nothing(
    runtime: Runtime, storage: PictureStorage, folder: Path
) -> None:
    with runtime.database.read() as session:
        before = len(session.scalars(select(PictureRow.digest)).all())
    folder.rename(folder.with_name("unplugged"))
    with pytest.raises(StorageUnavailable):
        upload(runtime)
    with runtime.database.read() as session:
        assert len(session.scalars(select(PictureRow.digest)).all()) == before


def test_an_upload_that_stops_half_way_takes_its_files_back(
    runtime: Runtime, storage: PictureStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, put, count = keys(storage), FolderStorage.put, 0

    def second_fails(self: FolderStorage, key: str, content: bytes) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise StorageUnavailable("the disk is full")
        put(self, key, content)

    monkeypatch.setattr(FolderStorage, "put", second_fails)
    with pytest.raises(StorageUnavailable):
        upload(runtime)
    assert keys(storage) == before


def test_deleting_deletes_the_files_of_that_picture_only(runtime: Runtime, storage: PictureStorage) -> None:
    before = keys(storage)
    ref = upload(runtime)
    usage.delete_picture(runtime.database, runtime.clock.now(), ref.digest, None)
    assert keys(storage) == before


def test_files_that_can_not_be_deleted_now_are_found_by_the_clean_up(
    runtime: Runtime, storage: PictureStorage, folder: Path
) -> None:
    before = keys(storage)
    ref = upload(runtime)
    left = keys(storage) - before
    folder.rename(folder.with_name("unplugged"))
    usage.delete_picture(runtime.database, runtime.clock.now(), ref.digest, None)
    folder.with_name("unplugged").rename(folder)
    assert set(remove_unnamed(runtime.database, storage, LATER, delete=False)) == left
    assert keys(storage) == before | left
    assert set(remove_unnamed(runtime.database, storage, LATER, delete=True)) == left
    assert keys(storage) == before


def test_the_clean_up_leaves_an_upload_alone_whose_row_may_follow(runtime: Runtime, storage: PictureStorage) -> None:
    key = new_key(REF.digest, 600, "png")
    storage.put(key, b"half of an upload")
    assert remove_unnamed(runtime.database, storage, datetime.now(UTC) + timedelta(hours=23), delete=True) == []
    assert remove_unnamed(runtime.database, storage, LATER, delete=True) == [key]


def test_a_file_that_was_changed_is_not_shown(runtime: Runtime, storage: PictureStorage, folder: Path) -> None:
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE])
    move_to_storage(runtime.database)
    with runtime.database.read() as session:
        key = session.scalar(select(PictureRow.storage_key).where(PictureRow.digest == REF.digest))
    (folder / str(key)).write_bytes(b"another picture")
    with pytest.raises(StorageUnavailable, match="is not what was kept there"):
        file_of(runtime.database, REF.digest, 1000, "png")


def test_without_the_setting_it_is_said_what_is_missing(runtime: Runtime, storage: PictureStorage) -> None:
    ref = upload(runtime)
    runtime.database.picture_storage = None
    with pytest.raises(StorageUnavailable, match="RUGCOURSE_PICTURE_STORAGE"):
        file_of(runtime.database, ref.digest, 800, "png")


def test_there_and_back_again(runtime: Runtime, storage: PictureStorage) -> None:
    ref = upload(runtime)
    everything = move(runtime.database, storage, None)
    assert everything.missing == ()
    assert rows_with_bytes(runtime) == everything.files > 3
    assert move(runtime.database, storage, None) == Moved(0, ())
    runtime.database.picture_storage = None
    assert shown(runtime, ref, 800) == b"eight"
    runtime.database.picture_storage = storage
    assert move(runtime.database, None, storage) == everything
    assert rows_with_bytes(runtime) == 0
    assert shown(runtime, ref, 800) == b"eight"
    remove_unnamed(runtime.database, storage, LATER, delete=True)
    assert shown(runtime, ref, 800) == b"eight"


def test_what_is_on_its_way_back_is_not_taken_out_again_by_an_import(runtime: Runtime, storage: PictureStorage) -> None:
    upload(runtime)
    moved = move(runtime.database, storage, None)
    make_renditions(runtime.database)
    assert rows_with_bytes(runtime) >= moved.files


def test_from_a_folder_to_a_bucket_goes_on_where_it_stopped(
    runtime: Runtime, storage: PictureStorage, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = upload(runtime)
    target = open_storage(bucket, KEY_ID, SECRET)
    assert target is not None
    expected, put = keys(storage), type(target).put
    first = min(expected)
    put(target, first, b"a part")  # the plug was pulled

    def fails_half_way(self: PictureStorage, key: str, content: bytes) -> None:
        if len(keys(target)) > len(expected) // 2:
            raise StorageUnavailable("no answer")
        put(self, key, content)

    monkeypatch.setattr(type(target), "put", fails_half_way)
    with pytest.raises(StorageUnavailable):
        move(runtime.database, storage, target)
    monkeypatch.setattr(type(target), "put", put)
    done = len([key for key in keys(target) if key != first])
    moved = move(runtime.database, storage, target)
    assert 0 < moved.files <= len(expected) - done
    assert keys(target) == expected == keys(storage)
    assert {key: target.get(key) for key in expected} == {key: storage.get(key) for key in expected}
    runtime.database.picture_storage = target
    assert shown(runtime, ref, 800) == b"eight"


def test_a_file_that_is_lost_does_not_stop_the_move_of_the_others(
    runtime: Runtime, storage: PictureStorage, folder: Path, tmp_path: Path
) -> None:
    ref = upload(runtime)
    with runtime.database.read() as session:
        found = picture_rows.find_rendition(session, ref.digest, 600, "png")
    assert found is not None
    assert found.key is not None
    (folder / found.key).unlink()
    (tmp_path / "new").mkdir()
    moved = move(runtime.database, storage, FolderStorage(tmp_path / "new"))
    assert moved == Moved(len(keys(storage)), (found.key,))


def test_a_move_to_where_nobody_would_look_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(StorageNotUsed, match="set RUGCOURSE_PICTURE_STORAGE to"):
        move(runtime.database, None, FolderStorage(tmp_path))
    with pytest.raises(StorageNotUsed, match="there already"):
        move(runtime.database, None, None)


def test_a_picture_deleted_while_it_is_moved_leaves_no_file(
    runtime: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE])
    runtime.database.picture_storage = FolderStorage(folder)
    put = FolderStorage.put

    def deleted_meanwhile(self: FolderStorage, key: str, content: bytes) -> None:
        put(self, key, content)
        if key.startswith(REF.digest):
            runtime.database.run(picture_rows.remove, REF.digest)

    monkeypatch.setattr(FolderStorage, "put", deleted_meanwhile)
    move_to_storage(runtime.database)
    assert not list(folder.glob(f"{REF.digest}*"))
    assert runtime.database.query(picture_files.in_database) == []
