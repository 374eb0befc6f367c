"""Splits text into sentences, and cuts lines to a length."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A full stop after one letter or a short form ends no sentence: "bijv. slaap", "e.g. sleep", "dr. Jansen".
_SHORT_FORMS = frozenset({
    "bijv", "bv", "o.a", "d.w.z", "m.b.t", "z.o.z", "t.o.v", "i.p.v", "enz", "dr", "drs", "prof", "mr", "mw", "dhr",
    "ca", "nr", "blz", "ir", "e.g", "i.e", "vs", "approx", "no", "fig", "st", "z.b", "u.a", "d.h", "bzw", "vgl",
})  # fmt: skip
_END = re.compile(r"[.!?…]+[\"'”’)\]]*\s+(?=[\"'“‘„(]*[A-ZÀ-ÞĀ-Ž0-9])|\n+")
_LAST_WORD = re.compile(r"([^\s(]{1,20})\.[\"'”’)\]]*\s*$")


def sentences_of(text: str) -> Iterator[str]:
    """Yield the sentences of a plain text. Each line of a list is one."""
    start = 0
    for end in _END.finditer(text):
        piece = text[start : end.end()]
        if "\n" not in end[0] and _is_short_form(piece):
            continue
        start = end.end()
        if piece.strip():
            yield piece.strip()
    if text[start:].strip():
        yield text[start:].strip()


def _is_short_form(piece: str) -> bool:
    word = _LAST_WORD.search(piece[-30:])
    return word is not None and (word[1].lower() in _SHORT_FORMS or (len(word[1]) == 1 and word[1].isalpha()))


def cut_at_word(text: str, longest: int, mark: str = "") -> str:
    """Return the words of a text that fit in `longest` characters, `mark` among them if some are left out.

    Empty if not even the first word fits.
    """
    if len(text) <= longest:
        return text
    room = longest - len(mark)
    cut = text[: room + 1].rpartition(" ")[0].rstrip(" ,;:–—-(")
    return f"{cut}{mark}" if cut else ""
