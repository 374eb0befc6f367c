"""Figures for the pages: worked out in the background, kept, and the same as what they stand for."""

from __future__ import annotations

from tests.builders import at_eight, course_of, make_reader, plan, send_all
from tests.campaigns.test_campaigns import draft, start

from rugcourse.campaigns import comparison, figures, overview
from rugcourse.clock import VirtualClock
from rugcourse.delivery.send import Dispatcher
from rugcourse.runtime import Runtime
from rugcourse.schedule import Timing
from rugcourse.store.tables import CampaignKind


def refresh(runtime: Runtime) -> bool:
    return figures.refresh(runtime.database, runtime.clock, runtime.patience)


def test_the_coming_days_are_worked_out_once_and_again_when_they_are_old(runtime: Runtime, clock: VirtualClock) -> None:
    make_reader(runtime)
    assert refresh(runtime)
    assert not refresh(runtime)
    make_reader(runtime)
    clock.advance(minutes=11)
    assert refresh(runtime)
    with runtime.database.read() as session:
        kept = figures.kept_figures(session)
    assert kept is not None
    assert len(kept.coming) == figures.DAYS
    assert sum(kept.coming.values()) == 2 * 9
    assert kept.at == clock.now()


def test_the_overview_has_no_figures_before_they_are_worked_out(runtime: Runtime) -> None:
    with runtime.database.read() as session:
        assert overview.overview(session, runtime.library, runtime.clock.now(), "nl").figures is None
    refresh(runtime)
    with runtime.database.read() as session:
        found = overview.overview(session, runtime.library, runtime.clock.now(), "nl")
    assert found.figures is not None
    assert {one.gain.twice for one in found.funnels if one.gain} == {0}


def test_campaigns_stand_beside_each_other_in_shares(runtime: Runtime, dispatcher: Dispatcher) -> None:
    for _ in range(3):
        make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    with runtime.database.read() as session:
        found = {one.row.id: one for one in comparison.compare(session, runtime.library, 50)}
    mine = found[course_of(runtime).campaign_id]
    assert (mine.readers, mine.completed, mine.right, mine.refused) == (3, 0.0, None, 0.0)
    assert mine.arrived == 9  # confirm, welcome, lesson
    assert mine.answered == 0.0


def funnel(runtime: Runtime) -> overview.Funnel:
    with runtime.database.read() as session:
        found = overview.overview(session, runtime.library, runtime.clock.now(), "nl")
    return next(one for one in found.funnels if one.slug == course_of(runtime).course.slug)


def test_a_person_in_two_campaigns_of_a_course_is_one_person_in_its_funnel(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    for _ in range(2):
        make_reader(runtime)
    assert funnel(runtime).readers == 2  # one campaign: its counters count people
    start(runtime, draft(runtime, CampaignKind.COHORT, Timing(hour=8)))
    assert (funnel(runtime).readers, funnel(runtime).completed) == (None, None)  # not worked out yet
    lessons = len(course_of(runtime).course.lessons)
    for day in range(lessons):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert refresh(runtime)
    found = funnel(runtime)
    assert (found.readers, found.completed) == (2, 2)
    assert [people for _, people in found.lessons] == [2] * lessons
