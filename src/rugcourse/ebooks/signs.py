"""Removes characters that the fonts of the e-books lack, such as emoji, so that the book can be built."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from rugcourse.ebooks.typesetter import shown_signs

if TYPE_CHECKING:
    from rugcourse.ebooks.document import Book

# Characters that the fonts are known to have, which need no check.
_PLAIN = re.compile(r"[\x00-\xff‘’“”„–—…€•]*")
_JOINER = "\u200d"
_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
_NOTHING_LEFT = "–"
_MOST_KNOWN = 4096
_known: dict[str, bool] = {}  # character → whether the fonts have it


def is_plain(sign: str) -> bool:
    """Whether the fonts have it, without a look."""
    return _PLAIN.fullmatch(sign) is not None


def left_out(text: str) -> list[str]:
    """Return the characters of a text that an e-book can't show, each once, in order. Raises TypesettingFailed."""
    return left_out_of([text])[0]


def left_out_of(texts: Iterable[str]) -> list[list[str]]:
    """Return the same for each of the texts, and ask typst no more than once about all of them."""
    found = [list(dict.fromkeys(sign for sign in _signs(text) if not is_plain(sign))) for text in texts]
    known = dict(_known)
    if unknown := {sign for signs in found for sign in signs} - known.keys():
        shown = shown_signs(sorted(unknown))
        known |= {sign: sign in shown for sign in unknown}
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        _known.update({sign: known[sign] for sign in unknown})
    return [[sign for sign in signs if not known[sign]] for signs in found]


def showable(book: Book, can_show: Callable[[str], bool]) -> Book:
    """Remove characters from a book that can't be shown. A text of nothing else becomes a dash, as a heading may not be
    empty.
    """
    return {key: value if key in {"language", "site"} else _without(value, can_show) for key, value in book.items()}


def _without(value: Any, can_show: Callable[[str], bool]) -> Any:
    if isinstance(value, str):
        return _shown(value, can_show)
    if isinstance(value, dict):
        return {
            key: one if key in {"kind", "link", "slug", "address", "urgency"} else _without(one, can_show)
            for key, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_without(one, can_show) for one in value]
    return value


def _shown(text: str, can_show: Callable[[str], bool]) -> str:
    if is_plain(text):
        return text
    shown = "".join(_nearest(sign, can_show) for sign in _signs(text))
    return shown if shown.strip() or not text.strip() else _NOTHING_LEFT


def _nearest(sign: str, can_show: Callable[[str], bool]) -> str:
    """Return the character, or its base character if only the marks are missing, or an empty string."""
    return next((one for one in (sign, sign[0]) if can_show(one)), "")


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
