"""Whether mail goes out, as the dashboard tells it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.builders import make_reader

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import HeartbeatRow
from rugcourse.db.queries import heartbeats
from rugcourse.reports.sending_state import SendingState, sending_state


def beat(runtime: Runtime, kind: str, seconds_ago: float) -> None:
    at = runtime.clock.now() - timedelta(seconds=seconds_ago)
    row = HeartbeatRow(id=f"{kind}{seconds_ago}", kind=kind, host="here", pid=1, started_at=at, seen_at=at)
    runtime.database.run(heartbeats.register_process, row)


def state_of(runtime: Runtime) -> SendingState:
    return runtime.database.query(sending_state, runtime.clock)


@pytest.mark.parametrize(
    ("kind", "seconds_ago", "silent"),
    [("serve", 5, False), ("worker", 59, False), ("worker", 61, True), ("web", 5, True)],
)
def test_nothing_is_sent_without_a_living_process_that_sends(
    runtime: Runtime, kind: str, seconds_ago: float, silent: bool
) -> None:
    assert state_of(runtime).is_silent
    beat(runtime, kind, seconds_ago)
    assert state_of(runtime).is_silent == silent


def test_processes_of_a_kind_are_counted_together(runtime: Runtime) -> None:
    for seconds_ago in (5, 10, 100):
        beat(runtime, "worker", seconds_ago)
    [found] = state_of(runtime).processes
    assert (found.kind, found.alive) == ("worker", 2)
    assert found.seen_at == runtime.clock.now() - timedelta(seconds=5)


def test_mails_that_may_go_out_now_are_counted(runtime: Runtime, clock: VirtualClock) -> None:
    assert state_of(runtime).waiting == 0
    make_reader(runtime)
    clock.advance(days=1)
    assert state_of(runtime).waiting == 2  # the welcome and the first lesson
