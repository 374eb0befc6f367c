"""Tags by which a lesson knows its place, so that moving it changes every subject and cross-reference.

`{{ number }}` and `{{ total }}` may stand in each text of a lesson but its title and its questions; in the body also
`{{ lesson:stress }}`, a link to the lesson with that slug, with its title as the text. They are filled in when a lesson
is rendered, with its place in the course at that moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rugcourse.content.model import Course, LessonText

_TAG = re.compile(r"\{\{[ \t]*(?:(number|total)|lesson:([a-z0-9-]{1,60}))[ \t]*\}\}")
TAGGED_LINES = ("subject", "preheader", "highlight", "today")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#&{}])")


class LessonPlace(NamedTuple):
    """Where a lesson stands, from 1, and in how many. `link` returns the address of the lesson with a slug."""

    number: int
    course: Course
    language: str
    link: Callable[[str], str]


def filled(text: LessonText, place: LessonPlace) -> LessonText:
    """Return a lesson's text with its tags filled in. A lesson that is gone is named by its slug, without a link."""

    def in_line(match: re.Match[str]) -> str:
        if match[2]:
            return match[0]
        return str(place.number if match[1] == "number" else len(place.course.lessons))

    def in_body(match: re.Match[str]) -> str:
        return _reference(match[2], place) if match[2] else in_line(match)

    changes = {name: _TAG.sub(in_line, getattr(text, name)) for name in TAGGED_LINES}
    return text.model_copy(update={**changes, "body": _TAG.sub(in_body, text.body)})


def without_lesson_tags(text: str) -> str:
    """Return a text as it is about to be read: with a number or a word in place of each tag."""
    return _TAG.sub(lambda match: match[2].replace("-", " ") if match[2] else "1", text)


_OTHER_LESSON = re.compile(r"\b(?:les|lesson|lektion) \d+\b", re.IGNORECASE)
# `Morgen` is the morning, too, in Dutch and German: only the clear cases count.
_RELATIVE_DAY = re.compile(
    r"\b(?:gisteren|overmorgen|yesterday|tomorrow|gestern|übermorgen)\b"
    r"|\bmorgen\b(?= (?:lees|gaat|krijg|volgt|komt|kijk|lesen|geht|kommt|folgt))",
    re.IGNORECASE,
)


def place_words(text: str) -> Iterator[str]:
    """Yield words that are wrong once lessons are moved, or for who gets one a week: `lesson 6`, `yesterday`."""
    yield from (match[0] for pattern in (_OTHER_LESSON, _RELATIVE_DAY) for match in pattern.finditer(text))


def unknown_lessons(body: str, slugs: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yield (line from 0, slug) of references to lessons that are not in the course."""
    for match in _TAG.finditer(body):
        if match[2] and match[2] not in slugs:
            yield body.count("\n", 0, match.start()), match[2]


def _reference(slug: str, place: LessonPlace) -> str:
    lesson = place.course.lesson(slug)
    text = lesson.texts.get(place.language) if lesson else None
    if text is None:
        return slug.replace("-", " ")
    title = _MARKDOWN.sub(r"\\\1", text.title)
    return f"[{title}]({place.link(slug)})"
