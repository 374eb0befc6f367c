"""Fingerprints of the parts of a course, to find out which parts have changed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from rugcourse.content.model import Course, Lesson

COURSE = "course"  # the part that is not a lesson: landing page, test, alarm signs
LESSONS = "lessons"


def lesson_fingerprint(lesson: Lesson) -> str:
    """Return the fingerprint of a lesson's texts, which does not depend on its position in the course."""
    return _fingerprint(lesson.model_dump(mode="json", exclude_defaults=True)["texts"])


def fingerprints_of(course: Course) -> dict[str, Any]:
    """Return `{"course": fingerprint, "lessons": {slug: fingerprint}}`, with the lessons in order."""
    return {
        COURSE: _fingerprint(course.model_dump(mode="json", exclude={"lessons"}, exclude_defaults=True)),
        LESSONS: {lesson.slug: lesson_fingerprint(lesson) for lesson in course.lessons},
    }


def _fingerprint(document: object) -> str:
    """Hash a document regardless of the order of its fields.

    Callers leave out fields with their default value, so that a new field changes no existing fingerprint.
    """
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
