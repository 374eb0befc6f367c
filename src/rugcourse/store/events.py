"""What happened to mails after they arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from rugcourse.store.tables import DeliveryRow, EventKind, EventRow, Verdict


def add_event(session: Session, event: EventRow) -> None:
    session.add(event)


def links_clicked_since(session: Session, delivery_id: int, since: datetime) -> int:
    """How many different links of a mail were fetched since an instant."""
    return session.scalars(
        select(func.count(EventRow.link.distinct())).where(
            EventRow.delivery_id == delivery_id, EventRow.kind == EventKind.CLICK, EventRow.at >= since
        )
    ).one()


def judge_clicks_since(session: Session, delivery_id: int, since: datetime, verdict: Verdict) -> None:
    session.execute(
        update(EventRow)
        .where(EventRow.delivery_id == delivery_id, EventRow.kind == EventKind.CLICK, EventRow.at >= since)
        .values(verdict=verdict)
        .execution_options(synchronize_session=False)
    )


def answers_since(session: Session, subscriber_id: int, since: datetime) -> int:
    """How often a person pressed an answer's button since an instant, over all their mails."""
    return session.scalars(
        select(func.count())
        .select_from(EventRow)
        .join(DeliveryRow, DeliveryRow.id == EventRow.delivery_id)
        .where(DeliveryRow.subscriber_id == subscriber_id, EventRow.kind == EventKind.ANSWER, EventRow.at >= since)
    ).one()


def of_delivery(session: Session, delivery_id: int) -> Sequence[EventRow]:
    return session.scalars(select(EventRow).where(EventRow.delivery_id == delivery_id).order_by(EventRow.id)).all()
