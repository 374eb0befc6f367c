"""The history of a lesson: its versions, who published them, and the differences between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from sqlalchemy.orm import Session

from rugcourse.content import Lesson
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.versions import subject_of
from rugcourse.db.queries import ab_tests, admins, courses, lesson_versions

_COMPARED = 4_000_000  # pairs of words to compare: more would take seconds


@dataclass(frozen=True, slots=True)
class Version:
    """A lesson version. `at` (UTC): when it was first published; `by`: who published it, if known.

    `current`: it is the published version; `kept`: it is pinned for some readers. `from_ab_test`: an A/B test made it,
    as its second subject; `tested`: that one is running.
    """

    id: int
    at: datetime
    lesson: Lesson
    by: str | None
    current: bool
    kept: bool
    from_ab_test: bool
    tested: bool


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs between two versions. `parts`: (equal, gone or new; text)."""

    field: str
    parts: tuple[tuple[str, str], ...]


def versions_of(session: Session, course_id: int, course_slug: str, slug: str) -> list[Version]:
    """Return the versions of a lesson, newest first; empty if it was never published."""
    found = courses.find_lesson(session, course_id, slug)
    if found is None:
        return []
    lesson_id, current = found
    kept = lesson_versions.pinned_versions(session, lesson_id)
    by = {
        (change.after or {}).get("version"): email
        for change, email in reversed(admins.changes_of(session, subject_of(course_slug, slug)))
    }
    tests = {one.version_b_id: one.decided_at is None for one in reversed(ab_tests.of_lessons(session, [lesson_id]))}
    return [
        Version(
            *(version_id, at, lesson, by.get(version_id)),
            current=version_id == current,
            kept=version_id in kept,
            from_ab_test=version_id in tests,
            tested=tests.get(version_id, False),
        )
        for version_id, at, lesson in lesson_versions.versions(session, lesson_id)
    ]


def differences(before: Lesson | None, after: Lesson) -> list[FieldChange]:
    """Return the differences by the fields of the form."""
    old, new = fields_of(before) if before else {}, fields_of(after)
    names = [*new, *(name for name in old if name not in new)]
    return [
        FieldChange(name, tuple(_parts(old.get(name, ""), new.get(name, ""))))
        for name in names
        if old.get(name, "") != new.get(name, "")
    ]


def _parts(old: str, new: str) -> list[tuple[str, str]]:
    """Compare two texts word by word."""
    before, after = _words(old), _words(new)
    if len(before) * len(after) > _COMPARED:
        return [(kind, text) for kind, text in (("gone", old), ("new", new)) if text]
    parts: list[tuple[str, str]] = []
    for what, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal":
            parts.append(("equal", "".join(before[i:j])))
            continue
        parts += [(kind, text) for kind, text in (("gone", "".join(before[i:j])), ("new", "".join(after[k:m]))) if text]
    return parts


def _words(text: str) -> Sequence[str]:
    return [word for line in text.splitlines(keepends=True) for word in _spaced(line)]


def _spaced(line: str) -> list[str]:
    words = line.split(" ")
    return [f"{word} " for word in words[:-1]] + words[-1:]
