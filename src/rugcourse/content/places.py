"""Computes where readers continue when lessons of their course are moved, added, removed or renamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rugcourse.content.model import Lesson
from rugcourse.errors import ConflictError


def new_positions(before: Sequence[str], after: Mapping[str, int]) -> dict[int, int]:
    """Map the old position of a reader's next lesson to its new position. Positions count from 1.

    `before`: the slugs in their old order; `after`: slug → new position. A reader continues at the first of the
    lessons that they have not had; the planner skips later ones that they have had. A new lesson directly before that
    one is sent to them too; other new lessons before it are not. Readers who completed the course are not covered.
    """
    new = set(after.values()) - {after[slug] for slug in before if slug in after}
    over = len(after) + 1
    # Readers waiting for a removed lesson get its replacement, and readers at the end a lesson that is added later.
    places = {len(before) + 1: _with_new_ones_before(over, new)}
    first = over
    for place in range(len(before), 0, -1):
        first = min(first, after.get(before[place - 1], over))
        places[place] = _with_new_ones_before(first, new)
    return places


def _with_new_ones_before(place: int, new: set[int]) -> int:
    while place - 1 in new:
        place -= 1
    return place


class AmbiguousRename(ConflictError):
    """Lessons that may be new, or removed lessons that were rewritten under another slug."""

    def __init__(self, new: Sequence[str], gone: Sequence[str]) -> None:
        self.new = tuple(new)
        self.gone = tuple(gone)
        super().__init__(f"{', '.join(new)}: new, or {', '.join(gone)} under another slug")


def renamed_lessons(
    here: Mapping[str, Lesson], removed: Mapping[str, Lesson], wanted: Mapping[str, Lesson]
) -> dict[str, str]:
    """Return old slug → new slug of renamed lessons, even if lessons swap slugs or take over each other's.

    `here`: the lessons of a course; `removed`: those removed from it, the newest last. Lessons are matched by their
    question ids, or by slug if some of these changed. Raises AmbiguousRename when neither identifies a lesson.
    """
    known = {**removed, **here}
    # Of several lessons with the same questions, prefer one of the course, then one that had this slug.
    olds = [*sorted(removed, key=lambda slug: slug in wanted), *here]
    by_questions = {_question_ids(known[slug]): slug for slug in olds}
    found = {
        old: slug for slug, lesson in wanted.items() if (old := by_questions.get(_question_ids(lesson))) is not None
    }
    for slug in here.keys() & wanted.keys():
        if slug not in found and slug not in found.values() and _ask_alike(here[slug], wanted[slug]):
            found[slug] = slug
    gone = [slug for slug in here if slug not in found]
    new = [slug for slug in wanted if slug not in found.values()]
    renamed = {old: slug for old, slug in found.items() if old != slug}
    reused = reuses_slugs(here, renamed)
    doubtful = [slug for slug in new if any(reused or _ask_alike(here[one], wanted[slug]) for one in gone)]
    if doubtful:
        raise AmbiguousRename(doubtful, gone)
    return renamed


def reuses_slugs(here: Mapping[str, Lesson], renamed: Mapping[str, str]) -> bool:
    """Whether the old slug of one lesson of the course is now used by another."""
    return not here.keys().isdisjoint(renamed.values())


def _ask_alike(one: Lesson, other: Lesson) -> bool:
    return not _question_ids(one).isdisjoint(_question_ids(other))


def _question_ids(lesson: Lesson) -> frozenset[str]:
    """Return the ids of a lesson's questions. Each id is used once in a course, so no two lessons share one."""
    return frozenset(question.id for text in lesson.texts.values() for question in text.quiz)
