"""Too many complaints stop a campaign and a domain; a few don't, and nobody else is stopped."""

from __future__ import annotations

import pytest
from tests.support.builders import course_of
from tests.support.bulk_readers import add_crowd, add_lesson_mails

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.complaint_rate import ComplaintLevel, ComplaintLimits, find_above_limit
from rugcourse.bounces.handler import BounceOutcome
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.db.queries import sending_holds
from rugcourse.scheduling import Schedule


def complain(runtime: Runtime, number: int) -> BounceOutcome:
    address = f"r{number}@d{number % 7}.example"
    return runtime.bounce_handler.handle_event(
        ProviderEvent(BounceReport(BounceType.COMPLAINT), "", address, runtime.clock.now())
    ).done


def held(runtime: Runtime) -> set[str]:
    with runtime.database.read() as session:
        return {hold.key for hold in sending_holds.all_holds(session)}


@pytest.mark.parametrize(
    ("complaints", "arrived", "level"),
    [
        (0, 0, ComplaintLevel.FINE), (0, 1000, ComplaintLevel.FINE), (1, 1001, ComplaintLevel.FINE), (1, 1000, ComplaintLevel.WARNING), (2, 10, ComplaintLevel.WARNING),
        (3, 1001, ComplaintLevel.WARNING), (3, 1000, ComplaintLevel.STOP), (3, 0, ComplaintLevel.STOP), (30, 10_000, ComplaintLevel.STOP),
    ],
)  # fmt: skip
def test_a_share_says_nothing_warns_or_stops(complaints: int, arrived: int, level: ComplaintLevel) -> None:
    assert ComplaintLimits().level(complaints, arrived) == level


def test_the_third_of_a_thousand_stops_the_campaign_and_the_domain(runtime: Runtime, clock: VirtualClock) -> None:
    course = course_of(runtime)
    add_crowd(runtime.database, course.campaign_id, 1000, Schedule("UTC", 8), None)
    add_lesson_mails(runtime.database, course.id, clock.now(), lessons=1)
    clock.advance(hours=1)
    assert complain(runtime, 7) == BounceOutcome.SUPPRESSED
    assert complain(runtime, 7) == BounceOutcome.DUPLICATE
    assert complain(runtime, 14) == BounceOutcome.SUPPRESSED
    assert held(runtime) == set()
    with runtime.database.read() as session:
        (worst,) = find_above_limit(session, ComplaintLimits(), clock.now())
    assert (worst.campaign_id, worst.complaints, worst.arrived, worst.percent) == (course.campaign_id, 2, 1000, 0.2)
    complain(runtime, 21)  # three of 143 at d0.example, and of a thousand in all
    assert held(runtime) == {f"campaign:{course.campaign_id}", "domain:d0.example"}


def test_one_domain_does_not_stop_a_campaign_that_others_like(runtime: Runtime, clock: VirtualClock) -> None:
    course = course_of(runtime)
    add_crowd(runtime.database, course.campaign_id, 2000, Schedule("UTC", 8), None)
    add_lesson_mails(runtime.database, course.id, clock.now(), lessons=1)
    clock.advance(hours=1)
    for number in (7, 14, 21):
        complain(runtime, number)
    assert held(runtime) == {"domain:d0.example"}


def test_complaints_older_than_a_week_do_not_count(runtime: Runtime, clock: VirtualClock) -> None:
    course = course_of(runtime)
    add_crowd(runtime.database, course.campaign_id, 100, Schedule("UTC", 8), None)
    add_lesson_mails(runtime.database, course.id, clock.now(), lessons=1)
    complain(runtime, 7)
    complain(runtime, 14)
    clock.advance(days=9)
    complain(runtime, 21)
    assert held(runtime) == set()
