"""A reader's progress in a course: which lessons they got, and what they answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content import Lesson, Question
from rugcourse.content.languages import text_for
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import DeliveryState, EnrolmentRow, Verdict
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import deliveries, learning
from rugcourse.db.queries.learning import Answer


@dataclass(frozen=True, slots=True)
class Given:
    """A question and its stored answer, with the wording and correctness from when it was given."""

    question: str
    answer: str
    right: bool


@dataclass(frozen=True, slots=True)
class LessonProgress:
    """The progress of a reader in one lesson.

    `delivery_id` and `at` (UTC): the mail with the lesson, and when it was sent; None before that. `on_its_way`: it
    is planned. `missed`: it did not arrive. `asked`: its number of questions. `given`: the answers.
    """

    lesson: Lesson
    title: str
    delivery_id: int | None
    at: datetime | None
    on_its_way: bool
    missed: bool
    asked: int
    given: tuple[Given, ...]

    @property
    def right(self) -> int:
        return sum(one.right for one in self.given)


@dataclass(frozen=True, slots=True)
class CourseProgress:
    """The progress of a reader in a course. `upcoming`: the next lesson; None if there is none left."""

    lessons: tuple[LessonProgress, ...]
    upcoming: Lesson | None

    @property
    def come(self) -> int:
        return sum(one.delivery_id is not None for one in self.lessons)

    @property
    def answered(self) -> int:
        return sum(len(one.given) for one in self.lessons)

    @property
    def right(self) -> int:
        return sum(one.right for one in self.lessons)


def progress_of(
    session: Session,
    course_cache: CourseCache,
    published: PublishedCourse,
    language: str,
    enrolment: EnrolmentRow | None,
) -> CourseProgress:
    """Return the progress of a reader. Without an `enrolment` they are before the first lesson."""
    lessons, position = published.course.lessons, enrolment.next_position if enrolment else 1
    sent = {one.lesson_id: one for one in deliveries.lessons_sent(session, enrolment.id)} if enrolment else {}
    on_their_way = deliveries.lessons_planned(session, enrolment.id) if enrolment else set()
    failed = deliveries.lessons_not_arrived(session, enrolment.id) if enrolment else {}
    answers = {
        one.question: one
        for one in (learning.find_answers(session, [enrolment.subscriber_id]) if enrolment else [])
        if one.course_id == published.id and one.verdict != Verdict.MACHINE
    }

    def of(lesson: Lesson) -> LessonProgress:
        mail = sent.get(published.lesson_ids[lesson.slug])
        text = text_for(lesson.texts, language)
        on_its_way = published.lesson_ids[lesson.slug] in on_their_way
        return LessonProgress(
            lesson=lesson,
            title=text.title,
            delivery_id=mail.delivery_id if mail else None,
            at=mail.at if mail else None,
            on_its_way=on_its_way,
            missed=mail is None
            and not on_its_way
            and lesson.number < position
            and published.lesson_ids[lesson.slug] in failed,
            asked=len(text.quiz),
            given=tuple(given(one, answers[one.id]) for one in text.quiz if one.id in answers),
        )

    # A delivery that was cancelled before sending is planned again; other failed lessons are skipped.
    had = sent.keys() | on_their_way | {one for one, state in failed.items() if state != DeliveryState.CANCELLED}
    upcoming = next((one for one in lessons[position - 1 :] if published.lesson_ids[one.slug] not in had), None)

    def given(question: Question, answer: Answer) -> Given:
        wording = course_cache.version(session, answer.lesson_version_id)
        return Given(question.question, _chosen(_as_asked(wording, language, question), answer), answer.last_correct)

    return CourseProgress(tuple(of(one) for one in lessons), upcoming)


def _as_asked(wording: Lesson, language: str, question: Question) -> tuple[Question, ...]:
    """Return the wordings that an answer may be about: as first asked, and the current one."""
    text = text_for(wording.texts, language)
    return (*(one for one in text.quiz if one.id == question.id), question)


def _chosen(wordings: tuple[Question, ...], answer: Answer) -> str:
    """Return the option's text from the first wording in which it is as right as when it was chosen; may be empty.

    A recap may have been rewritten since the question was first asked.
    """
    options = (one.options[answer.last_option] for one in wordings if answer.last_option < len(one.options))
    return next((one.text for one in options if one.right == answer.last_correct), "")
