"""Drill 4: messages delivered twenty times, schedulers side by side, many workers on many readers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fault_injection.tally import Tally, accepted, wait_until
from tests.support.builders import at_eight, course_of, make_reader, make_runtime, make_settings, plan, send_all
from tests.support.bulk_readers import add_crowd
from tests.support.smtp_sink import Sink
from tests.support.stack import Stack, environment

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryQueue
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.scheduling import Schedule
from rugcourse.worker.celery_app import create_app, make_notifier

Passes = Callable[[Runtime, Sink], Tally]


def test_broker_message_delivered_twenty_times_sends_each_mail_once(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, passes: Passes
) -> None:
    for _ in range(40):
        make_reader(runtime)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: dispatcher.send_batch(DeliveryQueue.TRANSACTIONAL), range(20)))
    assert passes(runtime, sink).accepted == 80


def test_two_schedulers_and_four_workers_at_once_plan_and_send_each_lesson_once(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, passes: Passes
) -> None:
    for _ in range(60):
        make_reader(runtime)
    send_all(dispatcher)
    at_eight(runtime)
    workers = [open_dispatcher(runtime) for _ in range(4)]

    def step(number: int) -> None:
        if number % 2:
            plan(runtime)
        send_all(workers[number % 4])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(step, range(24)))
    for worker in workers:
        send_all(worker)
        worker.close()
    assert passes(runtime, sink).accepted == 180


@pytest.mark.long_drill
def test_eight_workers_and_ten_thousand_due_and_each_ring_twenty_times(
    empty_postgres: Database, postgres_url: str, redis_url: str, sink: Sink, tmp_path: Path, passes: Passes
) -> None:
    settings = make_settings(tmp_path, sink.url, database_url=postgres_url, broker_url=redis_url)
    runtime = make_runtime(empty_postgres, settings, SystemClock())  # type: ignore[arg-type]
    now = datetime.now(UTC)
    due = now.replace(minute=0, second=0, microsecond=0)
    add_crowd(empty_postgres, course_of(runtime).campaign_id, 10_000, Schedule("UTC", now.hour), due)
    variables = environment(postgres_url, redis_url, sink.url, tmp_path / "data", tick_seconds=1, worker_threads=2)
    notify_worker = make_notifier(create_app(settings))
    with Stack(variables, tmp_path / "log") as stack:
        for _ in range(8):
            stack.start("worker")
        for _ in range(2):
            stack.start("beat")
        wait_until(lambda: accepted(empty_postgres) > 0)
        for _ in range(20):
            notify_worker(DeliveryQueue.LESSONS)
        wait_until(lambda: accepted(empty_postgres) == 10_000)
        stack.stop()
    tally = passes(runtime, sink)
    assert (tally.accepted, tally.unknown) == (10_000, ())
