"""What a worker takes in hand: what its readers still want, what it knows of each mail, and a claim that is doubted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from tests.support.answers import answer_question
from tests.support.builders import (
    at_eight,
    enrolment_of,
    lessons_to,
    make_pending,
    make_reader,
    plan,
    planned_readers,
    reader_with_lesson,
    send_all,
)
from tests.support.campaigns import TEXT, draft, start
from tests.support.emails import parse
from tests.support.jobs import checked_import, run_jobs
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import DatabaseAway
from rugcourse.db.models import CampaignKind, DeliveryQueue, DeliveryState, LeaseRow, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import sending_holds
from rugcourse.db.queries.results import Settlement
from rugcourse.delivery.claimer import Batch, Claimer
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.journal import read_records
from rugcourse.emails import catalogue
from rugcourse.emails.templates import TemplateError
from rugcourse.scheduling import Timing
from rugcourse.subscribers import background_jobs


def _open_leases(runtime: Runtime) -> list[str]:
    folder = runtime.settings.data_dir / "journal"
    return [one.lease for path in folder.glob("*.journal") for one in read_records(path).leases]


def _text_to(sink: Sink, email: str) -> str:
    """The text of the newest mail to somebody, on one line."""
    return " ".join(parse(sink.to(email)[-1].raw)[2].split())


@pytest.mark.parametrize("commits", [True, False])
def test_a_claim_that_is_doubted_is_given_back_before_the_next_and_its_mails_go_out_once(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, monkeypatch: pytest.MonkeyPatch, commits: bool
) -> None:
    emails = planned_readers(runtime, dispatcher, 2)
    before = sink.count
    claim = Claimer._claim

    def away(claimer: Claimer, queue: DeliveryQueue, lease: str, taken: list[int]) -> None:
        claim(claimer, queue, lease, taken)
        raise DatabaseAway("nobody knows whether it was committed")

    def away_early(*_: object) -> None:
        raise DatabaseAway("not there")

    with monkeypatch.context() as gone:
        gone.setattr(Claimer, "_claim", away if commits else away_early)
        with pytest.raises(DatabaseAway):
            dispatcher.send_batch(DeliveryQueue.LESSONS)
    assert len(_open_leases(runtime)) == commits
    assert len(dispatcher._claimer.maybe_sent) == commits
    send_all(dispatcher)
    assert sink.count == before + 2
    lessons = [lessons_to(runtime, email)[0] for email in emails]
    assert {(one.state, one.attempts) for one in lessons} == {(DeliveryState.ACCEPTED, 1)}
    assert _open_leases(runtime) == []
    assert not dispatcher._claimer.maybe_sent
    with runtime.database.read() as session:
        assert session.scalars(select(LeaseRow)).all() == []


def test_a_held_domain_holds_up_its_own_mails_alone(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    for email in ("a@held.example", "b@free.example"):
        make_reader(runtime, email)
    with runtime.database.write() as session:
        sending_holds.hold_indefinitely(session, "domain:held.example", "policy", runtime.clock.now())
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    assert {one.recipient for one in sink.taken} == {"b@free.example"}
    assert lessons_to(runtime, "b@free.example")[0].state == DeliveryState.ACCEPTED
    assert lessons_to(runtime, "a@held.example")[0].state == DeliveryState.PLANNED


def test_a_reader_who_left_while_their_lesson_waited_gets_it_no_more_and_it_is_not_lost(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    """Also where nobody cancelled it, as between two transactions."""
    gone, other = planned_readers(runtime, dispatcher, 2)
    before = sink.count
    with runtime.database.write() as session:
        session.execute(
            update(SubscriberRow).where(SubscriberRow.email == gone).values(status=SubscriberStatus.SUPPRESSED)
        )
    send_all(dispatcher)
    assert sink.count == before + 1
    assert [lessons_to(runtime, one)[0].state for one in (gone, other)] == ["cancelled", "accepted"]
    assert [enrolment_of(runtime, one).lessons_planned for one in (gone, other)] == [0, 1]


def test_a_welcome_mail_says_when_the_first_lesson_comes(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    email = make_reader(runtime, hour=19)
    send_all(dispatcher)
    assert "Je eerste les komt op maandag 23 november, 19:00" in _text_to(sink, email)


def test_a_mail_to_somebody_imported_says_where_and_when_they_agreed(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    job = checked_import(runtime, "mail,naam\nnew@x.example,Ann Bo\n")
    runtime.database.run(background_jobs.start, runtime.clock.now(), job, None)
    run_jobs(runtime)
    send_all(dispatcher)
    text = _text_to(sink, "new@x.example")
    assert "paper form (31 maart 2026)" in text
    assert "Je eerste les komt op maandag 23 november, 08:00" in text


def test_a_message_is_no_lesson_and_brings_no_missed_question(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    answer_question(runtime, lessons_to(runtime, email)[0], 0, right=False)
    clock.advance(days=1, hours=1)
    start(runtime, draft(runtime, CampaignKind.BROADCAST, Timing()))
    plan(runtime)
    send_all(dispatcher)
    assert parse(sink.to(email)[-1].raw)[0]["Subject"] == TEXT.subject


def test_a_mail_that_cant_be_written_is_tried_again_later(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)

    def broken(*_: object) -> object:
        raise TemplateError("lesson: it does not compile")

    with monkeypatch.context() as broke:
        broke.setattr(catalogue, "lesson_email", broken)
        assert dispatcher.send_batch(DeliveryQueue.LESSONS) == 1
    [lesson] = lessons_to(runtime, email)
    assert (lesson.state, lesson.attempts) == (DeliveryState.PLANNED, 0)
    assert dispatcher.send_batch(DeliveryQueue.LESSONS) == 0
    clock.advance(hours=1)
    assert dispatcher.send_batch(DeliveryQueue.LESSONS) == 1
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED


def test_a_worker_knows_whether_there_is_something_to_send(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    claimer = dispatcher._claimer
    assert not claimer.is_waiting(DeliveryQueue.TRANSACTIONAL)
    make_pending(runtime)
    assert claimer.is_waiting(DeliveryQueue.TRANSACTIONAL)
    assert not claimer.is_waiting(DeliveryQueue.LESSONS)
    assert claimer.claim(DeliveryQueue.LESSONS) is None


def test_a_mail_of_a_batch_is_not_started_maybe_sent_or_settled() -> None:
    class Mail:
        def __init__(self, number: int) -> None:
            self.id = number

    batch = Batch("a" * 32, datetime.now(UTC) + timedelta(hours=1), [Mail(n) for n in range(1, 6)], 5, frozenset())  # type: ignore[misc]
    batch.begun |= {1, 2, 3}
    batch.settlements += [Settlement(1, DeliveryState.ACCEPTED, "250"), Settlement(2, DeliveryState.FAILED, "550")]
    batch.broken[4] = "it does not compile"
    assert batch.not_started == {5}
    assert batch.maybe_sent == {3}
    assert [one.delivery_id for one in batch.failures] == [2]
