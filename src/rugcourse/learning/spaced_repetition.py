"""When a question comes back: spaced repetition by FSRS (package `fsrs`, https://github.com/open-spaced-repetition)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fsrs import Card, Rating, Scheduler

# No fuzz: the same answers give the same course, which is what makes one explainable and testable.
_SCHEDULER = Scheduler(enable_fuzzing=False)


@dataclass(frozen=True, slots=True)
class CardState:
    """What is remembered of one question for one person. `due_at` in UTC; `memory` is the card as `fsrs` writes it."""

    due_at: datetime
    memory: dict[str, Any]


def review(before: CardState | None, *, right: bool, now: datetime) -> CardState:
    """The card after an answer: a wrong one comes back soon, a right one later and later."""
    # Its number means nothing to us; without one, the package waits a millisecond to be sure that it has its own.
    card = Card(card_id=0, due=now) if before is None else Card.from_dict(before.memory)  # type: ignore[arg-type]
    card, _ = _SCHEDULER.review_card(card, Rating.Good if right else Rating.Again, review_datetime=now)
    return CardState(card.due, dict(card.to_dict()))
