"""Compares the version that a draft was begun from with the one that is published now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content.fingerprints import lesson_fingerprint
from rugcourse.db.queries import admins, lesson_versions

NONE = 0  # stands for: there is no version


@dataclass(frozen=True, slots=True)
class NewerVersion:
    """A version that was published since. `at` (UTC): when; `by`: the admin who published it, if any."""

    at: datetime
    by: str | None


def current_version(session: Session, course_id: int, slug: str) -> int:
    """Return the published version of a lesson; NONE if it is not in its course."""
    return lesson_versions.find_published_version(session, course_id, slug) or NONE


def newer_version(session: Session, course_id: int, course_slug: str, slug: str, since: int) -> NewerVersion | None:
    """Return what was published of a lesson since the version `since`; None if its text is the same."""
    current = current_version(session, course_id, slug)
    if current in (NONE, since):
        return None
    # A restored backup may not have the version of an open form.
    if lesson_versions.has_version(session, since) and _wording(session, since) == _wording(session, current):
        return None
    return NewerVersion(
        lesson_versions.published_at(session, current), publisher_of(session, course_slug, slug, current)
    )


def publisher_of(session: Session, course_slug: str, slug: str, version: int) -> str | None:
    """Return the address of the admin who first published a version."""
    changes = reversed(admins.changes_of(session, subject_of(course_slug, slug)))
    return {(change.after or {}).get("version"): email for change, email in changes}.get(version)


def subject_of(course_slug: str, slug: str) -> str:
    """Return the subject of a lesson's entries in the audit log."""
    return f"lesson:{course_slug}/{slug}"


def _wording(session: Session, version: int) -> str:
    """Return a fingerprint of a version's text. Moving a lesson creates a version with the same text."""
    return lesson_fingerprint(lesson_versions.load_version(session, version))
