"""How often the lessons of a course come: what its author chose, within which each reader has a schedule."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

LONGEST_INTERVAL = 30
LONGEST_WAIT = 60


class Weekday(StrEnum):
    """A day of the week, in the order of `date.weekday`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


WEEKDAYS = tuple(Weekday)


def _in_order(days: object) -> object:
    """Sort the days of a list without repeating one, so that two spellings of the same choice are equal."""
    if isinstance(days, (list, tuple, set, frozenset)) and all(day in WEEKDAYS for day in days):
        return tuple(day for day in WEEKDAYS if day in days)
    return days


class Cadence(BaseModel):
    """How often lessons come.

    `weekdays`: a lesson may come on these days. `every_days`: the minimum number of days from one lesson to the next;
    7 is weekly. `unanswered_days`: if set, the next lesson comes when the quiz of the last one is answered, or after
    this number of days without an answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekdays: Annotated[tuple[Weekday, ...], BeforeValidator(_in_order), Field(min_length=1, max_length=7)] = WEEKDAYS
    every_days: int = Field(default=1, ge=1, le=LONGEST_INTERVAL)
    unanswered_days: int | None = Field(default=None, ge=2, le=LONGEST_WAIT)

    @model_validator(mode="after")
    def _waits_longer(self) -> Self:
        if self.unanswered_days is not None and self.unanswered_days <= self.every_days:
            raise PydanticCustomError(
                "unanswered_days",
                "lessons come every {every} days, so waiting {wait} days for an answer changes nothing; wait longer",
                {"every": self.every_days, "wait": self.unanswered_days},
            )
        return self

    @property
    def days(self) -> frozenset[int]:
        """The weekdays as numbers; 0 is Monday."""
        return frozenset(WEEKDAYS.index(day) for day in self.weekdays)

    @property
    def waits_for_answer(self) -> bool:
        return self.unanswered_days is not None

    def days_for(self, chosen: frozenset[int]) -> frozenset[int]:
        """Return the days on which a reader gets lessons: those of the course that they chose.

        If they chose none of those, their own choice applies: a course that never comes helps nobody.
        """
        return self.days & chosen or chosen

    def interval(self, chosen: int, *, awaits_answer: bool) -> int:
        """Return the number of days to the next lesson. `chosen`: at least so many, by the reader's choice."""
        waits = self.unanswered_days if awaits_answer and self.unanswered_days is not None else 1
        return max(self.every_days, chosen, waits)


DAILY = Cadence()
