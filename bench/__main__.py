"""Runs the measurements: all of them, or those that are named.

usage: python -m bench [NAME …]
       python -m bench --docs    writes the figures of var/bench.json into the documentation
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
from bench.figures import RECORD, write_documents
from bench.memory import measure_memory
from bench.pages import measure_pages
from bench.pipeline import measure_pipeline
from bench.readers import measure_readers
from bench.rehearsal import measure_rehearsal
from bench.rendering import compare_rendering
from bench.search import measure_search
from bench.signing import measure_signing
from bench.starting import compare_first_starts, time_starts
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
    "search": measure_search,
    "bounces": measure_bounces,
    "signing": measure_signing,
    "rehearsal": measure_rehearsal,
    "starting": time_starts,
    "history": compare_first_starts,
    "memory": measure_memory,
}


def main() -> int:
    if sys.argv[1:] == ["--docs"]:
        return _write_docs()
    names = sys.argv[1:] or list(MEASUREMENTS)
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        print(f"there is no measurement {unknown[0]}; there are: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    if len(names) > 1:  # each in a process of its own: the highest memory is that of a process, whatever it did
        return max(subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode for name in names)
    [name] = names
    print(f"{name} …", file=sys.stderr, flush=True)
    found = {"measured": _circumstances(), **MEASUREMENTS[name]()}
    figures = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({**figures, name: found}, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({name: found}, indent=2), flush=True)
    return 0


def _write_docs() -> int:
    """Keep the measurements as the record of the documentation, and write its figures."""
    found = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    if missing := [name for name in MEASUREMENTS if name not in found]:
        print(f'not measured yet: {", ".join(missing)}; run: make bench ARGS="{" ".join(missing)}"', file=sys.stderr)
        return 1
    if isinstance(found["pipeline"]["ratio"], str):
        print(f"pipeline: {found['pipeline']['ratio']}", file=sys.stderr)
        return 1
    RECORD.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    write_documents(found)
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
