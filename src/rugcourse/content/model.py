"""The typed, immutable values of a course, the same whether they come from files or from the database."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from rugcourse.content.lesson_tags import without_lesson_tags
from rugcourse.content.markdown import UnknownTag, check_tags
from rugcourse.scheduling import DAILY, Cadence

INVISIBLE = {"Cc", "Co", "Cs", "Zl", "Zp"}  # Unicode categories that texts must not contain
SUBJECT_LIMIT = 50
PREHEADER_LIMIT = 90
OPTION_KEYS = "abcd"
SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"
SLUG_LIMIT = 60
MOST_READINGS = 12  # maximum of `further` in a lesson, in files and in the form
_PHONE = re.compile(r"^\+?[0-9](?:[ -]?[0-9]){1,19}$", re.ASCII)


def has_invisible(text: str) -> bool:
    """Whether a text contains control or private-use characters, other than line feeds and tabs."""
    return any(unicodedata.category(one) in INVISIBLE and one not in "\n\t" for one in text)


def without_invisible(text: str) -> str:
    """Remove the characters that `has_invisible` finds."""
    return text if text.isprintable() else "".join(one for one in text if one == "\r" or not has_invisible(one))


def _visible(text: str) -> str:
    if has_invisible(text):
        raise PydanticCustomError("invisible", "holds a control character or a private one; remove it")
    return text


def _sober(text: str) -> str:
    if "!" in text:
        raise PydanticCustomError("exclamation", "has an exclamation mark; say it calmly")
    if any(unicodedata.category(character) in {"So", "Cs"} for character in text):
        raise PydanticCustomError("symbol", "has an emoji or symbol; use words")
    return text


def _dialled(number: str) -> str:
    if not _PHONE.match(number):
        raise PydanticCustomError("phone", "must be a telephone number: digits, with single spaces or hyphens")
    return number


def _at_most(limit: int) -> Callable[[str], str]:
    """Return a check of the length of a line as readers see it: with a number in place of `{{ number }}`."""

    def check(text: str) -> str:
        if len(without_lesson_tags(text)) > limit:
            message = "String should have at most {max_length} characters"
            raise PydanticCustomError("string_too_long", message, {"max_length": limit})
        return text

    return check


_TEXT = StringConstraints(strip_whitespace=True, min_length=1, max_length=30_000)
_LINE = replace(_TEXT, max_length=400, pattern=r"^[^\r\n]*$")
Line = Annotated[str, _LINE, AfterValidator(_visible)]
Subject = Annotated[
    str, _LINE, AfterValidator(_at_most(SUBJECT_LIMIT)), AfterValidator(_visible), AfterValidator(_sober)
]
Preheader = Annotated[str, _LINE, AfterValidator(_at_most(PREHEADER_LIMIT)), AfterValidator(_visible)]
Body = Annotated[str, _TEXT, AfterValidator(_visible)]
Slug = Annotated[str, StringConstraints(pattern=f"^{SLUG}$", max_length=SLUG_LIMIT)]
WebAddress = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\"<>]+$", max_length=500)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Option(_Value):
    """One option of a question, and why it is right or wrong."""

    text: Line
    right: bool = False
    why: Line


class Question(_Value):
    """A question with three or four options (two for a statement in the test), of which one is right."""

    id: Slug
    question: Line
    options: tuple[Option, ...]

    @model_validator(mode="after")
    def _one_right(self) -> Self:
        right = sum(option.right for option in self.options)
        if right != 1:
            found = "none is" if right == 0 else f"{right} are"
            raise PydanticCustomError(
                "one_right",
                "question '{id}' needs exactly one option with `right: true`; {found}",
                {"id": self.id, "found": found},
            )
        return self

    @property
    def right_option(self) -> int:
        """The index of the right option, from 0."""
        return next(index for index, option in enumerate(self.options) if option.right)


class QuizQuestion(Question):
    """A question in a lesson. `safety`: a wrong answer could do harm, so its feedback is serious."""

    safety: bool = Field(
        default=False, exclude_if=lambda safety: not safety
    )  # so that lessons without it keep their hash
    options: tuple[Option, ...] = Field(min_length=3, max_length=4)


class TestQuestion(Question):
    """A question of the knowledge test, about one topic."""

    topic: Slug
    options: tuple[Option, ...] = Field(min_length=2, max_length=4)


class FurtherReading(_Value):
    """A reading suggestion. The link is optional: not everything worth reading has a lasting address."""

    title: Line
    summary: Line
    link: WebAddress | None = None


class LessonText(_Value):
    """A lesson in one language.

    `body` is Markdown. It may use `{{ first_name }}`, `{{ practice }}`, the tags of `content.lesson_tags`, and
    `{{ safety_notice }}` on its own line.
    """

    title: Line
    subject: Subject
    preheader: Preheader
    highlight: Line
    today: Line
    quiz: tuple[QuizQuestion, ...] = Field(min_length=1, max_length=2)
    further: tuple[FurtherReading, ...] = ()
    retest: bool = False
    body: Body


class Lesson(_Value):
    """One lesson of a course, in all its languages. `number` counts from 1."""

    number: int = Field(ge=1, le=999)
    slug: Slug
    texts: dict[str, LessonText]

    @property
    def content_hash(self) -> str:
        """The hash of the lesson: two lessons with the same hash are the same lesson version."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class MessageText(_Value):
    """A message in one language. `body` is Markdown, as in a lesson."""

    title: Line
    subject: Subject
    preheader: Preheader
    body: Body

    @model_validator(mode="after")
    def _tags_are_known(self) -> Self:
        try:
            check_tags(self.body)
        except UnknownTag as error:
            raise ValueError(f"line {error.line + 1}: {error}") from None
        return self


class Message(_Value):
    """The message of a broadcast, in each language that its readers may have."""

    texts: dict[str, MessageText] = Field(min_length=1)

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Tile(_Value):
    """A tile on the landing page: one topic, with a link to the lesson about it."""

    lesson: Slug
    title: Line
    line: Line


class CourseText(_Value):
    """The landing page in one language.

    `summary`: what readers will learn, line by line. `sample`: the slug of the sample lesson, by default the first.
    `sources`: the sources of the lessons. `cadence`: how often lessons come. `author`: the name in the settings of who
    wrote it; by default their first author. Both are the same in all languages.
    """

    title: Line
    tagline: Line
    summary: tuple[Line, ...] = Field(min_length=1, max_length=12)
    tiles: tuple[Tile, ...] = ()
    further: tuple[FurtherReading, ...] = ()
    sample: Slug | None = None
    sources: tuple[Line, ...] = ()
    cadence: Cadence = DAILY
    author: Slug | None = None
    body: Body


class KnowledgeTest(_Value):
    """The 2-minute test in one language.

    `topics`: the name of each topic on the result page. `surprise`: the fallback for the most-missed question, until
    enough people have taken the test.
    """

    title: Line
    topics: dict[Slug, Line]
    questions: tuple[TestQuestion, ...] = Field(min_length=2, max_length=20)
    surprise: Slug | None = None
    body: Body

    @model_validator(mode="after")
    def _topics_are_named(self) -> Self:
        unnamed = sorted({question.topic for question in self.questions} - set(self.topics))
        if unnamed:
            raise ValueError(f"the topic {unnamed[0]!r} of a question is missing under `topics`")
        return self

    @model_validator(mode="after")
    def _surprise_is_asked(self) -> Self:
        if self.surprise is not None and self.question(self.surprise) is None:
            raise ValueError(f"the question {self.surprise!r} under `surprise` is not in the test")
        return self

    def question(self, question_id: str) -> TestQuestion | None:
        return next((one for one in self.questions if one.id == question_id), None)


class Urgency(StrEnum):
    """How soon to get help. `SUPPORT` is for people who need to talk to somebody, day or night."""

    EMERGENCY = "emergency"
    NOW = "now"
    TODAY = "today"
    APPOINTMENT = "appointment"
    SUPPORT = "support"


class Level(_Value):
    """What to do, and the signs that call for it."""

    urgency: Urgency
    title: Line
    action: Line | None = None
    signs: tuple[Line, ...] = ()


class PhoneNumber(_Value):
    """A number to call. `levels`: the levels that show it."""

    label: Line
    number: Annotated[str, AfterValidator(_dialled)]
    levels: tuple[Urgency, ...] = Field(min_length=1)


class Reviewer(_Value):
    """The expert who has checked and signed a text."""

    name: Line
    role: Line | None = None


class Source(_Value):
    """A source of the safety notice."""

    title: Line
    year: int | None = Field(default=None, ge=1900, le=2100)
    link: WebAddress | None = None


class SafetyNotice(_Value):
    """When a reader has to get help, and where, in one language: for back pain its warning signs.

    `line` is in every mail; `link_text` is the text of the link behind it. `body` introduces the page that it leads to.
    `disclaimer` says what the course can't do, such as making a diagnosis. `numbers` is by country. `reviewed`: when
    the text was last checked against its sources. Without `reviewed_by` no expert has signed it, and readers see only
    its date.
    """

    title: Line
    line: Line
    link_text: Line | None = None
    disclaimer: Line | None = None
    levels: tuple[Level, ...] = ()
    numbers: dict[CountryCode, tuple[PhoneNumber, ...]] = Field(default_factory=dict)
    good_to_know: tuple[Line, ...] = ()
    reviewed: date | None = None
    reviewed_by: Reviewer | None = None
    sources: tuple[Source, ...] = ()
    body: Body

    @model_validator(mode="after")
    def _signature_has_a_date(self) -> Self:
        if self.reviewed_by is not None and self.reviewed is None:
            raise ValueError("`reviewed_by` needs `reviewed`, the date of the review")
        return self


class Course(_Value):
    """A complete course. Each dictionary is by language; the lessons are in order, numbered from 1.

    The knowledge test and the safety notice are optional: in all languages of the course, or in none.
    """

    slug: Slug
    texts: dict[str, CourseText]
    tests: dict[str, KnowledgeTest] = Field(default_factory=dict)
    safety_notices: dict[str, SafetyNotice] = Field(default_factory=dict)
    lessons: tuple[Lesson, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.texts)

    @property
    def cadence(self) -> Cadence:
        """How often lessons come. `find_inconsistencies` keeps it the same in all languages."""
        return next(iter(self.texts.values())).cadence

    @property
    def author(self) -> str | None:
        """The name of its author in the settings. `find_inconsistencies` keeps it the same in all languages."""
        return next(iter(self.texts.values())).author

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def unsigned_notices(self) -> tuple[str, ...]:
        """The languages in which no expert has signed the safety notice."""
        return tuple(language for language, notice in self.safety_notices.items() if notice.reviewed_by is None)

    def sample(self, language: str) -> Lesson:
        """Return the sample lesson: the one that `sample` names, or the first."""
        return self.lesson(self.texts[language].sample or "") or self.lessons[0]

    def lesson(self, slug: str) -> Lesson | None:
        return next((lesson for lesson in self.lessons if lesson.slug == slug), None)
