"""Drills 9 and 10: readers who leave between planning and sending; lessons and templates changed under way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.fault_injection.tally import Tally
from tests.support.builders import (
    LESSONS,
    enrolment_of,
    lessons_to,
    mails_to,
    make_pending,
    make_reader,
    plan,
    planned_readers,
    send_all,
)
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.file_sync import import_courses
from rugcourse.db.models import DeliveryKind, DeliveryRow, DeliveryState
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.emails import catalogue
from rugcourse.emails.templates import TemplateError
from rugcourse.enrolment import preferences
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.privacy.erase import erase

Passes = Callable[[Runtime, Sink], Tally]


def test_planned_mail_is_not_sent_to_readers_who_left_or_paused_meanwhile(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, passes: Passes
) -> None:
    leaver, pauser, suppressed, erased, reader = planned_readers(runtime, dispatcher, 5)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, leaver, DeliveryKind.WELCOME)[0].id)
    runtime.database.run(preferences.pause, clock.now(), enrolment_of(runtime, pauser).subscriber_id)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, suppressed, "complaint")
    runtime.database.run(erase, clock.now(), runtime.signer, enrolment_of(runtime, erased).subscriber_id)
    before = sink.count
    send_all(dispatcher)
    assert [one.recipient for one in sink.taken[before:]] == [reader]
    states = [lessons_to(runtime, email)[0].state for email in (leaver, pauser, suppressed, reader)]
    assert states == [DeliveryState.CANCELLED] * 3 + [DeliveryState.ACCEPTED]
    passes(runtime, sink)


def test_reader_erased_while_their_mail_is_sent_stays_erased(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink
) -> None:
    erased, reader = planned_readers(runtime, dispatcher, 2)
    person = enrolment_of(runtime, erased).subscriber_id
    sink.fault = lambda recipient: (
        Fault("dot", "250 taken", do=lambda: runtime.database.run(erase, clock.now(), runtime.signer, person))
        if recipient == erased
        else None
    )
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, reader)] == [DeliveryState.ACCEPTED]
    with runtime.database.read() as session:
        assert subscribers.by_email(session, erased) is None
        assert len(session.scalars(select(DeliveryRow.id)).all()) == 3  # confirm, welcome and lesson of the other


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """The shipped courses with another subject for the first lesson."""
    folder = tmp_path / "edited"
    shutil.copytree(LESSONS, folder)
    for file in folder.glob("*/01-*.nl.md"):
        text = file.read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.startswith("subject:"))
        file.write_text(text.replace(line, "subject: Les 1 in nieuwe woorden"), encoding="utf-8")
    return folder


def test_a_lesson_edited_under_way_goes_out_whole_and_a_second_try_is_the_same_message(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, edited: Path, passes: Passes
) -> None:
    tried, other = planned_readers(runtime, dispatcher, 2)
    sink.fault = lambda _: Fault("rcpt", "451 later")
    send_all(dispatcher)
    sink.fault = lambda _: None
    late = make_reader(runtime)
    import_courses(runtime.database, clock, edited)
    clock.advance(minutes=2)
    plan(runtime)
    send_all(dispatcher)
    new = {email: b"nieuwe woorden" in sink.to(email)[-1].raw for email in (tried, other, late)}
    assert new == {tried: False, other: False, late: True}
    passes(runtime, sink)


def test_a_broken_template_sends_nothing_of_it_and_what_was_held_goes_out_when_it_is_mended(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, passes: Passes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    readers = planned_readers(runtime, dispatcher, 5)
    waiting = make_pending(runtime)
    before = sink.count

    def broken(*_: object) -> object:
        raise TemplateError("lesson: it does not compile")

    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "lesson_email", broken)
        send_all(dispatcher)
    assert sink.count == before + 1
    assert mails_to(runtime, waiting)[0].state == DeliveryState.ACCEPTED
    assert {lessons_to(runtime, email)[0].state for email in readers} == {DeliveryState.PLANNED}
    clock.advance(minutes=11)
    send_all(dispatcher)
    assert {lessons_to(runtime, email)[0].state for email in readers} == {DeliveryState.ACCEPTED}
    passes(runtime, sink)
