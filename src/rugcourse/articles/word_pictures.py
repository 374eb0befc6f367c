"""Finds the pictures of a .docx, and marks their places through the libraries that read its text.

A mark is text, so that it stays where it is. It has a random word in it, so that no document can write one itself.
"""

from __future__ import annotations

import posixpath
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from rugcourse.articles.media import SOURCE_SCHEME

if TYPE_CHECKING:
    from lxml.etree import _Element

_IMAGE = "/relationships/image"
_MOST_MARKS = 1000


@dataclass(slots=True)
class WordPictures:
    """The pictures of a document. `sources`: the part of the archive that each relationship leads to, by its id."""

    sources: dict[str, str]
    _marked: list[str] = field(default_factory=list)
    _nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    @classmethod
    def of(cls, relationships: Iterable[tuple[str, str, str]], folder: str, names: Collection[str]) -> WordPictures:
        """`relationships`: type, target and id of each. Those that lead out of the archive are none of it."""
        found = {
            its_id: posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            for kind, target, its_id in relationships
            if kind.endswith(_IMAGE)
        }
        return cls({its_id: source for its_id, source in found.items() if source in names})

    def mark(self, drawing: _Element) -> bool:
        """Put marks in the place of a drawing that shows pictures of the file. Returns False if it shows none."""
        run = drawing.getparent()
        sources = [self.sources[one] for one in _shown(drawing) if one in self.sources]
        if run is None or not sources or len(self._marked) + len(sources) > _MOST_MARKS:
            return False
        text = drawing.makeelement(str(run.tag).rpartition("}")[0] + "}t", {})
        text.text = "".join(self._marked_as(source, _description(drawing)) for source in sources)
        run.replace(drawing, text)
        return True

    def in_place_of_marks(self, html: str) -> str:
        """Return HTML with an `<img>` at each mark."""
        return re.sub(f"{self._nonce}-([0-9]{{1,5}})-", lambda mark: self._image(int(mark[1])), html)

    def _marked_as(self, source: str, alt: str) -> str:
        self._marked.append(f'<img src="{escape(SOURCE_SCHEME + source)}" alt="{escape(alt)}">')
        return f"{self._nonce}-{len(self._marked) - 1}-"

    def _image(self, number: int) -> str:
        return self._marked[number] if number < len(self._marked) else ""


def _shown(drawing: _Element) -> Iterable[str]:
    """Yield the ids of the relationships that a drawing shows: those of today, and of old files (VML)."""
    for one in drawing.iter("{*}blip", "{*}imagedata"):
        yield from (value for name, value in one.attrib.items() if str(name).rpartition("}")[2] in {"embed", "id"})


def _description(drawing: _Element) -> str:
    """Return what a drawing says of its picture for who can't see it."""
    for one in drawing.iter("{*}docPr", "{*}shape"):
        if said := one.get("descr") or one.get("alt") or one.get("title"):
            return str(said)[:1000]
    return ""
