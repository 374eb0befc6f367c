"""Drill 1: kill -9 a worker at every point of its way, and ten times at random under load."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fault_injection.tally import Tally, accepted, open_deliveries, wait_until
from tests.support.builders import course_of, lessons_to, make_runtime, make_settings, planned_readers, send_all
from tests.support.bulk_readers import add_crowd
from tests.support.servers import free_port
from tests.support.smtp_sink import Fault, Sink
from tests.support.stack import Process, Stack, environment

from rugcourse.bootstrap import Runtime, open_dispatcher, rejection_handler
from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import DeliveryQueue
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.recovery import expire_leases, settle_journals
from rugcourse.scheduling import Schedule

READERS = 10
Passes = Callable[[Runtime, Sink], Tally]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def send_and_die(runtime: Runtime, arrange: Callable[[Dispatcher], None] = lambda _: None) -> None:
    """Send a batch in a process of its own, which is killed on the way."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            runtime.database.engine.dispose(close=False)
            dispatcher = open_dispatcher(runtime)
            arrange(dispatcher)
            dispatcher.send_batch(DeliveryQueue.LESSONS)
        os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the worker was not killed"


def after_the_claim(dispatcher: Dispatcher) -> None:
    dispatcher._runs_short = lambda _batch, **_: die()  # type: ignore[method-assign,assignment,return-value]


def before_the_commit_of_the_answers(dispatcher: Dispatcher) -> None:
    dispatcher._settle = lambda _batch: die()  # type: ignore[method-assign]


@pytest.fixture
def readers(runtime: Runtime, dispatcher: Dispatcher) -> list[str]:
    """People whose first lesson is planned."""
    return planned_readers(runtime, dispatcher, READERS)


def recover(runtime: Runtime, dispatcher: Dispatcher) -> None:
    """What the next worker on this machine does, and those elsewhere when the lease is over."""
    settle_journals(runtime.database, runtime.clock, runtime.settings.data_dir / "journal", rejection_handler(runtime))
    send_all(dispatcher)
    expire_leases(runtime.database, runtime.clock)
    send_all(dispatcher)


@pytest.mark.parametrize("moment", [after_the_claim, before_the_commit_of_the_answers])
def test_killed_outside_a_conversation_nothing_is_in_doubt(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, readers: list[str], moment: Callable[[Dispatcher], None],
    passes: Passes,
) -> None:  # fmt: skip
    send_and_die(runtime, moment)
    recover(runtime, dispatcher)
    tally = passes(runtime, sink)
    assert (tally.accepted, tally.unknown) == (3 * READERS, ())


@pytest.mark.parametrize(("step", "unknown"), [("helo", 0), ("rcpt", 0), ("body", 1), ("dot", 1), ("reply", 1)])
def test_killed_in_a_conversation_only_the_message_under_way_is_in_doubt(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, readers: list[str], step: str, unknown: int, passes: Passes
) -> None:
    victim = "" if step == "helo" else readers[5]
    pid_file = runtime.settings.data_dir / "pid"

    def kill() -> None:
        time.sleep(0.3)  # the answer to the message before is journalled by now
        os.kill(int(pid_file.read_text()), signal.SIGKILL)

    sink.fault = lambda recipient: Fault(step, "", 0.5, kill) if recipient == victim else None
    send_and_die(runtime, lambda _: pid_file.write_text(str(os.getpid())) and None)  # type: ignore[func-returns-value]
    sink.fault = lambda _: None
    recover(runtime, dispatcher)
    tally = passes(runtime, sink)
    assert len(tally.unknown) == unknown
    assert tally.accepted == 3 * READERS - unknown
    if unknown:
        assert lessons_to(runtime, victim)[0].id in tally.unknown


@pytest.mark.long_drill
@pytest.mark.parametrize("commands", [("worker", "worker", "beat"), ("serve",)], ids=["postgresql", "sqlite"])
def test_killed_ten_times_at_random_under_load(
    commands: tuple[str, ...], sink: Sink, tmp_path: Path, passes: Passes, request: pytest.FixtureRequest
) -> None:
    split = commands != ("serve",)
    count, threads = (6000, 3) if split else (2500, 3)
    url = request.getfixturevalue("postgres_url") if split else f"sqlite:///{tmp_path / 'serve.db'}"
    broker = request.getfixturevalue("redis_url") if split else "memory://"
    database = request.getfixturevalue("empty_postgres") if split else Database(url)
    upgrade(database)
    settings = make_settings(tmp_path, sink.url, database_url=url)
    runtime = make_runtime(database, settings, SystemClock())  # type: ignore[arg-type]
    now = datetime.now(UTC)
    due = now.replace(minute=0, second=0, microsecond=0)
    add_crowd(database, course_of(runtime).campaign_id, count, Schedule("UTC", now.hour), due)
    chance = random.Random(1)  # noqa: S311 - the same moments in each run
    variables = environment(
        url, broker, sink.url, tmp_path / "data", tick_seconds=0.5, lease_seconds=20, smtp_timeout_seconds=3,
        worker_threads=threads, port=0 if split else free_port(), per_minute=count * 3,
    )  # fmt: skip
    with Stack(variables, tmp_path / "log") as stack:
        running: list[Process] = [stack.start(command) for command in commands]
        victims = [number for number, command in enumerate(commands) if command != "beat"]
        wait_until(lambda: accepted(database) > 0)
        for _ in range(10):
            time.sleep(chance.uniform(0.2, 1.0))
            number = chance.choice(victims)
            before = sink.count
            running[number].send_signal(signal.SIGKILL)
            running[number].wait(20)
            running[number] = stack.start(commands[number])
            wait_until(lambda before=before: sink.count > before + 20 or open_deliveries(database) == 0)  # type: ignore[misc]
        wait_until(lambda: accepted(database) > count // 2 and open_deliveries(database) == 0)
        stack.stop()
    tally = passes(runtime, sink)
    assert len(tally.unknown) <= 10 * (threads + 1)
    assert tally.accepted + len(tally.unknown) == count
