"""What comes back counts once, by however many doors and however often it comes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from tests.support.bounces import bounce_about, return_path_of
from tests.support.builders import lessons_to, plan, ref, send_all
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.handler import BounceOutcome
from rugcourse.bounces.parser import read
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryState
from rugcourse.delivery.dispatcher import Dispatcher

FULL = BounceReport(BounceType.SOFT, "5.2.2", "mailbox full")


def report(email: str, arrived: datetime | None, message_id: str = "<one@mx.example>") -> bytes:
    """Of a full mailbox; without Message-ID and date where `arrived` is None."""
    raw = bounce_about("gmail full", email)
    if arrived is None:
        return re.sub(rb"Arrival-Date: [^\r]*\r\n", b"", raw)
    date = format_datetime(arrived).encode()
    raw = re.sub(rb"Arrival-Date: [^\r]*", b"Arrival-Date: " + date, raw)
    return b"Message-ID: %s\r\nDate: %s\r\n" % (message_id.encode(), date) + raw


def send_again(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> None:
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)


@pytest.fixture
def sent_again(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
    clock: VirtualClock,
) -> datetime:
    """A lesson that came back, and went out again; returns when it went out first."""
    first = clock.now()
    clock.advance(hours=2)
    assert (
        runtime.bounce_handler.handle_message(return_path_of(runtime, sink, email), report(email, first)).done
        == BounceOutcome.RECORDED
    )
    send_again(runtime, dispatcher, clock)
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED
    return first


@pytest.mark.parametrize("source", ["the same message", "another message", "a webhook"])
def test_repeated_report_after_a_resent_lesson_does_not_send_it_a_third_time(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
    clock: VirtualClock,
    sent_again: datetime,
    source: str,
) -> None:
    path, lesson = return_path_of(runtime, sink, email), lessons_to(runtime, email)[0]
    path = runtime.links.return_path(ref(runtime, lesson.id), "bounces@courses.example")
    clock.advance(hours=1)
    taken = {
        "the same message": lambda: runtime.bounce_handler.handle_message(
            path, b"Delivered-To: x@y\r\n" + report(email, sent_again)
        ),
        "another message": lambda: runtime.bounce_handler.handle_message(
            path, report(email, sent_again, "<two@mx.example>")
        ),
        "a webhook": lambda: runtime.bounce_handler.handle_event(
            ProviderEvent(FULL, path, email, sent_again + timedelta(hours=2, minutes=5))
        ),
    }[source]()
    assert taken.done == BounceOutcome.DUPLICATE
    for _ in range(2):
        send_again(runtime, dispatcher, clock)
    assert [one.message_id for one in sink.to(email)].count(lesson.message_id) == 2


def test_a_lesson_that_comes_back_a_second_time_goes_out_a_third_time(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
    clock: VirtualClock,
    sent_again: datetime,
) -> None:
    """Its relay took it over a little before its answer was written down here, and its clock is behind."""
    lesson = lessons_to(runtime, email)[0]
    path = runtime.links.return_path(ref(runtime, lesson.id), "bounces@courses.example")
    arrived = clock.now() - timedelta(minutes=10)
    assert arrived > sent_again
    assert (
        runtime.bounce_handler.handle_message(path, report(email, arrived, "<two@mx.example>")).done
        == BounceOutcome.RECORDED
    )
    send_again(runtime, dispatcher, clock)
    assert [one.message_id for one in sink.to(email)].count(lesson.message_id) == 3


@pytest.mark.parametrize("years", [-30, 30])
def test_a_date_that_cant_be_is_not_believed(
    runtime: Runtime,
    sink: Sink,
    email: str,
    clock: VirtualClock,
    sent_again: datetime,
    years: int,
) -> None:
    path = runtime.links.return_path(ref(runtime, lessons_to(runtime, email)[0].id), "bounces@courses.example")
    wrong = report(email, clock.now().replace(year=clock.now().year + years), "<two@mx.example>")
    assert runtime.bounce_handler.handle_message(path, wrong).done == BounceOutcome.RECORDED
    assert runtime.bounce_handler.handle_message(path, wrong).done == BounceOutcome.DUPLICATE


def test_a_report_without_a_date_is_known_by_what_it_says(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
    clock: VirtualClock,
) -> None:
    path, raw = return_path_of(runtime, sink, email), report(email, None)
    assert read(raw).at is None
    assert runtime.bounce_handler.handle_message(path, raw).done == BounceOutcome.RECORDED
    send_again(runtime, dispatcher, clock)
    assert runtime.bounce_handler.handle_message(path, raw).done == BounceOutcome.DUPLICATE
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED
