"""Fingerprints of the parts of a course, to find out which parts have changed."""

from __future__ import annotations

import hashlib
import json
from typing import TypedDict

from rugcourse.content.model import Course, Lesson


class Fingerprints(TypedDict):
    """`course`: of the part that is not a lesson (landing page, test, safety notice). `lessons`: by slug, in order."""

    course: str
    lessons: dict[str, str]


def lesson_fingerprint(lesson: Lesson) -> str:
    """Return the fingerprint of a lesson's texts, which does not depend on its position in the course."""
    return _fingerprint(lesson.model_dump(mode="json", exclude_defaults=True)["texts"])


def fingerprints_of(course: Course) -> Fingerprints:
    """Return the fingerprints of all parts of a course."""
    return {
        "course": _fingerprint(course.model_dump(mode="json", exclude={"lessons"}, exclude_defaults=True)),
        "lessons": {lesson.slug: lesson_fingerprint(lesson) for lesson in course.lessons},
    }


def _fingerprint(document: object) -> str:
    """Hash a document regardless of the order of its fields.

    Callers leave out fields with their default value, so that a new field changes no existing fingerprint.
    """
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
