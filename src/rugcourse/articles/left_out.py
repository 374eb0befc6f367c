"""What an article had that a lesson can't show."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class LeftOutCounts:
    """How many of each were left out. `tables` are there as lists; `deletions` were struck out or tracked by Word."""

    pictures: int = 0
    tables: int = 0
    footnotes: int = 0
    comments: int = 0
    deletions: int = 0
    text_boxes: int = 0
    macros: int = 0

    def counted(self) -> list[tuple[str, int]]:
        """Return the name and number of each kind of which something was left out."""
        return [(one.name, count) for one in fields(self) if (count := getattr(self, one.name))]
