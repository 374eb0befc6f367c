"""Readers whose mails have an address to come back to."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.bounces import ADDRESS
from tests.support.builders import make_runtime, make_settings, reader_with_lesson
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.delivery.dispatcher import Dispatcher


@pytest.fixture
def runtime(database: Database, clock: VirtualClock, sink: Sink, tmp_path: Path) -> Runtime:
    return make_runtime(database, make_settings(tmp_path, sink.url, bounce_address=ADDRESS), clock)


@pytest.fixture
def email(runtime: Runtime, dispatcher: Dispatcher) -> str:
    """A reader who was sent the first lesson."""
    return reader_with_lesson(runtime, dispatcher)
