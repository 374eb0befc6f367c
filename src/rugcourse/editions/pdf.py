"""A book as PDF, and a picture to share, both set by typst (its own fonts, no system libraries, nothing fetched)."""

from __future__ import annotations

import json
from typing import Literal

from rugcourse import resources
from rugcourse.editions.book import Book

_PIXELS_PER_INCH = 144.0


def make_pdf(book: Book) -> bytes:
    """The book in A5, tagged for screen readers (PDF/UA-1)."""
    return _typeset("book.typ", book, "pdf")


def make_picture(book: Book) -> bytes:
    """A PNG of 1200 by 630 pixels, the size that messengers show beside a shared address."""
    return _typeset("share.typ", book, "png")


def _typeset(template: str, book: Book, kind: Literal["pdf", "png"]) -> bytes:
    import typst  # noqa: PLC0415 - 30 MB for those who make books

    made = typst.compile(
        str(resources.folder("templates") / "book" / template),
        format=kind,
        ppi=_PIXELS_PER_INCH,
        sys_inputs={"book": json.dumps(book)},
        ignore_system_fonts=True,
        pdf_standards="ua-1" if kind == "pdf" else None,
    )
    if not isinstance(made, bytes):
        raise TypeError(f"{template} has more than one page")  # pictures come as a list then
    return made
