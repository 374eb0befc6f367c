"""A lesson while it is written, in its course: what it would be, also while it is not right yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rugcourse.authoring.fields import PLAIN, document_of
from rugcourse.authoring.merge import numbered
from rugcourse.content import Course, FurtherReading, Lesson, LessonText, Option
from rugcourse.content.model import QuizQuestion

_NOTHING = "…"


@dataclass(frozen=True)
class Manuscript:
    """`fields`: see `rugcourse.authoring.fields`. `place`: where it is to stand in its course, from 1."""

    course: Course
    slug: str
    place: int
    fields: Mapping[str, str]

    @cached_property
    def document(self) -> dict[str, Any]:
        return document_of(self.fields, self.slug, self.place, self.course.languages)

    @property
    def spoken(self) -> tuple[str, ...]:
        """The languages of which something is typed."""
        return tuple(self.document["texts"])

    def lesson(self) -> Lesson:
        """Raises ValidationError."""
        return Lesson.model_validate(self.document)

    def rough(self, language: str) -> Lesson:
        """Something to look at in one language, whatever is still missing or too long."""
        texts = {one: _rough_text(text) for one, text in self.document["texts"].items() if one == language}
        texts = texts or {language: _rough_text({})}
        return Lesson.model_construct(number=self.place, slug=self.slug, texts=texts)

    def course_with(self, lesson: Lesson) -> Course:
        """The course as it would be with this lesson in its place."""
        others = [one for one in self.course.lessons if one.slug != self.slug]
        at = min(max(self.place, 1), len(others) + 1) - 1
        lessons = numbered([*others[:at], lesson, *others[at:]])
        return self.course.model_copy(update={"lessons": lessons})


def _rough_text(text: Mapping[str, Any]) -> LessonText:
    return LessonText.model_construct(
        None,
        **{name: text.get(name) or _NOTHING for name in PLAIN},
        retest=bool(text.get("retest")),
        quiz=tuple(
            QuizQuestion.model_construct(
                id=one["id"],
                question=one["question"] or _NOTHING,
                safety=one["safety"],
                options=tuple(
                    Option.model_construct(text=option["text"] or _NOTHING, why=option["why"], right=option["right"])
                    for option in one["options"]
                ),
            )
            for one in text.get("quiz", ())
        ),
        further=tuple(
            FurtherReading.model_construct(title=one["title"] or _NOTHING, summary=one["summary"], link=one["link"])
            for one in text.get("further", ())
        ),
    )
