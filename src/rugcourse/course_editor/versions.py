"""The version of a lesson that something was written from, and the one that readers get by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content.fingerprints import lesson_fingerprint
from rugcourse.db.queries import admins, courses

NONE = 0  # in the place of a version: there was none


@dataclass(frozen=True, slots=True)
class NewerVersion:
    """What readers get by now, and who published it `at` (UTC): `by`, if it was an admin."""

    at: datetime
    by: str | None


def current_version(session: Session, course_id: int, slug: str) -> int:
    """The version that readers get of a lesson; NONE for one that is not in its course."""
    return courses.find_published_version(session, course_id, slug) or NONE


def newer_version(session: Session, course_id: int, course_slug: str, slug: str, since: int) -> NewerVersion | None:
    """What was published of a lesson since the version `since`; None where readers get the same wording still."""
    current = current_version(session, course_id, slug)
    if current in (NONE, since):
        return None
    # A backup that was put back may not know the version of a form that is open.
    if courses.has_version(session, since) and _wording(session, since) == _wording(session, current):
        return None
    return NewerVersion(courses.published_at(session, current), publisher_of(session, course_slug, slug, current))


def publisher_of(session: Session, course_slug: str, slug: str, version: int) -> str | None:
    """The address of the admin who published a version first."""
    changes = reversed(admins.changes_of(session, subject_of(course_slug, slug)))
    return {(change.after or {}).get("version"): email for change, email in changes}.get(version)


def subject_of(course_slug: str, slug: str) -> str:
    """What the log of changes says that it is about."""
    return f"lesson:{course_slug}/{slug}"


def _wording(session: Session, version: int) -> str:
    """A lesson that has another place has another version, and the same wording."""
    return lesson_fingerprint(courses.load_version(session, version))
