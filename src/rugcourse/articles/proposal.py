"""Proposes where to cut an article.

The cuts are the headings of one level: the one that gives 3 to 30 lessons of a length that a mail can have. What is no
lesson is left out: the title, a byline, a table of contents, sources. Without such headings the article is cut by its
length.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, pairwise

from rugcourse.articles.cuts import MOST_LESSONS, Cuts, InvalidCuts, check, ranges
from rugcourse.articles.errors import ArticleError
from rugcourse.articles.model import Article, ArticleBlock
from rugcourse.articles.names import AROUND, CONTENTS, INTRODUCTION, SOURCES, is_called
from rugcourse.articles.rich_text import BlockKind
from rugcourse.i18n import N_

USUAL_WORDS = 350  # of a lesson that is cut by length
_FEWEST, _MOST = 3, 30  # lessons of a course
_LONGEST = 4 * USUAL_WORDS  # words of a part that is not cut further
_SHORTEST = 40  # words of a part on average, with which headings are lessons
_NEAR = 0.4  # of a lesson that is cut by length: so far off a heading is still a better place
_WORDS_BEFORE = 60  # up to so many words before the first section are a byline
_WORDS_OF_TEXT = 8  # from so many on a paragraph is no entry of a table of contents
_WORDS_ON_PAGE = 25  # up to so many words before the first cut are no introduction

_NO_CUTS_AT_LEVEL = N_("The article has no headings of level %(level)s. Choose one of these levels: %(levels)s.")
_NO_CUTS_AT_ALL = N_("The article has no headings, so it can only be cut by its length.")
_NOTHING_TO_USE = N_("The article has nothing but a title, sources or a table of contents. Upload one that has text.")


def propose_cuts(article: Article) -> Cuts:
    """Propose cuts by rule, for a person to move. Raises ArticleError for an article without any text for a lesson."""
    level = _best_level(article)
    if level is not None:
        return _with_long_parts_cut(article, _at_level(article, level))
    return _with_long_parts_cut(article, _at_highest_level(article), USUAL_WORDS * 3 // 2)


def cuts_at_level(article: Article, level: int) -> Cuts:
    """Cut at each heading of a level, and of those above it. Raises InvalidCuts if there is none."""
    if not article.levels:
        raise InvalidCuts(_NO_CUTS_AT_ALL)
    if level not in article.levels:
        raise InvalidCuts(_NO_CUTS_AT_LEVEL, level=level, levels=", ".join(map(str, article.levels)))
    return _at_level(article, level)


def source_blocks(article: Article) -> tuple[ArticleBlock, ...]:
    """Return what stands in the sections with sources."""
    indexes = _sections_called(article, SOURCES)
    return tuple(block for block in article.blocks if block.index in indexes and not block.is_heading)


def _best_level(article: Article) -> int | None:
    """Return the highest level that gives a sensible number of parts of a sensible length, or None."""
    for level in article.levels:
        try:
            cuts = _at_level(article, level)
        except ArticleError:
            continue
        used = sum(block.words for block in article.blocks if not cuts.is_unused(block.index))
        if _FEWEST <= len(cuts.starts) <= _MOST and _SHORTEST <= used / len(cuts.starts) <= _LONGEST:
            return level
    return None


def _at_highest_level(article: Article) -> Cuts:
    """Cut at the few headings of the highest level; where there are none, or hundreds, don't cut at all."""
    if article.levels:
        try:
            return _at_level(article, article.levels[0])
        except InvalidCuts:
            pass  # more than a course can have
    return _made(article, [], _never_lessons(article), None)


def _at_level(article: Article, level: int) -> Cuts:
    unused = _never_lessons(article)
    headings = [one.index for one in article.headings if one.level <= level and one.index not in unused]
    unused |= _before(article, headings, unused)
    starts = _starts_with_text(article, headings, unused)
    return _made(article, starts, unused, level)


def _made(article: Article, starts: Sequence[int], unused: set[int], level: int | None) -> Cuts:
    """Return cuts in which everything that is used belongs to a lesson: text before the first cut is one too."""
    first = next((block.index for block in article.blocks if block.index not in unused), None)
    if first is None:
        raise ArticleError(_NOTHING_TO_USE)
    cuts = Cuts(tuple(sorted({first, *starts})), ranges(unused), level)
    check(article, cuts)
    return cuts


def _never_lessons(article: Article) -> set[int]:
    """Return the blocks that no proposal uses: title, contents, sources, and what is around an article."""
    unused = _sections_called(article, SOURCES | AROUND) | _contents(article)
    if article.title_index is not None:
        above = article.blocks[: article.title_index]
        unused.add(article.title_index)
        if sum(block.words for block in above) < _WORDS_BEFORE:
            unused.update(block.index for block in above)
    unused.update(block.index for block in article.blocks if _is_around(block))
    return unused


def _is_around(block: ArticleBlock) -> bool:
    """Whether a block asks for a share or an opinion, or is a link to a table of contents."""
    return (
        block.kind is BlockKind.PARAGRAPH
        and block.words <= 12
        and any(is_called(line, AROUND | CONTENTS) for line in block.text.split("\n"))
    )


def _sections_called(article: Article, names: Collection[str]) -> set[int]:
    """Return the blocks of sections with one of these names: to the next heading of the same level or one above it."""
    found: set[int] = set()
    below: int | None = None
    for block in article.blocks:
        if block.is_heading and block.index != article.title_index:
            if below is not None and block.level <= below:
                below = None
            if below is None and is_called(block.text, names):
                below = block.level
        if below is not None:
            found.add(block.index)
    return found


def _contents(article: Article) -> set[int]:
    """Return tables of contents: what is below such a heading until text begins, and lists of the headings."""
    headings = {_plain(one.text) for one in article.headings}
    found: set[int] = set()
    is_below = False
    for block in article.blocks:
        if block.is_heading:
            is_below = is_called(block.text, CONTENTS)
        elif block.kind is not BlockKind.LIST and block.words >= _WORDS_OF_TEXT:
            is_below = False
        if is_below or (block.kind is BlockKind.LIST and _repeats(block, headings)):
            found.add(block.index)
    return found


def _repeats(block: ArticleBlock, headings: Collection[str]) -> bool:
    lines = block.text.split("\n")
    return len(lines) >= _FEWEST and sum(_plain(line) in headings for line in lines) >= 0.8 * len(lines)


def _plain(text: str) -> str:
    return "".join(one for one in text.lower() if one.isalpha())


def _before(article: Article, headings: Sequence[int], unused: set[int]) -> set[int]:
    """Return what stands before the first section and is no introduction: a byline, a date, a line of a menu."""
    introduction = next((one for one in headings if is_called(article.blocks[one].text, INTRODUCTION)), None)
    if introduction is not None:
        above = [block for block in article.blocks[:introduction] if block.index not in unused]
        if sum(block.words for block in above) < _WORDS_BEFORE:
            return {block.index for block in above}
    above = [block for block in article.blocks[: min(headings, default=0)] if block.index not in unused]
    return {block.index for block in above} if sum(block.words for block in above) < _WORDS_ON_PAGE else set()


def _starts_with_text(article: Article, headings: Sequence[int], unused: set[int]) -> list[int]:
    """Return the headings that have text; one with nothing but another heading below it is not used."""
    starts = []
    for start, end in pairwise([*headings, len(article.blocks)]):
        if start in unused:
            continue
        if any(
            block.words and not block.is_heading and block.index not in unused
            for block in article.blocks[start + 1 : end]
        ):
            starts.append(start)
        else:
            unused.update(range(start, end))
    return starts


def _with_long_parts_cut(article: Article, cuts: Cuts, longest: int = _LONGEST) -> Cuts:
    """Cut parts with more than `longest` words by length."""
    ends = (*cuts.starts[1:], len(article.blocks))
    usual = max(USUAL_WORDS, article.words // (MOST_LESSONS // 2))
    added: list[int] = []
    for start, end in zip(cuts.starts, ends, strict=True):
        blocks = [block for block in article.blocks[start:end] if not cuts.is_unused(block.index)]
        if sum(block.words for block in blocks) > longest:
            added += _cuts_by_length(blocks, usual)
    added = added[: max(0, MOST_LESSONS - len(cuts.starts))]
    starts = tuple(sorted({*cuts.starts, *added}))
    return Cuts(starts, cuts.unused, cuts.level if len(cuts.starts) > 1 else None, tuple(sorted(added)))


def _cuts_by_length(blocks: Sequence[ArticleBlock], usual: int) -> Iterator[int]:
    """Yield where to start anew so that each piece has about `usual` words, at a heading where one is near."""
    words_before = list(accumulate((block.words for block in blocks), initial=0))
    whole = words_before[-1]
    pieces = max(1, round(whole / usual))
    size = whole / pieces
    places = [place for place in range(1, len(blocks)) if not blocks[place - 1].is_heading]
    last = 0
    for piece in range(1, pieces):
        distances = {
            place: abs(words_before[place] - piece * size) - blocks[place].is_heading * size * _NEAR
            for place in places
            if place > last
        }
        if not distances:
            return
        last = min(distances, key=distances.__getitem__)
        yield blocks[last].index
