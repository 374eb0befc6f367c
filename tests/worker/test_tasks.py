"""The same tasks, embedded with the in-memory broker and as processes with Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs
from tests.support.builders import (
    at_eight,
    lessons_to,
    mails_to,
    make_pending,
    make_reader,
    make_runtime,
    make_settings,
)
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, open_runtime
from rugcourse.clock import SystemClock, VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryQueue, DeliveryState, EnrolmentRow
from rugcourse.delivery.reconciliation import audit
from rugcourse.worker.celery_app import POLL_BOUNCES, create_app, make_notifier
from rugcourse.worker.embedded import embed
from rugcourse.worker.tasks import poll_bounces, reconcile

PATIENCE_SECONDS = 90.0


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_embedded_the_beat_finds_what_is_due_and_the_worker_sends_it(
    database: Database, clock: VirtualClock, sink: Sink, tmp_path: Path
) -> None:
    runtime = make_runtime(database, make_settings(tmp_path, sink.url, tick_seconds=0.2), clock)
    readers = [make_reader(runtime) for _ in range(60)]
    at_eight(runtime)
    running, worker = embed(runtime)
    worker.start()
    try:
        assert eventually(lambda: sink.count == 180)
    finally:
        worker.stop()
    assert {lessons_to(running, email)[0].state for email in readers} == {DeliveryState.ACCEPTED}
    assert len(set(sink.message_ids)) == 180
    assert audit(database, clock.now(), timedelta(minutes=5)).balanced


def test_an_embedded_worker_stops_at_once_and_another_goes_on(
    database: Database, clock: VirtualClock, sink: Sink, tmp_path: Path
) -> None:
    runtime = make_runtime(database, make_settings(tmp_path, sink.url, tick_seconds=0.2), clock)
    before = threading.active_count()
    for _ in range(2):
        email = make_pending(runtime)
        _, worker = embed(runtime)
        worker.start()
        assert eventually(lambda email=email: mails_to(runtime, email)[0].state == DeliveryState.ACCEPTED)  # type: ignore[misc]
        worker.stop()
    assert eventually(lambda: threading.active_count() <= before + 1)
    assert list((tmp_path / "journal").glob("*")) == []


def test_a_ring_sends_at_once_what_a_person_waits_for(
    database: Database, clock: VirtualClock, sink: Sink, tmp_path: Path
) -> None:
    runtime = make_runtime(database, make_settings(tmp_path, sink.url, tick_seconds=600), clock)
    running, worker = embed(runtime)
    worker.start()
    try:
        email = make_pending(running)
        running.notify_worker(DeliveryQueue.TRANSACTIONAL)
        assert eventually(lambda: len(sink.to(email)) == 1)
    finally:
        worker.stop()


def test_notifier_logs_and_goes_on_when_the_broker_is_away(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, broker_url="redis://127.0.0.1:1/0")
    with capture_logs() as logs:
        make_notifier(create_app(settings))(DeliveryQueue.TRANSACTIONAL)
    assert [one["log_level"] for one in logs] == ["warning"]


def test_a_mailbox_for_bounces_is_looked_into_by_the_beat_where_there_is_one(
    runtime: Runtime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "fetch" not in create_app(runtime.settings).conf.beat_schedule
    settings = make_settings(tmp_path, bounce_mailbox="imap://b:s@127.0.0.1:1")
    assert create_app(settings).conf.beat_schedule["fetch"]["task"] == POLL_BOUNCES
    poll_bounces(runtime)
    assert capsys.readouterr().out == ""
    poll_bounces(replace(runtime, settings=settings))  # the next time, perhaps
    assert "bounce_mailbox_unreadable" in capsys.readouterr().out


def test_the_nightly_audit_tells_the_log_what_is_wrong(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    email = make_reader(runtime)
    assert reconcile(runtime).balanced
    with runtime.database.write() as session:
        session.execute(update(EnrolmentRow).values(lessons_planned=3))
    found = reconcile(runtime)
    assert not found.balanced
    assert "reconciliation_failed" in capsys.readouterr().out
    assert lessons_to(runtime, email) == []


@pytest.fixture
def processes(postgres_url: str, redis_url: str, database: Database, sink: Sink, tmp_path: Path) -> object:
    """Starts `rugcourse` commands on PostgreSQL, Redis and the sink; ends what still runs."""
    environment = {
        **os.environ,
        "RUGCOURSE_DATABASE_URL": postgres_url,
        "RUGCOURSE_BROKER_URL": redis_url,
        "RUGCOURSE_SMTP_URL": sink.url,
        "RUGCOURSE_SECRET_KEYS": "a-key-for-tests-0123456789",
        "RUGCOURSE_DATA_DIR": str(tmp_path / "data"),
        "RUGCOURSE_TICK_SECONDS": "0.3",
        "RUGCOURSE_EHLO_NAME": "localhost",
        "RUGCOURSE_LEASE_SECONDS": "25",
        "RUGCOURSE_SMTP_TIMEOUT_SECONDS": "6",
        "C_FORCE_ROOT": "1",
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", "from rugcourse.cli import main; main()", command], env=environment
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(20)


# Sends the signal while a module that Celery's producer needs is half imported, or else a little later.
_STOPPED_WHILE_STARTING = """
import os, signal, sys, threading
from rugcourse.bootstrap import open_runtime
from rugcourse.settings import Settings
from rugcourse.worker.processes import run_beat

def stop():
    os.kill(os.getpid(), signal.SIGINT)

class StopWhileImporting:
    def find_spec(self, name, *_):
        if name == "celery.app.routes":
            stop()

runtime = open_runtime(Settings())
sys.meta_path.insert(0, StopWhileImporting())
threading.Timer(3, stop).start()
run_beat(runtime)
"""


def test_a_beat_that_is_stopped_while_it_starts_ends_without_a_traceback(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "RUGCOURSE_DATABASE_URL": f"sqlite:///{tmp_path}/rugcourse.db"}
    done = subprocess.run(
        [sys.executable, "-c", _STOPPED_WHILE_STARTING],
        cwd=tmp_path,
        env={
            **environment,
            "RUGCOURSE_DATA_DIR": str(tmp_path),
            "RUGCOURSE_SECRET_KEY": "a key for this test only" * 2,
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr + done.stdout) == (0, False), done.stderr


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_separate_workers_and_beats_on_redis_send_each_lesson_once_also_when_one_is_killed(
    runtime: Runtime, processes: Callable[[str], subprocess.Popen[bytes]], sink: Sink
) -> None:
    real = replace(open_runtime(runtime.settings, SystemClock()), database=runtime.database)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    readers = [make_reader(real, zone="UTC", hour=hour.hour) for _ in range(150)]
    with real.database.write() as session:
        session.execute(update(EnrolmentRow).values(next_due_at=hour))
    victim, worker = processes("worker"), processes("worker")
    beats = [processes("beat"), processes("beat")]
    assert eventually(lambda: sink.count > 100)
    victim.send_signal(signal.SIGKILL)
    victim.wait(20)
    replacement = processes("worker")
    assert eventually(lambda: all(lessons_to(real, email) for email in readers[-3:]))
    open_states = {DeliveryState.PLANNED, DeliveryState.SUBMITTING}
    assert eventually(lambda: not any(one.state in open_states for email in readers for one in mails_to(real, email)))
    for process in (worker, replacement, *beats):
        process.terminate()
    assert worker.wait(20) == 0
    assert replacement.wait(20) in {0, -signal.SIGTERM}  # it may still have been starting
    assert len(sink.message_ids) == len(set(sink.message_ids))
    states = [one.state for email in readers for one in mails_to(real, email)]
    unknown = states.count(DeliveryState.UNKNOWN)
    assert unknown <= real.settings.worker_threads
    assert states.count(DeliveryState.ACCEPTED) + unknown == 450
    assert audit(real.database, real.clock.now(), timedelta(minutes=5)).balanced
