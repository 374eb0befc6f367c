"""Tables of the ledger and of sending. `rugcourse.delivery` describes the life cycle of a delivery."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    Double,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId, check, one_of, partial_index
from rugcourse.db.models.values import DeliveryQueue, DeliveryState, EventKind, Verdict


class DeliveryRow(Base):
    """One message to one person: a row of the ledger.

    A row is written three times. To keep this cheap, no index contains `state`: `not_before` is set exactly while a row
    is planned, and `lease` says what a worker holds. There are no foreign keys: checking them, and locking the rows
    they refer to, took three quarters of the time of an insert. The audit finds deliveries without a subscriber. Nor
    does any table refer to this one: as no index served those keys, erasing a person read all answers for each mail.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "lesson_id"),
        UniqueConstraint("enrolment_id", "local_date"),
        partial_index(
            "uq_delivery_idempotency_key", "idempotency_key", where="idempotency_key IS NOT NULL", unique=True
        ),
        partial_index("ix_delivery_planned", "queue", "not_before", where="not_before IS NOT NULL"),
        # Who is behind a number of a campaign: pages are skipped that hold nothing of it.
        Index(
            "ix_delivery_campaign",
            "campaign_id",
            "lesson_id",
            postgresql_using="brin",
            postgresql_ops={"campaign_id": "int4_bloom_ops", "lesson_id": "int4_bloom_ops"},
            postgresql_with={"pages_per_range": 32, "autosummarize": True},
        ).ddl_if(dialect="postgresql"),
        one_of("queue", DeliveryQueue),
        one_of("state", DeliveryState),
        check("planned", "(state = 'planned') = (not_before IS NOT NULL)"),
        check("submitting", "state <> 'submitting' OR (lease IS NOT NULL AND attempts > 0)"),
        check("settled", "state IN ('planned', 'submitting') OR settled_at IS NOT NULL"),
        check("lesson", "kind NOT IN ('lesson', 'broadcast') OR (enrolment_id IS NOT NULL AND lesson_id IS NOT NULL)"),
        {"postgresql_with": {"fillfactor": 60}},  # room for the next versions of a row on its page
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    queue: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(12))
    subscriber_id: Mapped[int] = mapped_column(BigId, index=True)
    campaign_id: Mapped[int | None]
    enrolment_id: Mapped[int | None] = mapped_column(BigId)
    lesson_id: Mapped[int | None]
    local_date: Mapped[date | None]
    idempotency_key: Mapped[str | None] = mapped_column(String(80))  # unique: makes sure that a mail is planned once
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
    smtp_response: Mapped[str | None] = mapped_column(Text)  # the mail server's reply, or why it was cancelled


class LeaseRow(Base):
    """The exclusive right of a worker to a batch of deliveries, until an instant."""

    __tablename__ = "lease"

    token: Mapped[str] = mapped_column(String(32), primary_key=True)
    expires_at: Mapped[datetime]
    delivery_ids: Mapped[list[int]]


class HoldRow(Base):
    """A hold on sending: `all`, `campaign:<id>` or `domain:<name>`. `until` None: until an admin releases it."""

    __tablename__ = "hold"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    consecutive: Mapped[int]  # how often in a row it was placed: it lasts longer each time


class RateLimitBucketRow(Base):
    """What is left of a rate limit: a token bucket, which refills over time up to its size."""

    __tablename__ = "rate_limit_bucket"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    tokens: Mapped[float] = mapped_column(Double)
    filled_at: Mapped[datetime]


class EmailEventRow(Base):
    """An email event: what a reader, a machine or a mail server did with a mail."""

    __tablename__ = "email_event"
    __table_args__ = (
        # Two, as SQLite uses a partial index only for a condition that a query repeats word for word.
        partial_index("ix_email_event_bounce", "at", where="kind = 'bounce'"),
        partial_index("ix_email_event_complaint", "at", where="kind = 'complaint'"),
        one_of("kind", EventKind),
        one_of("verdict", Verdict),
        partial_index("uq_email_event_first", "delivery_id", "kind", "verdict", where="is_first", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(BigId, index=True)  # no foreign key: see DeliveryRow
    kind: Mapped[str] = mapped_column(String(12))
    link: Mapped[int | None]
    verdict: Mapped[str] = mapped_column(String(12))
    is_first: Mapped[bool]  # the first of its kind and verdict for this mail, so that each mail counts once
    at: Mapped[datetime]
    report_hash: Mapped[str | None] = mapped_column(String(64))  # of a bounce: a keyed hash of its report's identity
