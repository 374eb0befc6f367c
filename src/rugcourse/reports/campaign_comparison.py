"""Compares campaigns by rates, from the counters."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.db import counters
from rugcourse.db.models import CampaignRow, EnrolmentStatus
from rugcourse.db.queries import campaigns


@dataclass(frozen=True, slots=True)
class Compared:
    """A campaign in rates (0 to 1), None if the denominator is zero.

    `opened` and `clicked`: per accepted mail, by humans who agreed to be measured, so an estimate. `answered`: first
    answers per accepted mail. `right`: share of those answers, as the questions were then. `completed` and `left`: per
    reader.
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


def compare(session: Session, limit: int) -> list[Compared]:
    """Return the newest `limit` campaigns that have started."""
    counted = counters.totals(session)
    by_campaign: dict[int, Counter[str]] = defaultdict(Counter)
    for (campaign_id, _, what), n in counted.items():
        by_campaign[campaign_id][what] += n
    started = [row for row in campaigns.listed(session) if row.started_at is not None or not row.type.has_audience]
    return [_compared(row, by_campaign[row.id]) for row in started[:limit]]


def _compared(row: CampaignRow, counted: Mapping[str, int]) -> Compared:
    readers = sum(counted.get(f"reader {status}", 0) for status in EnrolmentStatus)
    arrived, failed = counted.get("mail accepted", 0), counted.get("mail failed", 0)
    answers = counters.answers_in(counted.items())
    return Compared(
        row=row,
        readers=readers,
        arrived=arrived,
        refused=_share(failed, arrived + failed),
        opened=_share(counted.get("event open human", 0), arrived),
        clicked=_share(counted.get("event click human", 0), arrived),
        answered=_share(answers.given, arrived),
        right=_share(answers.right, answers.given),
        completed=_share(counted.get(f"reader {EnrolmentStatus.COMPLETED}", 0), readers),
        left=_share(counted.get(f"reader {EnrolmentStatus.LEFT}", 0), readers),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
