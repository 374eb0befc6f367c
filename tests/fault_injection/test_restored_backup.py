"""Drill 11: a backup that was put back, and a machine that was cloned. Nothing goes out until an operator says go."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.fault_injection.tally import Tally
from tests.support.builders import at_eight, make_reader, plan, send_all
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.queries import sending_holds
from rugcourse.db.queries.sending_holds import ALL
from rugcourse.delivery import holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.worker.heartbeat import Heartbeat

Passes = Callable[[Runtime, Sink], Tally]
READERS = 5


def held(runtime: Runtime) -> list[str]:
    with runtime.database.read() as session:
        return [one.key for one in sending_holds.all_holds(session) if one.until is None]


def readers_due(runtime: Runtime, dispatcher: Dispatcher) -> None:
    for _ in range(READERS):
        make_reader(runtime)
    send_all(dispatcher)
    at_eight(runtime)


def data_export(runtime: Runtime, tmp_path: Path) -> Database:
    """The same store somewhere else: a cloned machine, or a backup put back in another place."""
    if runtime.database.dialect == "sqlite":
        clone = tmp_path / "clone.db"
        with sqlite3.connect(tmp_path / "test.db") as original, sqlite3.connect(clone) as copy:
            original.backup(copy)
        return Database(f"sqlite:///{clone}")
    url = runtime.database.engine.url
    runtime.database.engine.dispose()
    with runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS clone"))
        connection.execute(text("DROP DATABASE IF EXISTS original"))
    admin = Database(url.set(database="template1").render_as_string(hide_password=False))
    runtime.database.engine.dispose()
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE clone TEMPLATE {url.database}"))
    admin.close()
    return Database(url.set(database="clone").render_as_string(hide_password=False))


def test_a_copy_of_the_database_sends_nothing_until_an_operator_says_go(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, tmp_path: Path
) -> None:
    readers_due(runtime, dispatcher)
    database = data_export(runtime, tmp_path)
    elsewhere = replace(runtime, database=database)
    before = sink.count
    sender = open_dispatcher(elsewhere)
    plan(elsewhere)
    send_all(sender)
    assert sink.count == before
    assert held(elsewhere) == [ALL]
    assert database.run(holds.release, elsewhere.clock.now(), ALL)
    send_all(sender)
    assert sink.count == before + READERS
    sender.close()
    open_dispatcher(elsewhere).close()
    assert held(elsewhere) == []
    database.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_backup_put_back_in_its_place_is_noticed_by_what_it_has_forgotten(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, tmp_path: Path, passes: Passes
) -> None:
    readers_due(runtime, dispatcher)
    backup = sqlite3.connect(":memory:")
    with sqlite3.connect(tmp_path / "test.db") as original:
        original.backup(backup)
    plan(runtime)
    send_all(dispatcher)
    passes(runtime, sink)
    heartbeat = Heartbeat(runtime, "worker")
    heartbeat._beat()
    runtime.database.engine.dispose()
    with sqlite3.connect(tmp_path / "test.db") as original:
        backup.backup(original)
    before = sink.count
    sender = open_dispatcher(runtime)
    plan(runtime)
    send_all(sender)
    assert sink.count == before
    assert held(runtime) == [ALL]
    sender.close()


def test_a_database_that_goes_back_in_time_under_a_running_worker_is_held(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    readers_due(runtime, dispatcher)
    heartbeat = Heartbeat(runtime, "worker")
    heartbeat._beat()
    heartbeat._beat()
    assert held(runtime) == []
    with runtime.database.write() as session:
        session.execute(text("DELETE FROM heartbeat"))
    heartbeat._beat()
    assert held(runtime) == [ALL]
    plan(runtime)
    before = sink.count
    send_all(dispatcher)
    assert sink.count == before


def test_a_process_that_slept_for_a_month_is_no_sign_of_a_backup(
    runtime: Runtime, clock: VirtualClock, dispatcher: Dispatcher
) -> None:
    sleeper, other = Heartbeat(runtime, "worker"), Heartbeat(runtime, "worker")
    sleeper._beat()
    clock.advance(days=30)
    other._beat()
    sleeper._beat()
    assert held(runtime) == []


def test_a_sign_of_life_whose_commit_was_not_answered_is_no_sign_of_a_backup(
    runtime: Runtime, clock: VirtualClock, dispatcher: Dispatcher
) -> None:
    heartbeat = Heartbeat(runtime, "worker")
    heartbeat._beat()
    before = heartbeat._seen_at
    clock.advance(seconds=10)
    heartbeat._beat()
    heartbeat._seen_at = before  # it was committed, and the process never heard so
    clock.advance(seconds=10)
    heartbeat._beat()
    assert held(runtime) == []
