"""Drill 6: the database is gone, locked, or its disk is full. Nothing is sent without a committed claim."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from tests.fault_injection.tally import Tally
from tests.support.builders import make_runtime, make_settings, planned_readers, send_all
from tests.support.servers import Server, postgres_server, postgres_url
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.clock import VirtualClock
from rugcourse.db import engine as store
from rugcourse.db.engine import Database, DatabaseAway
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import DeliveryQueue
from rugcourse.delivery.dispatcher import Dispatcher

READERS = 40
Passes = Callable[[Runtime, Sink], Tally]


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_SQLITE_BUSY_SECONDS", 0.3)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_dispatcher_sends_nothing_while_the_database_is_locked(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, tmp_path: Path, passes: Passes
) -> None:
    planned_readers(runtime, dispatcher, READERS)
    before = sink.count
    lock = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseAway):
        dispatcher.send_batch(DeliveryQueue.LESSONS)
    assert sink.count == before
    lock.execute("ROLLBACK")
    lock.close()
    send_all(dispatcher)
    assert passes(runtime, sink).accepted == 3 * READERS


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_dispatcher_sends_nothing_while_the_disk_of_the_database_is_full(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, passes: Passes
) -> None:
    planned_readers(runtime, dispatcher, READERS)
    before = sink.count
    engine = runtime.database.engine

    def no_more_pages(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite reads this as: as many as there are

    engine.dispose()
    event.listen(engine, "connect", no_more_pages)
    refused = 0
    for _ in range(60):
        make_room_for_nothing(runtime)
        try:
            dispatcher.send_batch(DeliveryQueue.LESSONS)
        except DatabaseAway:
            refused += 1
            assert sink.count == before
            break
    event.remove(engine, "connect", no_more_pages)
    engine.dispose()
    assert refused == 1
    send_all(dispatcher)
    assert passes(runtime, sink).accepted == 3 * READERS


def make_room_for_nothing(runtime: Runtime) -> None:
    """Fill the pages that the database has until no row fits any more."""
    try:
        with runtime.database.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS filler (x TEXT)")
        while True:
            with runtime.database.engine.begin() as connection:
                connection.exec_driver_sql("INSERT INTO filler VALUES (hex(randomblob(1000)))")
    except Exception as error:
        if "full" not in str(error):
            raise


class CommitUnanswered:
    """A database whose next commit happens, and whose answer is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.left = 1

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    @contextmanager
    def write_batch(self) -> Iterator[object]:
        with self._database.write_batch() as session:
            yield session
        if self.left:
            self.left -= 1
            raise DatabaseAway("the connection was lost")


def test_a_claim_whose_commit_is_not_answered_goes_back_and_nothing_of_it_is_in_doubt(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, passes: Passes
) -> None:
    planned_readers(runtime, dispatcher, READERS)
    before = sink.count
    sender = open_dispatcher(runtime)
    object.__setattr__(sender._claimer, "database", CommitUnanswered(runtime.database))
    with pytest.raises(DatabaseAway):
        sender.send_batch(DeliveryQueue.LESSONS)
    assert sink.count == before
    send_all(sender)
    tally = passes(runtime, sink)
    assert (tally.accepted, tally.unknown) == (3 * READERS, ())
    journal = sender._journal._path
    sender.close()
    assert not journal.exists()  # nothing in it is open


@pytest.fixture
def own_postgres() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="rugcourse-") as folder, postgres_server(Path(folder)) as server:
        yield server


def test_a_database_that_goes_away_in_the_middle_of_a_batch_is_waited_for(
    own_postgres: Server, clock: VirtualClock, sink: Sink, tmp_path: Path, passes: Passes
) -> None:
    database = Database(postgres_url(own_postgres))
    upgrade(database)
    runtime = make_runtime(database, make_settings(tmp_path, sink.url), clock)
    dispatcher = open_dispatcher(runtime)
    planned_readers(runtime, dispatcher, READERS)
    gone = threading.Event()

    def go_away() -> None:
        if not gone.is_set():
            gone.set()
            own_postgres.stop()

    sink.fault = lambda _recipient: Fault("never", do=go_away) if sink.count > 2 * READERS + 10 else None
    stopper = threading.Thread(target=lambda: (wait_for(sink, 2 * READERS + 10), go_away()))
    stopper.start()
    batch = threading.Thread(target=lambda: dispatcher.send_batch(DeliveryQueue.LESSONS))
    batch.start()
    stopper.join(60)
    time.sleep(2)
    with pytest.raises(DatabaseAway):
        dispatcher.send_batch(DeliveryQueue.TRANSACTIONAL)
    sent = sink.count
    own_postgres.start()
    batch.join(60)
    assert not batch.is_alive()
    assert sink.count == sent
    send_all(dispatcher)
    assert passes(runtime, sink).accepted == 3 * READERS
    dispatcher.close()
    database.close()


def wait_for(sink: Sink, count: int) -> None:
    while sink.count < count:
        time.sleep(0.001)
