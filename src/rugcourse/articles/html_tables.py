"""Tables of an article become lists: a mail on a phone has no room for columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rugcourse.articles.rich_text import BlockKind, Item, RichBlock, Run, text_of, tidy

_BETWEEN = Run(" · ")
_LONGEST_CELL = 400  # characters; longer ones are paragraphs of a page that a table lays out

Cell = list[Run]


@dataclass(slots=True)
class TableReader:
    """Takes the rows of a table, and gives them back as an item each. A table in a cell is text of that cell."""

    _rows: list[list[Cell]] = field(default_factory=list)
    _has_names: bool = False  # the first row names the columns
    _inner: int = 0

    @property
    def has_data(self) -> bool:
        """Whether it is a table of short cells side by side, not one that lays out a page."""
        return any(len(row) > 1 for row in self._rows) and all(
            len(text_of(cell)) <= _LONGEST_CELL for row in self._rows for cell in row
        )

    def start(self, name: str) -> bool:
        """Begin a table in a cell, a row or a cell. Returns whether there is one more cell."""
        if name == "table":
            self._inner += 1
        if self._inner:
            return False
        if not self._rows or (name == "tr" and self._rows[-1]):
            self._rows.append([])
        if name == "tr":
            return False
        self._rows[-1].append([])
        if len(self._rows) == 1:
            self._has_names = name == "th" and (len(self._rows[0]) == 1 or self._has_names)
        return True

    def ends_inner_table(self) -> bool:
        self._inner -= 1
        if self._inner >= 0:
            return True
        self._inner = 0
        return False

    def add(self, runs: tuple[Run, ...]) -> None:
        """Add text to the cell."""
        if not self._rows:
            self._rows.append([])
        if not self._rows[-1]:
            self._rows[-1].append([])
        cell = self._rows[-1][-1]
        if cell:
            cell.append(Run(" "))
        cell.extend(runs)

    def blocks(self) -> Iterator[RichBlock]:
        """Yield a list with an item for each row, or the cells as paragraphs."""
        rows = [row for row in self._rows if any(row)]
        if not self.has_data:
            for row in rows:
                yield from (RichBlock(BlockKind.PARAGRAPH, tuple(cell)) for cell in row if cell)
            return
        names: list[Cell] = []
        if self._has_names and len(rows) > 1:
            names, *rows = rows
        yield RichBlock(BlockKind.LIST, items=tuple(Item(tuple(_line(row, names))) for row in rows))


def _line(row: list[Cell], names: list[Cell]) -> Iterator[Run]:
    """Yield a row as one line: `cell · cell`, or `name: cell · name: cell`."""
    is_first = True
    for place, cell in enumerate(row):
        if not cell:
            continue
        if not is_first:
            yield _BETWEEN
        is_first = False
        name = tidy(names[place]) if place < len(names) else ()
        yield from name
        if name:
            yield Run(": ")
        yield from (Run(run.text.replace("\n", " "), run.strong, run.emphasis, run.link) for run in cell)
