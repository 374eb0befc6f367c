"""Checks that the parts of a course agree. The same rules apply to files and to the forms of the course editor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from rugcourse.content.lesson_tags import unknown_lessons
from rugcourse.content.model import CourseText, KnowledgeTest, LessonText, Question, QuizQuestion, SafetyNotice, Urgency
from rugcourse.content.safety_notice_tag import SAFETY_NOTICE_TAG, notice_line

NOTICE = "safety-notice"

Model = TypeVar("Model", bound=BaseModel)


class TextRef(NamedTuple):
    """One text of a course, whose file is `<stem>.<language>.md`.

    `stem` is `course`, `test`, `safety-notice`, or `02-slug` for a lesson.
    """

    stem: str
    language: str

    @property
    def slug(self) -> str:
        """The lesson's slug; empty if the text is not a lesson."""
        number, _, slug = self.stem.partition("-")
        return slug if number.isdecimal() else ""

    @property
    def file_name(self) -> str:
        return f"{self.stem}.{self.language}.md"


class Inconsistency(NamedTuple):
    """A place where two parts disagree. `field` is a path such as `("quiz", 0, "id")`; `kind` names the rule."""

    place: TextRef
    field: tuple[str | int, ...]
    kind: str
    message: str


def stem_of(number: int, slug: str) -> str:
    return f"{number:02}-{slug}"


def find_inconsistencies(
    texts: Mapping[str, CourseText],
    tests: Mapping[str, KnowledgeTest],
    notices: Mapping[str, SafetyNotice],
    lessons: Mapping[str, Mapping[str, LessonText]],
) -> list[Inconsistency]:
    """Return all inconsistencies of a course. Each mapping is by language; `lessons` is by stem, in order."""
    return [
        *_translations("test", tests, "questions", lambda test: test.questions),
        *_retests(tests, lessons),
        *(one for stem, lesson in lessons.items() for one in _translations(stem, lesson, "quiz", lambda it: it.quiz)),
        *_ids(tests, lessons),
        *_named_lessons(texts, {TextRef(stem, "").slug for stem in lessons}),
        *_levels(notices),
        *_numbers(notices),
        *_notice_tags(notices, lessons),
        *_references(lessons),
        *_same_order("course", "tiles", {one: [tile.lesson for tile in text.tiles] for one, text in texts.items()}),
        *_same_settings(texts),
        *_same_order("test", "topics", {one: list(test.topics) for one, test in tests.items()}),
    ]


def _translations(
    stem: str, parsed: Mapping[str, Model], field: str, questions: Callable[[Model], tuple[Question, ...]]
) -> Iterator[Inconsistency]:
    """Check that translations ask the same questions, with the same right option."""
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
                f"`{field}` differs from {TextRef(stem, first_language).file_name}: the ids, the number of options, "
                "the right option and `safety` must be the same in every language"
            )
            yield Inconsistency(TextRef(stem, language), (field, index), "differs", message)


def _shape(question: Question) -> tuple[str, int, int, bool]:
    safety = isinstance(question, QuizQuestion) and question.safety
    return question.id, question.right_option, len(question.options), safety


def _retests(
    tests: Mapping[str, KnowledgeTest], lessons: Mapping[str, Mapping[str, LessonText]]
) -> Iterator[Inconsistency]:
    for stem, texts in lessons.items():
        if not tests and any(text.retest for text in texts.values()):
            message = "`retest` invites to the knowledge test, and this course has none"
            yield Inconsistency(TextRef(stem, next(iter(texts))), ("retest",), "no-test", message)
        if len({text.retest for text in texts.values()}) > 1:
            place = TextRef(stem, next(iter(texts)))
            yield Inconsistency(place, ("retest",), "differs", "`retest` must be the same in every language")


def _ids(
    tests: Mapping[str, KnowledgeTest], lessons: Mapping[str, Mapping[str, LessonText]]
) -> Iterator[Inconsistency]:
    """Check that each question id is used once in the course."""
    seen: dict[str, str] = {}
    asked: list[tuple[TextRef, str, tuple[Question, ...]]] = [
        (TextRef("test", language), "questions", test.questions) for language, test in list(tests.items())[:1]
    ]
    for stem, texts in lessons.items():
        asked += [(TextRef(stem, language), "quiz", text.quiz) for language, text in list(texts.items())[:1]]
    for place, field, questions in asked:
        for index, question in enumerate(questions):
            if question.id in seen:
                message = f"the question id {question.id!r} is also used in {seen[question.id]}"
                yield Inconsistency(place, (field, index, "id"), "twice", message)
            seen.setdefault(question.id, place.file_name)


def _named_lessons(texts: Mapping[str, CourseText], slugs: set[str]) -> Iterator[Inconsistency]:
    for language, text in texts.items():
        place = TextRef("course", language)
        for index, tile in enumerate(text.tiles):
            if tile.lesson not in slugs:
                message = f"there is no lesson with the slug {tile.lesson!r}"
                yield Inconsistency(place, ("tiles", index, "lesson"), "no-lesson", message)
        if text.sample is not None and text.sample not in slugs:
            message = f"there is no lesson with the slug {text.sample!r}"
            yield Inconsistency(place, ("sample",), "no-lesson", message)


def _same_order(stem: str, field: str, names: Mapping[str, list[str]]) -> Iterator[Inconsistency]:
    """Check that translations have the same tiles or topics in the same order, as forms show them side by side."""
    for language, found in list(names.items())[1:]:
        first = next(iter(names))
        if found != names[first]:
            message = f"`{field}` must be the same, in the same order, as in {TextRef(stem, first).file_name}"
            yield Inconsistency(TextRef(stem, language), (field,), "differs", message)


def _same_settings(texts: Mapping[str, CourseText]) -> Iterator[Inconsistency]:
    """Check that translations say the same about how often lessons come."""
    for language, text in list(texts.items())[1:]:
        first = next(iter(texts))
        for name in ("cadence", "author"):
            if getattr(text, name) != getattr(texts[first], name):
                message = f"`{name}` must be the same as in {TextRef('course', first).file_name}"
                yield Inconsistency(TextRef("course", language), (name,), "differs", message)


def _references(lessons: Mapping[str, Mapping[str, LessonText]]) -> Iterator[Inconsistency]:
    """Check that `{{ lesson:… }}` names a lesson of the course."""
    slugs = {TextRef(stem, "").slug for stem in lessons}
    for stem, texts in lessons.items():
        for language, text in texts.items():
            for line, slug in unknown_lessons(text.body, slugs):
                message = f"there is no lesson with the slug {slug!r}"
                yield Inconsistency(TextRef(stem, language), ("body", line), "no-lesson", message)


def _levels(notices: Mapping[str, SafetyNotice]) -> Iterator[Inconsistency]:
    """Check that no translation lost a sign: the same number for each urgency, in the same order."""
    if not notices:
        return
    (first_language, first), *others = notices.items()
    expected = _level_shapes(first)
    for language, notice in others:
        found = _level_shapes(notice)
        if found != expected:
            index = next((i for i, (one, other) in enumerate(zip(found, expected, strict=False)) if one != other), 0)
            message = (
                f"`levels` differs from {TextRef(NOTICE, first_language).file_name}: the urgencies, their order and "
                "the number of signs must be the same in every language"
            )
            yield Inconsistency(TextRef(NOTICE, language), ("levels", index), "differs", message)


def _level_shapes(notice: SafetyNotice) -> list[tuple[Urgency, int]]:
    return [(level.urgency, len(level.signs)) for level in notice.levels]


def _numbers(notices: Mapping[str, SafetyNotice]) -> Iterator[Inconsistency]:
    """Check that each number belongs to an existing level, and that an emergency has a number to call."""
    for language, notice in notices.items():
        place, there = TextRef(NOTICE, language), {level.urgency for level in notice.levels}
        for country, numbers in notice.numbers.items():
            for index, number in enumerate(numbers):
                for urgency in number.levels:
                    if urgency not in there:
                        message = f"there is no level with the urgency `{urgency}`"
                        yield Inconsistency(place, ("numbers", country, index, "levels"), "no-level", message)
        named = {urgency for numbers in notice.numbers.values() for one in numbers for urgency in one.levels}
        if Urgency.EMERGENCY in there - named:
            index = next(i for i, level in enumerate(notice.levels) if level.urgency == Urgency.EMERGENCY)
            message = f"no number under `numbers` names the level `{Urgency.EMERGENCY}`"
            yield Inconsistency(place, ("levels", index), "no-number", message)


def _notice_tags(
    notices: Mapping[str, SafetyNotice], lessons: Mapping[str, Mapping[str, LessonText]]
) -> Iterator[Inconsistency]:
    """Check that a lesson shows the safety notice only if the course has any."""
    for stem, texts in lessons.items():
        for language, text in texts.items():
            line = notice_line(text.body)
            if line is not None and not (language in notices and notices[language].levels):
                file = TextRef(NOTICE, language).file_name
                message = f"{SAFETY_NOTICE_TAG} stands here, but there is no {file} with `levels`"
                yield Inconsistency(TextRef(stem, language), ("body", line), "no-notice", message)
