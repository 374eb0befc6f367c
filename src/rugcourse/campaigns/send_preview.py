"""Previews what a campaign will send: the number of mails in each hour, and the first mails of a sample of readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.db.audience import Audience, Permission, Repeats
from rugcourse.db.models import CampaignRow
from rugcourse.db.models.json_columns import AudienceEstimate
from rugcourse.db.queries import audiences, campaigns
from rugcourse.scheduling import DAILY, Cadence, QuietHours, Schedule, Timing, next_mail

_SAMPLE = 10


@dataclass(frozen=True, slots=True)
class UpcomingMail:
    """The first mail of a reader. `at`: in UTC, None while they are paused; `local`: the same in their time zone."""

    email: str
    name: str
    language: str
    schedule: Schedule
    at: datetime | None
    local: datetime | None


@dataclass(frozen=True, slots=True)
class SendPreview:
    """The calendar of a draft. `hours`: hour (UTC) → mails that are due in it; `counted_at`: UTC.

    `not_agreed`: people left out for lack of consent. `paused`: people without a date. `repeats`: previous readers.
    `languages`: language → people.
    """

    people: int
    not_agreed: int
    counted_at: datetime | None
    hours: dict[datetime, int]
    paused: int
    repeats: Repeats | None
    languages: dict[str, int]

    @property
    def first(self) -> datetime | None:
        return min(self.hours, default=None)

    @property
    def last(self) -> datetime | None:
        return max(self.hours, default=None)


def preview_sends(
    row: CampaignRow, mails: int, now: datetime, quiet: QuietHours | None, cadence: Cadence = DAILY
) -> SendPreview:
    """Return the calendar of a draft, from its counted audience. `mails`: the number of mails for each reader.

    `cadence`: that of the course. Where lessons wait for an answer, at the latest: answers make them come earlier.
    """
    estimate: AudienceEstimate = row.estimate or {"count": 0, "at": None, "schedules": []}
    timing = campaigns.timing_of(row).begun(now).model_copy(update={"cadence": cadence})
    hours: Counter[datetime] = Counter()
    paused_people = 0
    for zone, hour, weekdays, paused, until, every_days, count in estimate["schedules"]:
        columns = (zone, hour, weekdays, paused, until, every_days)
        instants = list(_instants(timing, audiences.schedule_from(columns), now, mails, quiet))
        paused_people += 0 if instants else count
        for instant in instants:
            hours[instant.replace(minute=0, second=0, microsecond=0)] += count
    at = datetime.fromisoformat(estimate["at"]) if estimate["at"] else None
    _, repeats = repeats_counted(row.estimate) or (None, None)
    not_agreed = estimate.get("not_agreed", 0)
    languages = estimate.get("languages", {})
    return SendPreview(
        estimate["count"], not_agreed, at, dict(sorted(hours.items())), paused_people, repeats, languages
    )


def repeats_counted(estimate: AudienceEstimate | None) -> tuple[datetime, Repeats] | None:
    """Return how many previous readers were counted in an audience, and when (UTC); None if they were not."""
    at = estimate.get("at") if estimate else None
    if not estimate or not at or "repeats" not in estimate:
        return None
    return datetime.fromisoformat(at), Repeats(**estimate["repeats"])


def sample(
    session: Session,
    now: datetime,
    audience: Audience,
    timing: Timing,
    quiet: QuietHours | None,
    allowed: Permission | None = None,
) -> list[UpcomingMail]:
    """Return ten people of an audience with the times of their first mail. `allowed`: see `audiences.size`."""
    people = audiences.sample(session, audience, now, _SAMPLE, allowed)
    found = []
    for person, schedule in people:
        at = next_mail(timing.begun(now), schedule, now, None, quiet)
        local = at.astimezone(schedule.tz) if at else None
        found.append(UpcomingMail(person.email, person.name, person.language, schedule, at, local))
    return found


def counted(
    session: Session,
    now: datetime,
    audience: Audience,
    timing: Timing | None = None,
    quiet: QuietHours | None = None,
    allowed: Permission | None = None,
) -> dict[str, object]:
    """Return the size of an audience and a sample of it, as values of the template."""
    people = sample(session, now, audience, timing or Timing(), quiet, allowed)
    everybody = audiences.size(session, audience, now)
    count = everybody if allowed is None else audiences.size(session, audience, now, allowed)
    return {"count": count, "not_agreed": everybody - count, "people": people, "wrong": ()}


def by_days(hours: dict[datetime, int], days: int) -> dict[datetime, int]:
    """Sum a calendar by hour to its first `days` days (UTC)."""
    sums: Counter[datetime] = Counter()
    for hour, count in hours.items():
        sums[hour.replace(hour=0)] += count
    begin = min(sums, default=None)
    return {day: n for day, n in sorted(sums.items()) if begin is None or day < begin + timedelta(days=days)}


def _instants(
    timing: Timing, schedule: Schedule, now: datetime, mails: int, quiet: QuietHours | None
) -> Iterator[datetime]:
    at = next_mail(timing, schedule, now, None, quiet)
    for _ in range(mails):
        if at is None:
            return
        yield at
        waits = timing.cadence.waits_for_answer
        at = next_mail(timing, schedule, at, schedule.local_date(at), awaits_answer=waits)
