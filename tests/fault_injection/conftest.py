from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fault_injection.tally import Tally, take_stock
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime

_RESULT = Path(__file__).parent.parent.parent / "var" / "drill.json"
_tallies: dict[str, dict[str, object]] = {}


@pytest.fixture
def passes(request: pytest.FixtureRequest) -> Callable[..., Tally]:
    """Compares the ledger with the sink, writes the tally down for `make drill`, and asserts that the drill passed."""

    def compare(runtime: Runtime, sink: Sink) -> Tally:
        tally = take_stock(runtime.database, runtime.clock, sink.message_ids)
        _tallies[request.node.nodeid.removeprefix("tests/fault_injection/")] = tally.as_json()
        assert tally.passed, tally
        return tally

    return compare


@pytest.fixture(autouse=True, scope="session")
def _written_down(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if request.config.getoption("--drills"):
        _RESULT.parent.mkdir(exist_ok=True)
        _RESULT.write_text(json.dumps(_tallies, indent=2) + "\n", encoding="utf-8")
