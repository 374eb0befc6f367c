"""A backup that was cut, changed or made up is refused, and nothing is written."""

from __future__ import annotations

import json
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.backups import all_rows, back_up, empty_place, fill, silent, target_for

from rugcourse.backup.manifest import MANIFEST, UnusableBackup
from rugcourse.backup.restore import RestoreTarget, restore_backup
from rugcourse.bootstrap import Runtime
from rugcourse.db.engine import Database
from rugcourse.db.migrate import is_current
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.errors import RugcourseError

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
_MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@pytest.fixture
def target(runtime: Runtime, tmp_path: Path) -> Iterator[RestoreTarget]:
    with empty_place("sqlite", tmp_path, "") as place:
        yield target_for(runtime, place, tmp_path / "elsewhere")


@pytest.fixture
def made(runtime: Runtime, dispatcher: Dispatcher, tmp_path: Path) -> Path:
    fill(runtime, dispatcher)
    return back_up(runtime, tmp_path / "backup.zip").path


def is_untouched(database: Database) -> bool:
    return not is_current(database) or not any(all_rows(database).values())


@_MANY
@given(place=st.floats(0, 1, exclude_max=True))
def test_cut_anywhere_it_is_refused(place: float, made: Path, target: RestoreTarget, tmp_path: Path) -> None:
    whole = made.read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole[: int(place * len(whole))])
    with pytest.raises(UnusableBackup):
        restore_backup(target, cut, replace=False, progress=silent)
    assert is_untouched(target.database)


@_MANY
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_is_noticed_or_changes_nothing(
    place: float, flip: int, runtime: Runtime, made: Path, target: RestoreTarget, tmp_path: Path
) -> None:
    whole = bytearray(made.read_bytes())
    whole[int(place * len(whole))] ^= flip
    changed = tmp_path / "changed.zip"
    changed.write_bytes(whole)
    try:
        restore_backup(target, changed, replace=True, progress=silent)
    except UnusableBackup:
        assert is_untouched(target.database) or all_rows(target.database) == all_rows(runtime.database)
    else:
        assert all_rows(target.database) == all_rows(runtime.database)


def rewritten(made: Path, change: Callable[[dict[str, bytes]], None], **attributes: int) -> Path:
    """The backup with other parts. `attributes`: of all entries, as zip keeps them."""
    with zipfile.ZipFile(made) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    other = made.with_name("other.zip")
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes.get(Path(name).stem, 0)
            archive.writestr(info, content)
    return other


def with_manifest(**values: object) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        parts[MANIFEST] = json.dumps({**json.loads(parts[MANIFEST]), **values}).encode()

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_manifest(schema_revision="9999"), "has the schema '9999'"),
        (with_manifest(format=2), "has the format 2, this release reads 1"),
        (with_manifest(tables=[]), "other tables"),
        (with_manifest(parts=[]), "other parts"),
        (with_manifest(surprise=1), "damaged"),
        (lambda parts: parts.pop(MANIFEST), "no backup of rugcourse"),
        (lambda parts: parts.update({MANIFEST: b"[" * 100_000}), "damaged"),
        (lambda parts: parts.update({"../evil": b""}), "nothing that a backup holds"),
        (lambda parts: parts.update({"/etc/passwd": b""}), "nothing that a backup holds"),
        (lambda parts: parts.update({"tables/../x.jsonl": b""}), "nothing that a backup holds"),
        (lambda parts: parts.update({"pictures/../../x.png": b""}), "nothing that a backup holds"),
        (lambda parts: parts.update({"tables/other.jsonl": b""}), "other parts"),
        (lambda parts: parts.update({"tables/answer.jsonl": b""}), "damaged or was changed"),
        (lambda parts: parts.update({"tables/answer.jsonl": bytes(300_000_000)}), "larger than it can be|damaged"),
    ],
)
def test_a_made_up_backup_is_refused(
    change: Callable[[dict[str, bytes]], None], said: str, made: Path, target: RestoreTarget
) -> None:
    with pytest.raises(UnusableBackup, match=said):
        restore_backup(target, rewritten(made, change), replace=False, progress=silent)
    assert is_untouched(target.database)


def test_a_link_is_refused(made: Path, target: RestoreTarget) -> None:
    linked = rewritten(made, lambda _parts: None, answer=(stat.S_IFLNK | 0o777) << 16)
    with pytest.raises(UnusableBackup, match="nothing that a backup holds"):
        restore_backup(target, linked, replace=False, progress=silent)


def test_two_parts_of_one_name_are_refused(made: Path, target: RestoreTarget) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(made, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("tables/answer.jsonl", b"")
    with pytest.raises(UnusableBackup, match="the same name"):
        restore_backup(target, made, replace=False, progress=silent)


def replaced_rows(table: str, content: bytes, rows: int) -> Callable[[dict[str, bytes]], None]:
    """Other rows with the hash and size that belong to them."""
    from hashlib import sha256

    def change(parts: dict[str, bytes]) -> None:
        manifest = json.loads(parts[MANIFEST])
        name = f"tables/{table}.jsonl"
        parts[name] = content
        for part in manifest["parts"]:
            if part["name"] == name:
                part.update(size=len(content), sha256=sha256(content).hexdigest())
        for one in manifest["tables"]:
            if one["name"] == table:
                one["rows"] = rows
        parts[MANIFEST] = json.dumps(manifest).encode()

    return change


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"not json\n", 1),
        (b"{}\n", 1),
        (b'["a"]\n', 1),
        (b'["a","b"]', 1),
        (b'["a","b"]\n', 2),
        (b'["a",7]\n', 1),
        (b'["a",null]\n', 1),
        (b'["a","b"]\n["a","c"]\n', 2),
        (b"[" * 100_000 + b"\n", 1),
        (b'["a","\\ud800"]\n', 1),
    ],
)
def test_rows_that_no_database_would_write_are_refused_as_a_whole(
    content: bytes, rows: int, made: Path, target: RestoreTarget
) -> None:
    other = rewritten(made, replaced_rows("key_value", content, rows))
    with pytest.raises(RugcourseError):
        restore_backup(target, other, replace=False, progress=silent)
    assert is_untouched(target.database)
