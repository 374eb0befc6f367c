"""Schedules recaps: spaced repetition by FSRS (package `fsrs`, https://github.com/open-spaced-repetition)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fsrs import Card, Rating, Scheduler

# No fuzz: the same answers give the same recaps, which can be explained and tested.
_SCHEDULER = Scheduler(enable_fuzzing=False)


@dataclass(frozen=True, slots=True)
class CardState:
    """The review card of one question and reader. `due_at` in UTC; `memory` is the card as `fsrs` serialises it."""

    due_at: datetime
    memory: dict[str, object]


def review(before: CardState | None, *, right: bool, now: datetime) -> CardState:
    """Return the card after an answer: a wrong one is due soon, a right one at growing intervals."""
    # We do not use the id; without one, the package sleeps a millisecond to generate a unique one.
    card = Card(card_id=0, due=now) if before is None else Card.from_dict(before.memory)  # type: ignore[arg-type]
    card, _ = _SCHEDULER.review_card(card, Rating.Good if right else Rating.Again, review_datetime=now)
    return CardState(card.due, dict(card.to_dict()))
