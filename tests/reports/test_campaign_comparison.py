"""Campaigns beside each other."""

from __future__ import annotations

from tests.support.builders import at_eight, course_of, make_reader, plan, send_all

from rugcourse.bootstrap import Runtime
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.reports import campaign_comparison


def test_campaign_comparison_shows_rates(runtime: Runtime, dispatcher: Dispatcher) -> None:
    for _ in range(3):
        make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    with runtime.database.read() as session:
        found = {one.row.id: one for one in campaign_comparison.compare(session, 50)}
    mine = found[course_of(runtime).campaign_id]
    assert (mine.readers, mine.completed, mine.right, mine.refused) == (3, 0.0, None, 0.0)
    assert mine.arrived == 9  # confirm, welcome, lesson
    assert mine.answered == 0.0
