"""Tables of learning: answers, spaced repetition, knowledge tests, feedback."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId, JsonObject, check, one_of, partial_index
from rugcourse.db.models.values import Stage, Verdict


class AnswerRow(Base):
    """A person's answer to a question. The first one shows what they knew, the last one is the current one."""

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("subscriber_id", "course_id", "question"),
        one_of("verdict", Verdict),
        check("order", "last_at >= first_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    question: Mapped[str] = mapped_column(String(60))
    delivery_id: Mapped[int] = mapped_column(BigId)
    lesson_version_id: Mapped[int] = mapped_column(ForeignKey("lesson_version.id"))
    first_option: Mapped[int]
    first_correct: Mapped[bool]
    first_at: Mapped[datetime]
    last_option: Mapped[int]
    last_correct: Mapped[bool]
    last_at: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(String(12))
    is_excluded: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # its reader objected to statistics


class ReviewCardRow(Base):
    """What spaced repetition remembers of a question. `state` is the card as package `fsrs` writes it."""

    __tablename__ = "review_card"
    __table_args__ = (UniqueConstraint("subscriber_id", "course_id", "question"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    question: Mapped[str] = mapped_column(String(60))
    due_at: Mapped[datetime]
    missed: Mapped[bool]  # the last answer was wrong
    last_delivery_id: Mapped[int] = mapped_column(BigId)  # the mail that asked it last
    reviewed_at: Mapped[datetime]
    state: Mapped[JsonObject]


class AssessmentAttemptRow(Base):
    """A completed knowledge test. It has no subscriber until the visitor signs up."""

    __tablename__ = "assessment_attempt"
    __table_args__ = (
        partial_index("ix_assessment_attempt_anonymous", "at", where="subscriber_id IS NULL"),
        # The newest of each person before and after the course, for the learning gain.
        Index("ix_assessment_attempt_newest", "subscriber_id", "course_id", "stage", "id"),
        one_of("stage", Stage),
        check("correct", "correct BETWEEN 0 AND total AND total > 0"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"))
    stage: Mapped[str] = mapped_column(String(8))
    options: Mapped[dict[str, int]]  # question id → index of the chosen option
    correct: Mapped[int]
    total: Mapped[int]
    at: Mapped[datetime]


class FeedbackRow(Base):
    """Feedback on a lesson. From a reader's own page it refers to a mail; from a visitor it is anonymous."""

    __tablename__ = "feedback"
    __table_args__ = (
        partial_index("uq_feedback_delivery_id", "delivery_id", where="delivery_id IS NOT NULL", unique=True),
        # The newest remarks, of all lessons and of one.
        partial_index("ix_feedback_remark", "at", "id", where="remark <> ''"),
        partial_index("ix_feedback_lesson_remark", "lesson_id", "at", "id", where="remark <> ''"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lesson_id: Mapped[int] = mapped_column(ForeignKey("lesson.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(BigId)
    language: Mapped[str] = mapped_column(String(5))
    helped: Mapped[bool]
    remark: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
