"""Removes characters that the fonts of the e-books lack, such as emoji, so that the book can be built."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache

from rugcourse import paths
from rugcourse.ebooks.document import Book

# Characters that the fonts are known to have, which need no check.
_PLAIN = re.compile(r"[\x00-\xff‘’“”„–—…€•]*")
_JOINER = "\u200d"
_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
_NOTHING_LEFT = "–"


def left_out(text: str) -> list[str]:
    """Return the characters of a text that an e-book can't show, each once, in order."""
    return list(dict.fromkeys(sign for sign in _signs(text) if not _can_show(sign)))


def showable(book: Book) -> Book:
    """Remove these characters from a book. A text of nothing else becomes a dash, as a heading may not be empty."""
    return {key: value if key in {"language", "site"} else _without(value) for key, value in book.items()}


def _without(value: object) -> object:
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
    """Return the character, or its base character if only the marks are missing, or an empty string."""
    return next((one for one in (sign, sign[0]) if _can_show(one)), "")


def _signs(text: str) -> list[str]:
    """Split a text into characters with their marks, skin tones and joined characters (as in family emoji)."""
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
    """Whether typst can set a page with this character only. Its fonts are built in, and can't be inspected."""
    if _PLAIN.fullmatch(sign):
        return True
    import typst  # noqa: PLC0415 - lazy, as it takes 30 MB

    try:
        typst.compile(
            str(paths.folder("templates") / "ebook" / "sign.typ"),
            root=str(paths.folder("templates")),
            format="pdf",
            sys_inputs={"sign": json.dumps(sign)},
            ignore_system_fonts=True,
            pdf_standards="ua-1",
        )
    except typst.TypstError:
        return False
    return True
