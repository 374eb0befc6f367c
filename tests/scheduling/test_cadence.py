"""The cadence of a course decides with the reader's schedule and the campaign's timing when lessons come."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rugcourse.scheduling import (
    EVERY_DAY,
    WEEKDAYS,
    Cadence,
    Schedule,
    SendNow,
    SendWindow,
    ShiftTo,
    Timing,
    Weekday,
    decide_for,
    next_mail,
)

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
READER = Schedule("UTC", 8)
DAY = timedelta(days=1)
WORKING_DAYS = Cadence(weekdays=WEEKDAYS[:5])


def following(cadence: Cadence, schedule: Schedule = READER, *, last: datetime = MONDAY, **more: bool) -> date | None:
    """The day of the lesson after the one on `last`."""
    at = next_mail(Timing(cadence=cadence), schedule, last, last.date(), **more)
    return at.date() if at else None


@pytest.mark.parametrize(
    ("cadence", "last", "days"),
    [
        (Cadence(), MONDAY, 1),
        (Cadence(every_days=7), MONDAY, 7),
        (WORKING_DAYS, MONDAY, 1),
        (WORKING_DAYS, MONDAY + 4 * DAY, 3),
        (Cadence(weekdays=(Weekday.MONDAY, Weekday.THURSDAY)), MONDAY, 3),
        (Cadence(weekdays=(Weekday.MONDAY,), every_days=8), MONDAY, 14),
    ],
)
def test_next_lesson_comes_on_a_day_of_the_course(cadence: Cadence, last: datetime, days: int) -> None:
    assert following(cadence, last=last) == (last + days * DAY).date()


def test_first_lesson_also_comes_on_a_day_of_the_course() -> None:
    saturday = MONDAY + 5 * DAY
    assert next_mail(Timing(cadence=WORKING_DAYS), READER, saturday) == MONDAY + 7 * DAY


def test_readers_get_lessons_less_often_if_they_choose_to_and_not_more_often() -> None:
    assert following(Cadence(every_days=3), Schedule("UTC", 8, every_days=7)) == date(2026, 11, 30)
    assert following(Cadence(every_days=7), Schedule("UTC", 8, every_days=1)) == date(2026, 11, 30)
    assert following(WORKING_DAYS, Schedule("UTC", 8, frozenset({2, 5}))) == date(2026, 11, 25)


def test_reader_who_chose_none_of_the_days_of_a_course_gets_it_on_their_own() -> None:
    assert following(WORKING_DAYS, Schedule("UTC", 8, frozenset({5}))) == date(2026, 11, 28)


def test_campaign_with_settings_of_its_own_does_not_follow_the_cadence() -> None:
    timing = Timing(every_days=2, weekdays=EVERY_DAY, cadence=Cadence(every_days=7, weekdays=WEEKDAYS[:1]))
    assert next_mail(timing, READER, MONDAY, MONDAY.date()) == MONDAY + 2 * DAY


def test_cadence_is_not_stored_with_a_campaign() -> None:
    assert Timing(hour=9, cadence=Cadence(every_days=7)).document() == {"hour": 9}


def test_lesson_that_waits_comes_after_the_answer_or_when_the_wait_is_over() -> None:
    waits = Cadence(unanswered_days=5)
    assert following(waits, awaits_answer=True) == date(2026, 11, 28)
    assert following(waits, awaits_answer=False) == date(2026, 11, 24)
    weekly = Cadence(every_days=7, unanswered_days=14)
    assert following(weekly, awaits_answer=False) == date(2026, 11, 30)


def test_lesson_that_became_due_too_early_waits() -> None:
    timing, window = Timing(cadence=Cadence(unanswered_days=5)), SendWindow(timedelta(hours=4))
    tuesday = MONDAY + DAY
    decided = decide_for(timing, READER, tuesday, tuesday, window, MONDAY.date(), awaits_answer=True)
    assert decided == ShiftTo(MONDAY + 5 * DAY)
    answered = decide_for(timing, READER, tuesday, tuesday, window, MONDAY.date())
    assert answered == SendNow(tuesday.date(), tuesday + window.grace)


def test_days_are_in_order_and_once() -> None:
    assert Cadence.model_validate({"weekdays": ["friday", "monday", "friday"]}).weekdays == (
        Weekday.MONDAY,
        Weekday.FRIDAY,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"weekdays": []},
        {"weekdays": ["someday"]},
        {"weekdays": "monday"},
        {"weekdays": [["monday"]]},
        {"every_days": 0},
        {"every_days": 31},
        {"unanswered_days": 1},
        {"unanswered_days": 61},
        {"every_days": 7, "unanswered_days": 7},
        {"hour": 8},
    ],
)
def test_impossible_cadence_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Cadence.model_validate(wrong)


CADENCES = st.builds(
    lambda days, every, wait: Cadence(weekdays=tuple(days), every_days=every, unanswered_days=wait and every + wait),
    st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True),
    st.integers(1, 30),
    st.none() | st.integers(1, 30),
)


@given(
    CADENCES,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from([1, 2, 7]),
    st.booleans(),
    st.integers(0, 24 * 700),
)
def test_next_lesson_never_comes_too_early_nor_on_a_wrong_day(
    cadence: Cadence, chosen: frozenset[int], every_days: int, awaits_answer: bool, hours: int
) -> None:
    schedule = Schedule("Europe/Amsterdam", 8, chosen, every_days=every_days)
    after = MONDAY + timedelta(hours=hours)
    last_date = schedule.local_date(after)
    at = next_mail(Timing(cadence=cadence), schedule, after, last_date, awaits_answer=awaits_answer)
    assert at is not None
    day = schedule.local_date(at)
    least = max(cadence.every_days, every_days, (awaits_answer and cadence.unanswered_days) or 1)
    assert least <= (day - last_date).days <= least + 6
    assert day.weekday() in ((cadence.days & chosen) or chosen)
