"""A backup is made while mails go out, and whoever is killed leaves nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.backups import all_rows, back_up, empty_place, fill, silent, target_for
from tests.support.builders import mails_to, planned_readers, send_all

from rugcourse.backup.archive import BackupArchive
from rugcourse.backup.restore import RestoreTarget, restore_backup
from rugcourse.backup.writer import BackupExists, BackupRuns, new_file
from rugcourse.bootstrap import Runtime
from rugcourse.db.migrate import is_current, newest_revision
from rugcourse.db.models import DeliveryQueue, DeliveryState
from rugcourse.delivery.dispatcher import Dispatcher

READERS = 40
_RESTORE = """
import os, signal, sys
from pathlib import Path
from rugcourse.backup.restore import RestoreTarget, restore_backup
from rugcourse.bootstrap import open_runtime, rejection_handler
from rugcourse.settings import load_settings

runtime = open_runtime(load_settings(database_url=sys.argv[2], data_dir=Path(sys.argv[3]), secret_keys=(sys.argv[4],)))
calls = 0
def progress(done, total):
    global calls
    calls += 1
    if calls == int(sys.argv[5]):
        os.kill(os.getpid(), signal.SIGKILL)
from rugcourse.backup import restore
restore._ROWS_BETWEEN_REPORTS = 1
target = RestoreTarget(runtime.database, Path(sys.argv[3]), runtime.signer, runtime.clock, rejection_handler(runtime))
restore_backup(target, Path(sys.argv[1]), replace=False, progress=progress)
"""


@pytest.fixture
def target(runtime: Runtime, tmp_path: Path) -> Iterator[RestoreTarget]:
    with empty_place("sqlite", tmp_path, "") as place:
        yield target_for(runtime, place, tmp_path / "elsewhere")


def test_what_is_backed_up_while_mails_go_out_balances(
    runtime: Runtime, dispatcher: Dispatcher, target: RestoreTarget, tmp_path: Path
) -> None:
    planned_readers(runtime, dispatcher, READERS)
    sending = threading.Thread(target=send_all, args=(dispatcher,))
    sending.start()
    made: list[Path] = []
    while sending.is_alive() or not made:
        made.append(back_up(runtime, tmp_path / f"{len(made)}.zip").path)
    sending.join()
    for path in made[:5]:
        restored = restore_backup(target, path, replace=True, progress=silent)
        assert restored.is_sound, (path, restored.audit.findings)


def test_a_mail_that_was_being_sent_is_not_sent_again(
    runtime: Runtime, dispatcher: Dispatcher, target: RestoreTarget, tmp_path: Path
) -> None:
    """Its worker went on after the backup: what it had not begun by then may be out as well."""
    emails = planned_readers(runtime, dispatcher, 3)
    lessons = [mails_to(runtime, email)[-1].id for email in emails]
    claimed = dispatcher._claimer.claim(DeliveryQueue.LESSONS)
    assert claimed is not None
    journal = dispatcher._journal
    journal.begin(claimed.lease, lessons[0])
    journal.reply(claimed.lease, lessons[0], DeliveryState.ACCEPTED, "250 taken")
    restored = restore_backup(target, back_up(runtime, tmp_path / "a.zip").path, replace=False, progress=silent)
    assert {one.delivery_id for one in restored.audit.unknown} == set(lessons[1:])
    assert not list(target.journals.iterdir())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("moment", [1, 30, 60, 90, 120])
def test_a_killed_restore_leaves_an_empty_place_and_can_be_repeated(
    moment: int, runtime: Runtime, dispatcher: Dispatcher, target: RestoreTarget, tmp_path: Path
) -> None:
    fill(runtime, dispatcher)
    made = back_up(runtime, tmp_path / "backup.zip").path
    url, folder = target.database.engine.url.render_as_string(), str(target.journals)
    words = [str(made), url, folder, runtime.settings.secret_keys[0], str(moment)]
    killed = subprocess.run([sys.executable, "-c", _RESTORE, *words], check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not is_current(target.database) or not any(all_rows(target.database).values())
    assert restore_backup(target, made, replace=False, progress=silent).is_sound
    assert all_rows(target.database) == all_rows(runtime.database)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_killed_backup_leaves_no_file_of_that_name(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "backup.zip"
    child = os.fork()
    if not child:
        with new_file(path, overwrite=False) as file:
            file.write(b"half of it")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert [one.name for one in tmp_path.glob("backup*")] == ["backup.zip.part"]
    made = back_up(runtime, path)
    assert [one.name for one in tmp_path.glob("backup*")] == ["backup.zip"]
    with BackupArchive(made.path, newest_revision()) as archive:
        archive.verify(silent)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_is_replaced_only_when_that_is_said(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "backup.zip"
    path.write_text("mine")
    with pytest.raises(BackupExists, match="--overwrite"):
        back_up(runtime, path)
    assert path.read_text() == "mine"
    back_up(runtime, path, overwrite=True)
    assert path.read_bytes()[:2] == b"PK"
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_backups_to_one_file_do_not_mix(tmp_path: Path) -> None:
    with new_file(tmp_path / "backup.zip", overwrite=False), pytest.raises(BackupRuns):  # noqa: SIM117
        with new_file(tmp_path / "backup.zip", overwrite=False):
            pass
