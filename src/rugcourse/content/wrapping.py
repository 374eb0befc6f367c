"""Joins the lines of hard-wrapped paragraphs for a text box, and wraps them again as they were for files.

A paragraph in a file has many lines, so that a change of a word is a change of a line. In a text box, which wraps by
itself, such lines are in the way. Both directions leave what readers see as it is: a line break within a paragraph is a
space (CommonMark 0.31, 6.7). Lists, headings, code, hard breaks and lines of a tag keep their lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rugcourse.content.markdown import parse_blocks, same_when_shown
from rugcourse.content.safety_notice_tag import notice_line

_NARROWEST = 60
# Where a line may end: at a single space, before a word that begins no list, heading or quote.
_BREAK = re.compile(r"(?<=[^\s\\]) (?=[^\W\d_]|[\"'“‘„(*_\[][^\W\d_])")
_TAG = re.compile(r"\{\{[^{}]{0,80}\}\}")
_NO_BREAK = "\0"  # stands for a space within a tag; no text has it


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line as it is joined, and the lines that it was. `prefix`: what stands before its text, such as `- `.

    `is_text`: it is of a paragraph; else it stays as it is.
    """

    joined: str
    lines: tuple[str, ...]
    prefix: str
    is_text: bool


@lru_cache(maxsize=256)
def unwrapped(text: str) -> str:
    """Return a Markdown text with each paragraph on one line, and one more for each hard break."""
    joined = "\n".join(piece.joined for piece in _pieces(text))
    return joined if same_when_shown(text, joined) else text


def rewrapped(text: str, *before: str) -> str:
    """Return a text with its paragraphs wrapped as in earlier texts, the first one first.

    A paragraph that none of them has is wrapped to the longest line of the first one that has wrapped paragraphs; if
    there is none, it stays on one line.
    """
    known: dict[str, list[tuple[str, ...]]] = {}
    width = 0
    for earlier in before:
        found = [piece for piece in _pieces(earlier) if piece.is_text]
        width = width or max((len(line) for piece in found if len(piece.lines) > 1 for line in piece.lines), default=0)
        for piece in found:
            known.setdefault(piece.joined, []).append(piece.lines)
    lines = [line for piece in _pieces(unwrapped(text)) for line in _wrapped(piece, known, width)]
    wrapped = "\n".join(lines)
    return wrapped if same_when_shown(text, wrapped) else unwrapped(text)


def _wrapped(piece: _Piece, known: Mapping[str, list[tuple[str, ...]]], width: int) -> Sequence[str]:
    if not piece.is_text:
        return piece.lines
    if as_it_was := known.get(piece.joined):
        return as_it_was.pop(0) if len(as_it_was) > 1 else as_it_was[0]
    if not width or len(piece.joined) <= max(width, _NARROWEST):
        return piece.lines
    rest = re.sub(r"[^>\s]", " ", piece.prefix)
    lines, line = [], piece.prefix
    text = _TAG.sub(lambda tag: tag[0].replace(" ", _NO_BREAK), piece.joined[len(piece.prefix) :])
    for word in _BREAK.split(text):
        if len(line) + len(word) > max(width, _NARROWEST) and line.strip() not in ("", piece.prefix.strip()):
            lines.append(line.rstrip(" "))
            line = rest
        line += f"{word} "
    return [one.replace(_NO_BREAK, " ") for one in (*lines, line[:-1])]


def _pieces(text: str) -> Iterator[_Piece]:
    """Yield the lines of a text, those of each paragraph together."""
    lines = text.split("\n")
    done = 0
    for first, after, content in _paragraphs(text):
        for line in lines[done:first]:
            yield _Piece(line, (line,), "", is_text=False)
        yield from _of_paragraph(lines[first:after], content)
        done = after
    for line in lines[done:]:
        yield _Piece(line, (line,), "", is_text=False)


def _paragraphs(text: str) -> Iterator[tuple[int, int, Sequence[str]]]:
    """Yield the first line of each paragraph, the one after its last, and its lines without what contains them."""
    tokens = parse_blocks(text)
    for token, inline in pairwise(tokens):
        if token.type == "paragraph_open" and inline.map is not None:
            first, after = inline.map
            content = inline.content.split("\n")
            if len(content) == after - first:
                yield first, after, content


def _of_paragraph(lines: Sequence[str], content: Sequence[str]) -> Iterator[_Piece]:
    """Yield a paragraph: one piece, or several if it has hard breaks."""
    begin = 0
    for number, line in enumerate(lines):
        if number + 1 == len(lines) or _stays(line) or _stays(lines[number + 1]):
            place = lines[begin].find(content[begin])
            joined = [lines[begin], *content[begin + 1 : number + 1]]
            kept = [one.strip(" ") for one in joined[1:-1]]
            yield _Piece(
                " ".join([joined[0].rstrip(" "), *kept, joined[-1].lstrip(" ")]) if len(joined) > 1 else joined[0],
                tuple(lines[begin : number + 1]),
                lines[begin][: max(place, 0)],
                is_text=place >= 0,
            )
            begin = number + 1


def _stays(line: str) -> bool:
    """Whether a line ends in a hard break, is a tag on a line of its own, or has a tag that is not on one line."""
    is_divided = line.count("{{") != line.count("}}")
    return line.endswith(("  ", "\\")) or is_divided or notice_line(line.strip()) is not None
