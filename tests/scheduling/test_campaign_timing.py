"""When a campaign's mails go out: at its own moment, and for the rest as each reader wants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from rugcourse.scheduling import (
    Decision,
    Missed,
    QuietHours,
    Schedule,
    SendNow,
    SendWindow,
    ShiftTo,
    Timing,
    decide_for,
    next_mail,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
READER = Schedule("UTC", 8)
NIGHT = QuietHours(22, 7)
WINDOW = SendWindow(timedelta(hours=4), NIGHT)


@pytest.mark.parametrize(
    "settings",
    [
        {"at": NOON, "day": NOON.date()},
        {"at": NOON.replace(tzinfo=None)},
        {"weekdays": []},
        {"hour": 24},
        {"hour": -1},
        {"every_days": 0},
        {"every_days": 31},
        {"minute": 5},
    ],
)
def test_an_impossible_timing_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Timing.model_validate(settings)


@pytest.mark.parametrize("settings", [{"hour": 0}, {"hour": 23}, {"every_days": 1}, {"every_days": 30}])
def test_the_first_and_the_last_of_a_range_are_possible(settings: dict[str, int]) -> None:
    assert Timing.model_validate(settings).document() == settings


def test_a_moment_of_its_own_is_a_promise() -> None:
    assert Timing(at=NOON).has_fixed_start
    assert Timing(day=NOON.date()).has_fixed_start
    assert not Timing(hour=9).has_fixed_start


def test_a_campaign_without_a_moment_begins_when_it_is_started() -> None:
    assert Timing().begun(NOON) == Timing(at=NOON)
    assert Timing(hour=9).begun(NOON) == Timing(day=NOON.date(), hour=9)
    assert Timing(weekdays=frozenset({2})).begun(NOON) == Timing(day=NOON.date(), weekdays=frozenset({2}))
    fixed = Timing(at=NOON + DAY)
    assert fixed.begun(NOON) == fixed


def test_a_campaign_keeps_the_readers_hour_weekdays_and_pace_where_it_has_none() -> None:
    reader = Schedule("UTC", 8, frozenset({4}), every_days=2)
    assert next_mail(Timing(), reader, NOON) == datetime(2026, 11, 27, 8, tzinfo=UTC)
    assert next_mail(Timing(hour=9), reader, NOON) == datetime(2026, 11, 27, 9, tzinfo=UTC)
    assert next_mail(Timing(weekdays=frozenset({3})), reader, NOON) == datetime(2026, 11, 26, 8, tzinfo=UTC)
    assert next_mail(Timing(every_days=4), reader, NOON, NOON.date()) == datetime(2026, 12, 4, 8, tzinfo=UTC)
    assert next_mail(Timing(), reader, NOON, NOON.date()) == datetime(2026, 11, 27, 8, tzinfo=UTC)


def test_an_instant_for_everybody_is_for_the_first_mail_only() -> None:
    timing = Timing(at=NOON + DAY)
    assert next_mail(timing, READER, NOON) == NOON + DAY
    assert next_mail(timing, READER, NOON + 2 * DAY) == NOON + 2 * DAY
    assert next_mail(timing, READER, NOON, NOON.date()) == datetime(2026, 11, 25, 8, tzinfo=UTC)


def test_a_day_of_each_readers_own_begins_at_their_midnight() -> None:
    timing = Timing(day=date(2026, 11, 26))
    assert next_mail(timing, READER, NOON) == datetime(2026, 11, 26, 8, tzinfo=UTC)
    assert next_mail(timing, Schedule("Asia/Kathmandu", 0), NOON) == datetime(2026, 11, 25, 18, 15, tzinfo=UTC)
    assert next_mail(timing, READER, NOON + 5 * DAY) == datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert next_mail(timing, READER, NOON, NOON.date()) == datetime(2026, 11, 25, 8, tzinfo=UTC)


def test_a_paused_reader_gets_the_mail_for_everybody_when_the_pause_ends() -> None:
    timing = Timing(at=NOON)
    assert next_mail(timing, Schedule("UTC", 8, paused=True), NOON) is None
    assert next_mail(timing, Schedule("UTC", 8, paused=True, paused_until=NOON + DAY), NOON) == NOON + DAY
    assert next_mail(timing, Schedule("UTC", 8, paused_until=NOON + DAY), NOON) == NOON


@pytest.mark.parametrize(
    ("at", "goes"),
    [
        (datetime(2026, 11, 24, 21, 59, tzinfo=UTC), datetime(2026, 11, 24, 21, 59, tzinfo=UTC)),
        (datetime(2026, 11, 24, 22, 30, 5, 7, tzinfo=UTC), datetime(2026, 11, 25, 7, tzinfo=UTC)),
        (datetime(2026, 11, 25, 6, 59, tzinfo=UTC), datetime(2026, 11, 25, 7, tzinfo=UTC)),
        (datetime(2026, 11, 25, 7, tzinfo=UTC), datetime(2026, 11, 25, 7, tzinfo=UTC)),
    ],
)
def test_a_mail_for_everybody_waits_for_the_end_of_a_readers_night(at: datetime, goes: datetime) -> None:
    assert next_mail(Timing(at=at), READER, NOON, quiet=NIGHT) == goes
    assert next_mail(Timing(at=at), READER, NOON) == at


def test_the_longest_night_ends_too() -> None:
    at = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    assert next_mail(Timing(at=at), READER, at, quiet=QuietHours(0, 23)) == datetime(2026, 11, 24, 23, tzinfo=UTC)


def first_mail(
    timing: Timing, now: datetime, *, due: datetime = NOON, reader: Schedule = READER, go_from: datetime | None = None
) -> Decision | Missed:
    return decide_for(timing, reader, due, now, WINDOW, first=True, go_from=go_from)


def test_a_first_mail_goes_out_at_its_moment_or_is_missed_and_is_never_moved() -> None:
    sent = SendNow(NOON.date(), NOON + WINDOW.grace)
    for timing in (Timing(at=NOON), Timing(day=NOON.date(), hour=12)):
        assert first_mail(timing, NOON) == sent
        assert first_mail(timing, NOON + WINDOW.grace - MOMENT) == sent
        assert first_mail(timing, NOON + WINDOW.grace) == Missed()


def test_later_mails_and_those_without_a_moment_follow_the_readers_schedule() -> None:
    late = NOON + DAY
    assert decide_for(Timing(at=NOON), READER, NOON, late, WINDOW, NOON.date()) == ShiftTo(
        datetime(2026, 11, 26, 8, tzinfo=UTC)
    )
    assert first_mail(Timing(hour=9), late) == SendNow(late.date(), late + timedelta(hours=1))


def test_the_first_mail_of_a_paused_reader_waits_for_the_end_of_the_pause() -> None:
    until = NOON + DAY
    assert first_mail(Timing(at=NOON), NOON, reader=Schedule("UTC", 8, paused=True, paused_until=until)) == ShiftTo(
        until
    )


def test_missed_mails_go_out_from_the_instant_that_an_admin_chose() -> None:
    chosen = NOON + DAY
    assert first_mail(Timing(at=NOON), NOON + WINDOW.grace, go_from=chosen) == ShiftTo(chosen)
    assert first_mail(Timing(at=NOON), chosen, go_from=chosen) == SendNow(chosen.date(), chosen + WINDOW.grace)
    # Only those that were missed before it.
    assert first_mail(Timing(at=NOON), NOON + WINDOW.grace, go_from=NOON) == Missed()


def test_a_first_mail_whose_night_began_waits_for_the_morning() -> None:
    evening = datetime(2026, 11, 24, 21, tzinfo=UTC)
    night = datetime(2026, 11, 24, 22, tzinfo=UTC)
    assert first_mail(Timing(at=evening), night - MOMENT, due=evening) == SendNow(evening.date(), night)
    assert first_mail(Timing(at=evening), night, due=evening) == ShiftTo(datetime(2026, 11, 25, 7, tzinfo=UTC))
    own_day = Timing(day=evening.date(), hour=21)
    assert first_mail(own_day, night, due=evening) == ShiftTo(datetime(2026, 11, 25, 21, tzinfo=UTC))
    assert first_mail(own_day, evening + WINDOW.grace, due=evening) == Missed()


def test_a_first_mail_that_falls_into_a_night_waits_for_its_end() -> None:
    due = datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert first_mail(Timing(at=due), due, due=due) == ShiftTo(datetime(2026, 11, 25, 7, tzinfo=UTC))


def test_a_day_of_their_own_at_an_hour_of_the_night_goes_out_in_the_night() -> None:
    due = datetime(2026, 11, 24, 23, tzinfo=UTC)
    timing = Timing(day=due.date(), hour=23)
    assert first_mail(timing, due, due=due) == SendNow(due.date(), due + WINDOW.grace)
