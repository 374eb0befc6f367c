"""Runs every measurement."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

from bench.embedded import deliver_thousand
from bench.rendering import compare_rendering
from bench.starting import time_starts
from rugcourse import __version__

RESULT = Path("var/bench.json")


def main() -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=False, capture_output=True, text=True
    ).stdout.strip()
    figures = {
        "version": __version__,
        "commit": commit,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rendering": compare_rendering(),
        "embedded": deliver_thousand(),
        "starting": time_starts(),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
