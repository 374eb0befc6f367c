"""Turns a file of Markdown into HTML, so that it takes the same way as all others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt

from rugcourse.articles.limits import Gauge, too_many_blocks

_LONGEST_LINE = 5_000  # characters
_MOST_LINES = 200_000  # markdown-it keeps some objects for each
_LONGEST_PARAGRAPH = 20_000  # characters; markdown-it takes more than linear time for brackets in one
_MOST_BRACKETS = 50  # opening ones of a paragraph: more of them are no links
_DEEPEST = re.compile(r"(?:[ \t]*(?:>|[*+-][ \t]|\d{1,9}[.)][ \t])){12,}")


def markdown_to_html(text: str) -> str:
    """Render Markdown, in which there may be HTML. Raises ArticleError for one that is too long."""
    Gauge().read(text)
    html: str = _markdown().render("\n".join(_bounded(text)))
    return html


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _bounded(text: str) -> Iterator[str]:
    """Yield the lines, with empty ones in paragraphs that are too long, and without what is no text."""
    length = brackets = lines = 0
    for whole in text.split("\n"):
        is_empty = not whole.strip()
        if is_empty and not length:
            continue  # one empty line is as good as a million
        lines += 1
        if lines > _MOST_LINES:
            raise too_many_blocks()
        for line in _cut(whole):
            length = 0 if is_empty else length + len(line)
            brackets = 0 if is_empty else brackets + line.count("[")
            if length > _LONGEST_PARAGRAPH:
                yield ""
                length, brackets = len(line), line.count("[")
            line = _DEEPEST.sub(" ", line)  # noqa: PLW2901 - the same line, without what is no text
            yield line.replace("[", "\\[") if brackets > _MOST_BRACKETS else line


def _cut(line: str) -> list[str]:
    if len(line) <= _LONGEST_LINE:
        return [line]
    return [line[at : at + _LONGEST_LINE] for at in range(0, len(line), _LONGEST_LINE)]
