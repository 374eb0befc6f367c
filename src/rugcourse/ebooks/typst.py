"""A book as PDF, and a picture to share, both set by typst (its own fonts, no system libraries, nothing fetched)."""

from __future__ import annotations

import json
import logging
from typing import Literal

from rugcourse import paths
from rugcourse.ebooks.document import Book
from rugcourse.ebooks.signs import showable

_log = logging.getLogger(__name__)
_PIXELS_PER_INCH = 144.0


class TypesettingFailed(Exception):
    """A book or a picture can't be made of these texts. The message says why."""


def make_pdf(book: Book) -> bytes:
    """The book in A5, tagged for screen readers (PDF/UA-1).

    Where it can't be set by that standard it is set without: better than no book. Signs that its fonts don't have are
    left out. Raises CannotBeSet.
    """
    import typst  # noqa: PLC0415 - 30 MB for those who make books

    try:
        return _typeset("ebook.typ", book, "pdf", standard="ua-1")
    except typst.TypstError as error:
        _log.warning("a book is set without PDF/UA-1: %s: %s", book["title"], error)
    return _typeset_or_fail("ebook.typ", book, "pdf")


def make_picture(book: Book) -> bytes:
    """A PNG of 1200 by 630 pixels, the size that messengers show beside a shared address."""
    return _typeset_or_fail("share.typ", book, "png")


def _typeset_or_fail(template: str, book: Book, kind: Literal["pdf", "png"]) -> bytes:
    import typst  # noqa: PLC0415

    try:
        return _typeset(template, book, kind)
    except typst.TypstError as error:
        raise TypesettingFailed(str(error)) from error


def _typeset(template: str, book: Book, kind: Literal["pdf", "png"], standard: Literal["ua-1"] | None = None) -> bytes:
    import typst  # noqa: PLC0415 - 30 MB for those who make books

    made = typst.compile(
        str(paths.folder("templates") / "ebook" / template),
        format=kind,
        ppi=_PIXELS_PER_INCH,
        sys_inputs={"book": json.dumps(showable(book))},
        ignore_system_fonts=True,
        pdf_standards=standard,
    )
    if not isinstance(made, bytes):
        raise TypesettingFailed(f"{template} has more than one page")  # pictures come as a list then
    return made
