"""A short course for the model: its lessons are told apart by their subjects, `Lesson <slug> <version>`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rugcourse.content import Course, Lesson, Message, load_courses
from rugcourse.scheduling import DAILY, Cadence

LANGUAGE = "nl"
SLUG = "model"
FIRST_LESSONS = ("ankle", "back", "chest")
LATER_LESSONS = ("elbow", "foot", "hand")
_LESSONS = Path(__file__).parents[2] / "lessons"


def course_of(lessons: list[tuple[str, int]], cadence: Cadence = DAILY) -> Course:
    """The course with these lessons: slug and version of each, in order."""
    frame = _frame()
    return frame.model_copy(
        update={
            "texts": {LANGUAGE: frame.texts[LANGUAGE].model_copy(update={"cadence": cadence})},
            "lessons": tuple(lesson(slug, version, number) for number, (slug, version) in enumerate(lessons, 1)),
        }
    )


@cache
def lesson(slug: str, version: int, number: int) -> Lesson:
    option = {"text": "Yes", "why": "It is so."}
    question = {"id": f"{slug}-1", "question": "Is it?", "options": [{**option, "right": True}, option, option]}
    text = {
        "title": f"Lesson {slug}",
        "subject": subject(slug, version),
        "preheader": "In short",
        "highlight": "This",
        "today": "That",
        "quiz": [question],
        "body": "A text.",
    }
    return Lesson.model_validate({"number": number, "slug": slug, "texts": {LANGUAGE: text}})


def subject(slug: str, version: int) -> str:
    return f"Lesson {slug} {version}"


def message(number: int) -> Message:
    """The message of a broadcast."""
    text = {"title": "News", "subject": f"Message {number}", "preheader": "In short", "body": "A text."}
    return Message.model_validate({"texts": {LANGUAGE: text}})


@cache
def _frame() -> Course:
    """The first shipped course in one language, without its lessons and what names them."""
    shipped = load_courses(_LESSONS)[0]
    text = shipped.texts[LANGUAGE].model_copy(update={"tiles": (), "sample": None})
    return shipped.model_copy(
        update={
            "slug": SLUG,
            "texts": {LANGUAGE: text},
            "tests": {LANGUAGE: shipped.tests[LANGUAGE]},
            "safety_notices": {LANGUAGE: shipped.safety_notices[LANGUAGE]},
        }
    )
