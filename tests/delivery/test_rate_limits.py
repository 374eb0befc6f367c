"""Limits: per minute, per domain, per campaign, and the days of a warm-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.support.builders import at_eight, course_of, make_pending, make_reader, plan, send_all
from tests.support.emails import outgoing
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryQueue
from rugcourse.db.queries import sending_holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.rate_limits import SendLimits, WarmUp, load_rate_limiter

Limited = Callable[..., Dispatcher]


@pytest.fixture
def limited(runtime: Runtime) -> Iterator[Limited]:
    """Workers whose settings have limits."""
    opened: list[Dispatcher] = []

    def open_limited(**settings: object) -> Dispatcher:
        opened.append(open_dispatcher(replace(runtime, settings=runtime.settings.model_copy(update=settings))))
        return opened[-1]

    yield open_limited
    for one in opened:
        one.close()


def due_lessons(runtime: Runtime, dispatcher: Dispatcher, *emails: str) -> None:
    for email in emails:
        make_reader(runtime, email)
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)


def sent_in_an_hour(dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, minutes: int = 60) -> list[int]:
    """How many went out in each minute."""
    counts = []
    for _ in range(minutes):
        before = sink.count
        send_all(dispatcher)
        counts.append(sink.count - before)
        clock.advance(minutes=1)
    return counts


def test_no_more_than_so_many_lessons_a_minute_go_out_and_all_of_them_do(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, limited: Limited
) -> None:
    due_lessons(runtime, dispatcher, *(f"r{number}@x.example" for number in range(60)))
    counts = sent_in_an_hour(limited(per_minute=6), clock, sink)
    assert sum(counts) == 60
    assert max(counts) <= 6
    assert counts[1:8] == [2] * 7  # a third of a minute's share can be saved up


def test_a_limit_is_used_in_full_by_a_worker_that_looks_often_and_never_passed(
    database: Database, clock: VirtualClock
) -> None:
    taken, waiting = 0, [outgoing(), outgoing()]
    for _ in range(20 * 6):
        clock.advance(seconds=10)
        with database.write() as session:
            limiter = load_rate_limiter(session, SendLimits(per_minute=6), clock)
            taken += len(limiter.admit(DeliveryQueue.LESSONS, waiting))
            sending_holds.save_buckets(session, limiter.buckets)
    assert taken in {20 * 6, 20 * 6 + 1}


@pytest.mark.parametrize(("per_minute", "at_once"), [(1, 1), (3, 1), (60, 20)])
def test_what_a_limit_lets_through_at_once_after_an_idle_hour_is_a_third_of_a_minutes_share_or_one(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, limited: Limited,
    per_minute: int, at_once: int,
) -> None:  # fmt: skip
    due_lessons(runtime, dispatcher, *(f"r{number}@x.example" for number in range(30)))
    sender = limited(per_minute=per_minute)
    send_all(sender)
    clock.advance(hours=1)
    before = sink.count
    for _ in range(5):
        send_all(sender)
    assert sink.count - before == at_once


def test_a_hold_lasts_until_its_end_or_until_it_is_released(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink
) -> None:
    due_lessons(runtime, dispatcher, "a@held.example", "b@closed.example", "c@free.example")
    before = sink.count
    with runtime.database.write() as session:
        sending_holds.add_hold(session, "domain:held.example", "policy", clock.now(), clock.now() + timedelta(hours=1))
        sending_holds.hold_indefinitely(session, "domain:closed.example", "to see", clock.now())
    send_all(dispatcher)
    assert [one.recipient for one in sink.taken[before:]] == ["c@free.example"]
    clock.advance(hours=1)
    send_all(dispatcher)
    assert [one.recipient for one in sink.taken[before + 1 :]] == ["a@held.example"]


def test_workers_share_a_limit(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, limited: Limited
) -> None:
    due_lessons(runtime, dispatcher, *(f"r{number}@x.example" for number in range(40)))
    one, other = limited(per_minute=30), limited(per_minute=30)
    clock.advance(minutes=1)
    before = sink.count
    send_all(one)
    send_all(other)
    assert sink.count - before <= 10
    assert sink.count > before


def test_a_limit_for_a_domain_holds_up_nobody_else(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, limited: Limited
) -> None:
    slow = [f"r{number}@slow.example" for number in range(20)]
    quick = [f"r{number}@quick.example" for number in range(20)]
    due_lessons(runtime, dispatcher, *slow, *quick)
    before = len(sink.taken)
    sender = limited(domain_limits="slow.example=3")
    send_all(sender)
    domains = [one.recipient.partition("@")[2] for one in sink.taken[before:]]
    assert domains.count("quick.example") == 20
    assert domains.count("slow.example") <= 1
    sent_in_an_hour(sender, clock, sink)
    assert sink.count == before + 40


def test_a_campaign_has_a_limit_of_its_own(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink
) -> None:
    due_lessons(runtime, dispatcher, *(f"r{number}@x.example" for number in range(30)))
    with runtime.database.write() as session:
        sending_holds.set_campaign_limit(session, course_of(runtime).campaign_id, 12)
    counts = sent_in_an_hour(dispatcher, clock, sink, 12)
    assert max(counts) <= 12
    assert 20 <= sum(counts) <= 30


def test_rate_limits_never_delay_transactional_mail(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, limited: Limited
) -> None:
    due_lessons(runtime, dispatcher, *(f"r{number}@x.example" for number in range(20)))
    sender = limited(per_minute=1)
    send_all(sender)
    waiting = [make_pending(runtime) for _ in range(5)]
    send_all(sender)
    assert all(len(sink.to(email)) == 1 for email in waiting)


def test_a_warm_up_grows_from_day_to_day(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, limited: Limited
) -> None:
    for number in range(40):
        make_reader(runtime, f"r{number}@x.example")
    send_all(dispatcher)
    sender = limited(warmup_start=date(2026, 11, 23), warmup_count=4, warmup_growth=2.0)
    per_day = []
    for day in range(3):
        at_eight(runtime, day)
        plan(runtime)
        before = sink.count
        for _ in range(3):
            send_all(sender)
            clock.advance(minutes=30)
        per_day.append(sink.count - before)
    assert per_day == [4, 8, 16]


def test_before_its_first_day_a_warm_up_limits_nothing() -> None:
    plan_of_days = WarmUp(date(2026, 11, 23), 100, 1.5)
    days = [date(2026, 11, 22) + timedelta(days=number) for number in range(4)]
    assert [plan_of_days.cap(day) for day in days] == [None, 100, 150, 225]
