"""Campaigns: when their mail comes, starting, pausing, cancelling, and what is missed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from tests.support.builders import at_eight, course_of, mails_to, make_reader, plan, send_all
from tests.support.campaigns import (
    MONDAY,
    author,
    broadcasts_to,
    campaign_row,
    draft,
    due_times,
    enrol,
    enrolment_in,
    knowing,
    progress,
    start,
)
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import drafts, lifecycle
from rugcourse.campaigns.drafts import NoDraft
from rugcourse.clock import VirtualClock
from rugcourse.db.audience import Audience
from rugcourse.db.models import CampaignKind, CampaignStatus, DeliveryKind, DeliveryState, EnrolmentRow
from rugcourse.db.queries import campaigns, course_publishing, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.scheduling import Schedule, Timing

pytestmark = pytest.mark.usefixtures("counters_are_right")


def test_cohort_begins_at_the_local_hour_of_each_reader(runtime: Runtime, clock: VirtualClock) -> None:
    here, there = make_reader(runtime), make_reader(runtime, zone="Pacific/Auckland", hour=20)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY, hour=8))
    start(runtime, made)
    assert due_times(runtime, made) == {
        here: datetime(2026, 11, 30, 7, tzinfo=UTC),
        there: datetime(2026, 11, 29, 19, tzinfo=UTC),
    }
    # A reader who chooses another hour before it begins does not begin earlier.
    with runtime.database.read() as session:
        person = subscribers.by_email(session, here)
    assert person is not None
    runtime.database.run(preferences.change_schedule, clock.now(), person.id, Schedule("Europe/Amsterdam", 21))
    assert due_times(runtime, made)[here] == datetime(2026, 11, 30, 7, tzinfo=UTC)


def test_cohort_sends_the_whole_course(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY, hour=8, every_days=2))
    assert not progress(runtime, made).scheduled
    start(runtime, made)
    assert progress(runtime, made).scheduled
    lessons = len(course_of(runtime).course.lessons)
    for day in range(2 * lessons):
        clock.move_to(datetime(2026, 11, 30, 7, tzinfo=UTC) + timedelta(days=day))
        plan(runtime)
        send_all(dispatcher)
    mine = [one for one in mails_to(runtime, email, DeliveryKind.LESSON) if one.campaign_id == made]
    assert [one.local_date for one in mine] == [MONDAY + timedelta(days=2 * n) for n in range(lessons)]
    now = progress(runtime, made)
    assert (now.total.planned, now.total.states["accepted"], now.finished) == (lessons, lessons, True)
    assert not now.scheduled


def test_broadcast_is_sent_once_to_its_audience(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    email, other = make_reader(runtime), make_reader(runtime)
    send_all(dispatcher)
    with runtime.database.write() as session:
        person = subscribers.by_email(session, other)
        assert person is not None
        person.language = "en"
    at_eight(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(), Audience(languages=("nl",)))
    start(runtime, made)
    for _ in range(3):
        plan(runtime)
        send_all(dispatcher)
    assert [one.recipient for one in sink.taken if b"You are welcome" in one.raw] == [email]
    assert broadcasts_to(runtime, email) == [DeliveryState.ACCEPTED]
    assert enrolment_in(runtime, made, email) == ("completed", None)
    assert progress(runtime, made).finished


def test_broadcast_at_one_instant_waits_for_the_end_of_quiet_hours(runtime: Runtime, clock: VirtualClock) -> None:
    here, there = make_reader(runtime), make_reader(runtime, zone="Pacific/Auckland")
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)  # one o'clock at night in Auckland
    made = draft(runtime, CampaignKind.BROADCAST, Timing(at=at))
    start(runtime, made)
    quiet = runtime.send_window.quiet
    assert quiet is not None
    assert due_times(runtime, made)[here] == at
    due = due_times(runtime, made)[there]
    assert due is not None
    assert due.astimezone(Schedule("Pacific/Auckland", 8).tz).hour == quiet.end
    assert due > at


def test_start_continues_after_a_kill_between_any_two_steps(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    emails = [make_reader(runtime) for _ in range(7)]
    monkeypatch.setattr(lifecycle, "BATCH", 2)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY))
    runtime.database.run(lifecycle.start, author(runtime), made, knowing(runtime, made))
    runtime.database.run(lifecycle.enrol_batch, runtime.clock.now(), None)
    assert len(due_times(runtime, made)) == 2
    assert progress(runtime, made).enrolling is not None

    def die(*_: object) -> int:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(campaigns, "enrol", die)
        with pytest.raises(RuntimeError):
            runtime.database.run(lifecycle.enrol_batch, runtime.clock.now(), None)
    late = make_reader(runtime)  # not meant: they came after it was started
    enrol(runtime)
    assert set(due_times(runtime, made)) == set(emails)
    assert late not in due_times(runtime, made)
    assert progress(runtime, made).enrolling is None


def test_campaign_starts_once_and_only_when_complete(runtime: Runtime) -> None:
    make_reader(runtime)
    empty = runtime.database.run(drafts.create, author(runtime), CampaignKind.BROADCAST, course_of(runtime).id, "Empty")
    with pytest.raises(lifecycle.NoMessage):
        runtime.database.run(lifecycle.start, author(runtime), empty)
    over = draft(runtime, CampaignKind.COHORT, Timing(day=date(2026, 11, 22)))
    with pytest.raises(lifecycle.SendTimePassed):
        runtime.database.run(lifecycle.start, author(runtime), over)
    good = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY))
    start(runtime, good)
    with pytest.raises(NoDraft):
        runtime.database.run(lifecycle.start, author(runtime), good)
    with pytest.raises(NoDraft):
        runtime.database.run(drafts.set_timing, good, Timing())


def test_paused_campaign_sends_nothing_and_no_backlog_afterwards(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY, hour=8))
    start(runtime, made)
    for day in range(6):
        clock.move_to(datetime(2026, 11, 30, 7, tzinfo=UTC) + timedelta(days=day))
        if day == 1:
            runtime.database.run(lifecycle.pause, author(runtime), made)
        if day == 4:
            runtime.database.run(lifecycle.resume, author(runtime), made)
        plan(runtime)
        send_all(dispatcher)
    mine = [one.local_date for one in mails_to(runtime, email, DeliveryKind.LESSON) if one.campaign_id == made]
    assert mine == [MONDAY + timedelta(days=day) for day in (0, 4, 5)]


def test_planned_mail_is_held_while_its_campaign_is_paused(runtime: Runtime, dispatcher: Dispatcher) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    at_eight(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    start(runtime, made)
    plan(runtime)
    for _ in range(3):
        runtime.database.run(lifecycle.pause, author(runtime), made)
        send_all(dispatcher)
        assert broadcasts_to(runtime, email) == [DeliveryState.PLANNED]
        runtime.database.run(lifecycle.resume, author(runtime), made)
    send_all(dispatcher)
    assert broadcasts_to(runtime, email) == [DeliveryState.ACCEPTED]


@pytest.mark.parametrize("kind", [CampaignKind.COHORT, CampaignKind.BROADCAST])
def test_missed_send_time_pauses_the_campaign_for_an_admin(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, kind: CampaignKind
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    made = draft(runtime, kind, Timing(day=MONDAY, hour=8))
    start(runtime, made)
    clock.move_to(datetime(2026, 11, 30, 13, 30, tzinfo=UTC))  # half past two there: six and a half hours late
    plan(runtime)
    send_all(dispatcher)
    row = campaign_row(runtime, made)
    assert (row.status, row.pause_reason) == (CampaignStatus.PAUSED, "too-late")
    assert [one for one in mails_to(runtime, email) if one.campaign_id == made] == []
    runtime.database.run(lifecycle.resume, author(runtime), made)
    clock.move_to(datetime(2026, 12, 1, 7, tzinfo=UTC))
    plan(runtime)
    send_all(dispatcher)
    (mail,) = [one for one in mails_to(runtime, email) if one.campaign_id == made]
    assert (mail.state, mail.local_date) == (DeliveryState.ACCEPTED, date(2026, 12, 1))


def test_mail_unsent_for_hours_pauses_the_campaign_for_an_admin(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=MONDAY, hour=8))
    start(runtime, made)
    clock.move_to(datetime(2026, 11, 30, 7, tzinfo=UTC))
    plan(runtime)
    clock.advance(hours=7)
    plan(runtime)
    send_all(dispatcher)
    assert campaign_row(runtime, made).status == CampaignStatus.PAUSED
    assert broadcasts_to(runtime, email) == [DeliveryState.CANCELLED]


def test_reader_who_resumes_does_not_pause_the_campaign(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email, other = make_reader(runtime), make_reader(runtime)
    send_all(dispatcher)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
    assert person is not None
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=MONDAY, hour=8))
    start(runtime, made)
    runtime.database.run(preferences.pause, clock.now(), person.id)
    for day in range(4):
        clock.move_to(datetime(2026, 11, 30, 7, tzinfo=UTC) + timedelta(days=day))
        if day == 2:
            runtime.database.run(preferences.resume, clock.now(), person.id)
        plan(runtime)
        send_all(dispatcher)
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING
    assert [broadcasts_to(runtime, one) for one in (email, other)] == [[DeliveryState.ACCEPTED]] * 2


def test_cancelled_campaign_sends_nothing_and_its_totals_agree(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    at_eight(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    start(runtime, made)
    plan(runtime)
    runtime.database.run(lifecycle.cancel, author(runtime), made)
    send_all(dispatcher)
    lifecycle.cancel_remaining(runtime.database, clock)
    assert broadcasts_to(runtime, email) == [DeliveryState.CANCELLED]
    assert enrolment_in(runtime, made, email) == ("cancelled", None)
    now = progress(runtime, made)
    assert (now.total.planned, now.total.states["cancelled"], now.finished) == (1, 1, False)
    with pytest.raises(lifecycle.InvalidCampaignState):
        runtime.database.run(lifecycle.resume, author(runtime), made)
    runtime.database.run(lifecycle.archive, author(runtime), made)
    assert campaign_row(runtime, made).archived_at is not None


def test_publishing_a_course_does_not_affect_broadcasts(runtime: Runtime) -> None:
    make_reader(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=MONDAY))
    start(runtime, made)
    published = course_of(runtime).course
    shorter = published.model_copy(
        update={"lessons": tuple(one.model_copy(update={"number": one.number - 1}) for one in published.lessons[1:])}
    )
    with runtime.database.write() as session:
        course_publishing.save_course(session, shorter, runtime.clock.now())
    with runtime.database.read() as session:
        assert campaigns.lessons_of(session, made).keys() == {1}
    with runtime.database.read() as session:
        positions = session.scalars(select(EnrolmentRow.next_position).where(EnrolmentRow.campaign_id == made)).all()
    assert list(positions) == [1]


def test_campaign_archived_right_after_cancelling_ends_its_enrolments(runtime: Runtime) -> None:
    make_reader(runtime)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY))
    start(runtime, made)
    runtime.database.run(lifecycle.cancel, author(runtime), made)
    runtime.database.run(lifecycle.archive, author(runtime), made)
    while lifecycle.cancel_remaining(runtime.database, runtime.clock):
        pass
    readers = progress(runtime, made).readers
    assert (readers["active"], readers["cancelled"]) == (0, 1)


def test_campaign_cannot_be_archived_before_its_audience_is_enrolled(runtime: Runtime, clock: VirtualClock) -> None:
    make_reader(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    runtime.database.run(lifecycle.start, author(runtime), made)
    with pytest.raises(lifecycle.InvalidCampaignState):
        runtime.database.run(lifecycle.archive, author(runtime), made)
    enrol(runtime)
    with pytest.raises(lifecycle.InvalidCampaignState):
        runtime.database.run(lifecycle.archive, author(runtime), made)
