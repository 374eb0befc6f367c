"""What becomes of readers under way when the lessons of their course are moved, put in, taken out or renamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rugcourse.content.model import Lesson
from rugcourse.content.prints import lesson_print


def new_places(before: Sequence[str], after: Mapping[str, int]) -> dict[int, int]:
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


def renamed_lessons(gone: Mapping[str, Lesson], added: Mapping[str, Lesson]) -> dict[str, str]:
    """Old slug → new slug of lessons that only have another name now: the wording or the ids of the questions tell."""
    by_wording = {lesson_print(lesson): slug for slug, lesson in added.items()}
    by_questions = {_question_ids(lesson): slug for slug, lesson in added.items()}
    found: dict[str, str] = {}
    for slug, lesson in gone.items():
        new = by_wording.get(lesson_print(lesson)) or by_questions.get(_question_ids(lesson))
        if new is not None and new not in found.values():
            found[slug] = new
    return found


def _question_ids(lesson: Lesson) -> tuple[str, ...]:
    """Each id is used once in a course, so no two of its lessons ask the same."""
    return tuple(question.id for text in lesson.texts.values() for question in text.quiz)
