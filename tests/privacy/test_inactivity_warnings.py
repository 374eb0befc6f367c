"""Readers are told before they are erased as they read no more: in time, once, and only those who may be written to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.builders import (
    at_eight,
    enrolment_of,
    lessons_to,
    mails_to,
    make_reader,
    plan,
    reader_with_lesson,
    send_all,
)
from tests.support.privacy import apply_retention_now
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.queries import subscribers
from rugcourse.db.queries.sending_holds import ALL
from rugcourse.delivery import holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.magic_link import request_link
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.privacy.inactivity_warnings import warn
from rugcourse.worker.tasks import apply_retention


class Outgoing:
    """A mail server that notes who was told, or takes nothing."""

    def __init__(self, *, takes: bool = True) -> None:
        self.told: list[str] = []
        self.takes = takes

    def __call__(self, email: str, language: str) -> bool:
        assert language == "nl"
        self.told.append(email)
        return self.takes


def warn_now(runtime: Runtime, server: Outgoing) -> int:
    return warn(runtime.database, runtime.clock, runtime.retention, server)


def paused_reader(runtime: Runtime, dispatcher: Dispatcher) -> str:
    email = make_reader(runtime)
    send_all(dispatcher)
    runtime.database.run(preferences.pause, runtime.clock.now(), enrolment_of(runtime, email).subscriber_id)
    return email


def test_inactive_reader_is_warned_once_two_weeks_before_erasure(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email, server = paused_reader(runtime, dispatcher), Outgoing()
    clock.advance(days=350)
    assert warn_now(runtime, server) == 0
    clock.advance(days=2)
    assert warn_now(runtime, server) == 1
    clock.advance(days=1)
    assert warn_now(runtime, server) == 0
    assert server.told == [email]
    clock.advance(days=11)
    assert apply_retention_now(runtime).idle == 0
    clock.advance(days=2)
    assert apply_retention_now(runtime).idle == 1


def test_finished_reader_is_warned_and_stays_after_requesting_a_link(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email, server = make_reader(runtime), Outgoing()
    for day in range(9):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    clock.advance(days=167)
    assert warn_now(runtime, server) == 1
    clock.advance(hours=1)
    runtime.database.run(request_link, clock.now(), email)
    clock.advance(days=160)
    assert apply_retention_now(runtime).finished == 0
    assert warn_now(runtime, server) == 0
    clock.advance(days=7)
    assert warn_now(runtime, server) == 1  # it is another time
    clock.advance(days=14)
    assert apply_retention_now(runtime).finished == 1


@pytest.mark.parametrize("why", ["left", "left the course", "complained", "pause with an end", "held"])
def test_warning_skips_readers_who_are_suppressed_or_stay(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, why: str
) -> None:
    email, server = paused_reader(runtime, dispatcher), Outgoing()
    mail = mails_to(runtime, email)[0].id
    match why:
        case "left":
            runtime.database.run(preferences.unsubscribe, clock.now(), mail)
        case "left the course":
            runtime.database.run(preferences.leave_course, clock.now(), mail)
        case "complained":
            runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "complaint")
        case "pause with an end":
            until = clock.now().replace(year=clock.now().year + 1)
            runtime.database.run(preferences.pause, clock.now(), enrolment_of(runtime, email).subscriber_id, until)
        case "held":
            runtime.database.run(holds.hold_by_admin, clock.now(), ALL, "a copy of the database")
    clock.advance(days=355)
    assert warn_now(runtime, server) == 0
    assert server.told == []


def test_warning_is_retried_the_next_night_when_the_server_refused_it(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    for _ in range(12):
        paused_reader(runtime, dispatcher)
    clock.advance(days=355)
    away, server = Outgoing(takes=False), Outgoing()
    assert warn_now(runtime, away) == 0
    assert len(away.told) == 10  # a server that takes none is not asked for each
    assert warn_now(runtime, server) == 12
    assert warn_now(runtime, server) == 0


def test_nightly_task_mails_the_warning(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = paused_reader(runtime, dispatcher)
    clock.advance(days=355)
    apply_retention(runtime)
    assert b"http://courses.example/nl/my-page" in sink.to(email)[-1].raw


def test_long_paused_reader_can_undo_leaving_a_course(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    mail = mails_to(runtime, email)[-1]
    runtime.database.run(preferences.pause, clock.now(), mail.subscriber_id)
    clock.advance(days=200)
    runtime.database.run(preferences.leave_course, clock.now(), mail.id)
    apply_retention_now(runtime)
    clock.advance(days=29)
    apply_retention_now(runtime)
    runtime.database.run(preferences.come_back, clock.now(), mail.id)
    runtime.database.run(preferences.leave_course, clock.now(), mail.id)
    clock.advance(days=31)
    apply_retention_now(runtime)
    with runtime.database.read() as session:
        assert subscribers.by_email(session, email) is None


@pytest.mark.parametrize("until", [None, 500])
def test_reader_who_resumes_after_a_year_is_not_erased_before_the_next_lesson(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, until: int | None
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    person = mails_to(runtime, email)[-1].subscriber_id
    end = None if until is None else clock.now() + timedelta(days=until)
    runtime.database.run(preferences.pause, clock.now(), person, end)
    clock.advance(days=364 if until is None else 450)
    runtime.database.run(preferences.resume, clock.now(), person)
    clock.advance(days=1)
    apply_retention_now(runtime)
    plan(runtime)
    send_all(dispatcher)
    assert len(lessons_to(runtime, email)) == 2
