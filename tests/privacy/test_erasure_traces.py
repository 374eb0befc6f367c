"""After erasing, and after years, nothing names a person: searched byte by byte in tables, files and the log."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.support.admins import make_admin
from tests.support.builders import make_reader
from tests.support.privacy import EMAIL, all_rows_as_text, apply_retention_now, rows, subscriber_id

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import (
    AddressChangeRow,
    AdminRow,
    AdminSessionRow,
    AuditLogRow,
    EnrolmentRow,
    FeedbackRow,
    JobKind,
    JobRow,
    JobState,
    Role,
    SubscriberRow,
    SuppressionRow,
)
from rugcourse.db.queries import admins, heartbeats, jobs, sending_holds
from rugcourse.db.queries.sending_holds import TokenBucket
from rugcourse.delivery import holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.feedback import Feedback, save_feedback
from rugcourse.privacy.erase import erase
from rugcourse.privacy.retention import Forgotten

_DOMAIN = EMAIL.rpartition("@")[2]


def trace_of_domain(runtime: Runtime, domain: str) -> None:
    """A hold, a limit and a reputation of a recipients' domain."""
    with runtime.database.write() as session:
        sending_holds.add_hold(
            session, sending_holds.domain_key(domain), "421 later", runtime.clock.now(), runtime.clock.now()
        )
        sending_holds.save_buckets(session, {sending_holds.domain_key(domain): TokenBucket(1.0, runtime.clock.now())})
        known = {"at": runtime.clock.now().isoformat(), "levels": {domain: "stop"}}
        heartbeats.set_value(session, heartbeats.REPUTATION, json.dumps(known))


def files_of(runtime: Runtime) -> Iterator[bytes]:
    """All that the installation has on the disk: the database, its log, journals."""
    for file in sorted(Path(runtime.settings.data_dir).rglob("*")):
        if file.is_file():
            yield file.read_bytes()


def test_no_file_row_or_log_names_an_erased_person(
    runtime: Runtime,
    dispatcher: Dispatcher,
    email: str,
    clock: VirtualClock,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    person = subscriber_id(runtime, email)
    trace_of_domain(runtime, _DOMAIN)
    with runtime.database.write() as session:
        subject = admins.subject_of(person)
        admins.record_change(session, clock.now(), None, "subscriber.pause", subject, None, {"reason": "Sam Reader"})
    traces = (email, "erase.me", "moving.to", _DOMAIN, "Sam Reader", "Mooi <", "autumn", admins.subject_of(person))
    before = all_rows_as_text(runtime) + "".join(one.decode("latin-1") for one in files_of(runtime))
    assert [trace for trace in traces if trace not in before] == []
    assert runtime.database.run(erase, clock.now(), runtime.signer, person)
    after = all_rows_as_text(runtime) + "".join(one.decode("latin-1") for one in files_of(runtime))
    said = caplog.text + "".join(capfd.readouterr())
    assert [trace for trace in traces if trace in after or trace in said] == []
    with runtime.database.read() as session:
        assert session.scalars(select(SuppressionRow.address_hash)).all() == [runtime.signer.digest(email)]


def test_hold_of_a_domain_with_other_subscribers_is_kept(runtime: Runtime, email: str, clock: VirtualClock) -> None:
    make_reader(runtime, f"another@{_DOMAIN}")
    trace_of_domain(runtime, _DOMAIN)
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    apply_retention_now(runtime)
    with runtime.database.read() as session:
        assert sending_holds.find_hold(session, sending_holds.domain_key(_DOMAIN)) is not None
        assert _DOMAIN in (heartbeats.get_value(session, heartbeats.REPUTATION) or "")


def test_domain_without_subscribers_keeps_only_holds_by_operators(runtime: Runtime, clock: VirtualClock) -> None:
    trace_of_domain(runtime, "moved.example")
    runtime.database.run(holds.hold_by_admin, clock.now(), sending_holds.domain_key("ahead.example"), "not yet")
    apply_retention_now(runtime)
    assert "moved.example" not in all_rows_as_text(runtime)
    assert "ahead.example" in all_rows_as_text(runtime)
    clock.advance(days=366)
    apply_retention_now(runtime)
    assert "ahead.example" not in all_rows_as_text(runtime)


def test_no_personal_data_is_left_after_all_retention_periods(
    runtime: Runtime,
    dispatcher: Dispatcher,
    email: str,
    clock: VirtualClock,
) -> None:
    """Nobody does anything: what is declared in the inventory ends by itself, each at its time."""
    begun = clock.now()
    person = subscriber_id(runtime, email)
    admin = make_admin(runtime.database, clock, "gone@practice.example", Role.EDITOR)
    runtime.database.run(save_feedback, clock.now(), Feedback(1, "nl", True, "I am Jan de Boer"))
    with runtime.database.write() as session:
        job = jobs.add(session, JobKind.IMPORT, JobState.DONE, {"file": "jan.csv"}, admin, clock.now())
        job.ended_at, job.problems = clock.now(), [[1, "email", "jan@"]]
        admins.record_change(
            session, clock.now(), admin, "subscriber.tag", admins.subject_of(person), None, {"tag": "x"}
        )
        admins.record_change(session, clock.now(), admin, "lesson.publish", "lesson:course/first")
        found = session.get(AdminRow, admin)
        assert found is not None
        found.disabled_at = clock.now()
    ends: dict[str, int] = {}
    while (day := (clock.now() - begun).days) < 7 * 366:
        for what, number in _counts(apply_retention_now(runtime)).items():
            assert number == 0 or what not in ends, what
            if number:
                ends[what] = day
        clock.advance(days=10)
    assert ends == {
        "measured": 100, "jobs": 100, "addresses": 40, "remarks": 190, "changes": 370, "admins": 370, "idle": 370, "suppressions": 2200,
    }  # fmt: skip
    assert {table: rows(runtime, table) for table in (SubscriberRow, EnrolmentRow, JobRow, AdminSessionRow)} == {
        SubscriberRow: 0, EnrolmentRow: 0, JobRow: 0, AdminSessionRow: 0,
    }  # fmt: skip
    left = all_rows_as_text(runtime)
    for trace in (email, "moving.to", "Jan de Boer", "jan.csv", "gone@practice.example", admins.subject_of(person)):
        assert trace not in left
    with runtime.database.read() as session:
        assert session.scalars(select(AuditLogRow.subject)).all() == ["lesson:course/first"]
        assert session.scalars(select(AdminRow.email)).all() == [f"former-admin-{admin}"]
        assert [(one.helped, one.remark) for one in session.scalars(select(FeedbackRow))] == [(True, "")]


def _counts(forgotten: Forgotten) -> dict[str, int]:
    return {name: getattr(forgotten, name) for name in Forgotten.__slots__}


def test_requested_address_is_deleted_when_its_link_expires(
    runtime: Runtime,
    email: str,
    clock: VirtualClock,
) -> None:
    clock.advance(hours=23)
    apply_retention_now(runtime)
    assert "moving.to" in all_rows_as_text(runtime)
    clock.advance(hours=2)
    apply_retention_now(runtime)
    assert "moving.to" not in all_rows_as_text(runtime)
    assert rows(runtime, AddressChangeRow) == 1


def test_sqlite_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'course.db'}")
    with database.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE one (two TEXT)")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "new").iterdir()}
    assert {"course.db", "course.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    database.close()


def test_open_read_transaction_delays_erasure_only_briefly(
    tmp_path: Path,
    runtime: Runtime,
    email: str,
    clock: VirtualClock,
) -> None:
    begun = clock.now()
    with runtime.database.read() as session:
        session.scalars(select(SubscriberRow.id)).all()
        assert runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    runtime.database.scrub()
    assert email.encode() not in b"".join(files_of(runtime))
    assert clock.now() - begun == timedelta()
