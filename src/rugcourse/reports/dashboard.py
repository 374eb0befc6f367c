"""The data of the dashboard, from the counters: people, mails by day, and a funnel for each course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.db import counters
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import (
    CampaignRow,
    DeliveryState,
    EventKind,
    HoldRow,
    SubscriberStatus,
    Verdict,
)
from rugcourse.db.queries import campaigns, deliveries, sending_holds
from rugcourse.reports.cached_stats import Figures, kept_figures
from rugcourse.reports.deliverability import campaign_names
from rugcourse.reports.funnels import Funnel, course_funnels
from rugcourse.reports.headline_figures import HeadlineFigures, headline_figures

_DAYS = 14
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Overview:
    """The dashboard. `people`: status → number. `new_readers`: day (UTC) → people who signed up then and confirmed.

    `sent`, `failed`: day (UTC) → mails planned that day.

    `doubtful`: mails whose delivery is unknown. `came_back`: bounce rate (0 to 1). `figures`: None until computed.
    `unknown`: the oldest unknown mails. `waiting`: campaigns that were paused automatically. `names`: hold key →
    campaign.
    """

    headline: HeadlineFigures
    new_readers: dict[date, int]
    people: dict[str, int]
    sent: dict[date, int]
    failed: dict[date, int]
    doubtful: int
    came_back: float
    funnels: tuple[Funnel, ...]
    figures: Figures | None
    holds: Sequence[HoldRow]
    unknown: Sequence[object]
    waiting: Sequence[CampaignRow]
    names: Mapping[str, str]


def overview(session: Session, course_cache: CourseCache, now: datetime, language: str) -> Overview:
    """Return the data of the dashboard, with texts in `language` where they exist."""
    counted = counters.totals(session)
    first = now.date() - timedelta(days=_DAYS - 1)
    sent = counters.by_day(session, first, f"mail {DeliveryState.ACCEPTED}")
    failed = counters.by_day(session, first, f"mail {DeliveryState.FAILED}")
    came_back = [
        counters.by_day(session, first, f"event {EventKind.BOUNCE} {verdict}")
        for verdict in (Verdict.MACHINE, Verdict.UNKNOWN)
    ]
    days = [first + timedelta(days=n) for n in range(_DAYS)]
    figures = kept_figures(session)
    doubtful = sum(n for (_, _, what), n in counted.items() if what == f"mail {DeliveryState.UNKNOWN}")
    new = counters.by_day(session, first, f"subscriber {SubscriberStatus.ACTIVE}")
    new_readers = {day: new.get(day, 0) for day in days}
    weeks, gains = (figures.answered, figures.gains.values()) if figures else ({}, ())
    return Overview(
        headline_figures(new_readers, weeks, gains),
        new_readers,
        {status.value: counted.get((0, 0, f"subscriber {status}"), 0) for status in SubscriberStatus},
        {day: sent.get(day, 0) for day in days},
        {day: failed.get(day, 0) for day in days},
        doubtful,
        sum(sum(one.values()) for one in came_back) / max(sum(sent.values()) + sum(failed.values()), 1),
        course_funnels(session, course_cache, counted, figures, language),
        figures,
        sending_holds.all_holds(session),
        # The query reads the whole ledger, so it runs only if the counter says that there are any.
        deliveries.in_state(session, DeliveryState.UNKNOWN, _SHOWN) if doubtful else [],
        [row for row in campaigns.listed(session) if row.pause_reason],
        campaign_names(session),
    )
