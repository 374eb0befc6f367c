"""What must agree between the parts of a course: the same rules for files and for what is typed in the admin pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from rugcourse.content.model import CourseText, KnowledgeTest, LessonText, Question

Model = TypeVar("Model", bound=BaseModel)


class Place(NamedTuple):
    """One text of a course. `stem`: `course`, `test`, or a lesson's `02-slug`; its file is `<stem>.<language>.md`."""

    stem: str
    language: str

    @property
    def slug(self) -> str:
        """The lesson's; empty for the course and its test."""
        return self.stem.partition("-")[2]

    @property
    def file_name(self) -> str:
        return f"{self.stem}.{self.language}.md"


class Disagreement(NamedTuple):
    """Where two parts disagree. `field`: such as `("quiz", 0, "id")`; `kind` names the rule."""

    place: Place
    field: tuple[str | int, ...]
    kind: str
    message: str


def stem_of(number: int, slug: str) -> str:
    return f"{number:02}-{slug}"


def disagreements(
    texts: Mapping[str, CourseText],
    tests: Mapping[str, KnowledgeTest],
    lessons: Mapping[str, Mapping[str, LessonText]],
) -> list[Disagreement]:
    """All of them. Each mapping is by language; `lessons` by stem, in order."""
    return [
        *_translations("test", tests, "questions", lambda test: test.questions),
        *_retests(lessons),
        *(one for stem, lesson in lessons.items() for one in _translations(stem, lesson, "quiz", lambda it: it.quiz)),
        *_ids(tests, lessons),
        *_named_lessons(texts, {Place(stem, "").slug for stem in lessons}),
    ]


def _translations(
    stem: str, parsed: Mapping[str, Model], field: str, questions: Callable[[Model], tuple[Question, ...]]
) -> Iterator[Disagreement]:
    """Translations ask the same questions, with the same right option."""
    if not parsed:
        return
    (first_language, first), *others = parsed.items()
    expected = [_shape(question) for question in questions(first)]
    for language, model in others:
        found = [_shape(question) for question in questions(model)]
        if found != expected:
            pairs = zip(found, expected, strict=False)
            index = next((i for i, (one, other) in enumerate(pairs) if one != other), 0)
            message = (
                f"`{field}` differs from {Place(stem, first_language).file_name}: the ids, the number of options "
                "and the right option must be the same in every language"
            )
            yield Disagreement(Place(stem, language), (field, index), "differs", message)


def _shape(question: Question) -> tuple[str, int, int]:
    return question.id, question.right_option, len(question.options)


def _retests(lessons: Mapping[str, Mapping[str, LessonText]]) -> Iterator[Disagreement]:
    for stem, texts in lessons.items():
        if len({text.retest for text in texts.values()}) > 1:
            place = Place(stem, next(iter(texts)))
            yield Disagreement(place, ("retest",), "differs", "`retest` must be the same in every language")


def _ids(tests: Mapping[str, KnowledgeTest], lessons: Mapping[str, Mapping[str, LessonText]]) -> Iterator[Disagreement]:
    """An id is used once in the course."""
    seen: dict[str, str] = {}
    asked: list[tuple[Place, str, tuple[Question, ...]]] = [
        (Place("test", language), "questions", test.questions) for language, test in list(tests.items())[:1]
    ]
    for stem, texts in lessons.items():
        asked += [(Place(stem, language), "quiz", text.quiz) for language, text in list(texts.items())[:1]]
    for place, field, questions in asked:
        for index, question in enumerate(questions):
            if question.id in seen:
                message = f"the question id {question.id!r} is also used in {seen[question.id]}"
                yield Disagreement(place, (field, index, "id"), "twice", message)
            seen.setdefault(question.id, place.file_name)


def _named_lessons(texts: Mapping[str, CourseText], slugs: set[str]) -> Iterator[Disagreement]:
    for language, text in texts.items():
        place = Place("course", language)
        for index, tile in enumerate(text.tiles):
            if tile.lesson not in slugs:
                message = f"there is no lesson with the slug {tile.lesson!r}"
                yield Disagreement(place, ("tiles", index, "lesson"), "no-lesson", message)
        if text.sample is not None and text.sample not in slugs:
            message = f"there is no lesson with the slug {text.sample!r}"
            yield Disagreement(place, ("sample",), "no-lesson", message)
