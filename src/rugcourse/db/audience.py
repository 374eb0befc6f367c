"""Conditions that choose subscribers, as values: `rugcourse.db.queries.audiences` makes SQL of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from rugcourse.db.models import CampaignRow, Ground, SubscriberStatus

MAX_TAG_LENGTH = 40


class Following(StrEnum):
    """A person's relation to a course."""

    NEVER = "never"  # had nothing of it, and nothing is to come
    READING = "reading"
    COMPLETED = "completed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Permission:
    """Restricts an audience to people who consented. One of the `grounds` is enough."""

    course_id: int
    grounds: frozenset[Ground]


def permission_of(row: CampaignRow, ground: Ground | None = None) -> Permission:
    """Return the permission for a campaign. `ground`: instead of the one that its admin chose."""
    grounds = frozenset(Ground) if row.type.any_ground else frozenset({Ground(ground or row.ground)})
    return Permission(row.course_id, grounds)


class Audience(BaseModel):
    """Confirmed people who may be written to and match all conditions that are set.

    `following`: their relation to the course `course_id`. `from_lesson` and `up_to_lesson`: how many of its lessons
    they were sent. `test_from` and `test_up_to`: percentage of right answers in its test before the course.
    `answered_within` and `silent_for`: days. `confirmed_from` and `confirmed_up_to`: days in UTC, both included.
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

    def document(self) -> dict[str, object]:
        """Return the audience as JSON for the database."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def is_about_learning(self) -> bool:
        """Whether a condition depends on a course, a test or answers."""
        numbers = (self.test_from, self.test_up_to, self.answered_within, self.silent_for)
        return self.course_id is not None or any(one is not None for one in numbers)


@dataclass(frozen=True, slots=True)
class Repeats:
    """How many people in an audience already had a course: to the end, are reading it, or stopped before the end."""

    completed: int
    reading: int
    stopped: int

    @property
    def total(self) -> int:
        return self.completed + self.reading + self.stopped


@dataclass(frozen=True, slots=True)
class Again:
    """Excludes people who already had a course, except those for whom nothing has changed since `before` (UTC)."""

    course_id: int
    before: datetime | None


class IdRange(NamedTuple):
    """A page of up to `limit` people with ids above `after_id` and up to `up_to_id`."""

    after_id: int
    up_to_id: int
    limit: int


class SubscriberFilter(NamedTuple):
    """A search for people. `text`: in their address or name, in lower case. Empty fields match everybody."""

    text: str = ""
    status: SubscriberStatus | None = None
    language: str = ""
    tag: str = ""
    campaign_id: int = 0


class SubscriberOrder(NamedTuple):
    """The order of a list of people: as they signed up, or by their addresses. `backwards`: the newest, or z, first."""

    by_address: bool = False
    backwards: bool = False


BY_SIGN_UP = SubscriberOrder()
