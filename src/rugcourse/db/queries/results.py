"""Queries that record the results of submissions: what a mail server answered, or that nobody knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import Update, bindparam, select, update
from sqlalchemy.orm import Session

from rugcourse.db.bulk import as_rows, dialect_of, run, update_rows
from rugcourse.db.models import DeliveryRow, DeliveryState, LeaseRow, WebhookEvent
from rugcourse.db.queries.arrivals import confirm_by_activity, confirm_by_events, mark_accepted, used_among
from rugcourse.db.queries.claims import release
from rugcourse.db.queries.webhook_events import note_mails


class Settlement(NamedTuple):
    """The result of a submission. `not_before` is set for a delivery that goes back to planned."""

    delivery_id: int
    state: DeliveryState
    reply: str
    not_before: datetime | None = None


def record_results(session: Session, lease: str, settlements: Sequence[Settlement], now: datetime) -> int:
    """Record the results of submissions; returns how many were still ours to settle.

    An `unknown` delivery may still get its real result: a late reply under the same lease is evidence. So is one for
    an unknown delivery that is to be sent again, until that happens.
    """
    if not settlements:
        return 0
    alike: dict[tuple[DeliveryState, str, datetime | None], list[int]] = defaultdict(list)
    for one in settlements:
        alike[one.state, one.reply[:500], one.not_before].append(one.delivery_id)
    rows = (
        (
            ids,
            {
                "state": state,
                "smtp_response": reply,
                "settled_at": None if state == DeliveryState.PLANNED else now,
                "not_before": not_before,
            },
        )
        for (state, reply, not_before), ids in alike.items()
    )
    parameters = {"rows": as_rows(session, DeliveryRow, rows), "under": lease}
    settled = set(run(session, _settling(dialect_of(session)), parameters).scalars())
    accepted = [one.delivery_id for one in settlements if one.state == DeliveryState.ACCEPTED]
    note_mails(session, WebhookEvent.LESSON_ACCEPTED, now, [one for one in accepted if one in settled])
    for one in settlements:
        if one.delivery_id not in settled and _was_taken(session, lease, one, now):
            settled.add(one.delivery_id)
    confirm_by_events(session, [one.delivery_id for one in settlements if one.state == DeliveryState.UNKNOWN], now)
    put_off = [one.delivery_id for one in settlements if one.state == DeliveryState.PLANNED]
    for delivery_id in used_among(session, put_off) if put_off else ():
        mark_accepted(session, delivery_id, now, DeliveryState.PLANNED)
    return len(settled)


def _was_taken(session: Session, lease: str, settlement: Settlement, now: datetime) -> bool:
    """Whether a server accepted a mail that was given up meanwhile, and that has not been submitted again."""
    still_held = select(DeliveryRow.id).where(
        DeliveryRow.id == settlement.delivery_id,
        DeliveryRow.lease == lease,
        DeliveryRow.message_id.is_not(None),  # otherwise the next attempt is to another address
    )
    if settlement.state != DeliveryState.ACCEPTED or session.scalar(still_held) is None:
        return False
    return confirm_by_activity(session, settlement.delivery_id, now, settlement.reply)


def expire_leases(session: Session, now: datetime) -> list[int]:
    """Mark deliveries under expired leases as unknown; returns their ids.

    A submission that may have been accepted is never repeated: a second mail can't be recalled, a visible gap can be
    filled.
    """
    unknown: list[int] = []
    query = (
        select(LeaseRow.token, LeaseRow.delivery_ids)
        .where(LeaseRow.expires_at <= now)
        .with_for_update(skip_locked=True)
    )
    for lease, ids in session.execute(query).all():
        unknown += mark_unknown(session, lease, ids, now, "the worker that was sending it fell silent")
        release(session, lease)
    return unknown


def mark_unknown(session: Session, lease: str, ids: Sequence[int], now: datetime, reason: str) -> list[int]:
    """Mark submissions without a known result as unknown; returns those that were still open.

    Mails that their reader has used meanwhile did arrive, and are not among them.
    """
    open_ones = list(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.id.in_(ids),
                DeliveryRow.lease == lease,
                DeliveryRow.state == DeliveryState.SUBMITTING,
            )
            .values(state=DeliveryState.UNKNOWN, settled_at=now, smtp_response=reason)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )
    arrived = confirm_by_events(session, open_ones, now)
    return [one for one in open_ones if one not in arrived]


@cache
def _settling(dialect: str) -> Update:
    return update_rows(
        DeliveryRow,
        ("state", "smtp_response", "settled_at", "not_before"),
        dialect,
        DeliveryRow.lease == bindparam("under"),
        DeliveryRow.state.in_((DeliveryState.SUBMITTING, DeliveryState.UNKNOWN)),
    )
