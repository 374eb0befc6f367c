"""Plays the machine on a database, with the same steps each time or with others."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.model.machine import Machine
from tests.model.stores import Opener

STEPS = 30


@dataclass
class Played:
    """How much was played."""

    runs: int = 0
    steps: int = 0


def play(opener: Opener, played: Played, *, runs: int, seed: int | None = None) -> None:
    """Raises what a run that fails came to, made as short as may be. `seed`: None plays the same runs each time."""

    class Run(Machine):
        open_database = staticmethod(opener)

        def compare(self) -> None:
            played.steps += 1
            super().compare()

        def teardown(self) -> None:
            played.runs += 1
            super().teardown()

    Run.__name__ = "Machine"
    if seed is not None:
        Run._hypothesis_internal_use_seed = seed
    run_state_machine_as_test(
        Run,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            derandomize=seed is None,
            database=None,
            deadline=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
