"""Each test begins as a new process does, which has tried no picture yet."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _nothing_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rugcourse.picture_library.files._undecodable", set())
