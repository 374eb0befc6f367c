"""Builds an e-book as EPUB 3.3 (https://www.w3.org/TR/epub-33/): XHTML chapters in a ZIP, in a fixed order."""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from jinja2 import FileSystemLoader, StrictUndefined

from rugcourse import paths
from rugcourse.ebooks.document import Book, description
from rugcourse.ebooks.shown_pictures import ShownPictures, media_type, names_in, only_with
from rugcourse.emails.sandbox import Sandbox
from rugcourse.pictures.reference import FOLDER

_MIMETYPE = "application/epub+zip"
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a fixed date, so that the same book gives the same bytes
_PAGES = ("title.xhtml", "nav.xhtml", "about.xhtml", "answers.xhtml", "end.xhtml")
_COVER = "cover.png"
_SAFETY_NOTICE = "safety-notice.xhtml"


def make_epub(
    book: Book, published_at: datetime, pictures: ShownPictures | None = None, cover: bytes | None = None
) -> bytes:
    """Build the EPUB. `published_at`: the modification date that the format requires. `pictures`: of its blocks.

    `cover`: a PNG that e-readers show in their library.
    """
    shown = pictures or {}
    book = only_with(book, shown)
    names = names_in({**book, "cover_picture": None})
    chapters = [{**one, "file": f"lesson-{one['number']:02}.xhtml"} for one in book["chapters"]]
    values = {
        "book": {**book, "chapters": chapters},
        "description": description(book),
        "identifier": _identifier(book),
        "pictures": [(name, media_type(name)) for name in names],
        "has_cover": cover is not None,
        "light": book["design"]["light"],
        "modified": published_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    pages = (*_PAGES, _SAFETY_NOTICE) if book["safety_notice"] else _PAGES
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "mimetype", _MIMETYPE, zipfile.ZIP_STORED)  # must be first, and uncompressed
        _add(archive, "META-INF/container.xml", _render("container.xml", values))
        for name in ("content.opf", "style.css", *pages):
            _add(archive, f"OEBPS/{name}", _render(name, values))
        for chapter in chapters:
            _add(archive, f"OEBPS/{chapter['file']}", _render("lesson.xhtml", {**values, "chapter": chapter}))
        for name in names:
            archive.writestr(zipfile.ZipInfo(f"OEBPS/{FOLDER}/{name}", _EARLIEST), shown[name], zipfile.ZIP_STORED)
        if cover is not None:
            archive.writestr(zipfile.ZipInfo(f"OEBPS/{_COVER}", _EARLIEST), cover, zipfile.ZIP_STORED)
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, text: str, packing: int = zipfile.ZIP_DEFLATED) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EARLIEST), text.encode(), packing)


def _render(name: str, values: Mapping[str, object]) -> str:
    return _environment().get_template(name).render(values)


def _identifier(book: Book) -> str:
    """Return a name-based UUID (RFC 9562, section 5.5), the same for all versions of a book in a language."""
    name = hashlib.sha256(f"{book['site']} {book['language']}".encode()).hexdigest()
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


@cache
def _environment() -> Sandbox:
    return Sandbox(
        loader=FileSystemLoader(paths.folder("templates") / "ebook" / "epub"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
