"""Which steps the funnel of a course has."""

from __future__ import annotations

import pytest

from rugcourse.reports.funnel_steps import FunnelStage, steps


def test_half_way_is_the_lesson_in_the_middle() -> None:
    found = {one.stage: one.people for one in steps(90, [80, 70, 60, 50, 40], 30, tests=200)}
    assert found == {
        FunnelStage.TEST: 200,
        FunnelStage.CONFIRMED: 90,
        FunnelStage.FIRST_LESSON: 80,
        FunnelStage.HALF_WAY: 60,
        FunnelStage.COMPLETED: 30,
    }


@pytest.mark.parametrize("lessons", [[], [5], [5, 4]])
def test_a_short_course_has_no_step_half_way(lessons: list[int]) -> None:
    assert FunnelStage.HALF_WAY not in {one.stage for one in steps(5, lessons, 3)}


def test_a_course_without_a_test_begins_with_who_confirmed() -> None:
    assert steps(5, [5], 3)[0].stage == FunnelStage.CONFIRMED
