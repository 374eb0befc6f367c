"""What of a page is its article, and where its title stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rugcourse.articles.rich_text import RichBlock

_FEWEST_WORDS = 100  # of an element that is the article of a page


@dataclass(slots=True)
class Region:
    """An `<article>` or `<main>`: its blocks are those from `first` to the one before `last`."""

    first: int
    last: int | None = None


def article_of_page(blocks: list[RichBlock], regions: Mapping[str, Sequence[Region]]) -> list[RichBlock]:
    """Return the blocks of the longest `<article>`, or else of `<main>`, if it has most of the text; or else all."""
    whole = _words(blocks)
    for name in ("article", "main"):
        found = [blocks[region.first : region.last] for region in regions[name]]
        longest = max(found, key=_words, default=[])
        if _words(longest) >= max(_FEWEST_WORDS, whole // 2):
            return longest
    return blocks


def below_title(blocks: list[RichBlock], title: RichBlock | None) -> list[RichBlock]:
    """Put all headings below the title, which word processors set apart from headings of the first level."""
    if title is None or sum(block.level == 1 for block in blocks) < 2:
        return blocks
    return [
        replace(block, level=min(block.level + 1, 6)) if block.level and block is not title else block
        for block in blocks
    ]


def _words(blocks: Sequence[RichBlock]) -> int:
    return sum(block.text.count(" ") + 1 for block in blocks)
