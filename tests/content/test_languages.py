"""Somebody gets a text in their language, or else in the first that it has."""

from __future__ import annotations

import pytest

from rugcourse.content.languages import language_for, text_for

TEXTS = {"nl": "Rug", "en": "Back"}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("nl", "nl"), ("en", "en"), ("de", "nl"), ("fr", "nl"), ("", "nl"), ("../en", "nl"), ("n" * 10_000, "nl")],
)
def test_a_text_is_in_the_language_that_was_asked_for_or_its_first(wanted: str, expected: str) -> None:
    assert language_for(TEXTS, wanted) == expected
    assert text_for(TEXTS, wanted) == TEXTS[expected]
