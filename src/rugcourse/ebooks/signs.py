"""Signs that the fonts of a book don't have, such as emoji: they are left out of it, so that there is a book."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from typing import Any

from rugcourse import paths
from rugcourse.ebooks.document import Book

# What every book needs is there: nothing is asked about these letters.
_PLAIN = re.compile(r"[\x00-\xff‘’“”„–—…€•]*")
_JOINER = "\u200d"
_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
_NOTHING_LEFT = "–"


def left_out(text: str) -> list[str]:
    """The signs of a text that a book can't show, each once, in their order."""
    return list(dict.fromkeys(sign for sign in _signs(text) if not _can_show(sign)))


def showable(book: Book) -> Book:
    """The same book without them. A text of nothing else becomes a dash: a heading may not be empty."""
    return {key: value if key in {"language", "site"} else _without(value) for key, value in book.items()}


def _without(value: Any) -> Any:
    if isinstance(value, str):
        return _shown(value)
    if isinstance(value, dict):
        return {
            key: one if key in {"kind", "link", "slug", "address", "urgency"} else _without(one)
            for key, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_without(one) for one in value]
    return value


def _shown(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    shown = "".join(_nearest(sign) for sign in _signs(text))
    return shown if shown.strip() or not text.strip() else _NOTHING_LEFT


def _nearest(sign: str) -> str:
    """The sign; without its marks where only those are missing; or nothing."""
    return next((one for one in (sign, sign[0]) if _can_show(one)), "")


def _signs(text: str) -> list[str]:
    """Each sign with what belongs to it: marks, the tone of a skin, and signs that are joined to it, as in a family."""
    found: list[str] = []
    for one in unicodedata.normalize("NFC", text):
        joined = bool(found) and found[-1].endswith(_JOINER)
        if found and (joined or one == _JOINER or one in _TONES or unicodedata.category(one).startswith("M")):
            found[-1] += one
        else:
            found.append(one)
    return found


@lru_cache(maxsize=4096)
def _can_show(sign: str) -> bool:
    """Whether a page with nothing but this can be set. typst has its fonts within itself, and tells nobody what is in
    them.
    """
    if _PLAIN.fullmatch(sign):
        return True
    import typst  # noqa: PLC0415 - 30 MB for those who make books

    try:
        typst.compile(
            str(paths.folder("templates") / "ebook" / "sign.typ"),
            format="pdf",
            sys_inputs={"sign": json.dumps(sign)},
            ignore_system_fonts=True,
            pdf_standards="ua-1",
        )
    except typst.TypstError:
        return False
    return True
