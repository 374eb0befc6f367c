"""Tables of subscribers: who they are, what they consented to, and when they want their lessons."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    String,
    Text,
    false,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId, check, new_stamp, one_of, partial_index
from rugcourse.db.models.values import SubscriberStatus


def _domain_of_email(context: DefaultExecutionContext) -> str:
    email: str = context.get_current_parameters()["email"]  # type: ignore[no-untyped-call]
    return email.rpartition("@")[2]


class SubscriberRow(Base):
    """A subscriber. `email` is normalised: two spellings of one mailbox are one row."""

    __tablename__ = "subscriber"
    # For prefix searches, which an index in the database's own collation can't serve.
    __table_args__ = (
        Index("ix_subscriber_beginning", "email", postgresql_ops={"email": "text_pattern_ops"}),
        # Rare statuses: the lists of them, and retention. A query repeats the condition word for word.
        partial_index("ix_subscriber_not_active", "status", "id", where="status <> 'active'"),
        Index("ix_subscriber_language", "language", "id"),
        partial_index("ix_subscriber_remind_at", "remind_at", where="remind_at IS NOT NULL"),
        one_of("status", SubscriberStatus),
        check("email", "email = lower(email) AND email LIKE '_%@_%'"),
        check("left", "status <> 'left' OR left_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # A random number that is in every link of the person, see `rugcourse.links`.
    security_stamp: Mapped[int] = mapped_column(BigInteger, default=new_stamp, server_default="0")
    email: Mapped[str] = mapped_column(String(254), unique=True)
    domain: Mapped[str] = mapped_column(String(253), default=_domain_of_email)  # of the address
    name: Mapped[str] = mapped_column(String(80), default="")
    language: Mapped[str] = mapped_column(String(5))
    status: Mapped[str] = mapped_column(String(12))
    tracking_consent: Mapped[bool] = mapped_column(default=False)  # may opens and clicks be measured
    news_consent: Mapped[bool] = mapped_column(default=False, server_default=false())  # consented to news
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]  # since when they have unsubscribed
    # A `rugcourse.enrolment.signup.PendingSignup`: anybody may have typed it, so it counts only after confirmation.
    pending_signup: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))
    remind_at: Mapped[datetime | None]  # when to look whether they confirmed, see `rugcourse.enrolment.reminders`
    links_revoked_at: Mapped[datetime | None]  # links of earlier mails are invalid: the reader closed them
    warned_at: Mapped[datetime | None]  # when they were warned of erasure for inactivity
    statistics_objected_at: Mapped[
        datetime | None
    ]  # since when they are excluded from comparisons and statistics (GDPR, Art. 21)
    tags_objected_at: Mapped[datetime | None]  # since when they may not be tagged, because they objected
    address_corrected_at: Mapped[datetime | None]  # when their address was corrected
    former_address_hash: Mapped[str | None] = mapped_column(String(64), index=True)  # a keyed hash of the one before


class AddressChangeRow(Base):
    """A requested change of a person's address. It takes effect when the owner of the new address confirms it.

    After an erasure only the request itself stays, to limit how often an address gets such mails. `secret`: a random
    number in the confirmation link. `email` is stored while that link works; None once it was used or ended, or if
    nothing may be sent. `address_hash`: a keyed hash of the address, for counting requests.
    """

    __tablename__ = "address_change"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"), index=True)
    secret: Mapped[int] = mapped_column(BigInteger, default=new_stamp)
    email: Mapped[str | None] = mapped_column(String(254))
    address_hash: Mapped[str] = mapped_column(String(64), index=True)
    requested_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class ConsentRow(Base):
    """A consent or its withdrawal: a history, never changed. See `rugcourse.enrolment.consents`.

    `wording` and `notice` name the text and the privacy notice that were shown; empty if there was none. `course_id`
    is None for all courses. `delivery_id` is the mail whose link led to the page.
    """

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    granted: Mapped[bool]
    text_name: Mapped[str] = mapped_column(String(40), index=True)
    notice_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    source: Mapped[str] = mapped_column(String(200))
    course_id: Mapped[int | None]
    delivery_id: Mapped[int | None] = mapped_column(BigId)
    at: Mapped[datetime]


class ConsentTextRow(Base):
    """A consent text or a privacy notice, as it was shown. `name` is derived from it. Never changed.

    A text from an import is deleted with the last person who consented to it.
    """

    __tablename__ = "consent_text"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    language: Mapped[str] = mapped_column(String(5))
    text: Mapped[str] = mapped_column(Text)


class ScheduleRow(Base):
    """When a person wants to get lessons, in their own time zone."""

    __tablename__ = "schedule"
    __table_args__ = (
        check("hour", "hour BETWEEN 0 AND 23"),
        check("weekdays", "weekdays BETWEEN 1 AND 127"),
        check("every_days", "every_days BETWEEN 1 AND 366"),
        check("paused", "paused OR paused_until IS NULL"),
    )

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    zone: Mapped[str] = mapped_column(String(64))
    hour: Mapped[int]
    weekdays: Mapped[int]  # bit 0 is Monday
    every_days: Mapped[int] = mapped_column(default=1, server_default="1")  # minimum number of days between two lessons
    paused: Mapped[bool] = mapped_column(default=False)
    paused_until: Mapped[datetime | None]


class TagRow(Base):
    """A tag of a person, set by admins."""

    __tablename__ = "subscriber_tag"
    __table_args__ = (
        Index("ix_subscriber_tag_tag", "tag", "subscriber_id"),  # a page of a tag's people, in the order of their ids
        check("tag", "tag = lower(tag) AND length(tag) > 0"),
    )

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(40), primary_key=True)


class SuppressionRow(Base):
    """A suppressed address, as a keyed hash: it outlives the erasure of the person."""

    __tablename__ = "suppression"

    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
