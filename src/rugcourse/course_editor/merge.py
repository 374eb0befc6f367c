"""Merges changes of a course in the database and in files, without silently overwriting newer parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rugcourse.content import Course, Lesson
from rugcourse.content.fingerprints import Fingerprints, fingerprints_of
from rugcourse.errors import ConflictError

_FRAME = "the course itself"  # all that is not a lesson
_ORDER = "the order of the lessons"
_IMPORT = (
    "Nothing was imported. See what differs with `rugcourse courses export --dir` and an empty folder, then import "
    "with `--on-conflict theirs` to take the files, or with `--on-conflict ours` to keep what is here"
)


class OnConflict(StrEnum):
    """What to do if a part was changed on both sides."""

    FAIL = "fail"
    OURS = "ours"
    THEIRS = "theirs"


class MergeConflict(ConflictError):
    """Parts of a course were changed both in the database and in the files."""

    def __init__(self, course: str, parts: Sequence[str], advice: str = _IMPORT) -> None:
        self.course = course
        self.parts = tuple(parts)
        super().__init__(
            f"{course}: changed here and in the files since they were last the same: {', '.join(parts)}. {advice}"
        )


@dataclass(frozen=True, slots=True)
class Merged:
    """A course with the newest parts of both sides.

    `newer_here`: parts that were changed in the database only; `newer_in_files`: parts changed in the files only.
    """

    course: Course
    newer_here: tuple[str, ...]
    newer_in_files: tuple[str, ...]


def merge(here: Course, files: Course, in_files: Fingerprints | None, on_conflict: OnConflict) -> Merged:
    """Merge both sides. `in_files`: the fingerprints of the files when they were last imported or exported.

    A part is the course without its lessons, or one lesson. Raises MergeConflict.
    """
    ours, theirs = fingerprints_of(here), fingerprints_of(files)
    last_seen = in_files or ours  # before there was a course editor, all lessons came from files
    seen, our_parts, their_parts = _parts(last_seen), _parts(ours), _parts(theirs)
    from_here, from_files, clashing = set[str](), set[str](), list[str]()
    for part in dict.fromkeys([*our_parts, *their_parts]):
        our, their, last = our_parts.get(part), their_parts.get(part), seen.get(part)
        if our == their:
            continue
        if last not in (our, their):
            clashing.append(part)
        (from_files if our == last else from_here).add(part)
    moved_here, moved_there = _moved(ours, theirs, last_seen)
    if moved_here and moved_there:
        clashing.append(_ORDER)
    if clashing and on_conflict == OnConflict.FAIL:
        raise MergeConflict(here.slug, clashing)
    if on_conflict == OnConflict.THEIRS:
        from_here, from_files = from_here - set(clashing), from_files | (set(clashing) - {_ORDER})
    frame = here if _FRAME in from_here else files
    ours_first = moved_here and not (moved_there and on_conflict == OnConflict.THEIRS)
    lessons = _lessons(here, files, from_here, ours_first=ours_first)
    newer_here = sorted(from_here) + [_ORDER] * ours_first
    newer_in_files = sorted(from_files) + [_ORDER] * (moved_there and not ours_first)
    return Merged(frame.model_copy(update={"lessons": lessons}), tuple(newer_here), tuple(newer_in_files))


def _moved(ours: Fingerprints, theirs: Fingerprints, last_seen: Fingerprints) -> tuple[bool, bool]:
    """Whether the common lessons were reordered, in the database and in the files."""
    common = ours["lessons"].keys() & theirs["lessons"].keys() & last_seen["lessons"].keys()
    our, their, last = ([one for one in side["lessons"] if one in common] for side in (ours, theirs, last_seen))
    return (our not in (their, last), their not in (our, last))


def _parts(prints: Fingerprints) -> dict[str, str]:
    return {_FRAME: prints["course"], **prints["lessons"]}


def _lessons(here: Course, files: Course, from_here: set[str], *, ours_first: bool) -> tuple[Lesson, ...]:
    """Take each lesson from its side, in the order of the side that reordered them.

    A lesson that exists on the other side only follows the same lesson as there.
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
    """Number the lessons by position."""
    return tuple(
        one if one.number == number else one.model_copy(update={"number": number})
        for number, one in enumerate(lessons, 1)
    )
