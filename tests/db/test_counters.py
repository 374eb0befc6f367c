"""Counters: they follow every change, survive being added up, and are mended from the rows."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import event, func, select, update
from tests.support.builders import at_eight, lessons_to, make_reader, plan, reader_with_lesson, send_all

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db import counters
from rugcourse.db.models import (
    CounterChangeRow,
    CounterRow,
    DeliveryRow,
    DeliveryState,
    EmailEventRow,
    EventKind,
    Verdict,
)
from rugcourse.db.queries import email_events
from rugcourse.db.queries.email_events import Event
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.feedback import Feedback, save_feedback
from rugcourse.privacy.erase import erase


def number(runtime: Runtime, what: str) -> int:
    with runtime.database.read() as session:
        return sum(n for (_, _, kind), n in counters.totals(session).items() if kind == what)


def assert_right(runtime: Runtime) -> None:
    with runtime.database.read() as session:
        assert counters.differences(session) == {}


def read_a_lesson(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> int:
    """A reader who opened and clicked a lesson several times; returns the number of the person."""
    email = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    lesson = lessons_to(runtime, email)[0]
    with runtime.database.write() as session:
        for verdict in (Verdict.HUMAN, Verdict.MACHINE, Verdict.HUMAN):
            opened = Event(lesson.id, EventKind.OPEN, verdict, clock.now())
            email_events.add_events(session, [opened, opened])
        email_events.add_events(session, [Event(lesson.id, EventKind.CLICK, Verdict.HUMAN, clock.now(), 0)])
    runtime.database.run(save_feedback, clock.now(), Feedback(1, "nl", True, "", lesson.id))
    return lesson.subscriber_id


def test_a_mail_that_is_opened_often_is_one_opened_mail(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    read_a_lesson(runtime, dispatcher, clock)
    assert number(runtime, "event open human") == number(runtime, "event open machine") == 1
    assert number(runtime, "helped") == 1
    assert_right(runtime)


def test_a_click_that_turns_out_to_be_a_scanners_moves_over(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    read_a_lesson(runtime, dispatcher, clock)
    with runtime.database.write() as session:
        mails = session.scalars(select(EmailEventRow.delivery_id)).all()
        email_events.classify_since(session, set(mails), EventKind.CLICK, clock.now(), Verdict.MACHINE)
    assert number(runtime, "event click human") == 0
    assert number(runtime, "event click machine") == 1
    assert_right(runtime)


def test_counters_drop_erased_subscribers(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> None:
    person = read_a_lesson(runtime, dispatcher, clock)
    make_reader(runtime)
    send_all(dispatcher)
    runtime.database.run(erase, clock.now(), runtime.signer, person)
    assert number(runtime, "event open human") == 0
    assert number(runtime, "subscriber active") == 1
    assert number(runtime, "mail accepted") == 2
    assert_right(runtime)


def test_adding_up_changes_no_number(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> None:
    read_a_lesson(runtime, dispatcher, clock)
    with runtime.database.read() as session:
        before = counters.totals(session)
    for _ in range(2):
        with runtime.database.write() as session:
            counters.compact(session)
    with runtime.database.read() as session:
        assert counters.totals(session) == before
        assert session.scalar(select(func.count()).select_from(CounterChangeRow)) == 0
    assert_right(runtime)


def test_adding_up_happens_in_the_database(runtime: Runtime) -> None:
    """A million changes must not become objects of a worker. What cancels out leaves no counter."""
    day = date(2026, 11, 23)
    with runtime.database.write() as session:
        changes = [("a", 1), ("a", 2), ("b", 1), ("b", -1)]
        session.add_all(
            CounterChangeRow(campaign_id=7, lesson_id=0, day=day, metric=what, count=n) for what, n in changes
        )
        session.flush()
        statements: list[str] = []
        event.listen(runtime.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
        before = session.scalar(select(func.count()).select_from(CounterChangeRow))
        statements.clear()
        assert counters.compact(session) == before
        assert {one.split()[0] for one in statements} <= {"WITH", "INSERT", "DELETE"}
        kept = session.execute(select(CounterRow.metric, CounterRow.count).where(CounterRow.campaign_id == 7)).all()
    assert [tuple(one) for one in kept] == [("a", 3)]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_is_counted_while_others_add_up_is_kept(runtime: Runtime) -> None:
    day, many = date(2026, 11, 23), 60

    def count(process: int) -> None:
        for number in range(many):
            with runtime.database.write() as session:
                session.add(CounterChangeRow(campaign_id=7, lesson_id=number % 5, day=day, metric="a", count=1))
                if number % 3 == process % 3:
                    session.flush()
                    counters.compact(session)

    threads = [threading.Thread(target=count, args=(one,)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with runtime.database.write() as session:
        counters.compact(session)
        totals = counters.totals(session, 7)
        assert sum(session.scalars(select(CounterRow.count).where(CounterRow.campaign_id == 7))) == 4 * many
    assert sum(totals.values()) == 4 * many


def test_counters_that_are_wrong_are_found_and_mended(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    read_a_lesson(runtime, dispatcher, clock)
    with runtime.database.write() as session:
        counters.compact(session)
        session.execute(
            update(CounterRow).where(CounterRow.metric == "mail accepted").values(count=CounterRow.count + 5)
        )
    with runtime.database.write() as session:
        assert [(key.metric, counter - rows) for key, (counter, rows) in counters.differences(session).items()] == [
            ("mail accepted", 5)
        ] * len(counters.differences(session))
        assert counters.rebuild(session) > 0
    assert_right(runtime)


def test_a_state_that_goes_back_and_forth_is_counted_once(runtime: Runtime, dispatcher: Dispatcher) -> None:
    make_reader(runtime)
    send_all(dispatcher)
    for state in (DeliveryState.UNKNOWN, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN):
        with runtime.database.write() as session:
            session.execute(update(DeliveryRow).values(state=state))
    assert (number(runtime, "mail unknown"), number(runtime, "mail accepted")) == (2, 0)
    assert_right(runtime)


def _clicks(runtime: Runtime) -> dict[str, int]:
    with runtime.database.read() as session:
        assert counters.differences(session) == {}
        return {what: n for (_, _, what), n in counters.totals(session).items() if what.startswith("event click")}


@pytest.mark.parametrize("before", [Verdict.HUMAN, Verdict.UNKNOWN, Verdict.MACHINE])
def test_a_mail_whose_clicks_are_judged_anew_was_clicked_once(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, before: Verdict
) -> None:
    """A scanner that fetches one link under its own name, and the others as a browser."""
    email = reader_with_lesson(runtime, dispatcher)
    mail, now = lessons_to(runtime, email)[0].id, clock.now()
    with runtime.database.write() as session:
        email_events.add_events(session, [Event(mail, EventKind.CLICK, before, now, 0)])
        email_events.add_events(session, [Event(mail, EventKind.CLICK, Verdict.HUMAN, now, n) for n in range(3)])
        email_events.classify_since(session, {mail}, EventKind.CLICK, now - timedelta(seconds=2), Verdict.MACHINE)
    assert _clicks(runtime) == {"event click machine": 1}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_picture_that_two_processes_serve_at_once_opens_a_mail_once(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    mail = lessons_to(runtime, email)[0].id
    both = threading.Barrier(2)

    def serve() -> None:
        with runtime.database.write() as session:
            both.wait(10)
            email_events.add_events(session, [Event(mail, EventKind.OPEN, Verdict.HUMAN, clock.now())])

    threads = [threading.Thread(target=serve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with runtime.database.read() as session:
        kept = email_events.of_delivery(session, mail)
        found = {what: n for (_, _, what), n in counters.totals(session).items() if what.startswith("event open")}
    assert [one.is_first for one in kept if one.kind == EventKind.OPEN].count(True) == 1
    assert len([one for one in kept if one.kind == EventKind.OPEN]) == 2
    assert found == {"event open human": 1}
