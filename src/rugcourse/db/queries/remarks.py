"""Queries for the remarks of readers and visitors on lessons, newest first.

Feedback without words is left out, by partial indexes: most of it has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, literal_column, select, tuple_
from sqlalchemy.orm import Session

from rugcourse.db.models import DeliveryRow, FeedbackRow, SubscriberRow

_HAS_WORDS = FeedbackRow.remark != literal_column("''")  # as in the index, or no plan would use it


class SavedRemark(NamedTuple):
    """A remark. `delivery_id`: the mail that its reader came from, None from the public page of a lesson.

    `subscriber_id` and `email`: None without a mail, and for somebody who is not known any more.
    """

    id: int
    lesson_id: int
    language: str
    helped: bool
    remark: str
    at: datetime
    delivery_id: int | None
    subscriber_id: int | None
    email: str | None


def newest(session: Session, lesson_id: int | None, before_id: int | None, limit: int) -> Sequence[SavedRemark]:
    """Return up to `limit` remarks, of one lesson or of all (None), older than the remark `before_id` if there is one.

    Raises nothing for a `before_id` that was deleted meanwhile: the newest are returned.
    """
    query = (
        select(
            FeedbackRow.id,
            FeedbackRow.lesson_id,
            FeedbackRow.language,
            FeedbackRow.helped,
            FeedbackRow.remark,
            FeedbackRow.at,
            FeedbackRow.delivery_id,
            SubscriberRow.id,
            SubscriberRow.email,
        )
        .outerjoin(DeliveryRow, DeliveryRow.id == FeedbackRow.delivery_id)
        .outerjoin(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(_HAS_WORDS)
        .order_by(FeedbackRow.at.desc(), FeedbackRow.id.desc())
        .limit(limit)
    )
    if lesson_id is not None:
        query = query.where(FeedbackRow.lesson_id == lesson_id)
    at = session.scalar(select(FeedbackRow.at).where(FeedbackRow.id == before_id)) if before_id else None
    if at is not None:
        query = query.where(tuple_(FeedbackRow.at, FeedbackRow.id) < (at, before_id))
    return [SavedRemark(*row) for row in session.execute(query)]


def count_since(session: Session, since: datetime, most: int) -> int:
    """Count the remarks since an instant, at most `most`."""
    found = select(FeedbackRow.id).where(_HAS_WORDS, FeedbackRow.at >= since).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0
