"""The data of the admin page about deliverability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.db.models import HoldRow
from rugcourse.db.queries import bounces, campaigns, sending_holds

_DAYS = 14
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Deliverability:
    """What is on hold, the names of campaigns by the key of their hold, and the newest bounces."""

    holds: Sequence[HoldRow]
    names: Mapping[str, str]
    bounces: Sequence[object]


def deliverability(session: Session, now: datetime) -> Deliverability:
    """What the page shows of the database; complaints and the doctor have reports of their own."""
    return Deliverability(
        holds=sending_holds.all_holds(session),
        names=campaign_names(session),
        bounces=bounces.recent_bounces(session, now - timedelta(days=_DAYS), _SHOWN),
    )


def campaign_names(session: Session) -> dict[str, str]:
    """The name of each campaign, by the key of its hold."""
    return {sending_holds.campaign_key(row.id): row.name for row in campaigns.listed(session)}
