"""Conditions that choose subscribers, as values: `rugcourse.db.queries.audiences` makes SQL of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from rugcourse.db.models import CampaignKind, CampaignRow, Ground, SubscriberStatus

MAX_TAG_LENGTH = 40


class Following(StrEnum):
    """How somebody stands to a course."""

    NEVER = "never"  # had nothing of it, and nothing is to come
    READING = "reading"
    COMPLETED = "completed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Permission:
    """Leaves out who did not agree to get something: `grounds`, of which one is enough."""

    course_id: int
    grounds: frozenset[Ground]


def permission_of(row: CampaignRow, ground: Ground | None = None) -> Permission:
    """A broadcast says which ground it has, or is to have (`ground`). The lessons of a cohort are for either."""
    grounds = frozenset(Ground) if row.kind == CampaignKind.COHORT else frozenset({Ground(ground or row.ground)})
    return Permission(row.course_id, grounds)


class Audience(BaseModel):
    """Confirmed people who may be written to, and of whom all that is set here is true.

    `following`: how they stand to the course `course_id`; `from_lesson` and `up_to_lesson`: how many lessons of it were
    sent to them. `test_from` and `test_up_to`: the share of right answers, in per cent, in its test before the course.
    `answered_within` and `silent_for`: in days. `confirmed_from` and `confirmed_up_to`: days in UTC, both included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    languages: tuple[str, ...] = ()
    course_id: int | None = None
    following: Following | None = None
    from_lesson: int | None = Field(default=None, ge=0, le=999)
    up_to_lesson: int | None = Field(default=None, ge=0, le=999)
    test_from: int | None = Field(default=None, ge=0, le=100)
    test_up_to: int | None = Field(default=None, ge=0, le=100)
    answered_within: int | None = Field(default=None, ge=1, le=3650)
    silent_for: int | None = Field(default=None, ge=1, le=3650)
    tags: tuple[str, ...] = ()
    confirmed_from: date | None = None
    confirmed_up_to: date | None = None

    def document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def is_about_learning(self) -> bool:
        """Whether it depends on a course, a test or answers."""
        numbers = (self.test_from, self.test_up_to, self.answered_within, self.silent_for)
        return self.course_id is not None or any(one is not None for one in numbers)


@dataclass(frozen=True, slots=True)
class Repeats:
    """How many of an audience know a course: who had all of it, who is in the middle, who stopped on the way."""

    completed: int
    reading: int
    stopped: int

    @property
    def total(self) -> int:
        return self.completed + self.reading + self.stopped


@dataclass(frozen=True, slots=True)
class Again:
    """Leaves out who knows a course, but for those who stand to it as they did `before`, an instant in UTC."""

    course_id: int
    before: datetime | None


class IdRange(NamedTuple):
    """Up to `limit` people with ids above `after_id` and up to `up_to_id`."""

    after_id: int
    up_to_id: int
    limit: int


class SubscriberFilter(NamedTuple):
    """Which people are looked for. `beginning`: of their address, in lower case; what is empty does not matter."""

    beginning: str = ""
    status: SubscriberStatus | None = None
    language: str = ""
    tag: str = ""
    campaign_id: int = 0
