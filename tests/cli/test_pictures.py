"""The commands move pictures, and say what is wrong with a place in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.commands import run

BUCKET = {"PICTURE_STORAGE_KEY_ID": "id", "PICTURE_STORAGE_SECRET": "nobody sees this"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert run("db", "upgrade", cwd=tmp_path).returncode == 0
    assert run("courses", "import", cwd=tmp_path).returncode == 0
    (tmp_path / "kept").mkdir()
    return tmp_path


def test_pictures_are_moved_out_once_and_back(folder: Path) -> None:
    kept = {"PICTURE_STORAGE": str(folder / "kept")}
    moved = run("pictures", "move", cwd=folder, **kept)
    assert moved.returncode == 0
    count = len(list((folder / "kept").iterdir()))
    assert moved.stdout == f"{count} files moved to {folder / 'kept'}\n"
    assert count > 0
    assert run("pictures", "move", cwd=folder, **kept).stdout.startswith("0 files moved")
    assert run("pictures", "clean", cwd=folder, **kept).stdout.startswith("0 files belong to no picture")
    assert (
        run("pictures", "move", "--to", "database", cwd=folder, **kept).stdout
        == f"{count} files moved to the database\n"
    )
    assert run("courses", "pack", "oorzaken-van-rugpijn", cwd=folder).returncode == 0


def test_a_file_that_is_lost_is_named_and_the_exit_code_says_so(folder: Path) -> None:
    kept = {"PICTURE_STORAGE": str(folder / "kept")}
    run("pictures", "move", cwd=folder, **kept)
    lost = min((folder / "kept").iterdir())
    lost.unlink()
    moved = run("pictures", "move", "--to", "database", cwd=folder, **kept)
    assert (moved.returncode, moved.stderr) == (1, f"error: {lost.name} is missing where it should be\n")


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        (["move"], {}, "there already"),
        (["move", "--to", "kept"], {}, "expected `database`, an absolute path"),
        (["move", "--to", "/srv/pictures"], {}, "set RUGCOURSE_PICTURE_STORAGE to /srv/pictures"),
        (["move", "--from", "s3://ours"], {}, "RUGCOURSE_PICTURE_STORAGE_KEY_ID"),
        (["move"], {"PICTURE_STORAGE": "/nowhere"}, "/nowhere"),
        (["move"], {**BUCKET, "PICTURE_STORAGE": "s3://ours?endpoint=http://127.0.0.1:9"}, "s3://ours"),
        (["clean"], {}, "pictures are in the database"),
        (["move"], {"PICTURE_STORAGE": "nowhere"}, "RUGCOURSE_PICTURE_STORAGE: expected"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(
    folder: Path, words: list[str], settings: dict[str, str], said: str
) -> None:
    answer = run("pictures", *words, cwd=folder, **settings)
    assert answer.returncode == 2
    assert said in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr
    assert "nobody sees this" not in answer.stdout + answer.stderr
