"""The shipped course."""

from __future__ import annotations

import pytest
from tests.support.builders import COURSE
from tests.support.languages import write_courses_in_german_too

from rugcourse.content import Course, load_course


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The shipped course, in German too: the words around the lessons are."""
    return load_course(write_courses_in_german_too(tmp_path_factory.mktemp("courses") / "lessons") / COURSE)
