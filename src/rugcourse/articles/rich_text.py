"""The text of an article before it is Markdown: blocks of runs, whatever kind of file it came from.

Readers of files make these values, `rugcourse.articles.conversion` turns them into Markdown. They are flat, with the
depth of a list as a number, so that no nesting in a file reaches code that calls itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rugcourse.content.model import without_invisible
from rugcourse.content.unsupported import has_words

DEEPEST_LIST = 4  # levels of a list; deeper ones are shown on the last
LONGEST_BLOCK = 3_000  # characters; longer ones are divided, so that what is not linear in a library stays small
MOST_ITEMS = 100  # of one list; see LONGEST_BLOCK

_WITHOUT_WIDTH = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff]")
_SPACES = re.compile(r"[^\S\n]+")
_AROUND_BREAK = re.compile(r" ?\n[ \n]*")
_OPENS_TAG = re.compile(r"\{(?=[{%#])")
_CLOSES_TAG = re.compile(r"(?<=[}%#])\}")


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    QUOTE = "quote"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one style. A line feed in `text` is a line break. `link` is empty or a complete address."""

    text: str
    strong: bool = False
    emphasis: bool = False
    link: str = ""

    def has_style_of(self, other: Run) -> bool:
        return (self.strong, self.emphasis, self.link) == (other.strong, other.emphasis, other.link)


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list. `depth` counts from 0."""

    runs: tuple[Run, ...]
    depth: int = 0
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class RichBlock:
    """A heading, paragraph or quote with `runs`, a list with `items`, or a picture whose `runs` say what it shows.

    `level`: of a heading, 1 to 6. `source`: which picture of the file it is, see `rugcourse.articles.media`.
    """

    kind: BlockKind
    runs: tuple[Run, ...] = ()
    level: int = 0
    items: tuple[Item, ...] = ()
    source: str = ""

    @property
    def text(self) -> str:
        """The plain text. Items stand on lines of their own."""
        return "\n".join(text_of(item.runs) for item in self.items) if self.items else text_of(self.runs)


def text_of(runs: Iterable[Run]) -> str:
    return "".join(run.text for run in runs)


def without_styles(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return the runs without bold and italics; links stay."""
    return tidy(replace(run, strong=False, emphasis=False) for run in runs)


def plain(text: str) -> tuple[Run, ...]:
    return (Run(text),)


def tidied(blocks: Iterable[RichBlock]) -> Iterator[RichBlock]:
    """Yield blocks with clean text, none of them empty and none too long for a library to read in linear time."""
    for block in blocks:
        if block.kind is BlockKind.LIST:
            yield from _tidy_list(block)
            continue
        runs = tidy(block.runs)
        if block.kind is BlockKind.PICTURE:
            yield replace(block, runs=runs)
            continue
        if block.kind is BlockKind.HEADING:
            runs = tidy([replace(run, text=run.text.replace("\n", " ")) for run in runs])
        for piece in _pieces(runs):
            yield replace(block, runs=piece)


def tidy(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Join runs of the same style, and clean their text.

    Control characters and those without a width go, spaces become one, and double braces get a space between: in a
    lesson they would be a merge tag.
    """
    joined: list[tuple[Run, list[str]]] = []
    for run in runs:
        text = clean(run.text)
        if not text:
            continue
        if joined and (joined[-1][0].has_style_of(run)):
            joined[-1][1].append(text)
        else:
            joined.append((run, [text]))
    found = [replace(run, text="".join(texts)) for run, texts in joined]
    return tuple(_trimmed(found))


def clean(text: str) -> str:
    """Remove characters that nobody sees, in the normal form in which forms keep text (NFC)."""
    text = _WITHOUT_WIDTH.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n"))
    text = unicodedata.normalize("NFC", without_invisible(text))
    return _SPACES.sub(" ", text)


def _trimmed(runs: Sequence[Run]) -> Iterator[Run]:
    """Yield the runs with single spaces, none at either end. A space between two runs stays with the first."""
    kept: list[Run] = []
    before = "\n"  # as if a line had just begun
    for run in runs:
        text = _AROUND_BREAK.sub("\n", _SPACES.sub(" ", run.text))
        if before in " \n":
            text = text.lstrip(" ") if before == " " else text.lstrip()
        if text:
            kept.append(replace(run, text=text))
            before = text[-1]
    while kept and not kept[-1].text.rstrip():
        kept.pop()
    if kept:
        kept[-1] = replace(kept[-1], text=kept[-1].text.rstrip())
    yield from (replace(run, text=_CLOSES_TAG.sub(" }", _OPENS_TAG.sub("{ ", run.text))) for run in kept)


def _tidy_list(block: RichBlock) -> Iterator[RichBlock]:
    items = [
        replace(item, runs=piece, depth=min(item.depth, DEEPEST_LIST - 1))
        for item in block.items
        for piece in _pieces(tidy(item.runs))
    ]
    for first in range(0, len(items), MOST_ITEMS):
        yield replace(block, items=tuple(_without_gaps(items[first : first + MOST_ITEMS])))


def _without_gaps(items: Sequence[Item]) -> Iterator[Item]:
    """Yield the items so that each is at most one level below the one before it, and the first on the first level."""
    above = -1
    for item in items:
        above = min(item.depth, above + 1)
        yield replace(item, depth=above)


def _pieces(runs: Sequence[Run]) -> Iterator[tuple[Run, ...]]:
    """Divide runs so that no piece is longer than LONGEST_BLOCK, at a space where there is one."""
    piece: list[Run] = []
    left = LONGEST_BLOCK
    for run in runs:
        text = run.text
        while len(text) > left:
            at = text.rfind(" ", left // 2, left) + 1 or left
            yield from _with_words([*piece, replace(run, text=text[:at])])
            piece, text, left = [], text[at:], LONGEST_BLOCK
        piece.append(replace(run, text=text))
        left -= len(text)
    yield from _with_words(piece)


def _with_words(runs: Sequence[Run]) -> Iterator[tuple[Run, ...]]:
    trimmed = tuple(_trimmed(runs))
    if has_words(text_of(trimmed)):
        yield trimmed
