"""The doctor names what other users of the machine can read."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.builders import make_settings

from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.doctor.checks.files import check_files
from rugcourse.doctor.report import Finding, State
from rugcourse.settings import Settings


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that others may pass through, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o711)
        yield Path(made)


def look(settings: Settings) -> Finding:
    database = Database(settings.database_url)
    [finding] = check_files(settings, database)
    database.close()
    return finding


def test_files_check_names_each_readable_file_with_the_command_that_closes_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, key, password, env = (folder / name for name in ("data dir", "dkim.pem", "password", ".env"))
    data.mkdir(mode=0o755)
    monkeypatch.chdir(folder)
    settings = make_settings(folder, data_dir=data, dkim_keys=f"s={key}")
    upgrade(Database(settings.database_url))
    monkeypatch.setenv("RUGCOURSE_DATABASE_PASSWORD_FILE", str(password))
    for file in (key, password, env, folder / "test.db"):
        file.touch()
        file.chmod(0o644)
    found = look(settings)
    assert found.state == State.ERROR
    for path in (data, key, password, folder / "test.db"):
        assert str(path) in str(found.values["paths"])
    assert ", .env" in str(found.values["paths"])
    command = (found.fix % found.values).removeprefix("Run: ")
    subprocess.run(["sh", "-c", command], check=True, cwd=folder)
    assert look(settings).state == State.OK


def test_files_check_accepts_readable_files_in_a_closed_folder(folder: Path) -> None:
    inner = folder / "var"
    inner.mkdir(mode=0o700)
    settings = make_settings(folder, database_url=f"sqlite:///{inner / 'rugcourse.db'}", data_dir=inner)
    upgrade(Database(settings.database_url))
    (inner / "rugcourse.db").chmod(0o644)
    assert look(settings).state == State.OK
    inner.chmod(0o711)
    assert look(settings).state == State.ERROR
