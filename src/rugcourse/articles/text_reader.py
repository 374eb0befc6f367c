"""Reads plain text into blocks of runs: paragraphs between empty lines, and lists by their bullets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rugcourse.articles.limits import Gauge
from rugcourse.articles.rich_text import BlockKind, Item, RichBlock, Run, clean, plain

_WRAPPED = 45  # characters; a line that long goes on in the next one, a shorter one was meant to end
_BULLET = re.compile(r"([•◦▪‣●·–*-])[ \t]+(?=\S)")
_NUMBER = re.compile(r"(\d{1,3})[.)][ \t]+(?=\S)")
_MARKDOWN_HEADING = re.compile(r"(#{1,6})[ \t]+(?=\S)")
_UNDERLINE = re.compile(r"(=|-)\1{2,}")
_ENDS_ITEM = re.compile(r"[.!?;:…]$")
_TAB = 4


def read_text(text: str) -> list[RichBlock]:
    """Read plain text. Raises ArticleError for one that is too long."""
    reader = _TextReader()
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for line, after in zip(lines, _next_with_words(lines), strict=True):
        reader.read(line, after)
    return reader.finish()


def _next_with_words(lines: Sequence[str]) -> list[str]:
    """Return for each line the next one that is not empty; empty after the last one."""
    found, after = [], ""
    for line in reversed(lines):
        found.append(after)
        after = line if line.strip() else after
    return found[::-1]


@dataclass(slots=True)
class _TextReader:
    blocks: list[RichBlock] = field(default_factory=list)
    gauge: Gauge = field(default_factory=Gauge)
    _lines: list[str] = field(default_factory=list)  # of the current paragraph or item
    _items: list[tuple[int, Item]] = field(default_factory=list)  # each with its indent
    _item: tuple[int, bool] | None = None  # the indent of the current item, and whether it has a number

    def read(self, line: str, after: str) -> None:
        """Take a line. `after`: the next one that is not empty."""
        words = clean(line).strip()
        self.gauge.read(words)
        if not words:
            self._flush()
            return
        indent = _indent_of(line)
        if self._begins_item(line.strip(), indent, after.strip()) or self._is_heading(words):
            return
        if self._item is not None and not self._continues_item(indent):
            self._flush()
            self._flush_items()
        elif not self._lines and self._item is None and not (self._items and indent > self._items[-1][0]):
            self._flush_items()
        self._lines.append(words)

    def finish(self) -> list[RichBlock]:
        self._flush()
        self._flush_items()
        return without_doubles(self.blocks)

    def _begins_item(self, line: str, indent: int, after: str) -> bool:
        found = _BULLET.match(line)
        number = _NUMBER.match(line)
        if number is not None and self._is_in_numbers(int(number[1]), after):
            found = number
        if found is None:
            return False
        self._flush()
        self._item = (indent, found is number)
        self._lines = [clean(line[found.end() :]).strip()]
        return True

    def _is_in_numbers(self, number: int, after: str) -> bool:
        """Whether a number is one of a list: another follows, or it follows one. Else it may be a heading's."""
        following = _NUMBER.match(after)
        goes_on = (self._item is not None and self._item[1]) or bool(self._items and self._items[-1][1].ordered)
        return goes_on or (following is not None and int(following[1]) == number + 1)

    def _is_heading(self, line: str) -> bool:
        """Take a line as a heading that is written as in Markdown: after `#`, or with a line drawn under it."""
        if mark := _MARKDOWN_HEADING.match(line):
            self._flush()
            self._add(RichBlock(BlockKind.HEADING, plain(line[mark.end() :]), len(mark[1])))
            return True
        if len(self._lines) == 1 and self._item is None and _UNDERLINE.fullmatch(line):
            level = 1 if line[0] == "=" else 2
            self._add(RichBlock(BlockKind.HEADING, plain(self._lines.pop()), level))
            return True
        return False

    def _continues_item(self, indent: int) -> bool:
        item = self._item
        return item is not None and (indent > item[0] or (indent == item[0] and not _ENDS_ITEM.search(self._lines[-1])))

    def _flush(self) -> None:
        """End a paragraph or an item."""
        lines, self._lines = self._lines, []
        item, self._item = self._item, None
        if not lines:
            return
        if item is None:
            self._add(RichBlock(BlockKind.PARAGRAPH, tuple(_joined(lines))))
        else:
            self.gauge.count(BlockKind.LIST)
            self._items.append((item[0], Item(plain(" ".join(lines)), ordered=item[1])))

    def _flush_items(self) -> None:
        items, self._items = self._items, []
        if items:
            self.blocks.append(RichBlock(BlockKind.LIST, items=tuple(_nested(items))))

    def _add(self, block: RichBlock) -> None:
        self._flush_items()
        self.gauge.count(block.kind)
        self.blocks.append(block)


def _indent_of(line: str) -> int:
    expanded = line[:200].expandtabs(_TAB)
    return len(expanded) - len(expanded.lstrip())


def _joined(lines: Sequence[str]) -> Iterator[Run]:
    """Join lines that an editor has wrapped. Short ones stay lines; one that says the same as the one above it goes."""
    kept = [line for line, above in zip(lines, ["", *lines], strict=False) if line != above]
    for line, after in zip(kept, [*kept[1:], ""], strict=True):
        is_wrapped = len(line) >= _WRAPPED and not (_ENDS_ITEM.search(line) and len(after) < _WRAPPED)
        yield Run(line if not after else f"{line}{' ' if is_wrapped else chr(10)}")


def _nested(items: Sequence[tuple[int, Item]]) -> Iterator[Item]:
    """Give each item its depth, by the indents of those before it."""
    indents: list[int] = []
    for indent, item in items:
        while indents and indents[-1] > indent:
            indents.pop()
        if not indents or indents[-1] < indent:
            indents.append(indent)
        yield Item(item.runs, len(indents) - 1, item.ordered)


def without_doubles(blocks: Sequence[RichBlock]) -> list[RichBlock]:
    """Leave out blocks that say the same as the one before them, as text that was copied from a page does."""
    return [one for one, above in zip(blocks, [None, *blocks], strict=False) if above is None or one.text != above.text]
