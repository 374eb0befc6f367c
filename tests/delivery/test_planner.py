"""Who gets a lesson planned, on which day, and never twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.support.builders import COURSE, at_eight, course_of, enrolment_of, lessons_to, make_reader, plan, send_all
from tests.support.campaigns import author, campaign_row, draft, due_times, start
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, rejection_handler
from rugcourse.campaigns import lifecycle
from rugcourse.clock import VirtualClock
from rugcourse.db.models import CampaignKind, CampaignStatus, DeliveryState, EnrolmentStatus
from rugcourse.db.queries import campaigns, course_publishing, courses, enrolments, subscribers
from rugcourse.db.queries.campaigns import Sending
from rugcourse.db.queries.due_enrolments import ExpectedEnrolment
from rugcourse.delivery import planner
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.planner import PlanningResult, plan_due
from rugcourse.enrolment import preferences
from rugcourse.scheduling import Missed, Schedule, SendWindow, ShiftTo, Timing

_NOTHING = PlanningResult(planned=0, shifted=0, late=0)


def _run(runtime: Runtime) -> PlanningResult:
    return plan_due(runtime.database, runtime.clock, runtime.send_window, rejection_handler(runtime))


def test_a_lesson_is_planned_at_the_readers_hour_and_not_before(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime, hour=8)
    clock.move_to(datetime(2026, 11, 23, 6, 59, tzinfo=UTC))
    assert plan(runtime) == 0
    at_eight(runtime)
    assert plan(runtime) == 1
    assert lessons_to(runtime, email)[0].local_date == date(2026, 11, 23)


def test_planner_plans_the_next_lesson_each_day_until_the_course_is_done(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    email = make_reader(runtime)
    for day in range(12):
        at_eight(runtime, day)
        plan(runtime)
        plan(runtime)
        send_all(dispatcher)
    lessons = lessons_to(runtime, email)
    assert [one.state for one in lessons] == [DeliveryState.ACCEPTED] * 9
    assert len({one.lesson_id for one in lessons}) == 9
    assert enrolment_of(runtime, email).status == EnrolmentStatus.COMPLETED
    subjects = [b"(les %d)\r\n" % number for number in range(1, 10)]
    mails = [one.raw for one in sink.to(email) if b"(les " in one.raw]
    assert [subject in mail for subject, mail in zip(subjects, mails, strict=True)] == [True] * 9


def test_planning_by_many_at_once_plans_each_lesson_once(runtime: Runtime) -> None:
    readers = [make_reader(runtime) for _ in range(12)]
    at_eight(runtime)
    with ThreadPoolExecutor(6) as pool:
        planned = sum(pool.map(lambda _: plan(runtime), range(6)))
    assert planned == 12
    assert all(len(lessons_to(runtime, email)) == 1 for email in readers)


@pytest.mark.parametrize("batch", [2, 100])
def test_a_planning_run_takes_everybody_who_is_due_and_counts_what_became_of_them(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(planner, "BATCH", batch)
    for hour in (8, 8, 8, 3, 3, 3):
        make_reader(runtime, hour=hour)
    at_eight(runtime, 1)  # the scheduler was away since before the hours of either
    assert _run(runtime) == PlanningResult(planned=3, shifted=3, late=0)
    clock.advance(hours=5)  # and nobody sent
    assert _run(runtime) == PlanningResult(planned=0, shifted=3, late=3)
    assert _run(runtime) == _NOTHING


def test_a_lesson_whose_hour_passed_is_due_at_the_readers_next_hour(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    clock.move_to(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    plan(runtime)
    assert enrolment_of(runtime, email).next_due_at == datetime(2026, 11, 24, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("position", "last_local_date", "promised", "becomes"),
    [
        (1, None, True, Missed()),
        (1, None, False, ShiftTo(datetime(2026, 11, 24, 7, 0, tzinfo=UTC))),
        (2, None, True, ShiftTo(datetime(2026, 11, 24, 7, 0, tzinfo=UTC))),
        (1, date(2026, 11, 20), True, ShiftTo(datetime(2026, 11, 24, 7, 0, tzinfo=UTC))),
    ],
)
def test_only_the_very_first_mail_of_a_campaign_is_bound_to_its_moment(
    position: int, last_local_date: date | None, promised: bool, becomes: Missed | ShiftTo
) -> None:
    eight = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    campaign = Sending(1, CampaignKind.COHORT, Timing(day=eight.date(), hour=8), None, {1: 1, 2: 2})
    schedule = Schedule("Europe/Amsterdam", 8)
    one = ExpectedEnrolment(1, 1, "reader@x.example", position, eight, last_local_date, False, schedule)
    afternoon, window = eight + timedelta(hours=6), SendWindow(timedelta(hours=4))
    assert planner.decide(campaign, one, afternoon, window, promised=promised) == becomes
    if promised:
        assert planner.decide(campaign, one, afternoon, window) == becomes


def test_a_campaign_that_is_paused_after_it_was_found_due_plans_nothing(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = make_reader(runtime)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=date(2026, 11, 23)))
    start(runtime, made)
    clock.move_to(datetime(2026, 11, 23, 7, 0, tzinfo=UTC))
    runtime.database.run(lifecycle.pause, author(runtime), made)
    monkeypatch.setattr(campaigns, "due", lambda *_: [made])
    assert _run(runtime) == _NOTHING
    assert due_times(runtime, made) == {email: clock.now()}


def test_after_an_outage_of_five_days_nobody_gets_a_pile_or_a_mail_at_night(
    runtime: Runtime, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    clock.move_to(datetime(2026, 11, 28, 22, 0, tzinfo=UTC))
    assert plan(runtime) == 0
    clock.move_to(datetime(2026, 11, 29, 7, 0, tzinfo=UTC))
    assert plan(runtime) == 1
    assert plan(runtime) == 0
    assert [one.local_date for one in lessons_to(runtime, email)] == [date(2026, 11, 29)]


def test_a_lesson_that_could_not_be_sent_in_its_hours_comes_the_next_day(
    runtime: Runtime, clock: VirtualClock, dispatcher: Dispatcher, sink: Sink
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    before = sink.count
    at_eight(runtime)
    plan(runtime)
    clock.advance(hours=14)  # no worker all day
    plan(runtime)
    send_all(dispatcher)
    assert sink.count == before
    assert lessons_to(runtime, email)[0].state == DeliveryState.CANCELLED
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED]
    assert enrolment_of(runtime, email).lessons_planned == 1


def test_a_pause_between_planning_and_sending_keeps_the_lesson_for_later(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    person = enrolment_of(runtime, email).subscriber_id
    at_eight(runtime)
    plan(runtime)
    runtime.database.run(preferences.pause, clock.now(), person)
    send_all(dispatcher)
    assert lessons_to(runtime, email)[0].state == DeliveryState.CANCELLED
    at_eight(runtime, 3)
    plan(runtime)
    runtime.database.run(preferences.resume, clock.now(), person)
    at_eight(runtime, 4)
    plan(runtime)
    send_all(dispatcher)
    [lesson] = lessons_to(runtime, email)
    assert lesson.state == DeliveryState.ACCEPTED
    assert lesson.local_date == date(2026, 11, 27)


def test_planner_plans_lessons_only_on_chosen_weekdays(runtime: Runtime, dispatcher: Dispatcher) -> None:
    email = make_reader(runtime, weekdays=frozenset({1, 3}))
    for day in range(8):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert [one.local_date.isoweekday() for one in lessons_to(runtime, email) if one.local_date] == [2, 4]


def test_planner_plans_nothing_for_readers_who_left(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    runtime.database.run(preferences.unsubscribe, clock.now(), lessons_to(runtime, email)[0].id)
    for day in range(1, 5):
        at_eight(runtime, day)
        assert plan(runtime) == 0
    assert len(lessons_to(runtime, email)) == 1


def _finish_cohort(runtime: Runtime, dispatcher: Dispatcher, email: str) -> tuple[int, int]:
    """Play a cohort to its end; returns the campaign, and the day on which the last lesson came."""
    made = draft(runtime, CampaignKind.COHORT, Timing(day=date(2026, 11, 24)))
    start(runtime, made)
    for day in range(1, 30):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
        with runtime.database.read() as session:
            person = subscribers.by_email(session, email)
            assert person is not None
            enrolment = enrolments.find(session, made, person.id)
        if enrolment is not None and enrolment.status == EnrolmentStatus.COMPLETED:
            return made, day
    raise AssertionError("the cohort never ended")


def _put_a_lesson_first(runtime: Runtime) -> None:
    """A new lesson, also for those who finished."""
    course = course_of(runtime).course
    new = course.lessons[1].model_copy(update={"slug": "nieuw-begin", "number": 1})
    rest = [one.model_copy(update={"number": number}) for number, one in enumerate(course.lessons, 2)]
    with runtime.database.write() as session:
        course_publishing.save_course(session, course.model_copy(update={"lessons": (new, *rest)}), runtime.clock.now())
        found = courses.load_course(session, COURSE)
        assert found is not None
        enrolments.reopen(session, found.id, 1, runtime.clock.now(), finished_too=True)


def test_a_new_first_lesson_comes_at_the_hour_of_those_who_finished_a_cohort(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    """The moment that the campaign promised was that of their first mail, and not of every first lesson."""
    email = make_reader(runtime, "cohort@example.org")
    send_all(dispatcher)
    made, day = _finish_cohort(runtime, dispatcher, email)
    at_eight(runtime, day + 3)
    clock.advance(hours=-5)
    _put_a_lesson_first(runtime)
    before = len(sink.to(email))
    plan(runtime)
    send_all(dispatcher)
    assert len(sink.to(email)) == before
    at_eight(runtime, day + 3)
    plan(runtime)
    send_all(dispatcher)
    assert len(sink.to(email)) == before + 1  # once, although they had the course twice
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING


def test_a_new_first_lesson_on_the_day_of_the_last_one_comes_the_next_day(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = make_reader(runtime, "cohort@example.org")
    send_all(dispatcher)
    made, day = _finish_cohort(runtime, dispatcher, email)
    clock.advance(hours=2)
    before = len(sink.to(email))
    _put_a_lesson_first(runtime)
    for _ in range(20):
        plan(runtime)
        send_all(dispatcher)
        clock.advance(minutes=10)
    assert len(sink.to(email)) == before
    at_eight(runtime, day + 1)
    plan(runtime)
    send_all(dispatcher)
    assert len(sink.to(email)) == before + 1
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING
