"""The commands make a backup and restore it, ask before they replace anything, and say what is not in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.commands import run
from typer.testing import CliRunner

from rugcourse.cli.main import app

KEYS = {"SECRET_KEYS": "a-key-for-tests-0123456789"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert run("db", "upgrade", cwd=tmp_path).returncode == 0
    assert run("courses", "import", cwd=tmp_path).returncode == 0
    return tmp_path


def test_a_backup_is_restored_into_an_empty_place(folder: Path) -> None:
    made = run("backup", "backup.zip", cwd=folder, **KEYS)
    assert made.returncode == 0
    assert "Not in it:\n  settings and secrets of the environment" in made.stdout
    restored = run("restore", "backup.zip", cwd=folder, DATABASE_URL="sqlite:///other.db", **KEYS)
    assert restored.returncode == 0, restored.stderr
    assert "the books balance\nSending is held." in restored.stdout
    status = run("sending", "status", cwd=folder, DATABASE_URL="sqlite:///other.db", **KEYS)
    assert status.returncode == 1
    assert "a backup was restored" in status.stdout


def test_programs_get_json(folder: Path) -> None:
    made = json.loads(run("backup", "backup.zip", "--json", cwd=folder, **KEYS).stdout)
    assert made["rows"]["course"] > 0
    assert made["bytes"] == (folder / "backup.zip").stat().st_size
    restored = json.loads(
        run("restore", "backup.zip", "--json", cwd=folder, DATABASE_URL="sqlite:///other.db", **KEYS).stdout
    )
    assert restored["balanced"] is True
    assert restored["rows"] == made["rows"]


def test_it_replaces_only_after_a_question(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("backup", "backup.zip", cwd=folder, **KEYS).returncode == 0
    refused = run("restore", "backup.zip", cwd=folder, **KEYS)
    assert refused.returncode == 2
    assert "the database is not empty" in refused.stderr
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RUGCOURSE_SECRET_KEYS", KEYS["SECRET_KEYS"])
    asked = CliRunner().invoke(app, ["restore", "backup.zip", "--replace"], input="n\n")
    assert asked.exit_code == 1
    assert "Delete everything in this database (0 rows of subscriber" in asked.output
    replaced = run("restore", "backup.zip", "--replace", "--yes", cwd=folder, **KEYS)
    assert replaced.returncode == 0, replaced.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["backup", "."], "is a folder"),
        (["backup", "nowhere/backup.zip"], "nowhere/backup.zip.part: No such file"),
        (["restore", "nothing.zip"], "there is no file nothing.zip"),
        (["restore", ".env"], ".env is no backup"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder: Path, words: list[str], said: str) -> None:
    (folder / ".env").write_text("RUGCOURSE_PORT=8001\n")
    answer = run(*words, cwd=folder, **KEYS)
    assert answer.returncode == 2
    assert said in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert "Traceback" not in answer.stderr
