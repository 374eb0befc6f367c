"""Estimates how easy a text is to read, from the length of its sentences and words."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from pyphen import Pyphen

from rugcourse.content.markdown import own_text, words_of


class _Formula(NamedTuple):
    """`base - per_sentence * words per sentence - per_word * syllables per word`."""

    dictionary: str
    margin: int  # letters at each end that are not divided: with 1, the German dictionary divides A-r-beit
    base: float
    per_sentence: float
    per_word: float


_FORMULAS = {
    "de": _Formula("de_DE", 2, 180.0, 1.0, 58.5),  # Amstad, Wie verständlich sind unsere Zeitungen?, 1978
    "en": _Formula("en_US", 1, 206.835, 1.015, 84.6),  # Flesch, A new readability yardstick, 1948
    "nl": _Formula("nl_NL", 1, 206.84, 0.93, 77.0),  # Douma, De leesbaarheid van landbouwbladen, 1960
}
_LONE_VOWEL = re.compile(r"[aeiouäöü][^aeiouäöü\W][aeiouäöü](?!$)")
_END = re.compile(r"[.!?…:](?=\s|$)|\n\s*")


def reading_ease(body: str, language: str) -> int | None:
    """Score a Markdown text from 0 (hard) to 100 (easy); from about 60 on most people read it easily.

    Returns None for a language without a formula, and for fewer than 30 words. Raises UnknownTag.
    """
    formula = _FORMULAS.get(language)
    text = own_text(body)
    words = words_of(text)
    if formula is None or len(words) < 30:
        return None
    sentences = sum(1 for part in _END.split(text) if part.strip())
    syllables = sum(_syllables(word, formula) for word in words)
    ease = formula.base - formula.per_sentence * len(words) / sentences - formula.per_word * syllables / len(words)
    return round(min(max(ease, 0), 100))


def _syllables(word: str, formula: _Formula) -> int:
    word = word.lower()
    places = _hyphenation(formula.dictionary, formula.margin).positions(word)
    alone = 1 if _LONE_VOWEL.match(word) and 1 not in places else 0  # the dictionaries don't hyphenate o-ver
    return len(places) + 1 + alone


@cache
def _hyphenation(dictionary: str, margin: int) -> Pyphen:
    return Pyphen(lang=dictionary, left=margin, right=margin)
