"""The rules of time: hours, weekdays, zones, clock changes, pauses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugcourse.scheduling import (
    QuietHours,
    Schedule,
    SendNow,
    SendWindow,
    ShiftTo,
    decide,
    is_zone,
    next_due,
    zone_names,
)

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


def test_a_pause_lasts_up_to_the_instant_that_it_ends() -> None:
    until = datetime(2026, 12, 1, 12, tzinfo=UTC)
    just_before = until - timedelta(microseconds=1)
    assert not Schedule("UTC", 8).is_paused(until)
    assert not Schedule("UTC", 8, paused_until=until).is_paused(just_before)
    assert Schedule("UTC", 8, paused=True).is_paused(until)
    pause = Schedule("UTC", 8, paused=True, paused_until=until)
    assert pause.is_paused(just_before)
    assert not pause.is_paused(until)


def test_a_lesson_is_due_at_the_very_instant_that_is_asked_about() -> None:
    eight = datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert next_due(Schedule("UTC", 8), eight) == eight
    assert next_due(Schedule("UTC", 8), eight + timedelta(microseconds=1)) == eight + timedelta(days=1)


def test_a_pause_that_ended_before_delays_nothing() -> None:
    ended = Schedule("UTC", 8, paused=True, paused_until=datetime(2026, 11, 1, tzinfo=UTC))
    assert next_due(ended, datetime(2026, 11, 24, 7, tzinfo=UTC)) == datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (22, 7, {22, 23, 0, 1, 2, 3, 4, 5, 6}),
        (1, 4, {1, 2, 3}),
        (0, 23, set(range(23))),
        (23, 0, {23}),
        (8, 8, set()),
    ],
)
def test_quiet_hours_may_span_midnight_and_end_before_their_last_hour(start: int, end: int, hours: set[int]) -> None:
    assert {hour for hour in range(24) if hour in QuietHours(start, end)} == hours


@pytest.mark.parametrize(
    ("hour", "quiet", "ends"),
    [
        (8, None, datetime(2026, 11, 24, 12, tzinfo=UTC)),
        (8, QuietHours(22, 7), datetime(2026, 11, 24, 12, tzinfo=UTC)),
        (8, QuietHours(10, 14), datetime(2026, 11, 24, 10, tzinfo=UTC)),
        (21, QuietHours(22, 7), datetime(2026, 11, 24, 22, tzinfo=UTC)),
        (22, QuietHours(1, 7), datetime(2026, 11, 25, 1, tzinfo=UTC)),
        (23, QuietHours(22, 7), datetime(2026, 11, 25, 3, tzinfo=UTC)),  # whose hour is at night gets it at night
        (8, QuietHours(8, 8), datetime(2026, 11, 24, 12, tzinfo=UTC)),
    ],
)
def test_a_lesson_may_go_out_until_its_grace_is_over_or_the_night_begins(
    hour: int, quiet: QuietHours | None, ends: datetime
) -> None:
    slot = datetime(2026, 11, 24, hour, tzinfo=UTC)
    assert SendWindow(GRACE, quiet).ends(Schedule("UTC", hour), slot) == ends


def test_a_lesson_goes_out_from_its_hour_until_just_before_its_window_ends() -> None:
    schedule, window = Schedule("UTC", 8), SendWindow(GRACE, QuietHours(10, 14))
    due = datetime(2026, 11, 24, 8, tzinfo=UTC)
    ends = due + timedelta(hours=2)
    moment = timedelta(microseconds=1)
    assert decide(schedule, due, due - moment, window) == ShiftTo(due)
    assert decide(schedule, due, due, window) == SendNow(date(2026, 11, 24), ends)
    assert decide(schedule, due, ends - moment, window) == SendNow(date(2026, 11, 24), ends)
    assert decide(schedule, due, ends, window) == ShiftTo(due + timedelta(days=1))


def test_a_lesson_whose_grace_is_over_waits_for_the_next_day() -> None:
    due = datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert decide(Schedule("UTC", 8), due, due + GRACE, SendWindow(GRACE)) == ShiftTo(due + timedelta(days=1))


def test_a_paused_reader_has_no_instant_to_wait_for() -> None:
    due = datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert decide(Schedule("UTC", 8, paused=True), due, due, SendWindow(GRACE)) == ShiftTo(None)


def test_a_reader_with_one_weekday_gets_the_next_lesson_a_week_later_even_over_the_date_line() -> None:
    monday = Schedule("UTC", 8, frozenset({0}))
    after = datetime(2026, 11, 24, 8, tzinfo=UTC)  # a Tuesday
    assert next_due(monday, after, date(2026, 11, 24)) == datetime(2026, 11, 30, 8, tzinfo=UTC)
    weekly = replace(monday, every_days=7)
    assert next_due(weekly, after, date(2026, 11, 24)) == datetime(2026, 12, 7, 8, tzinfo=UTC)


@pytest.mark.parametrize("hour", [0, 23])
def test_the_first_and_the_last_hour_of_a_day_can_be_chosen(hour: int) -> None:
    assert next_due(Schedule("UTC", hour), START) == START + timedelta(hours=hour)


@pytest.mark.parametrize(("hour", "days"), [(24, {0}), (-1, {0}), (8, set()), (8, {7})])
def test_an_impossible_schedule_is_refused(hour: int, days: set[int]) -> None:
    with pytest.raises(ValueError, match=r"hour|weekday"):
        Schedule("Europe/Amsterdam", hour, frozenset(days))


def test_the_zones_to_choose_from_are_places() -> None:
    assert "Europe/Amsterdam" in zone_names()
    assert is_zone("UTC")
    assert not is_zone("EST5EDT")
    assert not is_zone("../etc/passwd")
