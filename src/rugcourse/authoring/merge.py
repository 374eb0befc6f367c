"""What becomes of a course that was changed here, in files, or in both: nothing newer is overwritten unsaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rugcourse.content import Course, Lesson
from rugcourse.content.prints import COURSE, LESSONS, prints_of

_FRAME = "the course itself"  # all that is not a lesson


class Clash(StrEnum):
    """What to do with a part that was changed on both sides."""

    REFUSE = "refuse"
    HERE = "here"
    FILES = "files"


class BothChanged(Exception):
    """Parts of a course were changed here and in the files."""

    def __init__(self, course: str, parts: Sequence[str]) -> None:
        self.course = course
        self.parts = tuple(parts)
        super().__init__(
            f"{course}: changed here and in the files since they were last the same: {', '.join(parts)}. "
            "Nothing was imported. See what differs with `rugcourse lessons export --dir somewhere`, then import with "
            "`--clash files` to take the files, or with `--clash here` to keep what is here"
        )


@dataclass(frozen=True, slots=True)
class Merged:
    """A course as it is to be published. `newer_here`: parts that the files don't have yet."""

    course: Course
    newer_here: tuple[str, ...]


def merge(here: Course, files: Course, in_files: Mapping[str, Any], clash: Clash) -> Merged:
    """Bring both together; `in_files`: the prints of the files when they were last seen.

    A part is the course without its lessons, or one lesson. Raises BothChanged.
    """
    ours, theirs = prints_of(here), prints_of(files)
    last_seen = in_files or ours  # before anybody could write lessons here, all came from files
    seen, our_parts, their_parts = _parts(last_seen), _parts(ours), _parts(theirs)
    from_here: set[str] = set()
    clashing = []
    for part in dict.fromkeys([*our_parts, *their_parts]):
        our, their, last = our_parts.get(part), their_parts.get(part), seen.get(part)
        if our in (their, last):
            continue
        if their != last:
            clashing.append(part)
        from_here.add(part)
    if clashing and clash == Clash.REFUSE:
        raise BothChanged(here.slug, clashing)
    if clash == Clash.FILES:
        from_here -= set(clashing)
    frame = here if _FRAME in from_here else files
    moved_here = [*ours[LESSONS]] != [*last_seen[LESSONS]]
    lessons = _lessons(here, files, from_here, ours_first=moved_here)
    return Merged(frame.model_copy(update={"lessons": lessons}), tuple(sorted(from_here)))


def _parts(prints: Mapping[str, Any]) -> dict[str, str]:
    return {_FRAME: prints[COURSE], **prints[LESSONS]}


def _lessons(here: Course, files: Course, from_here: set[str], *, ours_first: bool) -> tuple[Lesson, ...]:
    """Each lesson from its side, in the order of the side that moved them; one that is only on the other side stands
    behind the lesson that it stands behind there.
    """
    chosen = {
        slug: lesson
        for side, mine in ((here, True), (files, False))
        for slug, lesson in ((one.slug, one) for one in side.lessons)
        if (slug in from_here) == mine
    }
    first, second = (here, files) if ours_first else (files, here)
    order = [one.slug for one in first.lessons if one.slug in chosen]
    before: str | None = None
    for one in second.lessons:
        if one.slug in chosen:
            if one.slug not in order:
                order.insert(order.index(before) + 1 if before in order else 0, one.slug)
            before = one.slug
    return numbered([chosen[slug] for slug in order])


def numbered(lessons: Sequence[Lesson]) -> tuple[Lesson, ...]:
    """The lessons with the numbers of their places."""
    return tuple(
        one if one.number == number else one.model_copy(update={"number": number})
        for number, one in enumerate(lessons, 1)
    )
