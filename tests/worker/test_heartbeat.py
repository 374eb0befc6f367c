"""Signs of life, and a worker that nobody rings for."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.builders import mails_to, make_pending

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import DeliveryState
from rugcourse.db.queries import heartbeats
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.worker.celery_app import create_app
from rugcourse.worker.heartbeat import BrokerActivity, Heartbeat
from rugcourse.worker.tasks import register


def test_a_process_says_that_it_lives(runtime: Runtime) -> None:
    heartbeat = Heartbeat(runtime, "worker")
    heartbeat.start()
    end = time.monotonic() + 20
    found: list[str] = []
    while not found and time.monotonic() < end:
        with runtime.database.read() as session:
            found = [one.kind for one in heartbeats.all_processes(session)]
        time.sleep(0.05)
    heartbeat.stop()
    assert found == ["worker"]


def test_a_worker_that_hears_nobody_looks_for_itself_and_rests_when_it_is_rung_for(
    runtime: Runtime, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = replace_ticks(runtime, 0.05)
    activity = BrokerActivity()
    look = register(create_app(runtime.settings), runtime, dispatcher, activity)
    email = make_pending(runtime)
    heartbeat = Heartbeat(runtime, "worker")
    heartbeat.watch(activity, look)
    end = time.monotonic() + 30
    while mails_to(runtime, email)[0].state != DeliveryState.ACCEPTED and time.monotonic() < end:
        time.sleep(0.05)
    heartbeat.stop()
    assert mails_to(runtime, email)[0].state == DeliveryState.ACCEPTED


def test_a_worker_that_is_rung_for_does_not_look_by_itself(runtime: Runtime) -> None:
    runtime = replace_ticks(runtime, 0.2)
    looked = []
    activity, heartbeat = BrokerActivity(), Heartbeat(runtime, "worker")
    heartbeat.watch(activity, lambda: looked.append(1))
    for _ in range(20):
        activity.touch()
        time.sleep(0.05)
    heartbeat.stop()
    assert looked == []


@pytest.mark.parametrize("mistake", [OSError(28, "No space left on device"), ValueError("nobody expected this")])
def test_a_worker_goes_on_looking_after_a_mistake(runtime: Runtime, mistake: Exception) -> None:
    """One that ended in silence would never look again, and nobody would know."""
    looked: list[int] = []

    def run_step() -> None:
        looked.append(1)
        if len(looked) == 1:
            raise mistake

    heartbeat = Heartbeat(replace_ticks(runtime, 0.02), "worker")
    heartbeat.watch(BrokerActivity(), run_step)
    end = time.monotonic() + 20
    while len(looked) < 3 and time.monotonic() < end:
        time.sleep(0.02)
    heartbeat.stop()
    assert len(looked) >= 3


def replace_ticks(runtime: Runtime, seconds: float) -> Runtime:
    from dataclasses import replace

    return replace(runtime, settings=runtime.settings.model_copy(update={"tick_seconds": seconds}))


def test_a_process_lives_whose_data_folder_is_not_there_or_may_not_be_written(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sign of life in the database counts; the note beside it is for finding out that a backup was put back."""
    blocked = tmp_path / "a file"
    blocked.write_text("x")
    for folder in (tmp_path / "not" / "there", blocked / "below"):
        moved = replace(runtime, settings=runtime.settings.model_copy(update={"data_dir": folder}))
        heartbeat = Heartbeat(moved, "web")
        monkeypatch.setattr("rugcourse.worker.heartbeat.BEAT_SECONDS", 0.05)
        heartbeat.start()
        time.sleep(0.3)
        assert all(thread.is_alive() for thread in heartbeat._threads)
        heartbeat.stop()
    assert (tmp_path / "not" / "there").is_dir()
