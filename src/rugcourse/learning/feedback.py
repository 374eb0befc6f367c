"""Stores feedback on lessons: whether it helped, and a remark."""

from __future__ import annotations

from dataclasses import dataclass

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import FeedbackRow
from rugcourse.db.queries import learning

MAX_REMARK = 1000


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback on a lesson. `delivery_id`: the mail that a reader came from; None for an anonymous visitor."""

    lesson_id: int
    language: str
    helped: bool
    remark: str = ""
    delivery_id: int | None = None


def save_feedback(database: Database, clock: Clock, feedback: Feedback) -> None:
    """Save feedback. It replaces earlier feedback on the same mail."""
    row = FeedbackRow(
        lesson_id=feedback.lesson_id,
        delivery_id=feedback.delivery_id,
        language=feedback.language,
        helped=feedback.helped,
        remark=_readable(feedback.remark),
        at=clock.now(),
    )
    with database.write() as session:
        learning.save_feedback(session, row)


def _readable(remark: str) -> str:
    """Remove characters that are not printable, and shorten the remark to `MAX_REMARK` characters."""
    kept = "".join(character for character in remark if character.isprintable() or character == "\n")
    return kept.strip()[:MAX_REMARK]
