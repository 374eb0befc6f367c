"""Which language of a course, lesson or message somebody gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Text = TypeVar("Text")


def language_for(texts: Mapping[str, object], wanted: str) -> str:
    """Return the language that somebody gets who wants `wanted`: that one, or else the first in which there is a text.

    Raises StopIteration without any text.
    """
    return wanted if wanted in texts else next(iter(texts))


def text_for(texts: Mapping[str, Text], wanted: str) -> Text:
    """Return the text in the language that `language_for` chooses."""
    return texts[language_for(texts, wanted)]
