"""Stores feedback on lessons: whether it helped, and a remark."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.models import FeedbackRow
from rugcourse.db.queries import courses, learning

MAX_REMARK = 1000


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback on a lesson. `delivery_id`: the mail that a reader came from; None for an anonymous visitor."""

    lesson_id: int
    language: str
    helped: bool
    remark: str = ""
    delivery_id: int | None = None


def save_feedback(session: Session, now: datetime, feedback: Feedback) -> None:
    """Save feedback. It replaces earlier feedback on the same mail."""
    row = FeedbackRow(
        lesson_id=feedback.lesson_id,
        delivery_id=feedback.delivery_id,
        language=feedback.language,
        helped=feedback.helped,
        remark=_readable(feedback.remark),
        at=now,
    )
    learning.save_feedback(session, row)


def _readable(remark: str) -> str:
    """Remove characters that are not printable, and shorten the remark to `MAX_REMARK` characters."""
    kept = "".join(character for character in remark if character.isprintable() or character == "\n")
    return kept.strip()[:MAX_REMARK]


def count_reading(session: Session, lesson_id: int) -> int:
    """Count that somebody reads a lesson on the web; returns how often that was, this time included."""
    return courses.count_reading(session, lesson_id)


def readings(session: Session, lesson_id: int) -> int:
    """How often a lesson was read on the web."""
    return courses.read_count(session, lesson_id)
