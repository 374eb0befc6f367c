"""Reads HTML, of a saved or pasted page or of what Word puts on the clipboard, into blocks of runs.

It follows a list of tags and keeps no tree, so any nesting is linear (see `html_tokens`). What is around an article
(menus, forms, side columns) is skipped; of a page that marks its article, nothing else is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rugcourse.articles.html_elements import (
    BLOCKS,
    CLOSED_BY_NEXT,
    COMMENT,
    DELETIONS,
    EMPHASIS_STYLE,
    FOOTNOTE,
    HEADING,
    INLINE,
    NUMBERED,
    PICTURES,
    SKIPPED,
    STRONG_STYLE,
    VOID,
    WEAK_STYLE,
    WORD_ITEM,
    WORD_MARKER,
    is_around,
)
from rugcourse.articles.html_page import Region, article_of_page, below_title
from rugcourse.articles.html_tables import TableReader
from rugcourse.articles.html_tokens import RAW, Tag, tokens
from rugcourse.articles.left_out import LeftOutCounts
from rugcourse.articles.limits import Gauge
from rugcourse.articles.links import clean_link
from rugcourse.articles.media import SOURCE_SCHEME
from rugcourse.articles.rich_text import BlockKind, Item, RichBlock, Run, text_of

_SPACES = re.compile(r"\s+")
_MOST_OPEN = 500  # elements that are kept in mind; deeper ones change nothing any more
_SEARCHED = 50  # open elements that an end tag is compared with


@dataclass(slots=True)
class _Skipping:
    """An element that is skipped until its end. `text`: what stood in it."""

    tag: str
    depth: int = 1
    text: str = ""


@dataclass(slots=True)
class _Open:
    """An open element within a line, and the style that it gives. None: it changes nothing."""

    tag: str
    strong: bool | None = None
    emphasis: bool | None = None
    link: str | None = None


@dataclass(slots=True)
class HtmlText:
    """What was read. `title`: of the page, which may be empty."""

    blocks: list[RichBlock]
    left_out: LeftOutCounts
    title: str


def read_html(html: str, left_out: LeftOutCounts | None = None) -> HtmlText:
    """Read HTML. Raises ArticleError for one that is too long; anything else gives some text, or none."""
    reader = _HtmlReader(left_out or LeftOutCounts())
    for token in tokens(html):
        reader.gauge.count_tag()
        if isinstance(token, str):
            reader.text(token)
        elif token.is_end:
            reader.end(token.name)
        else:
            reader.start(token)
    return reader.finish()


@dataclass(slots=True)
class _HtmlReader:
    left_out: LeftOutCounts
    title: str = ""
    blocks: list[RichBlock] = field(default_factory=list)
    gauge: Gauge = field(default_factory=Gauge)
    _runs: list[Run] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _skipping: _Skipping | None = None
    _lists: list[bool] = field(default_factory=list)  # open lists: whether each is ordered
    _items: list[Item] = field(default_factory=list)
    _in_item: bool = False
    _heading: int = 0
    _is_title: bool = False  # of the heading that is read
    _title: RichBlock | None = None
    _quotes: int = 0
    _preformatted: int = 0
    _word_item: Item | None = None  # a list item of Word's clipboard, which is a paragraph
    _table: TableReader | None = None
    _pictures: list[RichBlock] = field(default_factory=list)  # to follow the paragraph, list or table they stand in
    _regions: dict[str, list[Region]] = field(default_factory=lambda: {"article": [], "main": []})
    _depths: dict[str, int] = field(default_factory=lambda: {"article": 0, "main": 0})

    def text(self, text: str) -> None:
        if self._skipping is not None:
            if len(self._skipping.text) < 20:
                self._skipping.text += text[:20]
            return
        if not self._preformatted:
            text = _SPACES.sub(" ", text)
            if text == " " and self._runs and self._runs[-1].text == " ":
                return
        style = self._open[-1] if self._open else _Open("")
        self.gauge.read(text)
        self._runs.append(Run(text, bool(style.strong), bool(style.emphasis), style.link or ""))

    def start(self, tag: Tag) -> None:
        name = tag.name
        if self._skipping is not None and not self._leaves_skipped(name):
            return
        if name == "title":
            self.title = self.title or _SPACES.sub(" ", tag.text).strip()
        if self._is_skipped(tag):
            return
        if name in INLINE:
            self._open_inline(tag)
        elif HEADING.fullmatch(name):
            self._start_heading(int(name[1]), is_title=tag.attributes.get("class", "").lower() == "title")
        elif name in {"ul", "ol", "li"}:
            self._start_list(name)
        elif name in {"table", "tr", "td", "th"}:
            self._start_table(name)
        elif name == "br":
            self._break_line()
        elif name in BLOCKS:
            self._start_block(tag)

    def _break_line(self) -> None:
        if not self._runs or self._runs[-1].text != "\n":
            self._runs.append(Run("\n"))

    def end(self, name: str) -> None:
        if self._skipping is not None:
            if name == self._skipping.tag:
                self._skipping.depth -= 1
                if self._skipping.depth == 0:
                    self._end_skipped(self._skipping)
            return
        if name in INLINE:
            self._close_inline(name)
        elif HEADING.fullmatch(name):
            self._flush()
            self._heading = 0
        elif name in {"ul", "ol", "li"}:
            self._end_list(name)
        elif name in {"table", "tr", "td", "th"}:
            self._end_table(name)
        elif name in BLOCKS:
            self._end_block(name)

    def finish(self) -> HtmlText:
        self._flush()
        self._leave_table()
        self._flush_list()
        self._add_pictures()
        blocks = below_title(article_of_page(self.blocks, self._regions), self._title)
        return HtmlText(blocks, self.left_out, self.title)

    # Elements that are skipped

    def _is_skipped(self, tag: Tag) -> bool:
        """Whether an element is skipped; counts what the author should know of."""
        name, attributes = tag.name, tag.attributes
        if name in {"img", "embed"}:
            if attributes.get("width") not in {"0", "1"}:  # 1: pictures that count visitors
                self._picture(attributes.get("src", ""), attributes.get("alt", ""))
            return True
        if name in VOID:
            return name not in {"br", "hr"}
        stands_around = bool(attributes) and name not in {"html", "body"} and is_around(attributes)
        if name not in SKIPPED and not stands_around:
            return False
        self.left_out.pictures += name in PICTURES
        self.left_out.deletions += name in DELETIONS
        if name not in RAW:
            self._skipping = _Skipping(name)
        if name not in INLINE:
            self._flush()
        return True

    def _picture(self, address: str, alt: str) -> None:
        """Remember a picture of the file. One of another place is left out."""
        source = address.removeprefix(SOURCE_SCHEME)
        self.left_out.pictures += source == address
        if source != address:
            self.gauge.count(BlockKind.PICTURE)
            self._pictures.append(RichBlock(BlockKind.PICTURE, (Run(alt),), source=source))

    def _leaves_skipped(self, name: str) -> bool:
        skipped = self._skipping
        if skipped is None or name != skipped.tag:
            return False
        if name in CLOSED_BY_NEXT:
            self._skipping = None
            return True
        skipped.depth += 1
        return False

    def _end_skipped(self, skipped: _Skipping) -> None:
        self._skipping = None
        if self._word_item is not None and NUMBERED.match(skipped.text):
            self._word_item = Item((), self._word_item.depth, ordered=True)

    # Within a line

    def _open_inline(self, tag: Tag) -> None:
        around = self._open[-1] if self._open else _Open("")
        style = tag.attributes.get("style", "").lower()
        if WORD_MARKER.search(style):
            self._skipping = _Skipping(tag.name)
            return
        if tag.name == "a" and self._is_note(tag.attributes.get("href", "")):
            self._skipping = _Skipping("a")
            return
        strong = tag.name in {"b", "strong"} or bool(STRONG_STYLE.search(style)) or bool(around.strong)
        if WEAK_STYLE.search(style):
            strong = False  # Google Docs puts all that is copied into such a `<b>`
        emphasis = tag.name in {"i", "em", "cite"} or bool(EMPHASIS_STYLE.search(style)) or bool(around.emphasis)
        link = clean_link(tag.attributes.get("href", "")) if tag.name == "a" else around.link
        if len(self._open) < _MOST_OPEN:
            self._open.append(_Open(tag.name, strong, emphasis, link))
        if tag.name == "q":
            self.text("“")

    def _close_inline(self, name: str) -> None:
        if name == "q":
            self.text("”")
        for back in range(1, min(len(self._open), _SEARCHED) + 1):
            if self._open[-back].tag == name:
                del self._open[-back:]
                return

    def _is_note(self, href: str) -> bool:
        """Whether a link leads to a footnote or a comment, which are left out."""
        if COMMENT.match(href):
            self.left_out.comments += 1
            return True
        if FOOTNOTE.match(href):
            self.left_out.footnotes += 1
            return True
        return False

    # Blocks

    def _start_heading(self, level: int, *, is_title: bool) -> None:
        self._flush()
        self._flush_list()
        self._leave_table()
        self._heading = level
        self._is_title = is_title and level == 1

    def _start_block(self, tag: Tag) -> None:
        name = tag.name
        if self._flush():
            self._heading = 0  # one that was not closed; else this stands within it
        if name in self._depths:
            self._depths[name] += 1
            if self._depths[name] == 1 and len(self._regions[name]) < _MOST_OPEN:
                self._flush_list()
                self._regions[name].append(Region(len(self.blocks)))
        self._quotes += name == "blockquote"
        self._preformatted += name == "pre"
        self._word_item = None
        if name == "p" and tag.attributes and not self._lists:
            self._start_word_paragraph(tag.attributes)

    def _start_word_paragraph(self, attributes: Mapping[str, str]) -> None:
        """Word's clipboard has paragraphs instead of lists, and a class instead of the heading of a title."""
        if level := WORD_ITEM.search(attributes.get("style", "").lower()):
            self._word_item = Item((), max(int(level[1]) - 1, 0))
        elif attributes.get("class", "").lower() == "msotitle":
            self._start_heading(1, is_title=True)

    def _end_block(self, name: str) -> None:
        if self._flush():
            self._heading = 0
        if name in self._depths and self._depths[name] > 0:
            self._depths[name] -= 1
            if self._depths[name] == 0:
                self._flush_list()
                if self._regions[name][-1].last is None:
                    self._regions[name][-1].last = len(self.blocks)
        self._quotes -= name == "blockquote" and self._quotes > 0
        self._preformatted -= name == "pre" and self._preformatted > 0

    def _flush(self) -> bool:
        """End a paragraph, heading, item or cell: what was read since the last one belongs to it, if there is any."""
        runs, self._runs = tuple(self._runs), []
        if not text_of(runs).strip():
            self._add_pictures()
            return False
        if self._table is not None:
            self._table.add(runs)
        elif self._word_item is not None:
            self._add_item(Item(runs, self._word_item.depth, self._word_item.ordered))
            self._word_item = None
        elif self._heading:
            self._add_heading(RichBlock(BlockKind.HEADING, runs, self._heading))
        elif self._lists:
            self._add_to_list(runs)
        else:
            self._add(RichBlock(BlockKind.QUOTE if self._quotes else BlockKind.PARAGRAPH, runs))
        self._add_pictures()
        return True

    def _add_pictures(self) -> None:
        """Add the pictures of what was just read, unless its list or table goes on."""
        if self._pictures and not self._items and self._table is None:
            self.blocks += self._pictures
            self._pictures = []

    def _add_heading(self, block: RichBlock) -> None:
        self._add(block)
        if self._is_title and self._title is None:
            self._title = self.blocks[-1]

    def _add(self, block: RichBlock) -> None:
        self._flush_list()
        self.gauge.count(block.kind)
        self.blocks.append(block)

    # Lists

    def _start_list(self, name: str) -> None:
        self._flush()
        self._leave_table()
        self._heading = 0
        if name == "li":
            self._in_item = False
        elif len(self._lists) < _MOST_OPEN:
            self._lists.append(name == "ol")

    def _end_list(self, name: str) -> None:
        self._flush()
        self._in_item = False
        if name != "li" and self._lists:
            self._lists.pop()
            if not self._lists:
                self._flush_list()

    def _add_to_list(self, runs: tuple[Run, ...]) -> None:
        """A paragraph of an item begins a line in it."""
        if self._in_item and self._items and self._items[-1].depth == len(self._lists) - 1:
            last = self._items[-1]
            self._items[-1] = Item((*last.runs, Run("\n"), *runs), last.depth, last.ordered)
        else:
            self._add_item(Item(runs, len(self._lists) - 1, self._lists[-1]))
        self._in_item = True

    def _add_item(self, item: Item) -> None:
        self.gauge.count(BlockKind.LIST)
        self._items.append(item)

    def _flush_list(self) -> None:
        if self._items:
            self.blocks.append(RichBlock(BlockKind.LIST, items=tuple(self._items)))
            self._items = []
            self._add_pictures()

    # Tables

    def _start_table(self, name: str) -> None:
        self._flush()
        self._heading = 0
        if name == "table" and self._table is None and not self._lists:
            self._flush_list()
            self._table = TableReader()
        elif self._table is not None and self._table.start(name):
            self.gauge.count(BlockKind.LIST)

    def _end_table(self, name: str) -> None:
        self._flush()
        if self._table is None or name != "table" or self._table.ends_inner_table():
            return
        if self._table.has_data:
            self.left_out.tables += 1
        self._leave_table()

    def _leave_table(self) -> None:
        """Take over what a table holds. One whose cells have headings or lists lays out a page: they go on as text."""
        table, self._table = self._table, None
        for block in table.blocks() if table is not None else ():
            self._add(block)
