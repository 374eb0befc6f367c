"""Campaigns: who is enrolled and when their mail comes, starting, pausing, cancelling, and what is missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.support.builders import (
    at_eight,
    course_of,
    enrolment_of,
    mails_to,
    make_reader,
    plan,
    reader_with_lesson,
    send_all,
)
from tests.support.campaigns import (
    MESSAGE,
    MONDAY,
    TEXT,
    author,
    broadcasts_to,
    campaign_row,
    draft,
    due_times,
    enrol,
    enrolled,
    enrolment_in,
    enrolments_of,
    etag_of,
    in_all_stages,
    knowing,
    lessons_of,
    progress,
    reader_of_another_course,
    set_enrolment,
    sign_up_again,
    sign_up_for_another_course,
    start,
)
from tests.support.course_edits import inserted, publish
from tests.support.racing import meanwhile
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import drafts, lifecycle, send_preview
from rugcourse.campaigns.drafts import DraftConflict, NoDraft, Part
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.publishing import AlreadyPast
from rugcourse.db import counters
from rugcourse.db.models import AuditLogRow, CampaignKind, CampaignStatus, DeliveryKind, DeliveryState, EnrolmentRow
from rugcourse.db.queries import audiences, campaigns, courses, enrolments, subscribers
from rugcourse.db.queries.audiences import Audience, Following, Permission, Repeats
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.magic_link import request_link
from rugcourse.enrolment.signup import Signup, sign_up
from rugcourse.scheduling import Schedule, Timing


@pytest.fixture(autouse=True)
def counters_are_right(runtime: Runtime) -> object:
    """Whatever a test does: the counters say what the rows say, and the books balance."""
    yield
    with runtime.database.read() as session:
        assert counters.differences(session) == {}
    assert audit(runtime.database, runtime.clock.now(), timedelta(days=30)).findings == ()


def test_a_cohort_begins_at_the_local_hour_of_each_reader(runtime: Runtime, clock: VirtualClock) -> None:
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


def test_a_cohort_goes_through_the_whole_course(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY, hour=8, every_days=2))
    start(runtime, made)
    lessons = len(course_of(runtime).course.lessons)
    for day in range(2 * lessons):
        clock.move_to(datetime(2026, 11, 30, 7, tzinfo=UTC) + timedelta(days=day))
        plan(runtime)
        send_all(dispatcher)
    mine = [one for one in mails_to(runtime, email, DeliveryKind.LESSON) if one.campaign_id == made]
    assert [one.local_date for one in mine] == [MONDAY + timedelta(days=2 * n) for n in range(lessons)]
    now = progress(runtime, made)
    assert (now.total.planned, now.total.states["accepted"], now.finished) == (lessons, lessons, True)


def test_a_broadcast_goes_once_to_who_it_is_for(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
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


def test_one_instant_for_all_waits_for_the_end_of_quiet_hours(runtime: Runtime, clock: VirtualClock) -> None:
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


def test_starting_can_be_killed_between_any_two_steps_and_goes_on(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_campaign_starts_once_and_only_with_all_it_needs(runtime: Runtime) -> None:
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


def test_who_is_paused_gets_nothing_and_no_pile_afterwards(
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


def test_what_stands_planned_is_not_sent_while_its_campaign_is_paused(runtime: Runtime, dispatcher: Dispatcher) -> None:
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
def test_a_moment_that_was_missed_by_hours_waits_for_an_admin(
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
    assert (row.status, row.because) == (CampaignStatus.PAUSED, "too-late")
    assert [one for one in mails_to(runtime, email) if one.campaign_id == made] == []
    runtime.database.run(lifecycle.resume, author(runtime), made)
    clock.move_to(datetime(2026, 12, 1, 7, tzinfo=UTC))
    plan(runtime)
    send_all(dispatcher)
    (mail,) = [one for one in mails_to(runtime, email) if one.campaign_id == made]
    assert (mail.state, mail.local_date) == (DeliveryState.ACCEPTED, date(2026, 12, 1))


def test_planned_in_time_but_not_sent_for_hours_waits_for_an_admin_too(
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


def test_a_reader_who_comes_back_from_a_break_does_not_stop_a_campaign(
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


def test_cancelling_sends_nothing_more_and_keeps_the_books(
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


def test_a_duplicate_is_a_draft_with_the_same_words_and_people(runtime: Runtime) -> None:
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=MONDAY, hour=9), Audience(languages=("en",)))
    copy = runtime.database.run(drafts.duplicate, author(runtime), made, "Again")
    row = campaign_row(runtime, copy)
    assert (row.status, row.audience, row.timing) == ("draft", {"languages": ["en"], "tags": []}, {"hour": 9})
    with runtime.database.read() as session:
        assert campaigns.find_message(session, copy) == MESSAGE


@pytest.mark.parametrize(
    "timing", [Timing(), Timing(hour=20), Timing(day=MONDAY), Timing(at=datetime(2026, 11, 30, 3, tzinfo=UTC))]
)
def test_what_the_review_says_is_what_happens(runtime: Runtime, timing: Timing) -> None:
    for hour, zone in ((8, "Europe/Amsterdam"), (21, "Pacific/Auckland"), (3, "America/New_York")):
        make_reader(runtime, hour=hour, zone=zone)
    at_eight(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, timing)
    now, quiet = runtime.clock.now(), runtime.send_window.quiet
    said = send_preview.preview_sends(campaign_row(runtime, made), 1, now, quiet)
    people = runtime.database.query(send_preview.sample, runtime.clock.now(), Audience(), timing, quiet)
    start(runtime, made)
    happens = due_times(runtime, made)
    assert {one.email: one.at for one in people} == happens
    hours = Counter(at.replace(minute=0) for at in happens.values() if at is not None)
    assert (said.people, said.hours) == (3, dict(sorted(hours.items())))


def test_publishing_a_course_moves_nobody_in_a_broadcast(runtime: Runtime) -> None:
    make_reader(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=MONDAY))
    start(runtime, made)
    published = course_of(runtime).course
    shorter = published.model_copy(
        update={"lessons": tuple(one.model_copy(update={"number": one.number - 1}) for one in published.lessons[1:])}
    )
    with runtime.database.write() as session:
        courses.save_course(session, shorter, runtime.clock.now())
    with runtime.database.read() as session:
        assert campaigns.lessons_of(session, made).keys() == {1}
    with runtime.database.read() as session:
        positions = session.scalars(select(EnrolmentRow.next_position).where(EnrolmentRow.campaign_id == made)).all()
    assert list(positions) == [1]


@pytest.fixture
def stages(runtime: Runtime, dispatcher: Dispatcher) -> dict[str, str]:
    return in_all_stages(runtime, dispatcher)


def test_a_new_cohort_is_for_those_who_never_followed_its_course(runtime: Runtime, stages: dict[str, str]) -> None:
    course = course_of(runtime).id
    made = runtime.database.run(drafts.create, author(runtime), CampaignKind.COHORT, course, "Winter")
    copy = runtime.database.run(drafts.duplicate, author(runtime), course_of(runtime).campaign_id, "Copy")
    for one in (made, copy):
        audience = Audience.model_validate(campaign_row(runtime, one).audience)
        assert audience == Audience(course_id=course, following=Following.NEVER)
    drafts.set_audience(runtime.database, runtime.clock, made, audience)
    assert knowing(runtime, made) == 0
    runtime.database.run(lifecycle.start, author(runtime), made)
    enrol(runtime)
    assert enrolled(runtime, made) == {"new"}


def test_who_knows_the_course_is_counted_apart_and_gets_it_again_only_if_somebody_says_so(
    runtime: Runtime, stages: dict[str, str]
) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    said = send_preview.preview_sends(campaign_row(runtime, made), 9, runtime.clock.now(), None)
    assert (said.people, said.repeats) == (4, Repeats(completed=1, reading=1, stopped=1))
    for forged in (0, 1, 2, 4, 10**9):
        with pytest.raises(lifecycle.RepeatsNotConfirmed):
            runtime.database.run(lifecycle.start, author(runtime), made, forged)
    assert campaign_row(runtime, made).status == CampaignStatus.DRAFT
    start(runtime, made)
    assert enrolled(runtime, made) == set(stages)


def test_who_is_chosen_although_they_had_the_course_gets_it_again(runtime: Runtime, stages: dict[str, str]) -> None:
    chosen = Audience(course_id=course_of(runtime).id, following=Following.COMPLETED)
    made = draft(runtime, CampaignKind.COHORT, Timing(), chosen)
    with pytest.raises(lifecycle.RepeatsNotConfirmed):
        runtime.database.run(lifecycle.start, author(runtime), made)
    start(runtime, made)
    assert enrolled(runtime, made) == {"done"}


def test_who_finishes_after_they_were_counted_does_not_get_it_again_unsaid(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str]
) -> None:
    chosen = Audience(course_id=course_of(runtime).id, following=Following.COMPLETED)
    before, after = (draft(runtime, CampaignKind.COHORT, Timing(), chosen) for _ in range(2))
    clock.advance(minutes=5)
    set_enrolment(runtime, stages["reading"], "completed")
    clock.advance(minutes=5)
    runtime.database.run(lifecycle.start, author(runtime), before, again=1)  # one was counted
    enrol(runtime)
    assert enrolled(runtime, before) == {"done"}
    drafts.set_audience(runtime.database, clock, after, chosen)
    clock.advance(minutes=5)
    start(runtime, after)
    assert enrolled(runtime, after) == {"done", "reading"}


def test_when_those_who_were_counted_have_moved_on_the_count_is_asked_for_anew(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str]
) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    clock.advance(minutes=5)
    set_enrolment(runtime, stages["reading"], "completed")
    with pytest.raises(lifecycle.AudienceChanged):
        runtime.database.run(lifecycle.start, author(runtime), made, again=3)
    assert campaign_row(runtime, made).status == CampaignStatus.DRAFT
    drafts.set_audience(runtime.database, clock, made, Audience())
    start(runtime, made)
    assert enrolled(runtime, made) == set(stages)


def test_who_reads_again_what_they_had_finished_when_they_were_counted_is_counted_anew(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str]
) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    clock.advance(minutes=5)
    publish(runtime, inserted(runtime, 3), behind=AlreadyPast.FINISHED)
    assert enrolment_of(runtime, stages["done"]).status == "active"
    with pytest.raises(lifecycle.AudienceChanged):
        runtime.database.run(lifecycle.start, author(runtime), made, again=3)


def test_who_signs_up_while_a_cohort_is_starting_does_not_get_the_course_twice(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "BATCH", 1)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    runtime.database.run(lifecycle.start, author(runtime), made, again=3)
    clock.advance(minutes=1)
    with runtime.database.write() as session:
        person = subscribers.by_email(session, stages["new"])
        assert person is not None
        enrolments.add(session, course_of(runtime).campaign_id, person.id, clock.now(), clock.now())
    enrol(runtime)
    assert enrolled(runtime, made) == set(stages) - {"new"}


def test_a_cohort_that_was_cancelled_before_it_began_is_no_course_that_was_had(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str]
) -> None:
    never = Audience(course_id=course_of(runtime).id, following=Following.NEVER)
    first = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY), never)
    start(runtime, first)
    runtime.database.run(lifecycle.cancel, author(runtime), first)
    lifecycle.cancel_remaining(runtime.database, clock)
    second = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY), never)
    start(runtime, second)
    assert enrolled(runtime, second) == enrolled(runtime, first) == {"new"}


def test_a_draft_that_was_discarded_does_nothing_and_can_be_restored(runtime: Runtime) -> None:
    make_reader(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(), Audience(languages=("nl",)))
    before = campaign_row(runtime, made)
    runtime.database.run(drafts.discard, author(runtime), made)
    with runtime.database.read() as session:
        assert made not in {one.id for one in campaigns.listed(session)}
        assert [one.id for one in campaigns.discarded(session)] == [made]
    for act in (lifecycle.start, drafts.discard):
        with pytest.raises(NoDraft):
            runtime.database.run(act, author(runtime), made)
    with pytest.raises(NoDraft):
        runtime.database.run(drafts.duplicate, author(runtime), made, "Copy")
    with pytest.raises(lifecycle.InvalidCampaignState):
        runtime.database.run(lifecycle.cancel, author(runtime), made)
    runtime.database.run(drafts.restore, author(runtime), made)
    after = campaign_row(runtime, made)
    assert (after.status, after.audience, after.discarded_at) == (before.status, before.audience, None)
    with pytest.raises(NoDraft):
        runtime.database.run(drafts.restore, author(runtime), made)
    with runtime.database.read() as session:
        logged = session.scalars(select(AuditLogRow.action).order_by(AuditLogRow.id)).all()
    assert logged[-2:] == ["campaign: discard", "campaign: restore"]
    start(runtime, made)
    assert len(due_times(runtime, made)) == 1


def test_what_has_started_is_not_discarded(runtime: Runtime) -> None:
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    start(runtime, made)
    for one in (made, course_of(runtime).campaign_id):
        with pytest.raises(NoDraft):
            runtime.database.run(drafts.discard, author(runtime), one)


def test_a_campaign_that_is_archived_right_after_it_was_cancelled_ends_for_its_readers(runtime: Runtime) -> None:
    make_reader(runtime)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY))
    start(runtime, made)
    runtime.database.run(lifecycle.cancel, author(runtime), made)
    runtime.database.run(lifecycle.archive, author(runtime), made)
    while lifecycle.cancel_remaining(runtime.database, runtime.clock):
        pass
    readers = progress(runtime, made).readers
    assert (readers["active"], readers["cancelled"]) == (0, 1)


def changes(runtime: Runtime, made: int) -> dict[Part, Callable[[str | None], None]]:
    """What changes each part of a draft, by the etag that its editor saw."""
    database, other = runtime.database, MESSAGE.model_copy(update={"texts": {"nl": TEXT}})
    return {
        Part.WHAT: lambda seen: database.run(drafts.write, runtime.clock.now(), made, "November", other, seen),
        Part.WHO: lambda seen: drafts.set_audience(database, runtime.clock, made, Audience(tags=("x",)), seen),
        Part.WHEN: lambda seen: database.run(drafts.set_timing, made, Timing(hour=7), seen),
        Part.PACE: lambda seen: database.run(drafts.set_pace, made, 10, 2, seen),
    }


@pytest.mark.parametrize("part", [*Part])
def test_of_two_who_change_one_part_of_a_draft_the_second_is_told(runtime: Runtime, part: Part) -> None:
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    change = changes(runtime, made)
    seen, whole = etag_of(runtime, made, part), etag_of(runtime, made)
    others = {one: etag_of(runtime, made, one) for one in Part if one != part}
    change[part](seen)
    kept = etag_of(runtime, made)
    with pytest.raises(DraftConflict):
        change[part](seen)
    with pytest.raises(DraftConflict):  # nobody starts what they did not see
        runtime.database.run(lifecycle.start, author(runtime), made, seen=whole)
    assert etag_of(runtime, made) == kept
    assert campaign_row(runtime, made).status == CampaignStatus.DRAFT
    for one, theirs in others.items():  # who works on another part is in nobody's way
        change[one](theirs)
    runtime.database.run(lifecycle.start, author(runtime), made, seen=etag_of(runtime, made))
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING


def test_when_and_how_fast_are_kept_apart(runtime: Runtime) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    runtime.database.run(drafts.set_pace, made, None, 2)
    runtime.database.run(drafts.set_timing, made, Timing(hour=7))
    assert campaigns.timing_of(campaign_row(runtime, made)) == Timing(hour=7, every_days=2)


def test_a_campaign_is_not_archived_before_its_audience_is_enrolled(runtime: Runtime, clock: VirtualClock) -> None:
    make_reader(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    runtime.database.run(lifecycle.start, author(runtime), made)
    with pytest.raises(lifecycle.InvalidCampaignState):
        runtime.database.run(lifecycle.archive, author(runtime), made)
    enrol(runtime)
    with pytest.raises(lifecycle.InvalidCampaignState):
        runtime.database.run(lifecycle.archive, author(runtime), made)


@pytest.fixture
def cohort(runtime: Runtime, dispatcher: Dispatcher) -> tuple[int, str]:
    """A cohort, and its only reader, who has had the first lesson."""
    email = reader_of_another_course(runtime, "new@x.example")
    send_all(dispatcher)
    at_eight(runtime)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, made)
    plan(runtime)
    send_all(dispatcher)
    assert len(lessons_of(runtime, made, email)) == 1
    return made, email


def test_a_reader_of_a_cohort_who_signs_up_is_told_that_they_read_it(runtime: Runtime, cohort: tuple[int, str]) -> None:
    made, email = cohort
    assert sign_up_again(runtime, email) == DeliveryKind.ALREADY_SUBSCRIBED
    assert enrolled(runtime, course_of(runtime).campaign_id) == set()
    assert made in {one.campaign_id for one in enrolments_of(runtime, email)}


def test_who_left_a_cohort_and_signs_up_again_goes_on_in_it(
    runtime: Runtime, dispatcher: Dispatcher, cohort: tuple[int, str]
) -> None:
    made, email = cohort
    runtime.database.run(
        preferences.leave_course, runtime.clock.now(), mails_to(runtime, email, DeliveryKind.LESSON)[-1].id
    )
    assert sign_up_again(runtime, email) == DeliveryKind.CONFIRM
    read_on(runtime, dispatcher)
    assert len(lessons_of(runtime, made, email)) == len(course_of(runtime).course.lessons)
    assert lessons_of(runtime, course_of(runtime).campaign_id, email) == []


@pytest.mark.parametrize("swept", [True, False])
def test_who_signs_up_after_their_cohort_was_cancelled_begins_anew(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, cohort: tuple[int, str], swept: bool
) -> None:
    made, email = cohort
    runtime.database.run(lifecycle.cancel, author(runtime), made)
    if swept:
        lifecycle.cancel_remaining(runtime.database, clock)
    assert sign_up_again(runtime, email) == DeliveryKind.CONFIRM
    lifecycle.cancel_remaining(runtime.database, clock)
    read_on(runtime, dispatcher)
    lessons = list(course_of(runtime).lesson_ids.values())
    assert lessons_of(runtime, course_of(runtime).campaign_id, email) == lessons
    assert lessons_of(runtime, made, email) == lessons[:1]


def test_a_link_of_a_cancelled_cohort_leaves_the_course_that_its_reader_follows(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, cohort: tuple[int, str]
) -> None:
    made, email = cohort
    runtime.database.run(lifecycle.cancel, author(runtime), made)
    lifecycle.cancel_remaining(runtime.database, clock)
    sign_up_again(runtime, email)
    old = next(one for one in mails_to(runtime, email, DeliveryKind.LESSON) if one.campaign_id == made)
    runtime.database.run(preferences.leave_course, clock.now(), old.id)
    read_on(runtime, dispatcher)
    assert lessons_of(runtime, course_of(runtime).campaign_id, email) == []


def test_a_link_that_somebody_asked_for_comes_also_when_their_cohort_is_cancelled(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, cohort: tuple[int, str]
) -> None:
    made, email = cohort
    runtime.database.run(lifecycle.cancel, author(runtime), made)
    lifecycle.cancel_remaining(runtime.database, clock)
    runtime.database.run(request_link, clock.now(), email)
    [link] = mails_to(runtime, email, DeliveryKind.MAGIC_LINK)
    assert link.campaign_id == made
    sink.fault = lambda _: Fault("rcpt", "451 4.7.1 greylisted")
    send_all(dispatcher)
    sink.fault = lambda _: None
    assert lifecycle.cancel_remaining(runtime.database, clock) == 0
    clock.advance(minutes=10)
    send_all(dispatcher)
    assert [one.state for one in mails_to(runtime, email, DeliveryKind.MAGIC_LINK)] == [DeliveryState.ACCEPTED]


def test_undoing_to_leave_everything_brings_back_only_what_was_left_with_it(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    evergreen = course_of(runtime).campaign_id
    runtime.database.run(preferences.leave_course, clock.now(), mails_to(runtime, email, DeliveryKind.LESSON)[-1].id)
    clock.advance(days=1)
    sign_up_for_another_course(runtime, email)
    asked = mails_to(runtime, email, DeliveryKind.CONFIRM)[-1]
    runtime.database.run(confirm, clock.now(), runtime.signer, asked.id)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, made)
    mail = mails_to(runtime, email)[-1].id
    runtime.database.run(preferences.unsubscribe, clock.now(), mail)
    runtime.database.run(preferences.come_back, clock.now(), mail)
    read_on(runtime, dispatcher)
    assert asked.campaign_id is not None
    assert len(lessons_of(runtime, asked.campaign_id, email)) == 3
    assert len(lessons_of(runtime, evergreen, email)) == 1
    assert lessons_of(runtime, made, email) == []  # it came as other news, which undoing does not bring back


@pytest.mark.parametrize("how", ["undo", "confirm"])
@pytest.mark.parametrize("when", ["before the start", "before they are enrolled"])
def test_who_comes_back_after_they_were_counted_as_left_goes_on_and_gets_no_second_run(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, when: str, how: str
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    mail = mails_to(runtime, email, DeliveryKind.LESSON)[-1].id

    def come_back() -> None:
        clock.advance(minutes=5)
        if how == "undo":
            runtime.database.run(preferences.come_back, clock.now(), mail)
        else:
            assert sign_up_again(runtime, email) == DeliveryKind.CONFIRM

    runtime.database.run(preferences.leave_course, clock.now(), mail)
    clock.advance(minutes=5)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    if when == "before the start":
        come_back()
        with pytest.raises(lifecycle.AudienceChanged):
            runtime.database.run(lifecycle.start, author(runtime), made, again=1)
        return
    runtime.database.run(lifecycle.start, author(runtime), made, again=1)
    come_back()
    enrol(runtime)
    assert enrolled(runtime, made) == set()
    read_on(runtime, dispatcher)
    lessons = list(course_of(runtime).lesson_ids.values())
    assert lessons_of(runtime, course_of(runtime).campaign_id, email) == lessons


@pytest.mark.parametrize("both_over", [True, False])
def test_who_has_a_course_twice_gets_a_lesson_that_is_put_in_once(
    runtime: Runtime, dispatcher: Dispatcher, both_over: bool
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    read_on(runtime, dispatcher)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, made)
    if both_over:
        read_on(runtime, dispatcher)
    publish(runtime, inserted(runtime, 1), behind=AlreadyPast.FINISHED)
    read_on(runtime, dispatcher)
    new = course_of(runtime).lesson_ids["ertussen"]
    assert [one.lesson_id for one in mails_to(runtime, email)].count(new) == 1


def test_a_recount_does_not_take_back_what_an_editor_chose_meanwhile(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    real, chosen = audiences.schedules, Audience(languages=("en",))

    def racing(session: Session, audience: Audience, now: datetime, allowed: Permission) -> list[tuple[Schedule, int]]:
        monkeypatch.setattr(audiences, "schedules", real)
        drafts.set_audience(runtime.database, runtime.clock, made, chosen)
        return real(session, audience, now, allowed)

    monkeypatch.setattr(audiences, "schedules", racing)
    drafts.recount(runtime.database, runtime.clock, made)
    assert Audience.model_validate(campaign_row(runtime, made).audience) == chosen


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_who_confirms_while_a_cohort_is_enrolled_is_in_one_of_the_two(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    runtime.database.run(lifecycle.start, author(runtime), made, knowing(runtime, made))
    clock.advance(days=1)
    email = stages["new"]
    signup = Signup(email, "Sam Reader", Schedule("Europe/Amsterdam", 8))
    runtime.database.run(sign_up, clock, runtime.signer, course_of(runtime), signup, "nl")
    mail = mails_to(runtime, email)[-1]

    def confirm_now() -> None:
        runtime.database.run(confirm, clock.now(), runtime.signer, mail.id, news=True)

    with meanwhile(monkeypatch, campaigns, "enrol", confirm_now) as errors:
        enrol(runtime)
    assert errors == []
    both = {made, course_of(runtime).campaign_id}
    assert [one.campaign_id for one in enrolments_of(runtime, email) if one.campaign_id in both] == [made]


def read_on(runtime: Runtime, dispatcher: Dispatcher) -> None:
    """Twelve days of lessons."""
    assert isinstance(runtime.clock, VirtualClock)
    for _ in range(12 * 12):
        runtime.clock.advance(hours=2)
        plan(runtime)
        send_all(dispatcher)


@pytest.mark.parametrize("way", ["leave", "unsubscribe"])
@pytest.mark.parametrize(("first", "second"), [(3, 9), (3, 7), (9, 3)])
def test_who_followed_a_course_twice_and_signs_up_again_goes_on_where_they_were_last(
    runtime: Runtime, dispatcher: Dispatcher, first: int, second: int, way: str
) -> None:
    """`first`, `second`: how many lessons they had in each run."""
    email = make_reader(runtime)
    evergreen, lessons = course_of(runtime).campaign_id, list(course_of(runtime).lesson_ids.values())
    read_days(runtime, dispatcher, first)
    if first < len(lessons):
        runtime.database.run(preferences.leave_course, runtime.clock.now(), mails_to(runtime, email)[-1].id)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, made)
    plan(runtime)  # it begins at this hour
    send_all(dispatcher)
    read_days(runtime, dispatcher, second - 1)
    assert (lessons_of(runtime, evergreen, email), lessons_of(runtime, made, email)) == (
        lessons[:first],
        lessons[:second],
    )
    stop = preferences.leave_course if way == "leave" else preferences.unsubscribe
    if second < len(lessons) or way == "unsubscribe":
        runtime.database.run(stop, runtime.clock.now(), mails_to(runtime, email)[-1].id)
    asked = DeliveryKind.ALREADY_SUBSCRIBED if (second, way) == (len(lessons), "leave") else DeliveryKind.CONFIRM
    assert sign_up_again(runtime, email) == asked
    read_days(runtime, dispatcher, 10)
    assert (lessons_of(runtime, evergreen, email), lessons_of(runtime, made, email)) == (lessons[:first], lessons)


def read_days(runtime: Runtime, dispatcher: Dispatcher, count: int) -> None:
    """As many days, with a lesson in the morning of each."""
    assert isinstance(runtime.clock, VirtualClock)
    for _ in range(count):
        runtime.clock.move_to((runtime.clock.now() + timedelta(days=1)).replace(hour=7))
        plan(runtime)
        send_all(dispatcher)
