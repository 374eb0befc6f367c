"""How many messages that came back are read in a second, over the corpus of the tests."""

from __future__ import annotations

import time
from typing import Any

from tests.support.bounce_samples import SAMPLES

from rugcourse.bounces.parser import read

_ROUNDS = 20


def measure_bounces() -> dict[str, Any]:
    begun = time.perf_counter()
    for _ in range(_ROUNDS):
        for sample in SAMPLES:
            read(sample.raw)
    seconds = time.perf_counter() - begun
    return {"messages": len(SAMPLES) * _ROUNDS, "per_second": round(len(SAMPLES) * _ROUNDS / seconds)}
