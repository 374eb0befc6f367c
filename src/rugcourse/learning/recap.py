"""Chooses the recap: the missed question that opens a reader's next lesson."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content import Course, Lesson, Question
from rugcourse.content.languages import text_for
from rugcourse.db.queries import learning

RECAP_NUMBER = 15  # the number of the recap among the questions of a mail; quiz questions count from 0


@dataclass(frozen=True, slots=True)
class UpcomingLesson:
    """A lesson that is about to be sent to a reader."""

    subscriber_id: int
    course_id: int
    course: Course
    lesson: Lesson
    language: str


def due_recaps(session: Session, readings: Mapping[int, UpcomingLesson], now: datetime) -> dict[int, Question]:
    """Return the recap for each of the `readings`, by the same key, if there is one due."""
    missed: dict[tuple[int, int], list[str]] = defaultdict(list)
    for card in learning.missed_cards(session, {reading.subscriber_id for reading in readings.values()}, now):
        missed[card.subscriber_id, card.course_id].append(card.question)
    if not missed:
        return {}
    chosen = {
        key: choose(reading, missed[reading.subscriber_id, reading.course_id]) for key, reading in readings.items()
    }
    return {key: question for key, question in chosen.items() if question is not None}


def choose(reading: UpcomingLesson, missed: Sequence[str]) -> Question | None:
    """Return the first of the `missed` question ids that an earlier lesson of the current course asks, or None."""
    asked = {question.id: question for question in _earlier_questions(reading)}
    return next((asked[question] for question in missed if question in asked), None)


def find_question(course: Course, language: str, question: str) -> tuple[Lesson, Question] | None:
    """Return the question with this id and its lesson, in another language if the lesson no longer has this one."""
    for lesson in course.lessons:
        text = text_for(lesson.texts, language)
        for candidate in text.quiz:
            if candidate.id == question:
                return lesson, candidate
    return None


def _earlier_questions(reading: UpcomingLesson) -> Iterable[Question]:
    for lesson in reading.course.lessons:
        if lesson.number < reading.lesson.number:
            yield from text_for(lesson.texts, reading.language).quiz
