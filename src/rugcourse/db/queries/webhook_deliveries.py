"""Queries that claim events for an endpoint under a lease, settle them, and list them (`rugcourse.outgoing_webhooks`).

A claim moves `next_attempt_at` to the end of the lease. Whoever dies leaves rows behind that are due again by then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from rugcourse.db.bulk import as_rows, count, dialect_of, run, update_rows
from rugcourse.db.models import (
    HoldRow,
    SubscriberRow,
    WebhookDeliveryRow,
    WebhookEndpointRow,
    WebhookState,
)
from rugcourse.db.queries.sending_holds import ALL

KEPT_DAYS = 30  # for which events are kept, delivered or not
_SETTLED_COLUMNS = (
    "state",
    "next_attempt_at",
    "settled_at",
    "attempted_at",
    "attempts",
    "status_code",
    "reply",
)


class ClaimedEvent(NamedTuple):
    """An event under a lease. `email`: the person's current address, None for a test."""

    id: int
    subscriber_id: int | None
    event: str
    data: Mapping[str, object]
    created_at: datetime
    attempts: int
    email: str | None


class WebhookResult(NamedTuple):
    """The result of an attempt. `next_attempt_at` is set for one that waits again."""

    id: int
    state: WebhookState
    attempts: int
    status_code: int | None
    reply: str
    next_attempt_at: datetime | None = None


def endpoints_with_work(session: Session, now: datetime) -> list[int]:
    """Return the enabled endpoints for which something is due; none while an admin has to say that sending goes on.

    That is so when a backup was put back or a database copied: it does not know what was told since.
    """
    stopped = exists().where(HoldRow.key == ALL, HoldRow.until.is_(None))
    due = exists().where(
        WebhookDeliveryRow.endpoint_id == WebhookEndpointRow.id, WebhookDeliveryRow.next_attempt_at <= now
    )
    rested = or_(WebhookEndpointRow.retry_at.is_(None), WebhookEndpointRow.retry_at <= now)
    query = select(WebhookEndpointRow.id).where(WebhookEndpointRow.is_enabled, rested, due, ~stopped)
    return list(session.scalars(query.order_by(WebhookEndpointRow.id)))


def claim(
    session: Session, endpoint_id: int, lease: str, now: datetime, until: datetime, limit: int
) -> list[ClaimedEvent]:
    """Claim up to `limit` events that are due for an endpoint, at most one about each person: the earliest that waits.

    Rows that another worker holds are skipped.
    """
    ids = list(run(session, _heads(), {"endpoint": endpoint_id, "now": now, "most": limit}).scalars())
    if not ids:
        return []
    session.execute(
        update(WebhookDeliveryRow)
        .where(WebhookDeliveryRow.id.in_(ids))
        .values(lease=lease, next_attempt_at=until)
        .execution_options(synchronize_session=False)
    )
    rows = session.execute(
        select(
            WebhookDeliveryRow.id,
            WebhookDeliveryRow.subscriber_id,
            WebhookDeliveryRow.event,
            WebhookDeliveryRow.data,
            WebhookDeliveryRow.created_at,
            WebhookDeliveryRow.attempts,
            SubscriberRow.email,
        )
        .outerjoin(SubscriberRow, SubscriberRow.id == WebhookDeliveryRow.subscriber_id)
        .where(WebhookDeliveryRow.id.in_(ids))
        .order_by(WebhookDeliveryRow.id)
    )
    return [ClaimedEvent(*row) for row in rows]


def settle(session: Session, lease: str, results: Sequence[WebhookResult], now: datetime) -> None:
    """Record the results of attempts that are still held under a lease."""
    rows = (
        (
            [one.id],
            {
                "state": one.state,
                "next_attempt_at": one.next_attempt_at,
                "settled_at": None if one.state == WebhookState.WAITING else now,
                "attempted_at": now,
                "attempts": one.attempts,
                "status_code": one.status_code,
                "reply": one.reply,
            },
        )
        for one in results
    )
    statement = update_rows(
        WebhookDeliveryRow,
        _SETTLED_COLUMNS,
        dialect_of(session),
        WebhookDeliveryRow.lease == bindparam("under"),
        lease=None,
    )
    if results:
        run(session, statement, {"rows": as_rows(session, WebhookDeliveryRow, rows), "under": lease})


def give_back(session: Session, lease: str, ids: Collection[int], now: datetime) -> None:
    """Return events that were not begun, as if never claimed."""
    if ids:
        session.execute(
            update(WebhookDeliveryRow)
            .where(WebhookDeliveryRow.id.in_(ids), WebhookDeliveryRow.lease == lease)
            .values(lease=None, next_attempt_at=now)
            .execution_options(synchronize_session=False)
        )


def replay(session: Session, endpoint_id: int, delivery_id: int, now: datetime) -> bool:
    """Let a settled event be sent again, under the same id; returns whether there is one."""
    again = (
        update(WebhookDeliveryRow)
        .where(
            WebhookDeliveryRow.id == delivery_id,
            WebhookDeliveryRow.endpoint_id == endpoint_id,
            WebhookDeliveryRow.state != WebhookState.WAITING,
        )
        .values(state=WebhookState.WAITING, next_attempt_at=now, settled_at=None, attempts=0)
        .execution_options(synchronize_session=False)
    )
    return count(session.execute(again)) == 1


def listed(session: Session, endpoint_id: int, before_id: int | None, limit: int) -> Sequence[WebhookDeliveryRow]:
    """Return events of an endpoint, the newest first, below an id."""
    query = select(WebhookDeliveryRow).where(WebhookDeliveryRow.endpoint_id == endpoint_id)
    if before_id is not None:
        query = query.where(WebhookDeliveryRow.id < before_id)
    return session.scalars(query.order_by(WebhookDeliveryRow.id.desc()).limit(limit)).all()


def waiting_by_endpoint(session: Session, limit: int) -> dict[int, int]:
    """Return endpoint → how many events wait, counted up to a limit."""
    waiting = select(WebhookDeliveryRow.endpoint_id).where(WebhookDeliveryRow.next_attempt_at.is_not(None))
    some = waiting.limit(limit).subquery()
    rows = session.execute(select(some.c.endpoint_id, func.count()).group_by(some.c.endpoint_id))
    return dict(iter(rows))


def delete_of(session: Session, endpoint_id: int) -> None:
    """Delete all events of an endpoint."""
    session.execute(
        delete(WebhookDeliveryRow)
        .where(WebhookDeliveryRow.endpoint_id == endpoint_id)
        .execution_options(synchronize_session=False)
    )


def forget(session: Session, before: datetime, limit: int) -> int:
    """Delete up to `limit` events from before an instant (UTC), the oldest first; returns how many."""
    old = select(WebhookDeliveryRow.id).where(WebhookDeliveryRow.created_at < before)
    oldest = old.order_by(WebhookDeliveryRow.created_at).limit(limit)
    return count(
        session.execute(
            delete(WebhookDeliveryRow)
            .where(WebhookDeliveryRow.id.in_(oldest))
            .execution_options(synchronize_session=False)
        )
    )


def _heads() -> Select[int]:
    earlier = aliased(WebhookDeliveryRow)
    waits_before = exists().where(
        and_(
            earlier.endpoint_id == WebhookDeliveryRow.endpoint_id,
            earlier.subscriber_id == WebhookDeliveryRow.subscriber_id,
            earlier.next_attempt_at.is_not(None),
            earlier.id < WebhookDeliveryRow.id,
        )
    )
    return (
        select(WebhookDeliveryRow.id)
        .where(
            WebhookDeliveryRow.endpoint_id == bindparam("endpoint"),
            WebhookDeliveryRow.next_attempt_at <= bindparam("now"),
            ~waits_before,
        )
        .order_by(WebhookDeliveryRow.next_attempt_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
