"""Drill 5: a deploy in the middle of a campaign, ten times; hold and go, pause and resume, fifty times."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fault_injection.tally import Tally, accepted, open_deliveries, wait_until
from tests.support.builders import course_of, enrolment_of, make_runtime, make_settings, plan, planned_readers, send_all
from tests.support.bulk_readers import add_crowd
from tests.support.smtp_sink import Sink
from tests.support.stack import Process, Stack, environment

from rugcourse.bootstrap import Runtime
from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryQueue
from rugcourse.db.queries import heartbeats
from rugcourse.db.queries.sending_holds import campaign_key
from rugcourse.delivery import holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.scheduling import Schedule

Passes = Callable[[Runtime, Sink], Tally]


def lives(database: Database, process: Process) -> bool:
    with database.read() as session:
        return any(one.pid == process.pid for one in heartbeats.all_processes(session))


@pytest.mark.long_drill
def test_ten_deploys_in_the_middle_of_a_campaign_leave_nothing_in_doubt(
    empty_postgres: Database, postgres_url: str, redis_url: str, sink: Sink, tmp_path: Path, passes: Passes
) -> None:
    readers = 6000
    settings = make_settings(tmp_path, sink.url, database_url=postgres_url)
    runtime = make_runtime(empty_postgres, settings, SystemClock())  # type: ignore[arg-type]
    now = datetime.now(UTC)
    due = now.replace(minute=0, second=0, microsecond=0)
    add_crowd(empty_postgres, course_of(runtime).campaign_id, readers, Schedule("UTC", now.hour), due)
    variables = environment(
        postgres_url, redis_url, sink.url, tmp_path / "data", tick_seconds=0.5, per_minute=readers * 2
    )
    with Stack(variables, tmp_path / "log") as stack:
        worker, _ = stack.start("worker"), stack.start("beat")
        for number in range(1, 11):
            wait_until(lambda worker=worker: lives(empty_postgres, worker))  # type: ignore[misc]
            wait_until(lambda number=number: accepted(empty_postgres) >= readers * number // 15)  # type: ignore[misc]
            worker.terminate()
            assert worker.wait(30) == 0
            worker = stack.start("worker")
        wait_until(lambda: accepted(empty_postgres) == readers)
        assert stack.stop() == [0, 0]
    tally = passes(runtime, sink)
    assert (tally.accepted, tally.unknown) == (readers, ())


def test_a_campaign_held_and_let_go_fifty_times_loses_and_repeats_nothing(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, passes: Passes
) -> None:
    planned_readers(runtime, dispatcher, 200)
    key = campaign_key(course_of(runtime).campaign_id)
    stop = threading.Event()

    def keep_sending() -> None:
        while not stop.is_set():
            dispatcher.send_batch(DeliveryQueue.LESSONS)
            time.sleep(0.001)

    sender = threading.Thread(target=keep_sending)
    runtime.database.run(holds.hold_by_admin, runtime.clock.now(), key, "a look at the text")
    sender.start()
    time.sleep(0.2)
    assert sink.count == 400  # not one lesson while it is held
    for _ in range(49):
        runtime.database.run(holds.release, runtime.clock.now(), key)
        runtime.database.run(holds.hold_by_admin, runtime.clock.now(), key, "a look at the text")
    runtime.database.run(holds.release, runtime.clock.now(), key)
    wait_until(lambda: open_deliveries(runtime.database) == 0)
    stop.set()
    sender.join()
    assert passes(runtime, sink).accepted == 600


def test_a_reader_who_pauses_and_goes_on_fifty_times_while_mail_is_sent_gets_the_lesson_at_most_once(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, passes: Passes
) -> None:
    emails = planned_readers(runtime, dispatcher, 30)
    people = [enrolment_of(runtime, email).subscriber_id for email in emails[:10]]

    def waver() -> None:
        for number in range(50):
            for person in people:
                runtime.database.run(preferences.pause, runtime.clock.now(), person)
                runtime.database.run(preferences.resume, runtime.clock.now(), person)
            if number % 10 == 0:
                plan(runtime)

    wavering = threading.Thread(target=waver)
    wavering.start()
    while wavering.is_alive():
        send_all(dispatcher)
        time.sleep(0.005)
    wavering.join()
    send_all(dispatcher)
    tally = passes(runtime, sink)
    assert tally.accepted + tally.cancelled == 90
    assert tally.cancelled <= 10
