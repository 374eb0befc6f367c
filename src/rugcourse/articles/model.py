"""An article as it was read: blocks of Markdown in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rugcourse.articles.left_out import LeftOutCounts
from rugcourse.articles.rich_text import BlockKind

_WORDS_PER_MINUTE = 238  # reading silently: Brysbaert, How many words do we read per minute?, 2019


@dataclass(frozen=True, slots=True)
class ArticleBlock:
    """A heading, paragraph, list, quote or picture.

    `index`: its place in the article, from 0. `level`: of a heading, 1 to 6, and else 0. `markdown` is accepted in a
    lesson; `text` is plain, with a line for each item of a list. `stressed`: what is bold or in italics in it.

    A picture has no text, so that it counts as none. `source` says which picture of the file it is, and `alt` what it
    shows; its Markdown is empty until `rugcourse.articles.placed_pictures` knows its address.
    """

    index: int
    kind: BlockKind
    level: int
    markdown: str
    text: str
    words: int
    stressed: tuple[str, ...] = ()
    source: str = ""
    alt: str = ""

    @property
    def is_heading(self) -> bool:
        return self.kind is BlockKind.HEADING


@dataclass(frozen=True, slots=True)
class Article:
    """An article. `title_index`: the block that is the title, if one is; `title` may be empty."""

    title: str
    title_index: int | None
    blocks: tuple[ArticleBlock, ...]
    left_out: LeftOutCounts

    @property
    def words(self) -> int:
        return sum(block.words for block in self.blocks)

    @property
    def headings(self) -> tuple[ArticleBlock, ...]:
        """The headings, without the title."""
        return tuple(block for block in self.blocks if block.is_heading and block.index != self.title_index)

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels of headings that there are, without the title's, by which the article can be cut."""
        return tuple(sorted({block.level for block in self.headings}))


def reading_minutes(words: int) -> int:
    """Return how many minutes most people take to read a text, at least one."""
    return max(1, math.ceil(words / _WORDS_PER_MINUTE))


def title_index(blocks: Sequence[ArticleBlock]) -> int | None:
    """Return which block is the title: the first heading, if it is the only one of its level and none is above it."""
    headings = [block for block in blocks if block.is_heading]
    if not headings:
        return None
    first, *others = headings
    is_lone = all(one.level > first.level for one in others)
    return first.index if is_lone and (others or first.level == 1) else None


def lesson_level(level: int, highest: int) -> int:
    """Return the level that a heading has in a lesson, 2 or 3, if the highest of its part has the level `highest`."""
    return 2 if level <= highest else 3
