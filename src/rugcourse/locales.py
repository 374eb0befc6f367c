"""The languages of the interface: English, in which messages are written, and each that has a catalogue in `locales/`.

A course may be in fewer of them: see `rugcourse.content.languages`.
"""

from __future__ import annotations

import re
from functools import cache

from rugcourse import paths

SOURCE_LANGUAGE = "en"
_CODE = re.compile(r"[a-z]{2}")  # ISO 639-1, as in addresses of pages and names of files


@cache
def languages() -> tuple[str, ...]:
    """Return the codes of all languages, sorted. The folder is read once: a new catalogue needs a new start."""
    stems = {file.stem for file in paths.folder("locales").glob("*.po")}
    return tuple(sorted({SOURCE_LANGUAGE, *filter(_CODE.fullmatch, stems)}))


def known_language(wanted: str, default: str) -> str:
    """Return the language that somebody asks for, or else `default`. `wanted` may be any text."""
    return wanted if wanted in languages() else default


def check_language(code: str) -> str:
    """Return the code of a language of the interface. Raises ValueError, with a message that lists them."""
    if code not in languages():
        raise ValueError(f"{code!r} has no catalogue in locales/; there are: {', '.join(languages())}")
    return code
