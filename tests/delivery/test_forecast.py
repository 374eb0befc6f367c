"""A forecast says what then happens."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from tests.support.builders import at_eight, enrolment_of, lessons_to, make_reader, plan, send_all

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryRow
from rugcourse.db.queries import lesson_versions
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.forecast import Upcoming, count_by_hour, forecast_mails
from rugcourse.enrolment import preferences


def look_ahead(runtime: Runtime, days: int = 30) -> list[Upcoming]:
    return list(forecast_mails(runtime.database, runtime.clock, runtime.send_window, days))


def test_forecast_matches_the_deliveries_that_follow(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    emails = [
        make_reader(runtime),
        make_reader(runtime, hour=18, weekdays=frozenset({0, 2, 4})),
        make_reader(runtime, zone="Pacific/Auckland", hour=6),
    ]
    send_all(dispatcher)
    foreseen = look_ahead(runtime)
    for _ in range(30 * 24):
        plan(runtime)
        send_all(dispatcher)
        clock.advance(hours=1)
    for email in emails:
        expected = [(one.lesson, one.at) for one in foreseen if one.email == email]
        assert expected == [(slug(runtime, one), one.planned_at) for one in lessons_to(runtime, email)]
        assert len(expected) == 9


def slug(runtime: Runtime, delivery: DeliveryRow) -> str:
    with runtime.database.read() as session:
        assert delivery.lesson_version_id is not None
        return lesson_versions.load_version(session, delivery.lesson_version_id).slug


def test_counting_readers_who_are_alike_together_comes_to_the_same(runtime: Runtime, dispatcher: Dispatcher) -> None:
    zones = ("Europe/Amsterdam", "Pacific/Auckland", "America/St_Johns")
    for zone in zones:
        for _ in range(3):
            make_reader(runtime, zone=zone)
    make_reader(runtime, hour=21, weekdays=frozenset({1, 5}))
    send_all(dispatcher)
    runtime.database.run(
        preferences.pause, runtime.clock.now(), enrolment_of(runtime, make_reader(runtime)).subscriber_id
    )
    expected = Counter(one.at.replace(minute=0, second=0, microsecond=0) for one in look_ahead(runtime))
    assert count_by_hour(runtime.database, runtime.clock, runtime.send_window, 30) == expected
    assert expected.total() == 10 * 9


def test_a_forecast_changes_nothing_and_ends_at_its_last_day(runtime: Runtime) -> None:
    make_reader(runtime)
    assert len(look_ahead(runtime, days=3)) == 3
    assert len(look_ahead(runtime, days=3)) == 3


def test_forecast_includes_paused_readers_after_their_pause(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    for_days, for_good = make_reader(runtime), make_reader(runtime)
    send_all(dispatcher)
    until = clock.now() + timedelta(days=5)
    runtime.database.run(preferences.pause, clock.now(), enrolment_of(runtime, for_days).subscriber_id, until)
    runtime.database.run(preferences.pause, clock.now(), enrolment_of(runtime, for_good).subscriber_id)
    foreseen = look_ahead(runtime)
    assert {one.email for one in foreseen} == {for_days}
    assert min(one.at for one in foreseen) >= until


def test_after_an_outage_the_forecast_begins_at_the_next_hour(runtime: Runtime, clock: VirtualClock) -> None:
    make_reader(runtime)
    at_eight(runtime, 4)
    clock.advance(hours=14)
    first = look_ahead(runtime)[0]
    assert (first.local.hour, first.lesson) == (8, "welkom")
