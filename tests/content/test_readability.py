"""How easy a text reads, by the formula of its language."""

from __future__ import annotations

import pytest

from rugcourse.content.readability import reading_ease


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("Schmerz", 1), ("früh", 1), ("Arbeit", 2), ("Übung", 2), ("über", 2), ("Rücken", 2), ("Abend", 2), ("aktiv", 2),
        ("Bewegung", 3), ("Ernährung", 3), ("Ursache", 3), ("Bandscheibe", 3),
    ],
)  # fmt: skip
def test_a_german_word_counts_its_syllables(word: str, syllables: int) -> None:
    """By Amstad's formula, for sentences of one word."""
    expected = min(round(180 - 1 - 58.5 * syllables), 100)
    assert reading_ease(f"{word}. " * 30, "de") == expected


def test_german_is_judged_by_its_own_formula() -> None:
    """A text of short words reads easily, though German sentences and words are long by the measure of English."""
    text = "Bewegen Sie sich jeden Tag ein wenig. Ihr Rücken ist stark. Nach ein paar Tagen geht es meist besser. " * 2
    german, english = (reading_ease(text, language) for language in ("de", "en"))
    assert german is not None
    assert english is not None
    assert german > 70
    assert german > english
