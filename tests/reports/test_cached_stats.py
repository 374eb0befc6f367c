"""Figures that are worked out in the background, and kept."""

from __future__ import annotations

from tests.support.builders import make_reader
from tests.support.reports import refresh

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.reports import cached_stats, dashboard


def test_cached_stats_are_recomputed_when_outdated(runtime: Runtime, clock: VirtualClock) -> None:
    make_reader(runtime)
    assert refresh(runtime)
    assert not refresh(runtime)
    make_reader(runtime)
    clock.advance(minutes=11)
    assert refresh(runtime)
    with runtime.database.read() as session:
        kept = cached_stats.kept_figures(session)
    assert kept is not None
    assert len(kept.coming) == cached_stats.DAYS
    assert sum(kept.coming.values()) == 2 * 9
    assert kept.at == clock.now()


def test_dashboard_has_no_figures_before_they_are_computed(runtime: Runtime) -> None:
    with runtime.database.read() as session:
        assert dashboard.overview(session, runtime.course_cache, runtime.clock.now(), "nl").figures is None
    refresh(runtime)
    with runtime.database.read() as session:
        found = dashboard.overview(session, runtime.course_cache, runtime.clock.now(), "nl")
    assert found.figures is not None
    assert {one.gain.twice for one in found.funnels if one.gain} == {0}
