"""The shipped course."""

from __future__ import annotations

import pytest
from tests.support.builders import COURSE, LESSONS

from rugcourse.content import Course, load_course


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(LESSONS / COURSE)
