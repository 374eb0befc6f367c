"""Finds Markdown that mails do not support: pictures, HTML and empty headings.

Readers would see a broken picture or code, and a screen reader would announce a heading without text.
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

_SHOWN = 60  # maximum characters of an excerpt


class UnsupportedKind(StrEnum):
    PICTURE = "picture"
    HTML = "html"
    EMPTY_HEADING = "empty-heading"


class Unsupported(NamedTuple):
    """One unsupported element. `line` counts from 0; `text` is its beginning."""

    kind: UnsupportedKind
    line: int
    text: str

    @property
    def message(self) -> str:
        if self.kind == UnsupportedKind.PICTURE:
            return f"pictures can't be used yet; remove {self.text}"
        if self.kind == UnsupportedKind.EMPTY_HEADING:
            return "a heading without words; write what it is about, or remove the #"
        return f"HTML can't be used; remove {self.text} or write it as Markdown"


def unsupported(text: str) -> list[Unsupported]:
    """Return the unsupported elements of a Markdown text in order. Code and escaped characters are allowed."""
    tokens = _markdown().parse(text)
    empty = [
        Unsupported(UnsupportedKind.EMPTY_HEADING, opening.map[0] if opening.map else 0, "#")
        for opening, words in pairwise(tokens)
        if opening.type == "heading_open" and not has_words(words.content)
    ]
    found = [*empty, *(one for token in tokens for one in _in_block(token))]
    return sorted(found, key=lambda one: one.line)


def has_words(text: str) -> bool:
    """Whether a text has anything visible, besides spaces and characters without a width."""
    return any(not one.isspace() and unicodedata.category(one) not in {"Cf", "Mn", "Me"} for one in text)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True})


def _in_block(token: Token) -> Iterator[Unsupported]:
    line = token.map[0] if token.map else 0
    if token.type == "html_block":
        yield Unsupported(UnsupportedKind.HTML, line, _beginning(token.content))
    elif token.type == "inline":
        yield from _in_line(token, line)


def _in_line(block: Token, line: int) -> Iterator[Unsupported]:
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
            yield Unsupported(UnsupportedKind.PICTURE, at, _beginning(_picture(block.content, found, source)))
        elif token.type == "html_inline":
            yield Unsupported(UnsupportedKind.HTML, at, _beginning(token.content))


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
