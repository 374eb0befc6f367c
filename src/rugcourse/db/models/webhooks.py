"""Tables of outgoing webhooks: endpoints of other systems, and what they are told (`rugcourse.outgoing_webhooks`)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId, JsonObject, check, one_of, partial_index


class WebhookEvent(StrEnum):
    """What another system can be told, by the names that it gets."""

    SUBSCRIBED = "subscriber.subscribed"  # signed up, and was asked to confirm
    CONFIRMED = "subscriber.confirmed"
    LESSON_ACCEPTED = "lesson.accepted"  # by the mail server
    ANSWERED = "question.answered"
    COMPLETED = "course.completed"  # the last lesson is planned
    UNSUBSCRIBED = "subscriber.unsubscribed"  # from everything
    BOUNCED = "email.bounced"
    COMPLAINED = "email.complained"
    TEST_TAKEN = "test.taken"  # the knowledge test


WEBHOOK_TEST = "webhook.test"  # the type of what an admin sends by hand: no endpoint can choose it


class WebhookState(StrEnum):
    WAITING = "waiting"  # for its first attempt or another one, or claimed
    ACCEPTED = "accepted"  # answered with 2xx
    FAILED = "failed"  # given up


class DisabledReason(StrEnum):
    """Why an endpoint is disabled. Empty while it is enabled."""

    NONE = ""
    ADMIN = "admin"
    GONE = "gone"  # it answered 410
    FAILING = "failing"  # it accepted nothing for days


class WebhookEndpointRow(Base):
    """A URL of another system that is told of events. `events`: their names, separated by spaces.

    The secrets are encrypted. `former_secret` signs as well, until an instant, so that a receiver can change over.
    `failures`: how many batches in a row were refused as a whole; `retry_at`: until when it is left alone after that.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        one_of("disabled_reason", DisabledReason),
        check("enabled", "is_enabled = (disabled_reason = '')"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(500))
    description: Mapped[str] = mapped_column(String(80))
    events: Mapped[str] = mapped_column(String(400))
    includes_email: Mapped[bool]
    is_enabled: Mapped[bool]
    disabled_reason: Mapped[str] = mapped_column(String(8))
    secret: Mapped[str] = mapped_column(String(300))
    former_secret: Mapped[str | None] = mapped_column(String(300))
    former_secret_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    failures: Mapped[int]
    retry_at: Mapped[datetime | None]


class WebhookDeliveryRow(Base):
    """An event for one endpoint. `data`: what it is told, without the address, which is added while sending.

    `next_attempt_at` is set exactly while it waits: from when it may be tried, or until when a worker holds it under a
    `lease`. No foreign keys, as in the ledger: it is written in the transactions of answers and of sending.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_endpoint", "endpoint_id", "id"),
        partial_index("ix_webhook_delivery_due", "endpoint_id", "next_attempt_at", where="next_attempt_at IS NOT NULL"),
        # Whether something earlier about the same person waits.
        partial_index(
            "ix_webhook_delivery_order", "endpoint_id", "subscriber_id", "id", where="next_attempt_at IS NOT NULL"
        ),
        one_of("state", WebhookState),
        check("waiting", "(state = 'waiting') = (next_attempt_at IS NOT NULL)"),
        check("settled", "(state = 'waiting') = (settled_at IS NULL)"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    endpoint_id: Mapped[int]
    subscriber_id: Mapped[int | None] = mapped_column(BigId, index=True)  # None: a test
    event: Mapped[str] = mapped_column(String(40))
    data: Mapped[JsonObject]
    state: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(index=True)
    next_attempt_at: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(32))
    attempts: Mapped[int]
    attempted_at: Mapped[datetime | None]
    status_code: Mapped[int | None]  # of the last answer
    reply: Mapped[str | None] = mapped_column(Text)  # its beginning, or why there was none
    settled_at: Mapped[datetime | None]
