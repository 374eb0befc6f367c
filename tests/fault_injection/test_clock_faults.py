"""Drills 7 and 8: a host that was off for days, clock changes, readers on the move, odd offsets, a clock gone wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.fault_injection.tally import Tally
from tests.support.builders import enrolment_of, lessons_to, make_reader, plan, send_all
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryRow, DeliveryState
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.scheduling import Schedule

pytestmark = pytest.mark.long_on_postgresql

Passes = Callable[[Runtime, Sink], Tally]
QUARTER = timedelta(minutes=15)


def live(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, until: datetime) -> None:
    """Let the product run from now on, a quarter of an hour at a time."""
    while clock.now() < until:
        plan(runtime)
        send_all(dispatcher)
        clock.move_to(clock.now() + QUARTER)


def local_times(lessons: list[DeliveryRow], zone: str) -> list[datetime]:
    accepted = [one.settled_at for one in lessons if one.state == DeliveryState.ACCEPTED and one.settled_at]
    return [at.astimezone(ZoneInfo(zone)) for at in accepted]


def test_after_five_days_off_everybody_gets_one_lesson_a_day_at_their_own_hour(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, passes: Passes
) -> None:
    places = {"Europe/Amsterdam": 8, "America/New_York": 7, "Pacific/Auckland": 20}
    readers = {make_reader(runtime, zone=zone, hour=hour): (zone, hour) for zone, hour in places.items()}
    send_all(dispatcher)
    start = clock.now()
    live(runtime, dispatcher, clock, start + timedelta(days=2))
    clock.move_to(start + timedelta(days=7))  # the host was off
    live(runtime, dispatcher, clock, start + timedelta(days=16))
    for email, (zone, hour) in readers.items():
        times = local_times(lessons_to(runtime, email), zone)
        assert len(times) == 9
        assert len({one.date() for one in times}) == 9
        assert {one.hour for one in times} <= {hour, (hour + 1) % 24, (hour + 2) % 24, (hour + 3) % 24}
        assert [one.hour for one in times].count(hour) >= 8
    passes(runtime, sink)


@pytest.mark.parametrize(
    ("night", "zone", "hour"),
    [
        (date(2026, 3, 29), "Europe/Amsterdam", 2),  # 02:00 does not exist
        (date(2026, 10, 25), "Europe/Amsterdam", 2),  # 02:00 comes twice
        (date(2026, 11, 1), "America/New_York", 1),
        (date(2026, 4, 5), "Australia/Lord_Howe", 1),  # half an hour back
        (date(2026, 9, 27), "Pacific/Chatham", 3),  # an offset of 12:45
    ],
)
def test_the_night_of_a_clock_change_brings_one_lesson_like_any_other(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, night: date, zone: str, hour: int,
    passes: Passes,
) -> None:  # fmt: skip
    clock.move_to(datetime(night.year, night.month, night.day, tzinfo=UTC) - timedelta(days=3))
    email = make_reader(runtime, zone=zone, hour=hour)
    live(runtime, dispatcher, clock, clock.now() + timedelta(days=7))
    times = local_times(lessons_to(runtime, email), zone)
    days = Counter(one.date() for one in times)
    assert set(days.values()) == {1}
    assert night in days
    assert {one.hour for one in times if one.date() != night} == {hour}
    passes(runtime, sink)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_odd_offsets_get_their_lesson_at_their_full_hour(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, zone: str, passes: Passes
) -> None:
    email = make_reader(runtime, zone=zone, hour=9)
    live(runtime, dispatcher, clock, clock.now() + timedelta(days=4))
    assert {(one.hour, one.minute) for one in local_times(lessons_to(runtime, email), zone)} == {(9, 0)}
    passes(runtime, sink)


@pytest.mark.long_drill
def test_a_reader_who_flies_to_new_zealand_and_back_gets_at_most_one_lesson_per_local_day(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, passes: Passes
) -> None:
    email = make_reader(runtime, zone="Europe/Amsterdam", hour=8)
    person = enrolment_of(runtime, email).subscriber_id
    for zone in ("Pacific/Auckland", "Europe/Amsterdam", "Pacific/Auckland", "Europe/Amsterdam"):
        live(runtime, dispatcher, clock, clock.now() + timedelta(days=2, hours=5))
        runtime.database.run(preferences.change_schedule, clock.now(), person, Schedule(zone, 8))
    live(runtime, dispatcher, clock, clock.now() + timedelta(days=8))
    lessons = lessons_to(runtime, email)
    dates = [one.local_date for one in lessons if one.state == DeliveryState.ACCEPTED]
    assert len(dates) == len(set(dates)) == 9
    passes(runtime, sink)


@pytest.mark.long_drill
def test_a_clock_that_is_a_day_wrong_for_an_hour_repeats_nothing(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, passes: Passes
) -> None:
    emails = [make_reader(runtime, zone="UTC", hour=hour) for hour in (6, 8, 12)]
    start = clock.now()
    live(runtime, dispatcher, clock, start + timedelta(days=1, hours=4))
    clock.move_to(clock.now() + timedelta(days=1))
    live(runtime, dispatcher, clock, clock.now() + timedelta(hours=1))
    clock.move_to(clock.now() - timedelta(days=1))
    live(runtime, dispatcher, clock, start + timedelta(days=14))
    for email in emails:
        lessons = lessons_to(runtime, email)
        dates = [one.local_date for one in lessons if one.state == DeliveryState.ACCEPTED]
        assert len(dates) == len(set(dates)) == 9
    passes(runtime, sink)
