"""What a drill came to: the ledger and what the mail server took, compared by Message-ID."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import func, select

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import OPEN_STATES, DeliveryRow, DeliveryState
from rugcourse.delivery.reconciliation import audit


@dataclass(frozen=True)
class Tally:
    """`planned` is everything in the ledger, `unknown` the ids nobody can be sure about.

    `lost`: accepted in the ledger, never seen by the server. `repeated`: taken more than once, or taken and to be sent
    again. `findings`: what the audit has to say.
    """

    planned: int
    accepted: int
    failed: int
    cancelled: int
    open: int
    unknown: tuple[int, ...]
    lost: int
    repeated: int
    findings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.lost == self.repeated == 0 and not self.findings

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "unknown": len(self.unknown)}


def take_stock(database: Database, clock: Clock, taken: Sequence[str]) -> Tally:
    """Compare the ledger with the Message-IDs that the mail server took."""
    with database.read() as session:
        rows = session.execute(select(DeliveryRow.id, DeliveryRow.state, DeliveryRow.message_id)).all()
    states = Counter(state for _, state, _ in rows)
    received = Counter(taken)
    found = audit(database, clock.now(), timedelta(minutes=10))
    again = [one for _, state, one in rows if state in OPEN_STATES and received[one]]
    return Tally(
        planned=states.total(),
        accepted=states[DeliveryState.ACCEPTED],
        failed=states[DeliveryState.FAILED],
        cancelled=states[DeliveryState.CANCELLED],
        open=sum(states[state] for state in OPEN_STATES),
        unknown=tuple(row_id for row_id, state, _ in rows if state == DeliveryState.UNKNOWN),
        lost=sum(1 for _, state, one in rows if state == DeliveryState.ACCEPTED and not received[one]),
        repeated=sum(many - 1 for many in received.values()) + len(again),
        findings=found.findings,
    )


def open_deliveries(database: Database) -> int:
    with database.read() as session:
        return session.scalars(
            select(func.count()).select_from(DeliveryRow).where(DeliveryRow.state.in_(OPEN_STATES))
        ).one()


def accepted(database: Database) -> int:
    with database.read() as session:
        return session.scalars(
            select(func.count()).select_from(DeliveryRow).where(DeliveryRow.state == DeliveryState.ACCEPTED)
        ).one()


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.2)
