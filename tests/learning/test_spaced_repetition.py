"""When a question comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rugcourse.learning.spaced_repetition import review

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_a_missed_question_comes_back_sooner_than_a_known_one() -> None:
    missed, known = (review(None, right=right, now=NOW).due_at for right in (False, True))
    assert NOW < missed < known
    assert missed <= NOW + timedelta(days=1)


def test_a_known_question_comes_back_at_growing_intervals_and_a_missed_one_soon_again() -> None:
    card, waits = None, []
    at = NOW
    for _ in range(4):
        card = review(card, right=True, now=at)
        waits.append(card.due_at - at)
        at = card.due_at
    assert waits == sorted(set(waits))
    assert review(card, right=False, now=at).due_at - at < waits[1]


def test_the_same_answers_give_the_same_day() -> None:
    first = review(None, right=False, now=NOW)
    assert review(None, right=False, now=NOW) == first
    card = first
    for _ in range(4):
        card = review(card, right=True, now=card.due_at)
    assert card.due_at - NOW > timedelta(days=7)  # nothing is added at random to a wait of days either
    later = card.due_at
    assert len({review(card, right=True, now=later).due_at for _ in range(20)}) == 1
