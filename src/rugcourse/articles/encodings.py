"""Finds out in which encoding a file of text is."""

from __future__ import annotations

import codecs
import re

from rugcourse.articles.errors import ArticleError
from rugcourse.i18n import N_

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FALLBACK = "cp1252"  # what Windows wrote before Unicode
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LOOKED_AT = 4096  # bytes
_MOST_BINARY = 0.02  # share of bytes that text does not have

_NO_TEXT = N_("This file is not text. Open it in the program in which it was made and save it as .docx.")


def decoded(data: bytes) -> str:
    """Decode text: by its mark, or else as UTF-8, or else as Windows-1252. Raises ArticleError for what is no text."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    beginning = data[:_LOOKED_AT]
    if len(_BINARY.findall(beginning)) > _MOST_BINARY * len(beginning):
        raise ArticleError(_NO_TEXT)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_FALLBACK, "replace")
