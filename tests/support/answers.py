"""Answers to the questions of lessons."""

from __future__ import annotations

from tests.support.builders import at_eight, lessons_to, plan, ref, send_all

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import DeliveryRow
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.answers import (
    AnswerResult,
    QuestionInMail,
    QuestionRef,
    SubmittedAnswer,
    find_questions,
    record_answers,
)


def next_lesson(runtime: Runtime, dispatcher: Dispatcher, email: str) -> DeliveryRow:
    at_eight(runtime, len(lessons_to(runtime, email)))
    plan(runtime)
    send_all(dispatcher)
    return lessons_to(runtime, email)[-1]


def asking_of(runtime: Runtime, delivery: DeliveryRow, number: int) -> QuestionInMail | None:
    with runtime.database.read() as session:
        return find_questions(
            session, runtime.course_cache, runtime.clock, [QuestionRef(ref(runtime, delivery.id), number)]
        )[0]


def answer_questions(runtime: Runtime, *presses: SubmittedAnswer) -> list[AnswerResult | None]:
    """In one transaction."""
    with runtime.database.write() as session:
        taken = record_answers(session, runtime.course_cache, runtime.clock, presses)
    return [one.answered if one else None for one in taken]


def answer_question(runtime: Runtime, delivery: DeliveryRow, number: int, *, right: bool) -> AnswerResult:
    asking = asking_of(runtime, delivery, number)
    assert asking is not None
    good = asking.question.right_option
    option = good if right else (good + 1) % len(asking.question.options)
    [answered] = answer_questions(runtime, SubmittedAnswer(QuestionRef(ref(runtime, delivery.id), number), option))
    assert answered is not None
    return answered
