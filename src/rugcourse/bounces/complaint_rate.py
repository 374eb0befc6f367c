"""Measures complaint rates, and holds sending if they are too high.

Gmail and Yahoo require bulk senders to stay below 0.1 per cent and never to reach 0.3: above that, mail to everybody
goes to the spam folder. So a campaign or domain that reaches it is held until an admin has looked at it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db import counters
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryState, EventKind, Verdict
from rugcourse.db.queries import bounces, heartbeats, sending_holds

log = structlog.get_logger()

DAYS = 7
FEWEST_TO_STOP = 3  # one reader who presses the wrong button is no sign, however few the mails
_FRESH_SECONDS = 600.0  # wall-clock seconds
_REASON = "too many readers report it as spam; find out why, then resume"
_COMPLAINTS = f"event {EventKind.COMPLAINT} {Verdict.HUMAN}"
_ARRIVED = f"mail {DeliveryState.ACCEPTED}"


class ComplaintLevel(StrEnum):
    FINE = "fine"
    WARNING = "warning"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class ComplaintLimits:
    """The complaint rates (complaints per mail that arrived, 0 to 1) from which to warn, and to stop sending."""

    warning: float = 0.001
    stop: float = 0.003

    def level(self, complaints: int, arrived: int) -> ComplaintLevel:
        share = complaints / max(arrived, complaints, 1)
        if share >= self.stop and complaints >= FEWEST_TO_STOP:
            return ComplaintLevel.STOP
        return ComplaintLevel.WARNING if share >= self.warning else ComplaintLevel.FINE


@dataclass(frozen=True, slots=True)
class Reputation:
    """The complaints about a campaign in the last `DAYS` days, and the mails that arrived."""

    campaign_id: int
    complaints: int
    arrived: int

    @property
    def percent(self) -> float:
        return round(100 * self.complaints / max(self.arrived, self.complaints, 1), 2)


def find_above_limit(session: Session, limits: ComplaintLimits, now: datetime) -> list[Reputation]:
    """Return the campaigns whose complaint rate is above the warning limit, the worst first."""
    return [
        one for one in of_campaigns(session, now) if limits.level(one.complaints, one.arrived) != ComplaintLevel.FINE
    ]


def of_campaigns(session: Session, now: datetime) -> list[Reputation]:
    """Return the campaigns with complaints in the last `DAYS` days, the worst first."""
    since = (now - timedelta(days=DAYS)).date()
    complaints = counters.by_campaign(session, since, _COMPLAINTS)
    arrived = counters.by_campaign(session, since, _ARRIVED) if complaints else {}
    found = [Reputation(campaign_id, n, arrived.get(campaign_id, 0)) for campaign_id, n in complaints.items()]
    return sorted(found, key=lambda one: -one.percent)


def of_domains(session: Session, now: datetime) -> list[tuple[str, int, ComplaintLevel]]:
    """Return (domain, complaints, level) for domains with recent complaints, most first. `refresh` sets the level."""
    kept = heartbeats.get_value(session, heartbeats.REPUTATION)
    levels = json.loads(kept)["levels"] if kept else {}
    found = bounces.complaints_by_domain(session, now - timedelta(days=DAYS))
    return [
        (domain, complaints, ComplaintLevel(levels.get(domain, ComplaintLevel.FINE))) for domain, complaints in found
    ]


def refresh(database: Database, clock: Clock, limits: ComplaintLimits) -> bool:
    """Recompute the complaint level of each domain if the stored ones are stale; returns whether it did.

    Counting what arrived at a domain takes long for millions of mails, so no page does it.
    """
    now = clock.now()
    since = now - timedelta(days=DAYS)
    with database.read() as session:
        kept = heartbeats.get_value(session, heartbeats.REPUTATION)
        if kept and timedelta(0) <= now - _computed_at(kept) < clock.span(_FRESH_SECONDS):
            return False
        levels = {
            domain: _level_at(session, limits, domain, complaints, since, limits.warning)
            for domain, complaints in bounces.complaints_by_domain(session, since)
        }
    if not kept and not levels:
        return False
    with database.write() as session:
        heartbeats.set_value(session, heartbeats.REPUTATION, json.dumps({"at": now.isoformat(), "levels": levels}))
    return True


def _computed_at(kept: str) -> datetime:
    return datetime.fromisoformat(json.loads(kept)["at"])


def hold_domain_if_too_many(
    session: Session, limits: ComplaintLimits, campaign_id: int | None, domain: str, now: datetime
) -> list[str]:
    """After a complaint, hold the campaign and the domain if they reach the limit; returns the keys of the holds."""
    session.flush()
    since = now - timedelta(days=DAYS)
    held = []
    if campaign_id is not None:
        counted = {
            what: counters.by_campaign(session, since.date(), what).get(campaign_id, 0)
            for what in (_COMPLAINTS, _ARRIVED)
        }
        if limits.level(counted[_COMPLAINTS], counted[_ARRIVED]) == ComplaintLevel.STOP:
            held.append(sending_holds.campaign_key(campaign_id))
    complaints = bounces.complaints_of_domain(session, domain, since)
    if (
        complaints >= FEWEST_TO_STOP
        and _level_at(session, limits, domain, complaints, since, limits.stop) == ComplaintLevel.STOP
    ):
        held.append(sending_holds.domain_key(domain))
    for key in held:
        if sending_holds.hold_indefinitely(session, key, _REASON, now):
            log.error("complaint_rate_exceeded", what=key)
    return held


def _level_at(
    session: Session, limits: ComplaintLimits, domain: str, complaints: int, since: datetime, limit: float
) -> ComplaintLevel:
    """Return the level of a domain. Counts arrived mails only as far as needed to be below `limit`."""
    arrived = bounces.arrived_at_domain(session, domain, since, int(complaints / limit) + 1)
    return limits.level(complaints, arrived)
