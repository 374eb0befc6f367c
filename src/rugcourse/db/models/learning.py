"""Tables of learning: answers, spaced repetition, knowledge tests, feedback."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId, JsonObject, partial_index


class AnswerRow(Base):
    """A person's answer to a question. The first one shows what they knew, the last one is the current one."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("subscriber_id", "course_id", "question"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    question: Mapped[str] = mapped_column(String(60))
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    lesson_version_id: Mapped[int] = mapped_column(ForeignKey("lesson_version.id"))
    first_option: Mapped[int]
    first_right: Mapped[bool]
    first_at: Mapped[datetime]
    last_option: Mapped[int]
    last_right: Mapped[bool]
    last_at: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(String(12))
    left_out: Mapped[bool] = mapped_column(default=False, server_default=false())  # its reader objected to statistics


class ReviewCardRow(Base):
    """What spaced repetition remembers of a question. `state` is the card as package `fsrs` writes it."""

    __tablename__ = "card"
    __table_args__ = (UniqueConstraint("subscriber_id", "course_id", "question"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    question: Mapped[str] = mapped_column(String(60))
    due_at: Mapped[datetime]
    missed: Mapped[bool]  # the last answer was wrong
    asked_in: Mapped[int] = mapped_column(ForeignKey("delivery.id"))  # the mail that asked it last
    reviewed_at: Mapped[datetime]
    state: Mapped[JsonObject]


class AssessmentAttemptRow(Base):
    """A completed knowledge test. It has no subscriber until the visitor signs up."""

    __tablename__ = "attempt"
    __table_args__ = (partial_index("ix_attempt_of_nobody", "at", where="subscriber_id IS NULL"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"), index=True)
    stage: Mapped[str] = mapped_column(String(8))
    options: Mapped[dict[str, int]]  # question id → index of the chosen option
    right: Mapped[int]
    asked: Mapped[int]
    at: Mapped[datetime]


class FeedbackRow(Base):
    """Feedback on a lesson. From a reader's own page it refers to a mail; from a visitor it is anonymous."""

    __tablename__ = "feedback"
    __table_args__ = (
        partial_index("uq_feedback_delivery_id", "delivery_id", where="delivery_id IS NOT NULL", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lesson_id: Mapped[int] = mapped_column(ForeignKey("lesson.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    language: Mapped[str] = mapped_column(String(5))
    helped: Mapped[bool]
    remark: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
