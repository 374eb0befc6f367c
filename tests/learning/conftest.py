"""A reader."""

from __future__ import annotations

import pytest
from tests.support.builders import make_reader

from rugcourse.bootstrap import Runtime


@pytest.fixture
def email(runtime: Runtime) -> str:
    return make_reader(runtime)
