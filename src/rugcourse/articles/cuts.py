"""Where an article is cut into lessons, and what of it is not used.

Cuts are the numbers of blocks, so that a form can hold them. A lesson goes from the block with which it starts to the
next start; blocks within it that are not used are left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rugcourse.articles.errors import ArticleError
from rugcourse.articles.model import Article, ArticleBlock
from rugcourse.i18n import N_

MOST_LESSONS = 99  # their number has two digits in the name of a file

_NO_SUCH_BLOCK = N_("These cuts do not fit the article: it may have been uploaded anew. Begin with the proposal again.")
_NO_LESSON = N_("Nothing of the article is used. Start at least one lesson.")
_TOO_MANY_LESSONS = N_("These are %(count)s lessons, and a course has at most %(most)s. Merge some of them.")


class InvalidCuts(ArticleError):
    """Cuts do not fit their article."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where the lessons of an article start, as numbers of blocks.

    `unused`: ranges (first block, block after the last) that no lesson has. `level`: of the headings that are the
    cuts; None for cuts by length. `by_length`: the starts that were proposed by length, where no heading says what the
    lesson is about.
    """

    starts: tuple[int, ...]
    unused: tuple[tuple[int, int], ...] = ()
    level: int | None = None
    by_length: tuple[int, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the cuts as lists of integers, which `cuts_from_json` reads."""
        return {
            "starts": list(self.starts),
            "unused": [list(one) for one in self.unused],
            "level": self.level,
            "by_length": list(self.by_length),
        }

    def is_unused(self, index: int) -> bool:
        place = bisect_right(self.unused, (index, float("inf"))) - 1
        return place >= 0 and index < self.unused[place][1]


@dataclass(frozen=True, slots=True)
class ArticlePart:
    """The blocks of one lesson, in order. `heading` is its first block if that is a heading."""

    blocks: tuple[ArticleBlock, ...]

    @property
    def heading(self) -> ArticleBlock | None:
        return self.blocks[0] if self.blocks[0].is_heading else None

    @property
    def words(self) -> int:
        return sum(block.words for block in self.blocks)


def parts(article: Article, cuts: Cuts) -> tuple[ArticlePart, ...]:
    """Return the part of each lesson. Raises InvalidCuts."""
    check(article, cuts)
    ends = (*cuts.starts[1:], len(article.blocks))
    return tuple(
        ArticlePart(tuple(block for block in article.blocks[start:end] if not cuts.is_unused(block.index)))
        for start, end in zip(cuts.starts, ends, strict=True)
    )


def check(article: Article, cuts: Cuts) -> None:
    """Raise InvalidCuts unless each block is in one lesson or not used, and each lesson starts with a block."""
    count = len(article.blocks)
    edges = [edge for one in cuts.unused for edge in one]
    if not cuts.starts:
        raise InvalidCuts(_NO_LESSON)
    if len(cuts.starts) > MOST_LESSONS:
        raise InvalidCuts(_TOO_MANY_LESSONS, count=len(cuts.starts), most=MOST_LESSONS)
    fits = (
        _rises(cuts.starts)
        and _rises(edges)
        and cuts.starts[0] >= 0
        and cuts.starts[-1] < count
        and all(0 <= edge <= count for edge in edges)
        and not any(cuts.is_unused(start) for start in cuts.starts)
        and all(cuts.is_unused(index) for index in range(cuts.starts[0]))
        and set(cuts.by_length) <= set(cuts.starts)
    )
    if not fits:
        raise InvalidCuts(_NO_SUCH_BLOCK)


def cuts_from_json(article: Article, value: Mapping[str, object]) -> Cuts:
    """Return cuts from what `Cuts.as_json` gave, after a way through a form. Raises InvalidCuts."""
    try:
        level = value.get("level")
        cuts = Cuts(
            _integers(value["starts"]),
            tuple((first, last) for first, last in map(_integers, _listed(value.get("unused", [])))),
            None if level is None else _integers([level])[0],
            _integers(value.get("by_length", [])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidCuts(_NO_SUCH_BLOCK) from error
    check(article, cuts)
    return cuts


def start_lesson(article: Article, cuts: Cuts, index: int) -> Cuts:
    """Start a lesson at a block: the lesson it was in ends before it. Raises InvalidCuts."""
    used = use(article, cuts, index) if cuts.is_unused(index) else cuts
    return _checked(article, replace(used, starts=tuple(sorted({*used.starts, index}))))


def merge_lesson(article: Article, cuts: Cuts, index: int) -> Cuts:
    """Join the lesson that starts at a block, which is not the first one, to the one before. Raises InvalidCuts."""
    if index not in cuts.starts[1:]:
        raise InvalidCuts(_NO_SUCH_BLOCK)
    return _checked(article, _without_starts(cuts, {index}))


def move_start(article: Article, cuts: Cuts, start: int, to: int) -> Cuts:
    """Start a lesson, which is not the first one, at another block of it or of the one before. Raises InvalidCuts."""
    if start not in cuts.starts[1:] or not 0 <= to < len(article.blocks):
        raise InvalidCuts(_NO_SUCH_BLOCK)
    place = cuts.starts.index(start)
    end = cuts.starts[place + 1] if place + 1 < len(cuts.starts) else len(article.blocks)
    if not cuts.starts[place - 1] < to < end or cuts.is_unused(to):
        raise InvalidCuts(_NO_SUCH_BLOCK)
    starts = tuple(to if one == start else one for one in cuts.starts)
    return _checked(article, replace(_without_starts(cuts, {start}), starts=starts))


def nearest_starts(article: Article, cuts: Cuts, start: int) -> tuple[int | None, int | None]:
    """Return the nearest blocks before and after `start` at which its lesson could start; None if there is none."""
    place = cuts.starts.index(start)
    if not place:
        return None, None
    end = cuts.starts[place + 1] if place + 1 < len(cuts.starts) else len(article.blocks)
    before = range(start - 1, cuts.starts[place - 1], -1)
    after = range(start + 1, end)
    return (
        next((index for index in before if not cuts.is_unused(index)), None),
        next((index for index in after if not cuts.is_unused(index)), None),
    )


def leave_out(article: Article, cuts: Cuts, first: int, after: int) -> Cuts:
    """Use the blocks from `first` to the one before `after` in no lesson. Raises InvalidCuts.

    A lesson of which the beginning is left out starts with what is left of it.
    """
    if not 0 <= first < after <= len(article.blocks):
        raise InvalidCuts(_NO_SUCH_BLOCK)
    unused = {index for index in range(len(article.blocks)) if cuts.is_unused(index)} | set(range(first, after))
    starts = set()
    for start, end in zip(cuts.starts, (*cuts.starts[1:], len(article.blocks)), strict=True):
        left = next((index for index in range(start, end) if index not in unused), None)
        if left is not None:
            starts.add(left)
    kept = set(cuts.by_length) & starts
    return _checked(
        article, replace(cuts, starts=tuple(sorted(starts)), unused=ranges(unused), by_length=tuple(sorted(kept)))
    )


def use(article: Article, cuts: Cuts, index: int) -> Cuts:
    """Use a block again: in the lesson before it, or in one of its own if there is none. Raises InvalidCuts."""
    if not 0 <= index < len(article.blocks):
        raise InvalidCuts(_NO_SUCH_BLOCK)
    unused = {one for one in range(len(article.blocks)) if cuts.is_unused(one)} - {index}
    starts = cuts.starts if cuts.starts and cuts.starts[0] < index else tuple(sorted({*cuts.starts, index}))
    return _checked(article, replace(cuts, starts=starts, unused=ranges(unused)))


def ranges(indexes: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return numbers as ranges (first, after the last), in order."""
    found: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if found and found[-1][1] == index:
            found[-1] = (found[-1][0], index + 1)
        else:
            found.append((index, index + 1))
    return tuple(found)


def _without_starts(cuts: Cuts, gone: set[int]) -> Cuts:
    return replace(
        cuts,
        starts=tuple(one for one in cuts.starts if one not in gone),
        by_length=tuple(one for one in cuts.by_length if one not in gone),
    )


def _checked(article: Article, cuts: Cuts) -> Cuts:
    check(article, cuts)
    return cuts


def _rises(numbers: Sequence[int]) -> bool:
    return all(one < other for one, other in pairwise(numbers))


def _listed(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return list(value)


def _integers(value: object) -> tuple[int, ...]:
    found = _listed(value)
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in found):
        raise TypeError
    return tuple(one for one in found if isinstance(one, int))
