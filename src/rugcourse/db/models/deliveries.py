"""Tables of the ledger and of sending. `rugcourse.delivery` describes the life cycle of a delivery."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    Double,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId, partial_index


class DeliveryRow(Base):
    """One message to one person: a row of the ledger.

    A row is written three times. To keep this cheap, no index contains `state`: `not_before` is set exactly while a row
    is planned, and `lease` says what a worker holds. There are no foreign keys: checking them, and locking the rows
    they refer to, took three quarters of the time of an insert. The audit finds deliveries without a subscriber.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "lesson_id"),
        UniqueConstraint("enrolment_id", "local_date"),
        partial_index("uq_delivery_once_key", "once_key", where="once_key IS NOT NULL", unique=True),
        partial_index("ix_delivery_planned", "queue", "not_before", where="not_before IS NOT NULL"),
        {"postgresql_with": {"fillfactor": 60}},  # room for the next versions of a row on its page
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    queue: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12))
    subscriber_id: Mapped[int] = mapped_column(BigId, index=True)
    campaign_id: Mapped[int | None]
    enrolment_id: Mapped[int | None] = mapped_column(BigId)
    lesson_id: Mapped[int | None]
    local_date: Mapped[date | None]
    once_key: Mapped[str | None] = mapped_column(String(80))  # unique: makes sure that a mail is planned once
    planned_at: Mapped[datetime]
    not_before: Mapped[datetime | None]  # while planned: from when it may go out
    send_by: Mapped[datetime | None]  # of a lesson: when its send window ends
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(32))  # under which it was last claimed
    lesson_version_id: Mapped[int | None]
    language: Mapped[str | None] = mapped_column(String(5))
    recap_question: Mapped[str | None] = mapped_column(String(60))  # the question id of the recap in this mail
    message_id: Mapped[str | None] = mapped_column(String(120))
    settled_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(Text)  # the mail server's reply, or why it was cancelled


class LeaseRow(Base):
    """The exclusive right of a worker to a batch of deliveries, until an instant."""

    __tablename__ = "lease"

    token: Mapped[str] = mapped_column(String(32), primary_key=True)
    until: Mapped[datetime]
    deliveries: Mapped[list[int]]


class HoldRow(Base):
    """A hold on sending: `all`, `campaign:<id>` or `domain:<name>`. `until` None: until an admin releases it."""

    __tablename__ = "hold"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    times: Mapped[int]  # how often in a row it was placed: it lasts longer each time


class RateLimitBucketRow(Base):
    """What is left of a rate limit: a token bucket, which refills over time up to its size."""

    __tablename__ = "bucket"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    tokens: Mapped[float] = mapped_column(Double)
    filled_at: Mapped[datetime]


class EmailEventRow(Base):
    """An email event: what a reader, a machine or a mail server did with a mail."""

    __tablename__ = "event"
    __table_args__ = (
        partial_index("ix_event_bounce", "kind", "at", where="kind IN ('bounce', 'complaint')"),
        partial_index("uq_event_first", "delivery_id", "kind", "verdict", where="first", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    link: Mapped[int | None]
    verdict: Mapped[str] = mapped_column(String(12))
    first: Mapped[bool]  # the first of its kind and verdict for this mail, so that each mail counts once
    at: Mapped[datetime]
    report: Mapped[str | None] = mapped_column(String(64))  # of a bounce: a keyed hash of its report's identity
