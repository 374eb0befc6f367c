"""What becomes of a batch: accepted, refused, deferred, unknown; and that nothing goes out twice."""

from __future__ import annotations

import fcntl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from tests.support.builders import (
    answer,
    at_eight,
    enrolment_of,
    lessons_to,
    mails_to,
    make_pending,
    plan,
    planned_readers,
    reader_with_lesson,
    send_all,
)
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime, rejection_handler
from rugcourse.bounces.handler import BounceOutcome
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryQueue, DeliveryRow, DeliveryState, EventKind, Verdict
from rugcourse.db.queries import arrivals, email_events
from rugcourse.db.queries.email_events import Event
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.delivery.recovery import expire_leases, settle_journals
from rugcourse.delivery.resend import resend
from rugcourse.enrolment import preferences
from rugcourse.enrolment.admin_changes import correct_address
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.suppression import lift, suppress_address
from rugcourse.scheduling import Schedule


def balanced(runtime: Runtime) -> bool:
    return audit(runtime.database, runtime.clock.now(), timedelta(minutes=5)).balanced


def test_an_accepted_lesson_is_pinned_and_its_message_id_is_in_the_ledger(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    send_all(dispatcher)
    [lesson] = lessons_to(runtime, email)
    assert lesson.state == DeliveryState.ACCEPTED
    assert lesson.smtp_response == "250 taken"
    assert lesson.lesson_version_id is not None
    assert lesson.message_id == sink.to(email)[-1].message_id
    assert balanced(runtime)


def test_a_thousand_lessons_are_all_sent_once_by_several_threads(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    planned_readers(runtime, dispatcher, 200)
    before = sink.count
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: send_all(dispatcher), range(4)))
    assert sink.count - before == 200
    assert len(set(sink.message_ids)) == len(sink.message_ids)
    assert balanced(runtime)


@pytest.mark.parametrize(
    ("step", "reply", "state"), [("rcpt", "550 no such user", "failed"), ("dot", "552 mailbox full", "cancelled")]
)
def test_a_refusal_for_good_ends_that_delivery_alone_with_the_servers_words(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, step: str, reply: str, state: str
) -> None:
    unlucky, lucky = planned_readers(runtime, dispatcher, 2)
    sink.fault = lambda recipient: Fault(step, reply) if recipient == unlucky else None
    send_all(dispatcher)
    assert (lessons_to(runtime, unlucky)[0].state, lessons_to(runtime, unlucky)[0].smtp_response) == (state, reply)
    assert lessons_to(runtime, lucky)[0].state == DeliveryState.ACCEPTED
    assert balanced(runtime)


@pytest.mark.parametrize(
    ("step", "reply"), [("rcpt", "451 later"), ("data", "452 full"), ("dot", "450 busy"), ("data", "")]
)
def test_delivery_is_retried_later_when_the_server_did_not_accept_it(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, step: str, reply: str
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault(step, reply) if recipient == email else None
    send_all(dispatcher)
    first = lessons_to(runtime, email)[0]
    assert first.state == DeliveryState.PLANNED
    assert first.not_before > clock.now()
    sink.fault = lambda _: None
    clock.advance(minutes=2)
    send_all(dispatcher)
    again = lessons_to(runtime, email)[0]
    assert (again.state, again.attempts, again.message_id) == (DeliveryState.ACCEPTED, 2, first.message_id)


def test_a_delivery_that_is_deferred_too_often_fails(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = make_pending(runtime)
    sink.fault = lambda recipient: Fault("rcpt", "451 later") if recipient == email else None
    for _ in range(10):
        send_all(dispatcher)
        clock.advance(hours=3)
    [mail] = mails_to(runtime, email)
    assert (mail.state, mail.attempts) == (DeliveryState.FAILED, runtime.settings.max_attempts)


@pytest.mark.parametrize("stall", [0.0, 2.5])
def test_no_answer_after_the_final_dot_is_unknown_and_never_sent_again(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, stall: float
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("reply", "", stall) if recipient == email else None
    send_all(dispatcher)
    assert lessons_to(runtime, email)[0].state == DeliveryState.UNKNOWN
    sink.fault = lambda _: None
    clock.advance(hours=1)
    expire_leases(runtime.database, clock)
    send_all(dispatcher)
    assert [one.recipient for one in sink.taken].count(email) == 3  # confirm, welcome, and this lesson once
    found = audit(runtime.database, clock.now(), timedelta(minutes=5))
    assert found.balanced
    assert [one.email for one in found.unknown] == [email]


def test_a_reader_who_uses_an_unknown_mail_settles_it(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("reply") if recipient == email else None
    send_all(dispatcher)
    [lesson] = lessons_to(runtime, email)
    with runtime.database.write() as session:
        assert arrivals.confirm_by_activity(session, lesson.id, clock.now())
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED


@pytest.mark.parametrize("fault", [Fault("helo"), Fault("mail", "530 log in first"), Fault("mail", "550 who are you")])
def test_a_server_that_serves_nobody_is_no_readers_fault(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, fault: Fault
) -> None:
    emails = [make_pending(runtime) for _ in range(3)]
    sink.fault = lambda _: fault
    send_all(dispatcher)
    assert {mails_to(runtime, email)[0].state for email in emails} == {DeliveryState.PLANNED}
    sink.fault = lambda _: None
    assert dispatcher.send_batch(DeliveryQueue.TRANSACTIONAL) == 0  # it rests
    clock.advance(minutes=1)
    send_all(dispatcher)
    assert {mails_to(runtime, email)[0].state for email in emails} == {DeliveryState.ACCEPTED}


def test_a_connection_that_is_closed_every_few_messages_costs_nothing(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    sink.messages_per_connection = 3
    emails = [make_pending(runtime) for _ in range(10)]
    send_all(dispatcher)
    assert {mails_to(runtime, email)[0].state for email in emails} == {DeliveryState.ACCEPTED}
    assert sink.count == 10


def test_dispatcher_does_not_send_to_readers_suppressed_after_planning(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email, other = planned_readers(runtime, dispatcher, 2)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "complaint")
    before = sink.count
    send_all(dispatcher)
    assert sink.count == before + 1
    assert lessons_to(runtime, email)[0].state == DeliveryState.CANCELLED
    assert lessons_to(runtime, other)[0].state == DeliveryState.ACCEPTED
    assert balanced(runtime)


def test_a_worker_that_was_too_slow_to_begin_sends_nothing_and_gives_back_what_others_doubted(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    claimed = dispatcher._claimer.claim

    class Dawdler:
        """Claims, and is away until its lease is over and another worker has looked."""

        def claim(self, queue: DeliveryQueue) -> object:
            batch = claimed(queue)
            clock.advance(seconds=runtime.settings.lease_seconds + 1)
            assert len(expire_leases(runtime.database, clock)) == 1
            return batch

    monkeypatch.setattr(dispatcher, "_claimer", Dawdler())
    before = sink.count
    dispatcher.send_batch(DeliveryQueue.LESSONS)
    assert sink.count == before
    assert lessons_to(runtime, email)[0].state == DeliveryState.PLANNED
    assert enrolment_of(runtime, email).lessons_planned == 1
    assert balanced(runtime)


def test_a_broken_template_holds_up_only_the_mails_made_from_it(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rugcourse.emails import catalogue
    from rugcourse.emails.templates import TemplateError

    planned_readers(runtime, dispatcher, 1)
    waiting = make_pending(runtime)

    def broken(*_: object) -> object:
        raise TemplateError("lesson: it does not compile")

    monkeypatch.setattr(catalogue, "lesson_email", broken)
    send_all(dispatcher)
    assert mails_to(runtime, waiting)[0].state == DeliveryState.ACCEPTED
    assert balanced(runtime)


def test_mail_arrives_unchanged_without_pipelining_and_8bitmime(runtime: Runtime, tmp_path: object) -> None:
    from email import message_from_bytes, policy

    from rugcourse.delivery.smtp import Accepted, Connection, Envelope
    from rugcourse.setting_values import SmtpServer

    raw = b"Subject: x\r\n\r\n.dots\r\n..more\r\nend\r\n"
    for pipelining in (True, False):
        with Sink(pipelining=pipelining, eight_bit=pipelining) as plain:
            connection = Connection(SmtpServer.from_url(plain.url), "localhost", 5)
            outcome = connection.send(Envelope("a@x.example", "b@x.example"), raw, lambda: None)
            connection.quit()
        assert isinstance(outcome, Accepted)
        assert plain.taken[0].raw == raw
        assert ("BODY=8BITMIME" in plain.commands[1]) is pipelining
        assert message_from_bytes(plain.taken[0].raw, policy=policy.default)["Subject"] == "x"


def test_a_reply_that_no_database_can_hold_stops_nobody(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    """PostgreSQL stores no NUL: one in a server's words made the whole batch unknown, and no worker started again."""
    emails = planned_readers(runtime, dispatcher, 3)
    sink.fault = lambda recipient: Fault("rcpt", "550 5.0.0 no \x00 \x1b[31mthanks") if recipient == emails[1] else None
    send_all(dispatcher)
    states = [lessons_to(runtime, email)[0].state for email in emails]
    assert states == [DeliveryState.ACCEPTED, DeliveryState.CANCELLED, DeliveryState.ACCEPTED]  # it goes out again
    assert "thanks" in (lessons_to(runtime, emails[1])[0].smtp_response or "")


@pytest.mark.parametrize("answer", ["\x00\x00\x00 ", "OK: queued as 12345", "354 go on", "600 what", "199 what"])
def test_missing_reply_after_data_becomes_unknown_and_is_not_resent(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, answer: str
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    before = len(sink.to(email))
    sink.fault = lambda recipient: Fault("reply", answer) if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    assert lessons_to(runtime, email)[0].state == DeliveryState.UNKNOWN
    clock.advance(hours=1)
    send_all(dispatcher)
    assert len(sink.to(email)) == before + 1


@pytest.mark.parametrize("answer", ["250 ok", "251 forwarded", "221 2.0.0 closing, it is queued"])
def test_any_success_after_the_final_dot_is_one(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, answer: str
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("reply", answer) if recipient == email else None
    send_all(dispatcher)
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("answer", ["199 what", "600 what", "777 what"])
def test_an_answer_of_no_known_kind_before_the_message_defers_it(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, step: str, answer: str
) -> None:
    emails = planned_readers(runtime, dispatcher, 3)
    before = len(sink.taken)
    fault = Fault(step, answer)
    sink.fault = lambda recipient: fault if recipient == (emails[1] if step != "mail" else "") else None
    dispatcher.send_batch(DeliveryQueue.LESSONS)
    sink.fault = lambda _: None
    clock.advance(minutes=5)
    send_all(dispatcher)
    assert sorted(one.recipient for one in sink.taken[before:]) == sorted(emails)


def test_giving_back_uses_up_no_tries(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    """A server that serves nobody for an hour, and greylists afterwards, as many do."""
    email = make_pending(runtime)
    sink.fault = lambda _: Fault("mail", "550 5.7.1 the sender's quota is used up")
    for _ in range(60):
        clock.advance(minutes=1)
        send_all(dispatcher)
    assert mails_to(runtime, email)[0].attempts <= 1
    greylisted: set[str] = set()

    def greylist(recipient: str) -> Fault | None:
        if recipient in {*greylisted, ""}:
            return None
        greylisted.add(recipient)
        return Fault("rcpt", "450 4.7.1 greylisted, try again later")

    sink.fault = greylist
    for _ in range(30):
        clock.advance(minutes=1)
        send_all(dispatcher)
    assert mails_to(runtime, email)[0].state == DeliveryState.ACCEPTED


def test_a_claim_that_is_doubted_is_given_back_by_one_thread(runtime: Runtime, dispatcher: Dispatcher) -> None:
    claimer = dispatcher._claimer
    claimer.maybe_sent.append(("b" * 32, [1]))
    errors: list[Exception] = []

    def give_back() -> None:
        try:
            claimer._give_back_doubtful()
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=give_back) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert not claimer.maybe_sent


def test_a_worker_that_dies_between_a_refusal_and_what_follows_loses_no_lesson(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full mailbox at the last try: the lesson comes again, whoever settles it."""
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("rcpt", "552 5.2.2 mailbox full") if recipient == email else None

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(dispatcher, "_follow_up", die)
        with pytest.raises(KeyboardInterrupt):
            dispatcher.send_batch(DeliveryQueue.LESSONS)
    assert lessons_to(runtime, email)[0].state == DeliveryState.SUBMITTING
    fcntl.flock(dispatcher._journal._file, fcntl.LOCK_UN)  # as when its process ends
    settle_journals(runtime.database, clock, runtime.settings.data_dir / "journal", rejection_handler(runtime))
    assert lessons_to(runtime, email)[0].state == DeliveryState.CANCELLED
    sink.fault = lambda _: None
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED


def test_a_lesson_that_is_sent_again_comes_at_its_readers_hour(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("reply", "") if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    [lesson] = lessons_to(runtime, email)
    before = len(sink.to(email))
    at_eight(runtime, 1)
    clock.advance(hours=-5)  # 03:00 for the reader
    assert runtime.database.run(resend, clock.now(), [lesson.id]) == [lesson.id]
    plan(runtime)
    send_all(dispatcher)
    assert len(sink.to(email)) == before
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    assert [one.message_id for one in sink.to(email)[-2:]] == [lesson.message_id] * 2
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


@pytest.fixture
def resent(runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock) -> str:
    """Whose lesson nobody knows of whether it arrived, and an admin had it sent again: it waits for their hour."""
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("reply", "") if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    clock.advance(hours=1)
    assert runtime.database.run(resend, clock.now(), [one.id for one in lessons_to(runtime, email)])
    return email


@pytest.mark.parametrize("planned", [False, True])
def test_a_lesson_that_its_reader_used_meanwhile_is_not_sent_again(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, resent: str, planned: bool
) -> None:
    at_eight(runtime, 1)
    if planned:
        plan(runtime)
    [lesson] = lessons_to(runtime, resent)
    assert lesson.state == (DeliveryState.PLANNED if planned else DeliveryState.CANCELLED)
    with runtime.database.write() as session:
        assert arrivals.confirm_by_activity(session, lesson.id, clock.now())
    for day in range(1, 4):
        at_eight(runtime, day)
        plan(runtime)  # which passes over what arrived
        plan(runtime)
        send_all(dispatcher)
    assert [one.message_id for one in sink.to(resent)].count(lesson.message_id) == 1
    assert [one.state for one in lessons_to(runtime, resent)] == [DeliveryState.ACCEPTED] * (3 if planned else 4)
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


def test_a_report_of_the_first_sending_does_not_send_it_a_third_time(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, resent: str
) -> None:
    before = clock.now() - timedelta(minutes=59)
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    [lesson] = lessons_to(runtime, resent)
    report = BounceReport(BounceType.SOFT, "4.2.2", message_ids=(lesson.message_id or "",))
    assert (
        runtime.bounce_handler.handle_event(ProviderEvent(report, "", resent, before)).outcome
        == BounceOutcome.DUPLICATE
    )
    assert lessons_to(runtime, resent)[0].state == DeliveryState.ACCEPTED
    assert (
        runtime.bounce_handler.handle_event(ProviderEvent(report, "", resent, clock.now())).outcome
        == BounceOutcome.RECORDED
    )  # of the second one


@pytest.mark.parametrize("then", ["waits", "planned", "address"])
def test_a_journal_that_is_read_after_an_admin_sent_a_lesson_again_still_tells_that_it_was_taken(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    then: str,
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(dispatcher, "_settle", die)
        with pytest.raises(KeyboardInterrupt):
            dispatcher.send_batch(DeliveryQueue.LESSONS)
    clock.advance(hours=1)
    expire_leases(runtime.database, clock)
    [lesson] = lessons_to(runtime, email)
    assert runtime.database.run(resend, clock.now(), [lesson.id]) == [lesson.id]
    at_eight(runtime, 1)
    if then == "planned":
        plan(runtime)
    elif then == "address":
        runtime.database.run(correct_address, clock.now(), runtime.signer, lesson.subscriber_id, "new@x.example")
        email = "new@x.example"
    fcntl.flock(dispatcher._journal._file, fcntl.LOCK_UN)  # as when its process ends
    settle_journals(runtime.database, clock, runtime.settings.data_dir / "journal", rejection_handler(runtime))
    for day in range(1, 3):
        at_eight(runtime, day)
        for _ in range(2):
            plan(runtime)
        send_all(dispatcher)
    assert [one.message_id for one in sink.taken].count(lesson.message_id) == 1
    first = lessons_to(runtime, email)[0]
    assert (first.state, first.message_id == lesson.message_id) == (DeliveryState.ACCEPTED, then != "address")
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


def test_a_lesson_that_its_reader_used_counts_for_the_day_on_which_it_was_to_be_sent_again(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, resent: str
) -> None:
    """At most one lesson a day, and seven days from one to the next where its reader wants them so."""
    person = enrolment_of(runtime, resent).subscriber_id
    runtime.database.run(
        preferences.change_schedule, clock.now(), person, Schedule("Europe/Amsterdam", 8, every_days=7)
    )
    with runtime.database.write() as session:
        assert arrivals.confirm_by_activity(session, lessons_to(runtime, resent)[0].id, clock.now())
    for _ in range(6 * 24):
        plan(runtime)
        send_all(dispatcher)
        clock.advance(hours=1)
    assert [one.state for one in lessons_to(runtime, resent)] == [DeliveryState.ACCEPTED]
    at_eight(runtime, 7)
    for _ in range(2):
        plan(runtime)
        send_all(dispatcher)
    assert len(lessons_to(runtime, resent)) == 2


def test_a_lesson_that_is_answered_days_later_counts_for_the_day_on_which_it_went_out_also_in_another_zone(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    person = enrolment_of(runtime, email).subscriber_id
    sink.fault = lambda recipient: Fault("reply") if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    runtime.database.run(
        preferences.change_schedule, clock.now(), person, Schedule("Europe/Amsterdam", 8, every_days=7)
    )
    at_eight(runtime, 6)
    answer(runtime, email)
    runtime.database.run(preferences.change_schedule, clock.now(), person, Schedule("Europe/Berlin", 8, every_days=7))
    at_eight(runtime, 7)
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED] * 2


def test_a_mail_that_its_reader_answers_while_its_reply_is_lost_has_arrived(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("reply", "", do=lambda: answer(runtime, email)) if recipient == email else None
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED]
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


@pytest.mark.parametrize("first", ["answer", "report"])
def test_a_lesson_that_its_reader_answers_does_not_come_again_because_a_forward_was_full(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, first: str
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    [lesson] = lessons_to(runtime, email)
    clock.advance(hours=1)
    report = BounceReport(BounceType.SOFT, "5.2.2", message_ids=(lesson.message_id or "",))
    if first == "answer":
        answer(runtime, email)
    runtime.bounce_handler.handle_event(ProviderEvent(report, "", email, clock.now()))
    if first == "report":
        answer(runtime, email)
    at_eight(runtime, 1)
    for _ in range(2):
        plan(runtime)
        send_all(dispatcher)
    assert [one.message_id for one in sink.to(email)].count(lesson.message_id) == 1
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED] * 2
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


@pytest.mark.parametrize("doubted", [False, True])
def test_a_lesson_that_is_put_off_while_its_reader_chooses_another_hour_comes_at_that_hour(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, doubted: bool
) -> None:
    """`doubted`: its worker is so slow that its lease has ended."""
    [email] = planned_readers(runtime, dispatcher, 1)
    person = enrolment_of(runtime, email).subscriber_id
    evening = Schedule("Europe/Amsterdam", 20)

    def choose() -> None:
        if doubted:
            clock.advance(minutes=30)
            assert len(expire_leases(runtime.database, clock)) == 1
        runtime.database.run(preferences.change_schedule, clock.now(), person, evening)

    sink.fault = lambda recipient: Fault("rcpt", "451 4.7.1 later", do=choose) if recipient == email else None
    before = len(sink.to(email))
    dispatcher.send_batch(DeliveryQueue.LESSONS)
    sink.fault = lambda _: None
    for _ in range(11):
        clock.advance(minutes=59)
        plan(runtime)
        send_all(dispatcher)
    assert len(sink.to(email)) == before
    clock.advance(minutes=75)  # 20:04
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED]
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


@pytest.mark.parametrize("when", ["before the next try", "under way"])
def test_a_lesson_that_was_delivered_although_its_server_put_it_off_does_not_come_again_once_it_is_answered(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, when: str
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    under_way = when == "under way"
    put_off = Fault("dot", "451 4.3.0 try again", do=lambda: answer(runtime, email) if under_way else None)
    sink.fault = lambda recipient: put_off if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    if not under_way:
        assert lessons_to(runtime, email)[0].state == DeliveryState.PLANNED
        answer(runtime, email)
    for _ in range(20):
        clock.advance(minutes=5)
        send_all(dispatcher)
    [lesson] = lessons_to(runtime, email)
    assert (lesson.state, lesson.attempts) == (DeliveryState.ACCEPTED, 1)
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


def test_a_lesson_that_was_put_off_and_answered_while_its_reader_pauses_has_arrived(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("dot", "451 4.3.0 try again") if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    reader = lessons_to(runtime, email)[0].subscriber_id
    runtime.database.run(preferences.pause, clock.now(), reader)
    answer(runtime, email)
    runtime.database.run(preferences.resume, clock.now(), reader)
    for day in range(1, 10):
        at_eight(runtime, day)
        for _ in range(2):
            plan(runtime)
        send_all(dispatcher)
    assert [(one.state, one.attempts) for one in lessons_to(runtime, email)] == [(DeliveryState.ACCEPTED, 1)] * 9
    assert lessons_to(runtime, email)[0].message_id not in [one.message_id for one in sink.taken]  # 451 took none
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


@pytest.mark.parametrize("waits", [True, False])
def test_resend_skips_unknown_mails_whose_links_were_used(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, waits: bool
) -> None:
    """Its reader's press was kept in the instant in which a worker wrote that nobody knows whether it arrived."""
    email = reader_with_lesson(runtime, dispatcher)
    mail = mails_to(runtime, email)[1 if waits else -1]
    assert (mail.enrolment_id is None) == waits
    with runtime.database.write() as session:
        session.get_one(DeliveryRow, mail.id).state = DeliveryState.UNKNOWN
        email_events.add_events(session, [Event(mail.id, EventKind.ANSWER, Verdict.HUMAN, clock.now(), 0)])
    assert runtime.database.run(resend, clock.now(), [mail.id]) == []
    assert next(one for one in mails_to(runtime, email) if one.id == mail.id).state == DeliveryState.ACCEPTED


def test_pending_reader_can_confirm_after_a_mistaken_suppression_is_lifted(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = make_pending(runtime)
    sink.fault = lambda _: Fault("reply")
    send_all(dispatcher)
    sink.fault = lambda _: None
    [mail] = mails_to(runtime, email)
    assert runtime.database.run(resend, clock.now(), [mail.id]) == [mail.id]
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "admin")
    send_all(dispatcher)
    assert mails_to(runtime, email)[0].state == DeliveryState.CANCELLED
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    runtime.database.run(confirm, clock.now(), runtime.signer, mail.id)
    assert mails_to(runtime, email)[0].state == DeliveryState.ACCEPTED
    assert enrolment_of(runtime, email).status == "active"
