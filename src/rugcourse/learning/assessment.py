"""Stores completed knowledge tests, and computes what readers learned between the first and the second."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.content import KnowledgeTest
from rugcourse.db.models import AssessmentAttemptRow, Stage
from rugcourse.db.queries import learning, webhook_events
from rugcourse.errors import InvalidInput
from rugcourse.learning.scoring import TestResult, TopicResult, is_complete, score

# How long a visitor may take from the test to the signup, in wall-clock seconds.
ADOPTION_SECONDS = 24 * 3600.0


class IncompleteTest(InvalidInput):
    """Not every question was answered with an option that exists."""


@dataclass(frozen=True, slots=True)
class LearningGain:
    """A reader's first and second test, each scored over those of its questions that still exist.

    `before` is None if they never took the first. `learned`: how many more are right, of the questions in both.
    """

    before: TestResult | None
    after: TestResult
    learned: int

    def before_about(self, topic: str) -> TopicResult | None:
        """Return the result for a topic in the first test, or None if it had no question about it."""
        return next((one for one in self.before.topics if one.topic == topic), None) if self.before else None


def save_attempt(
    session: Session,
    now: datetime,
    course_id: int,
    test: KnowledgeTest,
    chosen: Mapping[str, int],
    subscriber_id: int | None = None,
) -> int:
    """Save a completed test and return its id. Raises IncompleteTest.

    With a subscriber it is the test after the course. Readers may repeat it: all attempts are kept, the newest counts.
    """
    if not is_complete(test, chosen):
        raise IncompleteTest
    attempt = AssessmentAttemptRow(
        course_id=course_id,
        subscriber_id=subscriber_id,
        stage=Stage.PRETEST if subscriber_id is None else Stage.POSTTEST,
        options=dict(chosen),
        correct=score(test, chosen).right,
        total=len(test.questions),
        at=now,
    )
    webhook_events.note_test(session, now, attempt)
    return learning.add_attempt(session, attempt)


def find_attempt(session: Session, attempt_id: int) -> AssessmentAttemptRow | None:
    """A test that somebody took, by its number."""
    return learning.find_attempt(session, attempt_id)


def adopt(session: Session, clock: Clock, attempt_id: int, subscriber_id: int, course_id: int) -> None:
    """Assign the test of a visitor to the subscriber they have become."""
    now = clock.now()
    oldest = now - clock.span(ADOPTION_SECONDS)
    learning.adopt_attempt(session, attempt_id, subscriber_id, course_id, oldest)


def gain_of(session: Session, subscriber_id: int, course_id: int, test: KnowledgeTest) -> LearningGain | None:
    """Return what a reader learned, or None if they have not taken the second test."""
    after = learning.last_attempt(session, subscriber_id, course_id, Stage.POSTTEST)
    if after is None:
        return None
    now = _score(test, after.options, after.options)
    before = learning.last_attempt(session, subscriber_id, course_id, Stage.PRETEST)
    then = _score(test, before.options, before.options) if before else None
    if before is None or then is None or not then.asked:
        return LearningGain(None, now, 0)
    both = before.options.keys() & after.options.keys()
    learned = _score(test, after.options, both).right - _score(test, before.options, both).right
    return LearningGain(then, now, learned)


def _score(test: KnowledgeTest, chosen: Mapping[str, int], asked: Container[str]) -> TestResult:
    """Score a stored test over the questions in `asked` that the current test still has."""
    questions = tuple(question for question in test.questions if question.id in asked)
    return score(test.model_copy(update={"questions": questions}), chosen)
