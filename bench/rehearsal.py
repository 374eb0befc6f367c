"""How long it takes to rehearse the whole course with ten thousand readers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

READERS, DAYS = 10_000, 12


def measure_rehearsal() -> dict[str, Any]:
    command = [sys.executable, "-c", "from rugcourse.cli import main; main()", "simulate"]
    run = subprocess.run(
        [*command, "--subscribers", str(READERS), "--days", str(DAYS), "--seed", "1", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    report = json.loads(run.stdout)
    kept = ("subscribers", "days", "seconds", "mails", "lessons", "late_p99", "late_max", "answers")
    return {**{name: report[name] for name in kept}, "findings": report["audit"]["findings"], "target_seconds": 180}
