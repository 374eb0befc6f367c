"""Which question of the knowledge test surprises most people: by what they answered, once enough of them did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.content import KnowledgeTest
from rugcourse.content.model import TestQuestion
from rugcourse.store import learning

ENOUGH = 50  # of fewer people a share says nothing
_LOOKED_AT = 1000
_LOOK_AGAIN_AFTER = 25  # so many more tests


@dataclass(frozen=True, slots=True)
class Surprise:
    """`missed_percent`: how many of the last so many visitors answered something else; None while too few did."""

    question: TestQuestion
    missed_percent: int | None


class Surprises:
    """Remembers what it found until enough people have answered anew. Safe to share among threads."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], Counter[str] | None] = {}

    def of(self, session: Session, course_id: int, test: KnowledgeTest) -> Surprise | None:
        """What surprised most people, or what the author thinks does; None when neither is known."""
        newest = learning.newest_attempt(session) // _LOOK_AGAIN_AFTER
        key = (course_id, newest)
        if key not in self._found:
            self._found = {old: found for old, found in self._found.items() if old[1] == newest}
            self._found[key] = _shares(learning.last_options(session, course_id, _LOOKED_AT), test)
        shares = self._found[key]
        if shares:
            question_id, percent = shares.most_common(1)[0]
            question = test.question(question_id)
            if question is not None and percent > 0:
                return Surprise(question, percent)
        chosen = test.question(test.surprise) if test.surprise else None
        return Surprise(chosen, None) if chosen else None


def _shares(attempts: Sequence[Mapping[str, int]], test: KnowledgeTest) -> Counter[str] | None:
    """Question → how many per cent answered it wrong; None while too few people took the test."""
    if len(attempts) < ENOUGH:
        return None
    wrong = Counter[str]()
    for options in attempts:
        wrong.update(one.id for one in test.questions if options.get(one.id) != one.right_option)
    return Counter({question: round(100 * count / len(attempts)) for question, count in wrong.items()})
