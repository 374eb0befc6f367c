"""Finds a real reader for the preview of a lesson."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content import Question
from rugcourse.db.queries import subscribers
from rugcourse.enrolment.signup import normalise_email
from rugcourse.learning.recap import UpcomingLesson, due_recaps


def sample_reader(
    session: Session, now: datetime, typed: str, upcoming: UpcomingLesson
) -> tuple[str, Question | None] | None:
    """Return the name of the reader with an address, and the question that would be their recap in a lesson.

    Returns None if there is no such reader. `upcoming`: the lesson; its `subscriber_id` is ignored.
    """
    person = subscribers.by_email(session, normalise_email(typed) or "")
    if person is None:
        return None
    return person.name, due_recaps(session, {0: replace(upcoming, subscriber_id=person.id)}, now).get(0)
