"""Builds the PDF and the preview picture with typst (built-in fonts, no system libraries, no network access)."""

from __future__ import annotations

import json
import logging
from typing import Literal

from rugcourse import paths
from rugcourse.ebooks.document import Book
from rugcourse.ebooks.signs import showable
from rugcourse.errors import UnavailableError

_log = logging.getLogger(__name__)
_PIXELS_PER_INCH = 144.0


class TypesettingFailed(UnavailableError):
    """Typst can't build a book or picture from these texts. The message gives the reason."""


def make_pdf(book: Book) -> bytes:
    """Build the book in A5, tagged for screen readers (PDF/UA-1).

    If it fails that standard it is built without, which is better than no book. Characters that the fonts lack are
    removed. Raises TypesettingFailed.
    """
    import typst  # noqa: PLC0415 - lazy, as it takes 30 MB

    try:
        return _typeset("ebook.typ", book, "pdf", standard="ua-1")
    except typst.TypstError as error:
        _log.warning("a book is built without PDF/UA-1: %s: %s", book["title"], error)
    return _typeset_or_fail("ebook.typ", book, "pdf")


def make_picture(book: Book) -> bytes:
    """Build a PNG of 1200 by 630 pixels, the size that messengers show with a shared link. Raises TypesettingFailed."""
    return _typeset_or_fail("share.typ", book, "png")


def _typeset_or_fail(template: str, book: Book, kind: Literal["pdf", "png"]) -> bytes:
    import typst  # noqa: PLC0415

    try:
        return _typeset(template, book, kind)
    except typst.TypstError as error:
        raise TypesettingFailed(str(error)) from error


def _typeset(template: str, book: Book, kind: Literal["pdf", "png"], standard: Literal["ua-1"] | None = None) -> bytes:
    import typst  # noqa: PLC0415 - lazy, as it takes 30 MB

    made = typst.compile(
        str(paths.folder("templates") / "ebook" / template),
        root=str(paths.folder("templates")),
        format=kind,
        ppi=_PIXELS_PER_INCH,
        sys_inputs={"book": json.dumps(showable(book))},
        ignore_system_fonts=True,
        pdf_standards=standard,
    )
    if not isinstance(made, bytes):
        raise TypesettingFailed(f"{template} has more than one page")  # typst then returns a list of pictures
    return made
