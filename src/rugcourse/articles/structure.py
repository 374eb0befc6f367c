"""Finds the headings and lists of an article whose author only made them look so.

Plain text has no headings, and many people make a line bold instead of giving it a style. Where a file has headings of
its own, these count and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rugcourse.articles.names import CLOSING, CONTENTS, FURTHER, INTRODUCTION, SOURCES, is_called
from rugcourse.articles.rich_text import BlockKind, Item, RichBlock, Run, text_of

_NAMES = INTRODUCTION | CLOSING | SOURCES | CONTENTS | FURTHER
_LONGEST = 90  # characters of a line that may be a heading
_MOST_WORDS = 14
_WORDS_OF_TEXT = 8  # from so many on a line is text
_NUMBER = re.compile(r"\d{1,2}((?:\.\d{1,2}){0,3})[.)]?\s+(?=[^\W\d_])")
_CHAPTER = re.compile(r"(?:hoofdstuk|deel|stap|chapter|part|step|kapitel|teil|schritt)\s+\d{1,2}\b", re.IGNORECASE)
_ENDS_SENTENCE = re.compile(r"[.,;:!…]$")
_BEGINS = re.compile(r"[^\W_a-zß-öø-ÿ]|['\"“”‘’„«¿(]")
_ADDRESS = re.compile(r"@|https?:|www\.", re.IGNORECASE)
_BULLET = re.compile(r"[•◦▪‣●·]\s*(?=\S)")


class _Sign(StrEnum):
    """Why a line looks like a heading."""

    NUMBERED = "numbered"
    CAPITALS = "capitals"
    BOLD = "bold"
    NAMED = "named"  # what such a section is called
    PLAIN = "plain"  # short, with no full stop, and alone


@dataclass(frozen=True, slots=True)
class _Candidate:
    sign: _Sign
    level: int = 2


def with_structure(blocks: Sequence[RichBlock]) -> list[RichBlock]:
    """Return the blocks with their headings and lists."""
    listed = list(with_lists(blocks))
    if sum(block.kind is BlockKind.HEADING for block in listed) > 1:
        return _with_title(listed)
    return _with_headings(listed)


def _with_title(blocks: list[RichBlock]) -> list[RichBlock]:
    """Make a heading of the first line, if it looks like one and no heading is a title."""
    if all(block.level != 1 for block in blocks):
        found = {place: one for place, block in enumerate(blocks) if (one := _candidate(block)) is not None}
        title = _title_of(blocks, found)
        if title is not None:
            blocks[title] = _as_heading(blocks[title], 1)
    return blocks


def with_lists(blocks: Sequence[RichBlock]) -> Iterator[RichBlock]:
    """Make a list of paragraphs whose lines all begin with a bullet."""
    items: list[Item] = []
    for block in blocks:
        lines = _lines_of(block.runs) if block.kind is BlockKind.PARAGRAPH else []
        if lines and all(_BULLET.match(text_of(line)) for line in lines):
            items += [Item(_without_bullet(line)) for line in lines]
            continue
        if items:
            yield RichBlock(BlockKind.LIST, items=tuple(items))
            items = []
        yield block
    if items:
        yield RichBlock(BlockKind.LIST, items=tuple(items))


def _lines_of(runs: Sequence[Run]) -> list[tuple[Run, ...]]:
    lines: list[list[Run]] = [[]]
    for run in runs:
        first, *others = run.text.split("\n")
        lines[-1].append(replace(run, text=first))
        lines += [[replace(run, text=other)] for other in others]
    return [tuple(line) for line in lines if text_of(line).strip()]


def _without_bullet(line: Sequence[Run]) -> tuple[Run, ...]:
    """Take the bullet off a line, whose first runs may have a style of their own."""
    bullet = _BULLET.match(text_of(line))
    left = bullet.end() if bullet else 0
    kept = []
    for run in line:
        kept.append(replace(run, text=run.text[left:]))
        left = max(0, left - len(run.text))
    return tuple(kept)


def _with_headings(blocks: list[RichBlock]) -> list[RichBlock]:
    """Make headings of the paragraphs that look like one."""
    found = {place: one for place, block in enumerate(blocks) if (one := _candidate(block)) is not None}
    title = _title_of(blocks, found)
    if title is not None:
        found.pop(title, None)
    followed = {place: one for place, one in found.items() if _is_followed(blocks, place, found)}
    signs = [one.sign for one in followed.values()]
    if signs.count(_Sign.BOLD) > 1:
        followed = {place: one for place, one in followed.items() if one.sign is not _Sign.PLAIN}
    elif signs.count(_Sign.CAPITALS) > 1:
        followed = {place: replace(one, level=3) if one.sign is _Sign.PLAIN else one for place, one in followed.items()}
    made = list(blocks)
    if title is not None:
        made[title] = _as_heading(blocks[title], 1)
    nested = False
    for place, one in sorted(followed.items()):
        text = blocks[place].text
        nested = nested and not is_called(text, SOURCES)
        made[place] = _as_heading(blocks[place], max(one.level, 3) if nested else one.level)
        nested = nested or is_called(text, FURTHER)  # it ends an article: what follows are other articles
    return made


def _as_heading(block: RichBlock, level: int) -> RichBlock:
    if block.kind is BlockKind.HEADING:
        return block
    return RichBlock(BlockKind.HEADING, tuple(replace(run, strong=False) for run in block.runs), level)


def _candidate(block: RichBlock) -> _Candidate | None:
    text = block.text
    if block.kind is not BlockKind.PARAGRAPH or not _is_short_line(text):
        return None
    number = _NUMBER.match(text)
    level = min(2 + number[1].count("."), 6) if number else 2
    if is_called(text, _NAMES):
        return _Candidate(_Sign.NAMED)
    if all(run.strong for run in block.runs if run.text.strip()):
        return _Candidate(_Sign.BOLD, level)
    if _ENDS_SENTENCE.search(text) or not _BEGINS.match(text) or any(run.link for run in block.runs):
        return None
    if number or _CHAPTER.match(text):
        return _Candidate(_Sign.NUMBERED, level)
    return _Candidate(_Sign.CAPITALS if text.isupper() else _Sign.PLAIN)


def _is_short_line(text: str) -> bool:
    is_short = len(text) <= _LONGEST and len(text.split()) <= _MOST_WORDS
    return is_short and "\n" not in text and sum(one.isalpha() for one in text) > 1 and not _ADDRESS.search(text)


def _title_of(blocks: Sequence[RichBlock], found: dict[int, _Candidate]) -> int | None:
    """Return the place of the title: the first line that looks like a heading, if no text stands before it."""
    for place, block in enumerate(blocks):
        if block.kind is BlockKind.HEADING:
            return place
        if place in found:
            return None if found[place].sign in {_Sign.NAMED, _Sign.NUMBERED} else place
        if _is_text(block):
            return None
    return None


def _is_followed(blocks: Sequence[RichBlock], place: int, found: dict[int, _Candidate]) -> bool:
    """Whether text follows, or a heading of a lower level. Of short lines in a row only the last can be a heading."""
    if place + 1 == len(blocks):
        return False
    below = found.get(place + 1)
    if below is None or found[place].sign is _Sign.NAMED:
        return True
    return below.sign is _Sign.NUMBERED and below.level > found[place].level


def _is_text(block: RichBlock) -> bool:
    if block.kind is not BlockKind.PARAGRAPH:
        return block.kind is not BlockKind.PICTURE
    return any(len(line.split()) >= _WORDS_OF_TEXT for line in block.text.split("\n"))
