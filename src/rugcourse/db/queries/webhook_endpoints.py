"""Queries for endpoints of outgoing webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rugcourse.db.models import DisabledReason, WebhookEndpointRow
from rugcourse.db.queries import webhook_deliveries


def add(session: Session, row: WebhookEndpointRow) -> int:
    """Store an endpoint; returns its id."""
    session.add(row)
    session.flush()
    return row.id


def everything(session: Session) -> Sequence[WebhookEndpointRow]:
    """Return all endpoints, the oldest first."""
    return session.scalars(select(WebhookEndpointRow).order_by(WebhookEndpointRow.id)).all()


def find(session: Session, endpoint_id: int, *, lock: bool = False) -> WebhookEndpointRow | None:
    return session.get(WebhookEndpointRow, endpoint_id, with_for_update={"key_share": True} if lock else None)


def number_of(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(WebhookEndpointRow)) or 0


def remove(session: Session, row: WebhookEndpointRow) -> None:
    """Delete an endpoint, and what it was told or was to be told."""
    webhook_deliveries.delete_of(session, row.id)
    session.delete(row)


def disabled_by_themselves(session: Session) -> Sequence[WebhookEndpointRow]:
    """Return endpoints that were disabled as they accepted nothing any more."""
    reasons = (DisabledReason.GONE, DisabledReason.FAILING)
    query = select(WebhookEndpointRow).where(WebhookEndpointRow.disabled_reason.in_(reasons))
    return session.scalars(query.order_by(WebhookEndpointRow.id)).all()


def mark_success(row: WebhookEndpointRow) -> None:
    """It accepts events again."""
    row.failures, row.failing_since, row.retry_at = 0, None, None


def mark_failure(row: WebhookEndpointRow, now: datetime, retry_at: datetime) -> None:
    """It accepted nothing of a batch: it is left alone until `retry_at`."""
    row.failures += 1
    row.failing_since = row.failing_since or now
    row.retry_at = retry_at


def disable(row: WebhookEndpointRow, reason: DisabledReason) -> None:
    row.is_enabled, row.disabled_reason = False, reason
