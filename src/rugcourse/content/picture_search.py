"""Finds the pictures of texts, as the renderer sees them: whatever a reader is shown is found.

Markdown knows many spellings of an address (references, entities, escapes), so texts are parsed and not searched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from markdown_it.token import Token

from rugcourse.content.lesson_tags import without_lesson_tags
from rugcourse.content.markdown import UnknownTag, parse, parse_blocks, walk
from rugcourse.content.safety_notice_tag import split_at_notice
from rugcourse.pictures.reference import PictureRef, parse_reference

if TYPE_CHECKING:
    from rugcourse.content.model import Course

IMAGE = "!["  # every image begins with it, in whatever way its address is spelled


def pictures_in(text: str) -> list[PictureRef]:
    """Return the pictures that a Markdown text shows, each once. One in a line of code is none."""
    if IMAGE not in text:
        return []
    pieces = split_at_notice(without_lesson_tags(text))
    found = (_picture(token) for piece in pieces for token in walk(_parsed(piece)))
    return list(dict.fromkeys(one for one in found if one is not None))


def pictures_in_document(document: object) -> list[PictureRef]:
    """Return the pictures of the texts in a document as JSON keeps it, each once, and those that it names alone."""
    found: dict[PictureRef, None] = {}
    for text in _texts_in(document):
        named = parse_reference(text)
        found.update(dict.fromkeys(pictures_in(text) if named is None else [named]))
    return list(found)


def pictures_of(course: Course) -> list[PictureRef]:
    """Return the pictures of a course, each once."""
    return list(dict.fromkeys(ref for body in bodies_of(course) for ref in pictures_in(body)))


def bodies_of(course: Course) -> Iterator[str]:
    """Yield the Markdown texts of a course."""
    for texts in (course.texts, course.tests, course.safety_notices):
        yield from (one.body for one in texts.values())
    for lesson in course.lessons:
        yield from (one.body for one in lesson.texts.values())


def _parsed(text: str) -> list[Token]:
    try:
        return parse(text)
    except UnknownTag:  # a draft that can't be published yet
        return parse_blocks(text)


def _picture(token: Token) -> PictureRef | None:
    return parse_reference(str(token.attrs["src"])) if token.type == "image" else None


def _texts_in(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for one in document.values():
            yield from _texts_in(one)
    elif isinstance(document, list | tuple):
        for one in document:
            yield from _texts_in(one)
