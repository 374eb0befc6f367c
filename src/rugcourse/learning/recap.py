"""Which missed question opens a reader's next lesson."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content import Course, Lesson, Question
from rugcourse.db.queries import learning

RECAP_NUMBER = 15  # the place of the recap among a mail's questions; quizzes count from 0


@dataclass(frozen=True, slots=True)
class UpcomingLesson:
    """A lesson that is about to go to a person."""

    subscriber_id: int
    course_id: int
    course: Course
    lesson: Lesson
    language: str


def due_recaps(session: Session, readings: Mapping[int, UpcomingLesson], now: datetime) -> dict[int, Question]:
    """For each of the `readings`, by any key, the missed question that comes back in it, if there is one."""
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
    """The first of the `missed` ids that an earlier lesson of the course asks as it stands today."""
    asked = {question.id: question for question in _earlier_questions(reading)}
    return next((asked[question] for question in missed if question in asked), None)


def find_question(course: Course, language: str, question: str) -> tuple[Lesson, Question] | None:
    """The question with this id in any lesson of the course; in another language where it has this one no more."""
    for lesson in course.lessons:
        text = lesson.texts.get(language) or next(iter(lesson.texts.values()))
        for candidate in text.quiz:
            if candidate.id == question:
                return lesson, candidate
    return None


def _earlier_questions(reading: UpcomingLesson) -> Iterable[Question]:
    for lesson in reading.course.lessons:
        if lesson.number < reading.lesson.number:
            yield from lesson.texts[reading.language].quiz
