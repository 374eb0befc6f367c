"""Finds the most-missed question of the knowledge test, once enough people have answered it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.content import KnowledgeTest
from rugcourse.content.model import TestQuestion
from rugcourse.db.queries import learning

MIN_ATTEMPTS = 50  # with fewer, a percentage means nothing
MIN_PERCENT = 20  # of them: what fewer missed surprised nobody
_LOOKED_AT = 1000
_LOOK_AGAIN_AFTER = 25  # new attempts


@dataclass(frozen=True, slots=True)
class HardestQuestion:
    """The most-missed question. `missed_percent`: of the latest attempts; None while there are too few."""

    question: TestQuestion
    missed_percent: int | None


class HardestQuestions:
    """Caches the results until there are enough new attempts. Thread-safe."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], Counter[str]] = {}

    def of(self, session: Session, course_id: int, test: KnowledgeTest) -> HardestQuestion | None:
        """Return the most-missed question, or the author's `surprise` while none is missed often. None if there is
        neither.
        """
        newest = learning.newest_attempt(session) // _LOOK_AGAIN_AFTER
        key = (course_id, newest)
        if key not in self._found:
            self._found = {old: found for old, found in self._found.items() if old[1] == newest}
            self._found[key] = _shares(learning.last_options(session, course_id, _LOOKED_AT), test)
        shares = self._found[key]
        if shares:
            question_id, percent = shares.most_common(1)[0]
            question = test.question(question_id)
            if question is not None and percent >= MIN_PERCENT:
                return HardestQuestion(question, percent)
        chosen = test.question(test.surprise) if test.surprise else None
        return HardestQuestion(chosen, None) if chosen else None


def _shares(attempts: Sequence[Mapping[str, int]], test: KnowledgeTest) -> Counter[str]:
    """Return question → percentage of wrong answers, for questions with at least `MIN_ATTEMPTS` answers."""
    shares = Counter[str]()
    for question in test.questions:
        chosen = [options[question.id] for options in attempts if question.id in options]
        if len(chosen) >= MIN_ATTEMPTS:
            wrong = sum(option != question.right_option for option in chosen)
            shares[question.id] = round(100 * wrong / len(chosen))
    return shares
