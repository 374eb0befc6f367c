"""The steps of a funnel: how many people came how far in a course."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_FEWEST_LESSONS = 3  # a course with fewer has no lesson between the first and the last one


class FunnelStage(StrEnum):
    """How far somebody came."""

    TEST = "test"  # took the knowledge test; they may sign up or not, and not all readers took it
    CONFIRMED = "confirmed"
    FIRST_LESSON = "first-lesson"
    HALF_WAY = "half-way"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """`people`: how many came as far as `stage`; None: not computed yet."""

    stage: FunnelStage
    people: int | None


def steps(
    readers: int | None, lessons: Sequence[int | None], completed: int | None, tests: int | None = None
) -> tuple[FunnelStep, ...]:
    """Return the steps. `lessons`: to how many people each lesson that is still in the course was sent, in order.

    `tests`: None for a funnel that begins after it.
    """
    found = [] if tests is None else [FunnelStep(FunnelStage.TEST, tests)]
    found.append(FunnelStep(FunnelStage.CONFIRMED, readers))
    if lessons:
        found.append(FunnelStep(FunnelStage.FIRST_LESSON, lessons[0]))
    if len(lessons) >= _FEWEST_LESSONS:
        found.append(FunnelStep(FunnelStage.HALF_WAY, lessons[(len(lessons) - 1) // 2]))
    found.append(FunnelStep(FunnelStage.COMPLETED, completed))
    return tuple(found)
