"""Runs the measurements: all of them, or those that are named.

usage: python -m bench [NAME …]
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.admin import measure_admin
from bench.bounces import measure_bounces
from bench.claims import measure_claims
from bench.embedded import deliver_thousand
from bench.memory import measure_memory
from bench.pages import measure_pages
from bench.pipeline import measure_pipeline
from bench.readers import measure_readers
from bench.rehearsal import measure_rehearsal
from bench.rendering import compare_rendering
from bench.signing import measure_signing
from bench.starting import time_starts
from bench.ticks import measure_ticks
from rugcourse import __version__

RESULT = Path("var/bench.json")
MEASUREMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "rendering": compare_rendering,
    "embedded": deliver_thousand,
    "pipeline": measure_pipeline,
    "claims": measure_claims,
    "ticks": measure_ticks,
    "readers": measure_readers,
    "pages": measure_pages,
    "admin": measure_admin,
    "bounces": measure_bounces,
    "signing": measure_signing,
    "rehearsal": measure_rehearsal,
    "starting": time_starts,
    "memory": measure_memory,
}


def main() -> int:
    names = sys.argv[1:] or list(MEASUREMENTS)
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        print(f"there is no measurement {unknown[0]}; there are: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    figures = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures[name] = {"measured": _circumstances(), **MEASUREMENTS[name]()}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        print(json.dumps({name: figures[name]}, indent=2), flush=True)
    return 0


def _circumstances() -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], check=False, capture_output=True, text=True)
    return {
        "version": __version__,
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    sys.exit(main())
