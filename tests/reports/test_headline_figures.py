"""The figures at the top of the dashboard say nothing where there is too little to say."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rugcourse.reports.answered_lessons import AnsweredLessons
from rugcourse.reports.cached_stats import CachedGain
from rugcourse.reports.headline_figures import headline_figures

MONDAY = date(2026, 11, 23)


def weeks(*counted: tuple[int, int]) -> dict[date, AnsweredLessons]:
    return {
        MONDAY + timedelta(weeks=n): AnsweredLessons(lessons=lessons, answered=answered)
        for n, (lessons, answered) in enumerate(counted)
    }


def test_new_readers_are_those_of_the_last_seven_days() -> None:
    days = {MONDAY + timedelta(days=n): 1 if n >= 7 else 100 for n in range(14)}
    assert headline_figures(days, {}, ()).new_readers == 7


def test_answered_is_the_share_of_the_lessons_of_the_last_four_weeks() -> None:
    found = headline_figures({}, weeks((1000, 0), (10, 10), (10, 5), (10, 5), (10, 7)), ())
    assert found.answered == round(100 * 27 / 40)


@pytest.mark.parametrize(("lessons", "shown"), [(19, None), (20, 50)])
def test_answered_needs_twenty_lessons(lessons: int, shown: int | None) -> None:
    assert headline_figures({}, weeks((lessons, lessons // 2)), ()).answered == shown


def test_points_are_the_mean_of_all_readers_not_of_courses() -> None:
    gains = [CachedGain(twice=30, before=0.5, after=0.6), CachedGain(twice=10, before=0.9, after=0.7)]
    assert headline_figures({}, {}, gains).points == round(100 * (30 * 0.1 - 10 * 0.2) / 40)


@pytest.mark.parametrize(("twice", "points"), [(9, None), (10, 25)])
def test_points_need_ten_readers(twice: int, points: int | None) -> None:
    gains = [CachedGain(twice=twice, before=0.5, after=0.75), CachedGain(twice=0, before=None, after=None)]
    assert headline_figures({}, {}, gains).points == points
