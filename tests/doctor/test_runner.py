"""The doctor looks at what is there, says what is wrong, and changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.support.admins import make_admin
from tests.support.builders import signed_courses
from tests.support.nameserver import DOMAIN, WELL, nameserver
from tests.support.rows import everything
from tests.support.servers import HOST, free_port
from tests.support.smtp_sink import Sink

from rugcourse.auth.admins import invite
from rugcourse.bootstrap import Runtime
from rugcourse.clock import ScaledClock, SystemClock, VirtualClock
from rugcourse.course_editor.file_sync import import_course
from rugcourse.db.engine import Database
from rugcourse.db.models import HeartbeatRow, PasskeyRow, Role
from rugcourse.db.queries import admins, heartbeats
from rugcourse.db.withdrawal_log import WithdrawalLog
from rugcourse.doctor.checks.admins import check_admins
from rugcourse.doctor.checks.courses import check_courses
from rugcourse.doctor.checks.local import check_broker, check_database, check_disk, check_settings, check_withdrawals
from rugcourse.doctor.checks.smtp import check_smtp
from rugcourse.doctor.checks.website import check_website
from rugcourse.doctor.report import CHECKS, State
from rugcourse.doctor.runner import run_checks
from rugcourse.doctor.saved_run import DoctorRun, keep, last_run
from rugcourse.links import Links, Signer
from rugcourse.settings import DEFAULT_SECRET, Settings
from rugcourse.web.app import create_app
from rugcourse.web.server import BackgroundServer


@contextmanager
def web(status: int, body: bytes) -> Iterator[str]:
    """A web server that is not ours; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def settings(runtime: Runtime) -> Settings:
    return runtime.settings


def states(findings: object) -> dict[str, State]:
    return {one.check: one.state for one in findings}  # type: ignore[attr-defined]


def said(found: DoctorRun) -> dict[str, str]:
    return {one.check: f"{one.found % one.values} {one.fix % one.values}" for one in found.findings}


def test_a_visit_names_each_thing_once_at_least_changes_nothing_and_is_remembered(
    runtime: Runtime, settings: Settings
) -> None:
    with nameserver(WELL) as dns:
        ours = settings.model_copy(update={"dns_server": dns, "sender_address": f"les@{DOMAIN}"})
        before = everything(runtime)
        found = run_checks(ours, runtime.database, runtime.clock, runtime.links)
    assert everything(runtime) == before
    assert [one.check for one in found.findings] == sorted((one.check for one in found.findings), key=[*CHECKS].index)
    assert {one.check for one in found.findings} >= {*CHECKS} - {"address", "unsubscribe"}
    assert states(found.findings)["smtp"] == State.OK
    assert all(one.found % one.values for one in found.findings)
    assert all(one.fix for one in found.errors)
    assert last_run(runtime.database) is None
    keep(runtime.database, found)
    kept = last_run(runtime.database)
    assert kept is not None
    assert said(kept) == said(found)
    assert kept.at == found.at


def test_settings_of_nobody_are_wrong(settings: Settings) -> None:
    well = {
        "sender_address": "les@praktijk.nl", "postal_address": "Straat 1", "processors": "Example Host (hosting, Ede)",
        "transfers": "none",
    }  # fmt: skip
    assert states(check_settings(settings.model_copy(update=well))) == {"settings": State.OK}
    for change in ({"secret_keys": (DEFAULT_SECRET,)}, {"sender_address": "x@example.org"}):
        assert states(check_settings(settings.model_copy(update={**well, **change})))["settings"] == State.ERROR
    default = Settings.model_fields["postal_address"].default
    assert states(check_settings(settings.model_copy(update={"postal_address": default})))["address"] == State.WARNING
    for unset in ("processors", "transfers"):
        (found,) = [
            one for one in check_settings(settings.model_copy(update={**well, unset: ""})) if one.check == "privacy"
        ]
        assert f"RUGCOURSE_{unset.upper()}" in str(found.values)


def test_a_database_that_is_not_there_or_old_is_wrong(settings: Settings, tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    assert states(check_database(settings, empty, SystemClock())) == {"database": State.ERROR}
    away = Database(f"postgresql://postgres@{HOST}:{free_port()}/x")
    assert states(check_database(settings, away, SystemClock())) == {"database": State.ERROR}


def test_a_safety_notice_that_nobody_has_signed_is_advice_and_no_mistake(runtime: Runtime, tmp_path: Path) -> None:
    [finding] = check_courses(runtime.database)
    assert finding.state == State.WARNING
    assert finding.values == {"courses": "oorzaken-van-rugpijn, stress-en-rugpijn"}
    import_course(runtime.database, runtime.clock, signed_courses())
    assert states(check_courses(runtime.database)) == {"safety-notice": State.OK}
    assert list(check_courses(Database(f"sqlite:///{tmp_path / 'empty.db'}"))) == []


def test_admins_without_a_second_factor_are_named_as_advice(runtime: Runtime, clock: VirtualClock) -> None:
    assert states(check_admins(runtime.database)) == {"admins": State.OK}
    make_admin(runtime.database, clock, "owner@x.example", Role.OWNER)
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    runtime.database.run(invite, clock, "never-came@x.example", Role.EDITOR)
    [finding] = check_admins(runtime.database)
    assert (finding.state, finding.values["addresses"]) == (State.WARNING, "owner@x.example")
    with runtime.database.write() as session:
        admin = admins.by_email(session, "owner@x.example")
        assert admin is not None
        session.add(
            PasskeyRow(
                admin_id=admin.id, credential_id="x", public_key=b"x", sign_count=0, name="x", created_at=clock.now()
            )
        )
    assert states(check_admins(runtime.database)) == {"admins": State.OK}


def test_doctor_reports_live_processes_and_the_bounce_reader(runtime: Runtime, settings: Settings) -> None:
    def look(ours: Settings = settings) -> dict[str, State]:
        return states(check_database(ours, runtime.database, runtime.clock))

    def add(kind: str) -> None:
        now = runtime.clock.now()
        with runtime.database.write() as session:
            heartbeats.register_process(
                session, HeartbeatRow(id=kind, kind=kind, host="h", pid=1, started_at=now, seen_at=now)
            )

    assert look()["processes"] == State.ERROR
    for kind in ("web", "worker", "beat"):
        add(kind)
    assert look()["processes"] == State.OK
    quick = ScaledClock(runtime.clock.now() + timedelta(hours=12), 20)  # as in a demo: ten seconds ago
    assert states(check_database(settings, runtime.database, quick))["processes"] == State.OK
    assert look()["bounces"] == State.WARNING
    assert look(settings.model_copy(update={"postmark_secret": "x"}))["bounces"] == State.OK
    waiting = settings.model_copy(update={"bounce_address": "b@x.example"})
    assert look(waiting)["bounces"] == State.WARNING
    add("bounces")
    assert look(waiting)["bounces"] == State.OK


def test_a_broker_answers_or_not(settings: Settings, redis_url: str) -> None:
    assert states(check_broker(settings)) == {"broker": State.OK}
    for url, state in ((redis_url, State.OK), (f"redis://{HOST}:{free_port()}/0", State.ERROR)):
        assert states(check_broker(settings.model_copy(update={"broker_url": url}))) == {"broker": state}


def test_a_folder_that_can_not_be_written_to_is_wrong(settings: Settings, tmp_path: Path) -> None:
    assert states(check_disk(settings)) == {"journal": State.OK}
    (tmp_path / "file").write_text("x")
    assert states(check_disk(settings.model_copy(update={"data_dir": tmp_path / "file"}))) == {"journal": State.ERROR}


def test_that_withdrawals_can_not_be_written_down_is_wrong(settings: Settings) -> None:
    log = WithdrawalLog.of(settings, Signer((b"a-key-for-tests-0123456789",)))
    assert states(check_withdrawals(log)) == {"withdrawals": State.OK}
    log.file.unlink()
    log.file.mkdir()
    assert states(check_withdrawals(log)) == {"withdrawals": State.ERROR}


def test_a_mail_server_that_does_not_answer_is_wrong(settings: Settings, sink: Sink) -> None:
    assert states(check_smtp(settings)) == {"smtp": State.OK}
    away = settings.model_copy(update={"smtp_url": f"smtp://{HOST}:{free_port()}"})
    assert states(check_smtp(away)) == {"smtp": State.ERROR}
    assert sink.taken == []


def test_the_web_address_is_ours_or_not(runtime: Runtime, settings: Settings) -> None:
    def look(address: str) -> dict[str, str]:
        ours = settings.model_copy(update={"base_url": address})
        found = check_website(ours, Links(address, runtime.signer))
        return {one.check: f"{one.state}: {one.found % one.values}" for one in found}

    assert "error" in look(f"http://{HOST}:{free_port()}")["website"]
    for status, body in ((200, b"welcome"), (502, b""), (404, b"ok")):
        with web(status, body) as address:
            assert "Something else" in look(address)["website"]
    with web(200, b"ok") as address:
        found = look(address)
        assert found["website"].startswith("ok")
        assert "Something else answers there (200)" in found["unsubscribe"]
    port = free_port()
    address = f"http://{HOST}:{port}"
    server = BackgroundServer(create_app(replace(runtime, links=Links(address, runtime.signer))), HOST, port)
    server.start()
    try:
        found = look(address)
    finally:
        server.stop()
    assert found["website"].startswith("ok")
    assert found["unsubscribe"].startswith("ok")
