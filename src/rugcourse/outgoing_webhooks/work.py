"""Whether there is anything to tell. Loads nothing but queries, as most installations have no endpoints."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.queries import webhook_deliveries


def has_work(session: Session, now: datetime) -> bool:
    """Whether an event is due for an enabled endpoint. Cheap."""
    return bool(webhook_deliveries.endpoints_with_work(session, now))
