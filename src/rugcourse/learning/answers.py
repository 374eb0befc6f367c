"""Takes a reader's answer to a question from a mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.content import Lesson, Question
from rugcourse.learning.recaps import RECAP_NUMBER, find_question
from rugcourse.learning.spacing import CardState, review
from rugcourse.store import deliveries, events, learning, subscribers
from rugcourse.store.courses import PublishedCourse
from rugcourse.store.database import Database
from rugcourse.store.library import Library
from rugcourse.store.tables import (
    AnswerRow,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EventKind,
    EventRow,
    SubscriberRow,
    Verdict,
)

# Five presses within two seconds are a machine's: nobody reads that fast.
_BURST_SECONDS = 2.0
_BURST_PRESSES = 5


@dataclass(frozen=True, slots=True)
class Asking:
    """A question as one mail asked it. `number` is its place in the mail; `RECAP_NUMBER` for one that came back."""

    subscriber: SubscriberRow
    delivery: DeliveryRow
    published: PublishedCourse
    lesson: Lesson
    question: Question
    number: int
    language: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an answer. `option` is what stands now; `kept` is False when it came after the next lesson."""

    option: int
    right: bool
    kept: bool
    counted: bool
    answered: int
    answered_right: int


class NoSuchOption(Exception):
    """The question has no such option."""


def find_asking(session: Session, library: Library, delivery_id: int, number: int) -> Asking | None:
    """The question behind an answer link, as it was sent; None when there is none any more."""
    found = subscribers.by_delivery(session, delivery_id)
    if found is None or found[1].kind != DeliveryKind.LESSON or found[1].lesson_version_id is None:
        return None
    subscriber, delivery = found
    published = library.of_campaign(session, delivery.campaign_id)
    if published is None:
        return None
    lesson = library.version(session, found[1].lesson_version_id)
    language = delivery.language or subscriber.language
    if number == RECAP_NUMBER and delivery.recap_question is not None:
        recap = find_question(published.course, language, delivery.recap_question)
        return Asking(subscriber, delivery, published, *recap, number, language) if recap else None
    quiz = lesson.texts[language].quiz
    if number >= len(quiz):
        return None
    return Asking(subscriber, delivery, published, lesson, quiz[number], number, language)


def given_option(session: Session, asking: Asking) -> int | None:
    """What the reader answered to this question before, or None."""
    row = learning.find_answer(session, asking.subscriber.id, asking.published.id, asking.question.id)
    return row.last_option if row and row.verdict != Verdict.MACHINE else None


def record_answer(database: Database, clock: Clock, asking: Asking, option: int) -> Answered:
    """Keep an answer. Raises NoSuchOption.

    The first and the last answer are kept; it can be changed until the next lesson has gone out. What spaced
    repetition learns is the first press for each mail that asks: after it, the explanation has been seen.
    """
    if option not in range(len(asking.question.options)):
        raise NoSuchOption
    now = clock.now()
    with database.write() as session:
        delivery_id, person = asking.delivery.id, asking.subscriber.id
        locked = subscribers.by_delivery(session, delivery_id, lock=True)
        events.add_event(
            session,
            EventRow(delivery_id=delivery_id, kind=EventKind.ANSWER, link=option, verdict=Verdict.HUMAN, at=now),
        )
        if locked is not None and locked[1].state == DeliveryState.UNKNOWN:
            deliveries.settle_by_evidence(session, delivery_id, now)
        row = learning.find_answer(session, person, asking.published.id, asking.question.id)
        kept = row is None or row.verdict == Verdict.MACHINE or _may_change(session, asking)
        if kept:
            row = _keep(session, asking, row, option, now)
            _remember(session, asking, option, now)
        session.flush()
        since = now - clock.span(_BURST_SECONDS)
        counted = events.answers_since(session, person, since) < _BURST_PRESSES
        if not counted:
            learning.disbelieve(session, person, since)
        stands = row.last_option if row is not None else option
        answered, right = learning.tally(session, person, asking.published.id)
    return Answered(stands, stands == asking.question.right_option, kept, counted, answered, right)


def _may_change(session: Session, asking: Asking) -> bool:
    latest = deliveries.latest_lesson(session, asking.subscriber.id, asking.published.id)
    return latest is None or latest <= asking.delivery.id


def _keep(session: Session, asking: Asking, row: AnswerRow | None, option: int, now: datetime) -> AnswerRow:
    right = option == asking.question.right_option
    first = row is None or row.verdict == Verdict.MACHINE
    if row is None:
        row = AnswerRow(subscriber_id=asking.subscriber.id, course_id=asking.published.id, question=asking.question.id)
        session.add(row)
    if first:
        row.delivery_id = asking.delivery.id
        row.lesson_version_id = asking.delivery.lesson_version_id or 0
        row.first_option, row.first_right, row.first_at = option, right, now
        row.verdict = Verdict.HUMAN
    row.last_option, row.last_right, row.last_at = option, right, now
    return row


def _remember(session: Session, asking: Asking, option: int, now: datetime) -> None:
    card = learning.find_card(session, asking.subscriber.id, asking.published.id, asking.question.id)
    if card is not None and card.asked_in == asking.delivery.id:
        return
    right = option == asking.question.right_option
    state = review(CardState(card.due_at, card.state) if card else None, right=right, now=now)
    learning.save_card(
        session,
        {
            "subscriber_id": asking.subscriber.id,
            "course_id": asking.published.id,
            "question": asking.question.id,
            "due_at": state.due_at,
            "missed": not right,
            "asked_in": asking.delivery.id,
            "reviewed_at": now,
            "state": state.memory,
        },
    )
