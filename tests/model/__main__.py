"""`python -m tests.model --minutes 60`: plays runs with other seeds each time, on both databases in turn."""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import time
from contextlib import ExitStack

import structlog
from tests.model import stores
from tests.model.groups import ONLY
from tests.model.playing import Played, play

_RUNS = 20  # with one seed


def main() -> int:
    """Returns 1 when product and model disagreed."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, help="play the runs of this seed, and no others")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="on this one alone")
    wanted = parser.parse_args()
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    end = time.monotonic() + 60 * wanted.minutes
    total, failed = Played(), 0
    with ExitStack() as opened:
        openers = {
            name: opened.enter_context(make())
            for name, make in (("sqlite", stores.sqlite), ("postgresql", stores.own_postgresql))
            if wanted.database in {None, name}
        }
        while time.monotonic() < end:
            seed = secrets.randbelow(10**9) if wanted.seed is None else wanted.seed
            for name, opener in openers.items():
                try:
                    play(opener, total, runs=_RUNS, seed=seed)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
                    failed += 1
                    print(f"\n{name}, seed {seed}: {type(error).__name__}: {error}", flush=True)  # noqa: T201
                    print("\n".join(getattr(error, "__notes__", [])), flush=True)  # noqa: T201
            if wanted.seed is not None:
                break
    print(  # noqa: T201
        f"model: {total.runs} runs, {total.steps} steps of {', '.join(sorted(ONLY))} on {' and '.join(openers)}; "
        f"{failed} seeds on which product and model disagree"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
