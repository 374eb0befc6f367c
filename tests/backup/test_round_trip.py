"""What a backup holds is what was there, and it comes back so, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.support.backups import all_rows, back_up, empty_place, fill, silent, target_for
from tests.support.builders import make_reader

from rugcourse.backup.restore import NotEmpty, RestoreTarget, StillRunning, restore_backup
from rugcourse.bootstrap import Runtime
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import HeartbeatRow, SubscriberRow
from rugcourse.db.queries import heartbeats, sending_holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment.suppression import UnknownSuppressionKey, find
from rugcourse.links import Signer


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    with empty_place(request.param, tmp_path, url) as database:
        yield database


@pytest.fixture
def target(runtime: Runtime, place: Database, tmp_path: Path) -> RestoreTarget:
    return target_for(runtime, place, tmp_path / "elsewhere")


def test_every_row_comes_back_on_either_database(
    runtime: Runtime, dispatcher: Dispatcher, target: RestoreTarget, tmp_path: Path
) -> None:
    fill(runtime, dispatcher)
    before = all_rows(runtime.database)
    made = back_up(runtime, tmp_path / "backup.zip")
    restored = restore_backup(target, made.path, replace=False, progress=silent)
    assert restored.is_sound, restored
    assert all_rows(target.database) == before
    assert all(before[name] for name in ("answer", "consent", "delivery", "enrolment", "lesson", "picture"))


def test_sending_waits_for_a_person_after_a_restore(
    runtime: Runtime, dispatcher: Dispatcher, target: RestoreTarget, tmp_path: Path
) -> None:
    fill(runtime, dispatcher)
    restore_backup(target, back_up(runtime, tmp_path / "backup.zip").path, replace=False, progress=silent)
    with target.database.read() as session:
        [hold] = sending_holds.all_holds(session)
    assert (hold.key, hold.until) == (sending_holds.ALL, None)


def test_an_id_is_not_given_again(
    runtime: Runtime, dispatcher: Dispatcher, target: RestoreTarget, tmp_path: Path
) -> None:
    fill(runtime, dispatcher)
    gone = make_reader(runtime)
    with runtime.database.write() as session:
        newest = session.execute(text("SELECT max(id) FROM subscriber")).scalar_one()
        session.execute(text("DELETE FROM delivery WHERE subscriber_id = :id"), {"id": newest})
        session.execute(text("DELETE FROM enrolment WHERE subscriber_id = :id"), {"id": newest})
        session.execute(text("DELETE FROM consent WHERE subscriber_id = :id"), {"id": newest})
        session.execute(text("DELETE FROM schedule WHERE subscriber_id = :id"), {"id": newest})
        session.execute(text("DELETE FROM subscriber WHERE id = :id"), {"id": newest})
    restore_backup(target, back_up(runtime, tmp_path / "backup.zip").path, replace=False, progress=silent)
    with target.database.write() as session:
        row = SubscriberRow(
            email=gone, domain="example.org", name="", language="nl", status="pending", created_at=runtime.clock.now()
        )
        session.add(row)
        session.flush()
        assert row.id > newest


def test_an_installation_is_replaced_only_when_that_is_said(
    runtime: Runtime, dispatcher: Dispatcher, target: RestoreTarget, tmp_path: Path
) -> None:
    fill(runtime, dispatcher)
    made = back_up(runtime, tmp_path / "backup.zip")
    restore_backup(target, made.path, replace=False, progress=silent)
    before = all_rows(target.database)
    with pytest.raises(NotEmpty, match=r"not empty .* --replace"):
        restore_backup(target, made.path, replace=False, progress=silent)
    with target.database.write() as session:
        session.execute(text("UPDATE subscriber SET name = 'Somebody else'"))
    assert restore_backup(target, made.path, replace=True, progress=silent).is_sound
    assert all_rows(target.database) == before


def test_nothing_is_replaced_under_a_running_process(
    runtime: Runtime, dispatcher: Dispatcher, target: RestoreTarget, tmp_path: Path
) -> None:
    fill(runtime, dispatcher)
    made = back_up(runtime, tmp_path / "backup.zip")
    upgrade(target.database)
    now = runtime.clock.now()
    process = HeartbeatRow(id="one", kind="serve", host="here", pid=7, started_at=now, seen_at=now)
    target.database.run(heartbeats.register_process, process)
    with pytest.raises(StillRunning, match=r"serve on here \(process 7\)"):
        restore_backup(target, made.path, replace=True, progress=silent)


def test_a_backup_is_refused_where_its_suppressed_addresses_would_be_written_to(
    runtime: Runtime, dispatcher: Dispatcher, target: RestoreTarget, tmp_path: Path
) -> None:
    fill(runtime, dispatcher)
    made = back_up(runtime, tmp_path / "backup.zip")
    other = replace(target, signer=Signer.from_texts(("another-key-0123456789",), ""))
    with pytest.raises(UnknownSuppressionKey):
        restore_backup(other, made.path, replace=False, progress=silent)
    assert not any(all_rows(target.database).values())
    restore_backup(target, made.path, replace=False, progress=silent)
    assert target.database.query(find, runtime.signer, "gone@example.org") is not None


def test_logins_do_not_come_back(runtime: Runtime, target: RestoreTarget, tmp_path: Path) -> None:
    made = back_up(runtime, tmp_path / "backup.zip")
    assert not {"admin_session", "admin_challenge"} & {one.name for one in made.manifest.tables}
