"""A look at the first lesson for the page of a course: what visitors would find in their inbox."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rugcourse.content.lesson_tags import filled
from rugcourse.content.markdown import own_text
from rugcourse.content.model import Course, Lesson
from rugcourse.web.rendering import lesson_place

_LONGEST_OPENING = 180  # characters, which are some five lines on a phone


@dataclass(frozen=True, slots=True)
class LessonSample:
    """The beginning of a lesson as plain text. `options`: the answers of its first question, if it has one."""

    slug: str
    subject: str
    title: str
    opening: str
    question: str
    options: tuple[str, ...]


def lesson_sample(course: Course, language: str) -> LessonSample:
    """Return what the first lesson of a course begins with."""
    lesson: Lesson = course.lessons[0]
    text = filled(lesson.texts[language], lesson_place(course, lesson, language))
    question = text.quiz[0] if text.quiz else None
    return LessonSample(
        lesson.slug,
        text.subject,
        text.title,
        _opening(text.body),
        question.question if question else "",
        tuple(option.text for option in question.options) if question else (),
    )


@lru_cache(maxsize=256)
def _opening(body: str) -> str:
    """Return the first paragraph, cut at a word."""
    first = " ".join(own_text(body).split("\n\n", 1)[0].split())
    if len(first) <= _LONGEST_OPENING:
        return first
    return first[:_LONGEST_OPENING].rpartition(" ")[0] + " …"
