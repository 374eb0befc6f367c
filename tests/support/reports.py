"""Figures that are worked out now."""

from __future__ import annotations

from rugcourse.bootstrap import Runtime
from rugcourse.reports import cached_stats


def refresh(runtime: Runtime) -> bool:
    return cached_stats.refresh(runtime.database, runtime.clock, runtime.send_window)
