"""Builds a PDF or a preview picture with typst, and ends: `python -m rugcourse.ebooks.typst_process`.

It reads a request from its standard input and writes the reply to its standard output; `typesetter` is the other side.
Only this module loads typst (built-in fonts, no system libraries, no network access), which takes 60 MB and keeps them.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typst

from rugcourse.ebooks.shown_pictures import names_in, only_with
from rugcourse.ebooks.signs import is_plain, showable
from rugcourse.errors import UnavailableError
from rugcourse.pictures.reference import FOLDER

if TYPE_CHECKING:
    from rugcourse.ebooks.document import Book

_PIXELS_PER_INCH = 144.0
_NICE = 10  # pages and mails go first


class _Unbuildable(UnavailableError):
    """Typst has no way to build this. The message gives the reason."""


def main() -> int:
    """Reply to the request on standard input; returns the exit code."""
    os.nice(_NICE)
    request = json.load(sys.stdin.buffer)
    head, body = _reply(request, Path(request["templates"]))
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + body)
    return 0


def _reply(request: dict[str, Any], templates: Path) -> tuple[dict[str, object], bytes]:
    try:
        match request["make"]:
            case "pdf":
                warnings: list[str] = []
                with _with_pictures(templates, request.get("pictures", {})) as folder:
                    made = _pdf(request["book"], folder, warnings)
                return {"warnings": warnings}, made
            case "cover":
                return {}, _cover(request["book"], templates, request.get("pictures", {}))
            case "picture":
                return {}, _typeset("share.typ", request["book"], templates, "png")
            case _:
                shown = [sign for sign in request["signs"] if _can_show(sign, templates)]
                return {"shown": shown}, b""
    except (typst.TypstError, _Unbuildable) as error:
        return {"error": str(error)}, b""


@contextmanager
def _with_pictures(templates: Path, pictures: dict[str, str]) -> Iterator[Path]:
    """Yield a folder with the templates, beside which are the pictures: typst reads nothing outside of one folder."""
    if not pictures:
        yield templates
        return
    with tempfile.TemporaryDirectory(prefix="rugcourse-book-") as outside:
        root = Path(outside)
        shutil.copy(templates.parent / "design.toml", root)
        shutil.copytree(templates, root / templates.name)
        (root / FOLDER).mkdir()
        for name, content in pictures.items():
            (root / FOLDER / name).write_bytes(base64.b64decode(content))
        yield root / templates.name


def _pdf(book: Book, templates: Path, warnings: list[str]) -> bytes:
    """Tagged for screen readers (PDF/UA-1), and without that if the book fails it, which is better than no book.

    So is a book without pictures, if one of them can't be read.
    """
    try:
        return _typeset("ebook.typ", book, templates, "pdf", standard="ua-1")
    except typst.TypstError as error:
        warnings.append(f"without PDF/UA-1: {error}")
    try:
        return _typeset("ebook.typ", book, templates, "pdf")
    except typst.TypstError as error:
        if not names_in(book):
            raise
        warnings.append(f"without pictures: {error}")
    return _typeset("ebook.typ", only_with(book, ()), templates, "pdf", standard="ua-1")


def _cover(book: Book, templates: Path, pictures: dict[str, str]) -> bytes:
    """The cover as a picture, without the pictures on it if one of them can't be read."""
    try:
        with _with_pictures(templates, pictures) as folder:
            return _typeset("cover.typ", book, folder, "png")
    except typst.TypstError:
        return _typeset("cover.typ", only_with(book, ()), templates, "png")


def _typeset(
    template: str,
    book: Book,
    templates: Path,
    kind: Literal["pdf", "png"],
    standard: Literal["ua-1"] | None = None,
) -> bytes:
    made = typst.compile(
        str(templates / template),
        root=str(templates.parent),
        format=kind,
        ppi=_PIXELS_PER_INCH,
        sys_inputs={"book": json.dumps(showable(book, lambda sign: _can_show(sign, templates)))},
        ignore_system_fonts=True,
        pdf_standards=standard,
    )
    if not isinstance(made, bytes):
        raise _Unbuildable(f"{template} has more than one page")  # typst then returns a list of pictures
    return made


@lru_cache(maxsize=4096)
def _can_show(sign: str, templates: Path) -> bool:
    """Whether typst can set a page with this character only. Its fonts are built in, and can't be inspected."""
    if is_plain(sign):
        return True
    try:
        typst.compile(
            str(templates / "sign.typ"),
            root=str(templates.parent),
            format="pdf",
            sys_inputs={"sign": json.dumps(sign)},
            ignore_system_fonts=True,
            pdf_standards="ua-1",
        )
    except typst.TypstError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
