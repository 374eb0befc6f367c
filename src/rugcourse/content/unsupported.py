"""Finds Markdown that mails do not support: pictures from elsewhere, HTML and empty headings.

Readers would see a broken picture or code, and a screen reader would announce a picture or heading without text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rugcourse.content.picture_tags import DECORATIVE, alt_of, picture_in
from rugcourse.pictures.reference import FOLDER, parse_reference

_SHOWN = 60  # maximum characters of an excerpt


class UnsupportedKind(StrEnum):
    PICTURE = "picture"  # from elsewhere
    PICTURE_MISSING = "picture-missing"
    PICTURE_ALT = "picture-alt"
    PICTURE_TITLE = "picture-title"
    PICTURE_PLACE = "picture-place"
    HTML = "html"
    EMPTY_HEADING = "empty-heading"


_MESSAGES = {
    UnsupportedKind.PICTURE: "a picture of another site can't be used: that site would see who reads this. Put a copy "
    f"into the folder `{FOLDER}` of the course, or remove {{}}",
    UnsupportedKind.PICTURE_MISSING: f"this picture is not in the folder `{FOLDER}` of the course: {{}}",
    UnsupportedKind.PICTURE_ALT: "say between the square brackets what the picture shows, for who can't see it, or "
    f'write "{DECORATIVE}" behind its address if it says nothing: {{}}',
    UnsupportedKind.PICTURE_TITLE: f'a picture has no title besides "{DECORATIVE}", and that only without words '
    "between the square brackets; write below it what is to stand there: {}",
    UnsupportedKind.PICTURE_PLACE: "a picture stands alone, with an empty line before and after it: {}",
    UnsupportedKind.EMPTY_HEADING: "a heading without words; write what it is about, or remove the #",
    UnsupportedKind.HTML: "HTML can't be used; remove {} or write it as Markdown",
}


class Unsupported(NamedTuple):
    """One unsupported element. `line` counts from 0; `text` is its beginning."""

    kind: UnsupportedKind
    line: int
    text: str

    @property
    def message(self) -> str:
        return _MESSAGES[self.kind].format(self.text)


def unsupported(text: str) -> list[Unsupported]:
    """Return the unsupported elements of a Markdown text in order. Code and escaped characters are allowed."""
    tokens = _markdown().parse(text)
    empty = [
        Unsupported(UnsupportedKind.EMPTY_HEADING, opening.map[0] if opening.map else 0, "#")
        for opening, words in pairwise(tokens)
        if opening.type == "heading_open" and not has_words(words.content)
    ]
    in_heading = {id(words) for opening, words in pairwise(tokens) if opening.type == "heading_open"}
    found = [*empty, *(one for token in tokens for one in _in_block(token, alone=id(token) not in in_heading))]
    return sorted(found, key=lambda one: one.line)


def has_words(text: str) -> bool:
    """Whether a text has anything visible, besides spaces and characters without a width."""
    return any(not one.isspace() and unicodedata.category(one) not in {"Cf", "Mn", "Me"} for one in text)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True})


def _in_block(token: Token, *, alone: bool) -> Iterator[Unsupported]:
    """Yield the unsupported elements of a block. `alone`: a picture may stand in it, if nothing else does."""
    line = token.map[0] if token.map else 0
    if token.type == "html_block":
        yield Unsupported(UnsupportedKind.HTML, line, _beginning(token.content))
    elif token.type == "inline":
        yield from _in_line(token, line, alone=alone and picture_in(token.children or []) is not None)


def _in_line(block: Token, line: int, *, alone: bool) -> Iterator[Unsupported]:
    """Yield the unsupported elements of a block, with their lines.

    markdown-it only knows the lines of blocks, so tokens are located by searching the source.
    """
    place = 0
    for token in block.children or []:
        source = f"![{token.content}]" if token.type == "image" else token.content
        found = block.content.find(source, place) if source else -1
        if found >= 0:
            place = found + len(source)
        at = line + block.content.count("\n", 0, max(found, 0) if found >= 0 else place)
        if token.type == "image":
            if (kind := _wrong_with(token, alone=alone)) is not None:
                yield Unsupported(kind, at, _beginning(_picture(block.content, found, source)))
        elif token.type == "html_inline":
            yield Unsupported(UnsupportedKind.HTML, at, _beginning(token.content))


def _wrong_with(image: Token, *, alone: bool) -> UnsupportedKind | None:
    address, title, alt = str(image.attrs["src"]), str(image.attrs.get("title", "")), alt_of(image)
    if not address.startswith(f"{FOLDER}/"):
        return UnsupportedKind.PICTURE
    if parse_reference(address) is None:
        return UnsupportedKind.PICTURE_MISSING
    if title and (title != DECORATIVE or alt):
        return UnsupportedKind.PICTURE_TITLE
    if not title and not has_words(alt):
        return UnsupportedKind.PICTURE_ALT
    return None if alone else UnsupportedKind.PICTURE_PLACE


def _picture(content: str, found: int, source: str) -> str:
    """Return the source of a picture, up to the end of its address."""
    rest = content[found + len(source) :] if found >= 0 else ""
    for opening, closing in (("(", ")"), ("[", "]")):
        if rest.startswith(opening):
            return source + rest[: rest.find(closing) + 1]
    return source


def _beginning(text: str) -> str:
    """Return the first line, shortened to `_SHOWN` characters."""
    first = text.strip().split("\n")[0]
    return first if len(first) <= _SHOWN else f"{first[:_SHOWN].rstrip()}…"
