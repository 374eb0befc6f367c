"""The rules of time: hours, weekdays, zones, clock changes, pauses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugcourse.scheduling import Schedule, SendNow, SendWindow, ShiftTo, decide, is_zone, next_due, zone_names

GRACE = timedelta(hours=4)
START = datetime(2024, 1, 1, tzinfo=UTC)
instants = st.integers(0, 7 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
zones = st.sampled_from(
    ["Europe/Amsterdam", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe", "Pacific/Chatham"]
)
schedules = st.builds(Schedule, zones, st.integers(0, 23), st.frozensets(st.integers(0, 6), min_size=1))


@given(schedules, instants)
def test_next_lesson_is_due_at_the_readers_hour_on_a_chosen_weekday(schedule: Schedule, after: datetime) -> None:
    due = next_due(schedule, after)
    assert due is not None
    assert due >= after
    local = due.astimezone(ZoneInfo(schedule.zone))
    assert local.weekday() in schedule.weekdays
    gap = local - datetime.combine(local.date(), datetime.min.time(), local.tzinfo)
    assert timedelta(0) <= gap - timedelta(hours=schedule.hour) <= timedelta(hours=1)


@given(schedules, instants)
def test_two_lessons_in_a_row_are_never_on_the_same_date(schedule: Schedule, after: datetime) -> None:
    first = next_due(schedule, after)
    assert first is not None
    day = schedule.local_date(first)
    second = next_due(schedule, first, day)
    assert second is not None
    assert schedule.local_date(second) > day


@given(schedules, instants, st.sampled_from([1, 2, 7]))
def test_a_slower_pace_leaves_as_many_days_between_and_no_more_than_the_weekdays_ask(
    schedule: Schedule, after: datetime, every_days: int
) -> None:
    slow = replace(schedule, every_days=every_days)
    first = next_due(slow, after)
    assert first is not None
    day = slow.local_date(first)
    second = next_due(slow, first, day)
    assert second is not None
    between = (slow.local_date(second) - day).days
    assert every_days <= between <= every_days + 6
    assert slow.local_date(second).weekday() in slow.weekdays


def test_a_pace_of_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="every 0 days"):
        Schedule("UTC", 8, every_days=0)


@given(schedules, instants, st.integers(0, 20 * 24))
def test_a_lesson_only_goes_out_within_the_grace_of_its_hour(schedule: Schedule, due: datetime, hours: int) -> None:
    now = due + timedelta(hours=hours)
    match decide(schedule, due, now, SendWindow(GRACE)):
        case SendNow(local_date, _):
            slot = next_due(schedule, now - GRACE)
            assert slot is not None
            assert slot <= now
            assert local_date.weekday() in schedule.weekdays
        case ShiftTo(instant):
            assert instant is not None
            assert instant > now


def test_an_hour_that_the_clock_skips_moves_forward() -> None:
    schedule = Schedule("Europe/Amsterdam", 2)
    due = next_due(schedule, datetime(2027, 3, 27, 22, tzinfo=UTC))
    assert due == datetime(2027, 3, 28, 1, tzinfo=UTC)  # 03:00 in Amsterdam


def test_an_hour_that_comes_twice_is_taken_once() -> None:
    schedule = Schedule("Europe/Amsterdam", 2)
    due = next_due(schedule, datetime(2027, 10, 30, 22, tzinfo=UTC))
    assert due == datetime(2027, 10, 31, 0, tzinfo=UTC)
    assert next_due(schedule, due, date(2027, 10, 31)) == datetime(2027, 11, 1, 1, tzinfo=UTC)


def test_a_reader_who_flies_over_the_date_line_gets_no_date_twice() -> None:
    at_home = Schedule("Pacific/Auckland", 8)
    sent = datetime(2026, 11, 23, 19, tzinfo=UTC)  # the 24th in Auckland
    moved = Schedule("Europe/Amsterdam", 8)
    due = next_due(moved, sent, at_home.local_date(sent))
    assert due is not None
    assert moved.local_date(due) == date(2026, 11, 25)


def test_a_pause_ends_when_it_says_or_when_the_reader_goes_on() -> None:
    until = datetime(2026, 12, 1, 12, tzinfo=UTC)
    paused = Schedule("Europe/Amsterdam", 8, paused=True, paused_until=until)
    assert next_due(paused, datetime(2026, 11, 23, tzinfo=UTC)) == datetime(2026, 12, 2, 7, tzinfo=UTC)
    assert next_due(Schedule("Europe/Amsterdam", 8, paused=True), until) is None


@pytest.mark.parametrize(("hour", "days"), [(24, {0}), (-1, {0}), (8, set()), (8, {7})])
def test_an_impossible_schedule_is_refused(hour: int, days: set[int]) -> None:
    with pytest.raises(ValueError, match=r"hour|weekday"):
        Schedule("Europe/Amsterdam", hour, frozenset(days))


def test_the_zones_to_choose_from_are_places() -> None:
    assert "Europe/Amsterdam" in zone_names()
    assert is_zone("UTC")
    assert not is_zone("EST5EDT")
    assert not is_zone("../etc/passwd")
