"""Finds words in the headings and paragraphs of help."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rugcourse.help_pages.documents import PATH, HelpDocument, HelpSection, help_documents

MAX_QUERY = 100  # characters; what follows is not searched for
_MAX_WORDS = 8
_MAX_HITS = 20
_BEFORE, _LENGTH = 60, 240  # characters of an excerpt
_IN_TITLE = 10  # a word in a heading says more than one in a paragraph

Marked = tuple[tuple[str, bool], ...]  # (text, whether it was searched for)


@dataclass(frozen=True, slots=True)
class HelpHit:
    """A section in which all words stand. `url`: its path, with its anchor. `language`: that it is written in."""

    url: str
    page: str
    language: str
    title: Marked
    excerpt: Marked


def search_help(query: str, language: str) -> list[HelpHit]:
    """Return the sections in which all words of a query stand; none for a query without words.

    Pages that were translated come first, as somebody types in their own language, and then the best sections.
    """
    words = re.findall(r"\w+", query[:MAX_QUERY])[:_MAX_WORDS]
    if not words:
        return []
    found = [
        (score, document, section)
        for document in help_documents(language)
        for section in document.sections
        if (score := _score(section, words))
    ]
    found.sort(key=lambda one: (one[1].language != language, -one[0]))  # stable: the order of the pages stays
    return [_hit(document, section, words) for _, document, section in found[:_MAX_HITS]]


def _score(section: HelpSection, words: Sequence[str]) -> int:
    """Return how well a section matches, 0 if a word is missing."""
    counts = [
        _IN_TITLE * len(_occurrences(section.title, [word]))
        + sum(len(_occurrences(paragraph, [word])) for paragraph in section.paragraphs)
        for word in words
    ]
    return sum(counts) if all(counts) else 0


def _occurrences(text: str, words: Sequence[str]) -> list[re.Match[str]]:
    return list(re.finditer("|".join(map(re.escape, words)), text, re.IGNORECASE))


def _hit(document: HelpDocument, section: HelpSection, words: Sequence[str]) -> HelpHit:
    best = max(
        section.paragraphs,
        key=lambda one: len({match[0].lower() for match in _occurrences(one, words)}),
        default="",
    )
    return HelpHit(
        url=f"{PATH}/{document.name}#{section.anchor}",
        page=document.title,
        language=document.language,
        title=_marked(section.title, words),
        excerpt=_marked(_excerpt(best, words), words),
    )


def _excerpt(text: str, words: Sequence[str]) -> str:
    """Return the part of a text around the first word that was found, cut between words."""
    first = next(iter(_occurrences(text, words)), None)
    begin = max((first.start() if first else 0) - _BEFORE, 0)
    if begin:
        begin = text.rfind(" ", 0, begin) + 1
    end = len(text) if len(text) <= begin + _LENGTH else text.rfind(" ", begin, begin + _LENGTH)
    end = end if end > begin else begin + _LENGTH
    return f"{'… ' if begin else ''}{text[begin:end]}{' …' if end < len(text) else ''}"


def _marked(text: str, words: Sequence[str]) -> Marked:
    parts, done = [], 0
    for match in _occurrences(text, words):
        parts += [(text[done : match.start()], False), (match[0], True)]
        done = match.end()
    return tuple(one for one in [*parts, (text[done:], False)] if one[0])
