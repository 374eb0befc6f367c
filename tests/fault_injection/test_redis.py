"""Drill 3: the broker forgets everything, is restarted again and again, or is gone. It is only a doorbell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from tests.fault_injection.tally import Tally, accepted, wait_until
from tests.support.builders import course_of, make_runtime, make_settings
from tests.support.bulk_readers import add_crowd
from tests.support.servers import HOST, Server, redis_server, redis_url
from tests.support.smtp_sink import Sink
from tests.support.stack import Stack, environment

from rugcourse.bootstrap import Runtime
from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.scheduling import Schedule

READERS = 3000
Passes = Callable[[Runtime, Sink], Tally]

pytestmark = pytest.mark.long_drill


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    with redis_server(tmp_path) as server:
        yield server


class Campaign:
    """3,000 due readers, two workers and a beat, at a pace that lasts for about ten seconds."""

    def __init__(self, database: Database, url: str, broker: Server, sink: Sink, folder: Path) -> None:
        self.database = database
        settings = make_settings(folder, sink.url, database_url=url)
        self.runtime = make_runtime(database, settings, SystemClock())  # type: ignore[arg-type]
        variables = environment(
            url, redis_url(broker), sink.url, folder / "data", tick_seconds=0.5, per_minute=READERS * 6
        )
        self.stack = Stack(variables, folder / "log")
        for command in ("worker", "worker", "beat"):
            self.stack.start(command)

    def release(self) -> None:
        now = datetime.now(UTC)
        due = now.replace(minute=0, second=0, microsecond=0)
        campaign = course_of(self.runtime).campaign_id
        add_crowd(self.database, campaign, READERS, Schedule("UTC", now.hour), due)

    def wait(self, count: int) -> None:
        wait_until(lambda: accepted(self.database) >= count)


@pytest.fixture
def campaign(
    empty_postgres: Database, postgres_url: str, broker: Server, sink: Sink, tmp_path: Path
) -> Iterator[Campaign]:
    running = Campaign(empty_postgres, postgres_url, broker, sink, tmp_path)
    yield running
    running.stack.stop()


def ends_well(campaign: Campaign, sink: Sink, passes: Passes) -> None:
    campaign.wait(READERS)
    assert campaign.stack.stop() == [0, 0, 0]
    tally = passes(campaign.runtime, sink)
    assert (tally.accepted, tally.unknown) == (READERS, ())


def test_flushed_in_the_middle_of_a_campaign(campaign: Campaign, broker: Server, sink: Sink, passes: Passes) -> None:
    campaign.release()
    client = redis.Redis(HOST, broker.port)
    for tenth in range(1, 6):
        campaign.wait(READERS * tenth // 10)
        client.flushall()
    ends_well(campaign, sink, passes)


def test_stopped_and_started_five_times(campaign: Campaign, broker: Server, sink: Sink, passes: Passes) -> None:
    campaign.release()
    for tenth in range(1, 6):
        campaign.wait(READERS * tenth // 10)
        broker.stop()
        time.sleep(0.5)
        broker.start()
    ends_well(campaign, sink, passes)


def test_gone_for_the_whole_of_a_campaign(campaign: Campaign, broker: Server, sink: Sink, passes: Passes) -> None:
    time.sleep(5)  # everybody is connected
    broker.stop()
    campaign.release()
    campaign.wait(READERS)
    broker.start()
    ends_well(campaign, sink, passes)
