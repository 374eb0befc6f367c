"""Reconciliation: proves that every planned delivery is accepted, failed, cancelled, unknown or still open.

It compares the ledger with the counts in the enrolments, which are written in the same transactions but stored
separately, and searches for rows that could only exist if a step had been half done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.db.engine import Database
from rugcourse.db.models import CAMPAIGN_MAIL, DeliveryState
from rugcourse.db.queries import reconciliation

GRACE_SECONDS = 600.0  # wall-clock seconds that something may be overdue or expired before it is a finding
_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """The totals of a lesson (or another kind of mail) in a campaign. `counts` is by state."""

    campaign: str
    kind: str
    lesson: str | None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        return sum(self.counts.get(state, 0) for state in ("planned", "submitting"))

    def count(self, state: DeliveryState) -> int:
        return self.counts.get(state, 0)


@dataclass(frozen=True, slots=True)
class UnknownDelivery:
    """A delivery of which nobody knows whether it arrived."""

    delivery_id: int
    email: str
    lesson: str | None


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit: all totals, the findings (none if they balance), and the unknown deliveries by name."""

    totals: tuple[LedgerLine, ...]
    findings: tuple[str, ...]
    unknown: tuple[UnknownDelivery, ...]

    @property
    def balanced(self) -> bool:
        return not self.findings


def audit(database: Database, now: datetime, send_window: timedelta) -> Audit:
    """Check the whole ledger. `send_window`: how long something may be overdue, see GRACE_SECONDS."""
    with database.read() as session:
        lines = _lines(session)
        unknown = tuple(UnknownDelivery(*row) for row in reconciliation.unknown_deliveries(session, 1000))
        return Audit(tuple(lines.values()), tuple(_findings(session, lines, now, send_window)), unknown)


def _lines(session: Session) -> dict[tuple[int, str, str | None], LedgerLine]:
    lines: dict[tuple[int, str, str | None], LedgerLine] = {}
    for campaign_id, campaign, kind, lesson, state, count in reconciliation.states_by_lesson(session):
        line = lines.setdefault((campaign_id, kind, lesson), LedgerLine(campaign, kind, lesson))
        line.counts[state] = count
    return lines


def _findings(
    session: Session, lines: dict[tuple[int, str, str | None], LedgerLine], now: datetime, send_window: timedelta
) -> list[str]:
    findings = []
    for campaign_id, expected in reconciliation.lessons_planned(session).items():
        mine = [
            line for (campaign, kind, _), line in lines.items() if campaign == campaign_id and kind in CAMPAIGN_MAIL
        ]
        found = sum(line.planned - line.count(DeliveryState.CANCELLED) for line in mine)
        if found != expected:
            findings.append(f"campaign {campaign_id}: {expected} lessons were planned, the ledger holds {found}")
    checks: dict[str, Sequence[int | str]] = {
        "enrolments whose count differs from the ledger": reconciliation.miscounted_enrolments(session, _EXAMPLES),
        "enrolments that nothing is planned for": reconciliation.forgotten_enrolments(session, now, _EXAMPLES),
        "enrolments that are overdue": reconciliation.overdue_enrolments(session, now - send_window, _EXAMPLES),
        "enrolments that are completed and due": reconciliation.unfinished_completions(session, _EXAMPLES),
        "deliveries that contradict themselves": reconciliation.half_written_deliveries(session, _EXAMPLES),
        "deliveries of nobody, or of nothing": reconciliation.orphaned_deliveries(session, _EXAMPLES),
        "Message-IDs that were used twice": reconciliation.repeated_message_ids(session, _EXAMPLES),
        "deliveries under a lease that is over": reconciliation.unleased_deliveries(session, _EXAMPLES),
        "time zones that this machine does not know (update its tzdata)": reconciliation.unknown_zones(
            session, _EXAMPLES
        ),
        "leases that ran out": reconciliation.expired_leases(session, now - send_window, _EXAMPLES),
    }
    findings += [f"{what}: {', '.join(str(one) for one in which)}" for what, which in checks.items() if which]
    return findings
