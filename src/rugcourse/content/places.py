"""What becomes of readers under way when the lessons of their course are moved, put in, taken out or renamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rugcourse.content.model import Lesson


def new_positions(before: Sequence[str], after: Mapping[str, int]) -> dict[int, int]:
    """Where readers go on: the place of their next lesson as it was → as it is. Places count from 1.

    `before`: the slugs in their old order; `after`: slug → new place. A reader goes on at the first of all lessons that
    they had before them; what they had of those behind it is passed over when it is planned. A new lesson right before
    that one is before them too: nobody goes back for one that was put in behind them. Who had all is not meant here.
    """
    new = set(after.values()) - {after[slug] for slug in before if slug in after}
    over = len(after) + 1
    # Who waited for a lesson that was taken out gets what is put in its place, then or, behind the last one, later.
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


class AmbiguousRename(Exception):
    """Lessons that may be new ones, or some that are gone, written anew under another slug."""

    def __init__(self, new: Sequence[str], gone: Sequence[str]) -> None:
        self.new = tuple(new)
        self.gone = tuple(gone)
        super().__init__(f"{', '.join(new)}: new, or {', '.join(gone)} under another slug")


def renamed_lessons(
    here: Mapping[str, Lesson], removed: Mapping[str, Lesson], wanted: Mapping[str, Lesson]
) -> dict[str, str]:
    """Old slug → new slug of lessons that only have another name now, also where these count on or change places.

    `here`: the lessons of a course; `removed`: those that left it, the newest last. The ids of the questions tell
    which lesson one is, and its slug where these are new. Raises CannotTellApart where neither does.
    """
    known = {**removed, **here}
    # Of several that ask the same, one of the course goes first, then one that had this name.
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
    """Whether a slug that a lesson of the course had is that of another one by now."""
    return not here.keys().isdisjoint(renamed.values())


def _ask_alike(one: Lesson, other: Lesson) -> bool:
    return not _question_ids(one).isdisjoint(_question_ids(other))


def _question_ids(lesson: Lesson) -> frozenset[str]:
    """Each id is used once in a course, so no two of its lessons ask the same."""
    return frozenset(question.id for text in lesson.texts.values() for question in text.quiz)
