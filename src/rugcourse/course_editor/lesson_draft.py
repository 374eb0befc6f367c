"""A draft of a lesson in its course, which may be invalid or incomplete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from rugcourse.content import Course, FurtherReading, Lesson, LessonText, Option
from rugcourse.content.model import CourseText, QuizQuestion
from rugcourse.course_editor.form_fields import PLAIN, document_of
from rugcourse.course_editor.lesson_source import LessonSource
from rugcourse.course_editor.merge import numbered

_NOTHING = "…"


@dataclass(frozen=True)
class LessonDraft:
    """A draft. `fields`: see `rugcourse.course_editor.form_fields`. `place`: its new position in the course, from 1.

    `written_in`: the languages that the course is written in, published or not; by default those of `course`. `titles`:
    the titles of the course's page in them, as far as it has any, for previews. `source`: the part of an article that
    it is made from. `unpublished`: slug → fields of all lessons of a course that was never published, in their order:
    a preview shows the lesson in its place among them.
    """

    course: Course
    slug: str
    place: int
    fields: Mapping[str, str]
    written_in: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    source: LessonSource | None = None
    unpublished: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def all_languages(self) -> tuple[str, ...]:
        return self.written_in or self.course.languages

    @property
    def behind(self) -> str | None:
        """The slug of the lesson that it should follow, empty for the first position; None if it does not move."""
        others = [one.slug for one in self.course.lessons if one.slug != self.slug]
        if self.place == _own_position(self.course, self.slug):
            return None
        return others[min(self.place - 1, len(others)) - 1] if self.place > 1 and others else ""

    def in_course(self, course: Course) -> LessonDraft:
        """Return the draft in the current version of its course, at its position or after the lesson `behind`."""
        return replace(self, course=course, place=position_after(course, self.slug, self.behind))

    @cached_property
    def document(self) -> dict[str, Any]:
        return document_of(self.fields, self.slug, self.place, self.all_languages)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that are not empty."""
        return tuple(self.document["texts"])

    def lesson(self) -> Lesson:
        """Return the lesson, in the languages of the published course. Raises ValidationError when it is invalid.

        In others it may be half written. If the course was never published, all languages count.
        """
        languages = self.course.languages or self.all_languages
        return Lesson.model_validate(document_of(self.fields, self.slug, self.place, languages))

    @property
    def has_other_languages(self) -> bool:
        """Whether it is written in a language in which the course is not published."""
        return any(one not in self.course.languages for one in self.languages)

    def lenient_lesson(self, language: str) -> Lesson:
        """Return a lesson for a preview in one language, even if fields are missing or too long."""
        texts = {one: _lenient_text(text) for one, text in self.document["texts"].items() if one == language}
        texts = texts or {language: _lenient_text({})}
        return Lesson.model_construct(number=self.place, slug=self.slug, texts=texts)

    def preview_course(self, lesson: Lesson, language: str) -> Course:
        """Return the course with this lesson for a preview, even if the course has no page in this language yet."""
        course = replace(self, course=self._whole_course(language)).course_with(lesson)
        if language in course.texts:
            return course
        title = self.titles.get(language) or _NOTHING
        page = CourseText.model_construct(title=title, tagline=_NOTHING, summary=(), body=_NOTHING)
        return course.model_copy(update={"texts": {**course.texts, language: page}})

    def _whole_course(self, language: str) -> Course:
        """Return the course with the drafts of all its lessons if it was never published, else as it is published."""
        if self.course.lessons:
            return self.course
        drafts = [
            replace(self, slug=slug, place=place, fields=fields).lenient_lesson(language)
            for place, (slug, fields) in enumerate(self.unpublished.items(), 1)
        ]
        return self.course.model_copy(update={"lessons": tuple(drafts)})

    def course_with(self, lesson: Lesson) -> Course:
        """Return the course with this lesson at its position."""
        others = [one for one in self.course.lessons if one.slug != self.slug]
        at = min(max(self.place, 1), len(others) + 1) - 1
        lessons = numbered([*others[:at], lesson, *others[at:]])
        return self.course.model_copy(update={"lessons": lessons})


def position_after(course: Course, slug: str, behind: str | None) -> int:
    """Return the position of a lesson after the lesson `behind`, from 1; see `LessonDraft.behind`.

    If that lesson is gone, returns the current position, or the last one for a new lesson.
    """
    others = [one.slug for one in course.lessons if one.slug != slug]
    if behind == "":
        return 1
    if behind in others:
        return others.index(behind) + 2
    return _own_position(course, slug) or len(others) + 1


def _own_position(course: Course, slug: str) -> int | None:
    lesson = course.lesson(slug)
    return lesson.number if lesson else None


def _lenient_text(text: Mapping[str, Any]) -> LessonText:
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
