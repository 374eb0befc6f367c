"""Commands about mails under way, and those that look ahead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from tests.support.builders import (
    course_of,
    lessons_to,
    make_reader,
    make_runtime,
    make_settings,
    plan,
    planned_readers,
    send_all,
)
from tests.support.smtp_sink import Fault, Sink
from typer.testing import CliRunner

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.cli.main import app
from rugcourse.clock import SystemClock, VirtualClock
from rugcourse.db.models import DeliveryState
from rugcourse.db.queries import sending_holds
from rugcourse.delivery.dispatcher import Dispatcher

Run = Callable[..., Result]

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def run(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("RUGCOURSE_DATABASE_URL", runtime.settings.database_url)
    return lambda *arguments: CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


@pytest.fixture
def in_doubt(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> str:
    """A reader whose first lesson may or may not have arrived."""
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda _: Fault("dot", "")
    send_all(dispatcher)
    sink.fault = lambda _: None
    assert lessons_to(runtime, email)[0].state == DeliveryState.UNKNOWN
    return email


def test_the_unknown_are_listed_by_name_and_sent_again_as_the_same_message(
    run: Run, runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, in_doubt: str
) -> None:
    [row] = json.loads(run("deliveries", "list", "--json").stdout)
    assert (row["to"], row["lesson"]) == (in_doubt, "welkom")
    message_id = lessons_to(runtime, in_doubt)[0].message_id
    answer = run("deliveries", "resend", str(row["id"]))
    assert (answer.exit_code, answer.stdout) == (0, "1 planned again\n")
    clock.move_to(SystemClock().now())  # the commands live in the real time
    for _ in range(25):  # at its reader's next hour
        clock.advance(hours=1)
        plan(runtime)
        send_all(dispatcher)
    assert lessons_to(runtime, in_doubt)[0].state == DeliveryState.ACCEPTED
    assert message_id in [one.message_id for one in sink.to(in_doubt)]
    again = run("deliveries", "resend", str(row["id"]))
    assert again.exit_code == 1
    assert "not unknown" in again.output


def test_resending_says_what_to_say(run: Run) -> None:
    assert run("deliveries", "resend").exit_code == 2
    assert run("deliveries", "resend", "--all").stdout == "0 planned again\n"
    assert run("deliveries", "list", "--state", "lost").exit_code == 2


def test_an_operator_holds_everything_and_lets_it_go(
    run: Run, runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    make_reader(runtime)
    assert run("sending", "pause", "--reason", "a look at the text").exit_code == 0
    send_all(dispatcher)
    assert sink.count == 0
    status = run("sending", "status", "--json")
    assert status.exit_code == 1
    assert [one["reason"] for one in json.loads(status.stdout)["holds"]] == ["a look at the text"]
    done = run("sending", "resume")
    assert done.exit_code == 0
    assert "0 people withdrew" in done.stdout
    assert run("sending", "resume").exit_code == 1
    assert run("sending", "status").exit_code == 0
    send_all(dispatcher)
    assert sink.count == 2


def test_a_domain_or_a_campaign_is_held_alone(run: Run, runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    make_reader(runtime, "sam@held.example")
    make_reader(runtime, "sam@free.example")
    run("sending", "pause", "--domain", "Held.example")
    send_all(dispatcher)
    assert {one.recipient for one in sink.taken} == {"sam@free.example"}
    assert run("sending", "pause", "--domain", "x.example", "--campaign", "1").exit_code == 2
    assert run("sending", "resume", "--domain", "held.example").exit_code == 0


def test_a_campaign_is_given_a_limit_and_freed_of_it(run: Run, runtime: Runtime) -> None:
    campaign = course_of(runtime).campaign_id
    assert run("sending", "limit", str(campaign), "--per-minute", "100").exit_code == 0
    with runtime.database.read() as session:
        assert sending_holds.campaign_limits(session) == {campaign: 100}
    assert run("sending", "limit", str(campaign)).exit_code == 0
    with runtime.database.read() as session:
        assert sending_holds.campaign_limits(session) == {}
    assert run("sending", "limit", "99").exit_code == 1
    assert run("sending", "limit", str(campaign), "--per-minute", "0").exit_code == 2


def test_a_health_check_tells_whether_a_process_lives(run: Run) -> None:
    answer = run("healthcheck", "worker")
    assert answer.exit_code == 1
    assert "no worker on this host" in answer.stdout


def test_a_forecast_counts_per_day_or_names_everybody(run: Run, tmp_path: Path, sink: Sink) -> None:
    from rugcourse.db.engine import Database

    settings = make_settings(tmp_path, sink.url)
    real = make_runtime(Database(settings.database_url), settings, SystemClock())  # type: ignore[arg-type]
    email = make_reader(real)
    days = json.loads(run("forecast", "--days", "20", "--json").stdout)
    assert sum(one["lessons"] for one in days) == 9
    named = json.loads(run("forecast", "--who", "--days", "20", "--json").stdout)
    assert {one["email"] for one in named} == {email}
    assert "08:00" in run("forecast", "--who").stdout
    assert run("forecast").exit_code == 0


def test_a_rehearsal_needs_no_database_and_prints_its_books(run: Run) -> None:
    answer = run("simulate", "--subscribers", "3", "--days", "2")
    assert answer.exit_code == 0
    assert "the books balance" in answer.stdout
    figures = json.loads(run("simulate", "--subscribers", "3", "--days", "2", "--json").stdout)
    assert figures["subscribers"] == 3


def test_a_worker_that_can_not_use_its_dkim_key_says_which(runtime: Runtime, tmp_path: Path) -> None:
    from dataclasses import replace

    from rugcourse.emails.dkim_keys import UnusableKey

    settings = runtime.settings.model_copy(update={"dkim_keys": f"2026a={tmp_path / 'missing.pem'}"})
    with pytest.raises(UnusableKey, match=r"missing\.pem"):
        open_dispatcher(replace(runtime, settings=settings))
