"""The progress of a campaign, from the counters: planned = accepted + failed + cancelled + unknown + open, always."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.db import counters
from rugcourse.db.models import CampaignRow, CampaignStatus, EnrolmentStatus
from rugcourse.db.queries import campaigns

STATES = ("accepted", "failed", "cancelled", "unknown", "open")


@dataclass(frozen=True, slots=True)
class Line:
    """The mails of one lesson, or of all lessons. `states`: each of `STATES` → number of mails."""

    lesson_id: int
    slug: str
    states: dict[str, int]

    @property
    def planned(self) -> int:
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class CampaignProgress:
    """The progress of a campaign. `readers`: enrolment status → number; `enrolling`: progress of enrolment in per cent,
    None once it is complete. `scheduled`: it has started, and its first mail is not due yet.
    """

    readers: dict[str, int]
    lines: tuple[Line, ...]
    total: Line
    enrolling: int | None
    finished: bool
    scheduled: bool


def progress_of(session: Session, row: CampaignRow) -> CampaignProgress:
    """Return the progress of a campaign."""
    counted = counters.totals(session, row.id)
    readers = {one.value: counted.get((row.id, 0, f"reader {one.value}"), 0) for one in EnrolmentStatus}
    found = (
        (one, {state: counted.get((row.id, one.id, f"mail {state}"), 0) for state in STATES})
        for one in campaigns.lessons_ever_in(session, row)
    )
    lines = tuple(
        Line(one.id, one.slug, states)
        for one, states in found
        if one.position is not None or any(states.values())  # lessons that were removed keep their figures
    )
    total = Line(0, "", {state: sum(line.states[state] for line in lines) for state in STATES})
    done = row.enrolled_up_to >= row.enrol_up_to
    enrolling = None if done else 100 * row.enrolled_up_to // max(1, row.enrol_up_to)
    begun = row.status in {CampaignStatus.RUNNING, CampaignStatus.PAUSED} and row.started_at is not None
    finished = begun and done and not readers["active"] and not total.states["open"]
    waits = row.type.has_audience and row.status == CampaignStatus.RUNNING and readers["active"] and not total.planned
    return CampaignProgress(readers, lines, total, enrolling, finished, scheduled=bool(waits))
