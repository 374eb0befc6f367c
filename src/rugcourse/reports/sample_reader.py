"""A real reader, to see a lesson as they would get it."""

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
    """The name of a reader by their address, and the missed question that would come back in a lesson.

    None where there is no such reader. `upcoming`: the lesson; whose it is does not matter.
    """
    person = subscribers.by_email(session, normalise_email(typed) or "")
    if person is None:
        return None
    return person.name, due_recaps(session, {0: replace(upcoming, subscriber_id=person.id)}, now).get(0)
