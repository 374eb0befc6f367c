"""Finds what a text has in common with the article it was derived from, word for word."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
LONGEST = 6  # words in a row that a text may share with its source; fixed terms are rarely longer


def overlap(section: str, text: str, longest: int = LONGEST) -> tuple[str, ...]:
    """Return the pieces of `text` that share more than `longest` words in a row with `section`, as typed in `text`.

    Case, punctuation and Markdown between the words make no difference. Linear in both lengths, for a given `longest`.
    """
    size = longest + 1
    source = [word for word, _, _ in _words(section)]
    shared = {tuple(source[at : at + size]) for at in range(len(source) - size + 1)}
    words = _words(text)
    found: list[tuple[int, int]] = []
    for at in range(len(words) - size + 1):
        if tuple(word for word, _, _ in words[at : at + size]) in shared:
            if found and at <= found[-1][1]:
                found[-1] = (found[-1][0], at + size)
            else:
                found.append((at, at + size))
    return tuple(text[words[first][1] : words[after - 1][2]] for first, after in found)


def _words(text: str) -> list[tuple[str, int, int]]:
    """Return each word, in one form for all ways to write it, with where it begins and ends."""
    return [(_plain(one[0]), one.start(), one.end()) for one in _WORD.finditer(text)]


def _plain(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold().replace("’", "'")
