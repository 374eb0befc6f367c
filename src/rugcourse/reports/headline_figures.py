"""The figures with which the dashboard begins. Each is None where its base is too small to say something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from rugcourse.reports.answered_lessons import AnsweredLessons
from rugcourse.reports.cached_stats import CachedGain

NEW_DAYS = 7
ANSWERED_WEEKS = 4
_FEWEST_LESSONS = 20
FEWEST_TESTS = 10  # with fewer people a mean says more about them than about the course


@dataclass(frozen=True, slots=True)
class HeadlineFigures:
    """`new_readers`: in the last `NEW_DAYS` days. `answered`: per cent of the lessons of `ANSWERED_WEEKS` weeks.

    `points`: by how many percentage points the share of right answers grew between the two tests, in the mean of all
    readers who took both.
    """

    new_readers: int
    answered: int | None
    points: int | None


def headline_figures(
    new_by_day: Mapping[date, int], weeks: Mapping[date, AnsweredLessons], gains: Iterable[CachedGain]
) -> HeadlineFigures:
    """Return the figures. `new_by_day`, `weeks`: by day and by the first day of the week, the latest last."""
    return HeadlineFigures(
        new_readers=sum(list(new_by_day.values())[-NEW_DAYS:]),
        answered=_answered(list(weeks.values())[-ANSWERED_WEEKS:]),
        points=_points(gains),
    )


def _answered(weeks: Iterable[AnsweredLessons]) -> int | None:
    found = list(weeks)
    lessons = sum(one.lessons for one in found)
    return round(100 * sum(one.answered for one in found) / lessons) if lessons >= _FEWEST_LESSONS else None


def _points(gains: Iterable[CachedGain]) -> int | None:
    found = [(one.twice, one.after - one.before) for one in gains if one.before is not None and one.after is not None]
    people = sum(twice for twice, _ in found)
    return round(100 * sum(twice * gain for twice, gain in found) / people) if people >= FEWEST_TESTS else None
