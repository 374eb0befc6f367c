"""Campaigns beside each other, from the counters."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.store import campaigns, tallies
from rugcourse.store.library import Library
from rugcourse.store.tables import CampaignRow, EnrolmentStatus


@dataclass(frozen=True, slots=True)
class Compared:
    """A campaign in shares (0 to 1), which are None where there is nothing to divide by.

    `opened`, `clicked`: of the mails that arrived, by humans who agreed to be measured, so an estimate. `answered`:
    first answers for each mail that arrived; `right`: of those answers. `completed`, `left`: of the readers.
    """

    row: CampaignRow
    readers: int
    arrived: int
    refused: float | None
    opened: float | None
    clicked: float | None
    answered: float | None
    right: float | None
    completed: float | None
    left: float | None


def compare(session: Session, library: Library, limit: int) -> list[Compared]:
    """The newest campaigns that have started."""
    counted = tallies.totals(session)
    right_options = _right_options(session, library)
    by_campaign: dict[int, dict[str, int]] = {}
    right: dict[int, int] = {}
    for (campaign_id, lesson_id, what), n in counted.items():
        kind = "option" if what.startswith("option ") else what
        mine = by_campaign.setdefault(campaign_id, {})
        mine[kind] = mine.get(kind, 0) + n
        if (lesson_id, what) in right_options:
            right[campaign_id] = right.get(campaign_id, 0) + n
    started = [row for row in campaigns.listed(session) if row.started_at is not None or row.kind == "evergreen"]
    return [_compared(row, by_campaign.get(row.id, {}), right.get(row.id, 0)) for row in started[:limit]]


def _compared(row: CampaignRow, counted: dict[str, int], right: int) -> Compared:
    readers = sum(counted.get(f"reader {status}", 0) for status in EnrolmentStatus)
    arrived, failed = counted.get("mail accepted", 0), counted.get("mail failed", 0)
    answers = counted.get("option", 0)
    return Compared(
        row=row,
        readers=readers,
        arrived=arrived,
        refused=_share(failed, arrived + failed),
        opened=_share(counted.get("event open human", 0), arrived),
        clicked=_share(counted.get("event click human", 0), arrived),
        answered=_share(answers, arrived),
        right=_share(right, answers),
        completed=_share(counted.get(f"reader {EnrolmentStatus.COMPLETED}", 0), readers),
        left=_share(counted.get(f"reader {EnrolmentStatus.LEFT}", 0), readers),
    )


def _right_options(session: Session, library: Library) -> set[tuple[int, str]]:
    """(lesson, counter) of every right answer."""
    return {
        (published.lesson_ids[lesson.slug], f"option {question.id} {question.right_option}")
        for published in library.courses(session)
        for lesson in published.course.lessons
        for question in next(iter(lesson.texts.values())).quiz
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
