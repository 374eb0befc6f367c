"""Readers in all stages of a course."""

from __future__ import annotations

import pytest
from tests.support.campaigns import in_all_stages

from rugcourse.bootstrap import Runtime
from rugcourse.delivery.dispatcher import Dispatcher


@pytest.fixture
def stages(runtime: Runtime, dispatcher: Dispatcher) -> dict[str, str]:
    return in_all_stages(runtime, dispatcher)
