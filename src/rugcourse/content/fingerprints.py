"""Fingerprints of the parts of a course, to tell what was changed where."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from rugcourse.content.model import Course, Lesson

COURSE = "course"  # the part that is not a lesson: landing page, test, alarm signs
LESSONS = "lessons"


def lesson_fingerprint(lesson: Lesson) -> str:
    """Of its wording: the same wherever the lesson stands in its course."""
    return _fingerprint(lesson.model_dump(mode="json", exclude_defaults=True)["texts"])


def fingerprints_of(course: Course) -> dict[str, Any]:
    """`{"course": print, "lessons": {slug: print, in order}}`."""
    return {
        COURSE: _fingerprint(course.model_dump(mode="json", exclude={"lessons"}, exclude_defaults=True)),
        LESSONS: {lesson.slug: lesson_fingerprint(lesson) for lesson in course.lessons},
    }


def _fingerprint(document: Any) -> str:
    """Whatever the order of the fields; one that says nothing does not count, so that a new one changes no print."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
