"""The words of a funnel's steps, for its chart and its table."""

from __future__ import annotations

from collections.abc import Iterable

from rugcourse.i18n import N_, translations
from rugcourse.reports.funnel_steps import FunnelStage, FunnelStep

_LABELS = {
    FunnelStage.TEST: N_("took the knowledge test"),
    FunnelStage.CONFIRMED: N_("confirmed their signup"),
    FunnelStage.FIRST_LESSON: N_("had the first lesson"),
    FunnelStage.HALF_WAY: N_("had half of the lessons"),
    FunnelStage.COMPLETED: N_("had all lessons"),
}


def funnel_rows(steps: Iterable[FunnelStep], language: str) -> list[tuple[str, float]]:
    """Return (label, people) of each step; none while people are not computed yet."""
    found = list(steps)
    if any(one.people is None for one in found):
        return []
    texts = translations(language)
    return [(texts.gettext(_LABELS[one.stage]), one.people or 0) for one in found]
