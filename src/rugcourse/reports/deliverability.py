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
    """Holds, the names of campaigns by the key of their hold, and the latest bounces."""

    holds: Sequence[HoldRow]
    names: Mapping[str, str]
    bounces: Sequence[object]


def deliverability(session: Session, now: datetime) -> Deliverability:
    """Return the data of the page, except complaint rates and the doctor's report."""
    return Deliverability(
        holds=sending_holds.all_holds(session),
        names=campaign_names(session),
        bounces=bounces.recent_bounces(session, now - timedelta(days=_DAYS), _SHOWN),
    )


def campaign_names(session: Session) -> dict[str, str]:
    """Return the name of each campaign by the key of its hold."""
    return {sending_holds.campaign_key(row.id): row.name for row in campaigns.listed(session)}
