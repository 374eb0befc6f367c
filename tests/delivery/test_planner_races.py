"""PostgreSQL: what happens to readers while a planner has them in hand, in both orders of the two commits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from tests.support.builders import (
    COURSE,
    answer,
    at_eight,
    course_of,
    enrolment_of,
    lessons_to,
    make_reader,
    plan,
    reader_with_lesson,
    ref,
    send_all,
)
from tests.support.racing import Act, meanwhile

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.content import Course
from rugcourse.db.models import DeliveryRow, DeliveryState
from rugcourse.db.queries import courses, deliveries, delivery_planning, email_events, enrolments, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.enrolment import preferences
from rugcourse.enrolment.preferences import set_measuring
from rugcourse.enrolment.suppression import lift, suppress_address
from rugcourse.privacy.erase import erase
from rugcourse.scheduling import Schedule
from rugcourse.tracking import recorder
from rugcourse.tracking.recorder import TrackingHit, record_hits

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def _with_first(course: Course) -> Course:
    new = course.lessons[1].model_copy(update={"slug": "nieuw-begin", "number": 1})
    rest = [one.model_copy(update={"number": number}) for number, one in enumerate(course.lessons, 2)]
    return course.model_copy(update={"lessons": (new, *rest)})


def _days(runtime: Runtime, dispatcher: Dispatcher, first: int, last: int) -> None:
    for day in range(first, last):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)


def _had(runtime: Runtime, email: str) -> list[str]:
    """The lessons that arrived, in the order in which they were planned."""
    with runtime.database.read() as session:
        slugs = dict(iter(session.execute(select(courses.LessonRow.id, courses.LessonRow.slug))))
    return [slugs[one.lesson_id or 0] for one in lessons_to(runtime, email) if one.state == DeliveryState.ACCEPTED]


_STEPS = [(enrolments, "lock_due"), (delivery_planning, "plan_lessons"), (enrolments, "advance")]


@pytest.mark.parametrize(("module", "step"), _STEPS)
def test_inserting_a_lesson_during_planning_loses_no_lesson(
    runtime: Runtime,
    dispatcher: Dispatcher,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    step: str,
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    _days(runtime, dispatcher, 0, 2)
    slugs = [one.slug for one in course_of(runtime).course.lessons]

    def publish() -> None:
        with runtime.database.write() as session:
            found = courses.load_course(session, COURSE)
            assert found is not None
            courses.save_course(session, _with_first(found.course), clock.now())

    at_eight(runtime, 2)
    with meanwhile(monkeypatch, module, step, publish) as errors:
        plan(runtime)
    send_all(dispatcher)
    _days(runtime, dispatcher, 3, len(slugs) + 3)
    assert errors == []
    had = _had(runtime, email)
    assert [one for one in had if one in slugs] == slugs


@pytest.mark.parametrize("step", ["pause", "late", "planned"])
def test_moving_a_lesson_forward_during_planning_loses_no_lesson(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Places are written, and not committed yet, when readers pause, are late, or are planned."""
    email = make_reader(runtime)
    send_all(dispatcher)
    _days(runtime, dispatcher, 0, 4)
    at_eight(runtime, 4)
    person = enrolment_of(runtime, email).subscriber_id
    if step != "planned":
        plan(runtime)
    if step == "late":
        clock.advance(hours=5)
    slugs = [one.slug for one in course_of(runtime).course.lessons]

    def move() -> None:
        with runtime.database.write() as session:
            found = courses.load_course(session, COURSE)
            assert found is not None
            lessons = list(found.course.lessons)
            lessons.insert(1, lessons.pop(4))
            numbered = tuple(one.model_copy(update={"number": number}) for number, one in enumerate(lessons, 1))
            courses.save_course(session, found.course.model_copy(update={"lessons": numbered}), clock.now())

    def act() -> None:
        if step == "pause":
            runtime.database.run(preferences.pause, clock.now(), person)
        else:
            plan(runtime)

    with meanwhile(monkeypatch, courses, "_keep_places", act) as errors:
        move()
    if step == "pause":
        runtime.database.run(preferences.resume, clock.now(), person)
    for _ in range(20 * 24):
        clock.advance(hours=1)
        plan(runtime)
        send_all(dispatcher)
    assert errors == []
    had = _had(runtime, email)
    assert sorted(had) == sorted(slugs)


@pytest.mark.parametrize(("module", "step"), _STEPS)
def test_erasing_a_reader_during_planning_leaves_no_delivery(
    runtime: Runtime,
    dispatcher: Dispatcher,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    step: str,
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    at_eight(runtime)
    person = enrolment_of(runtime, email).subscriber_id
    with meanwhile(
        monkeypatch, module, step, lambda: runtime.database.run(erase, clock.now(), runtime.signer, person)
    ) as errors:
        plan(runtime)
    send_all(dispatcher)
    assert errors == []
    with runtime.database.read() as session:
        assert session.scalar(select(func.count()).select_from(DeliveryRow)) == 0


@pytest.mark.parametrize(("module", "step"), _STEPS)
@pytest.mark.parametrize("change", ["pause", "suppress", "zone", "leave"])
def test_last_lesson_comes_on_return_when_the_reader_left_during_planning(
    runtime: Runtime,
    dispatcher: Dispatcher,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    step: str,
    change: str,
) -> None:
    """A second UPDATE of the enrolment made the planner wait for who held the reader, and waited for the enrolment."""
    email = make_reader(runtime)
    send_all(dispatcher)
    last = len(course_of(runtime).course.lessons) - 1
    _days(runtime, dispatcher, 0, last)
    at_eight(runtime, last)
    person, database = enrolment_of(runtime, email).subscriber_id, runtime.database
    mail = lessons_to(runtime, email)[0].id
    acts: dict[str, tuple[Act, Act]] = {
        "pause": (
            lambda: database.run(preferences.pause, clock.now(), person, clock.now() + timedelta(days=5)),
            lambda: None,
        ),
        "suppress": (
            lambda: database.run(suppress_address, clock.now(), runtime.signer, email, "bounce"),
            lambda: database.run(lift, clock.now(), runtime.signer, email),
        ),
        "zone": (
            lambda: database.run(preferences.change_schedule, clock.now(), person, Schedule("Asia/Tokyo", 8)),
            lambda: None,
        ),
        "leave": (
            lambda: database.run(preferences.unsubscribe, clock.now(), mail),
            lambda: database.run(preferences.come_back, clock.now(), mail),
        ),
    }
    act, undo = acts[change]
    with meanwhile(monkeypatch, module, step, act) as errors:
        plan(runtime)
    send_all(dispatcher)
    clock.advance(hours=3)
    undo()
    for _ in range(14 * 24):
        clock.advance(hours=1)
        plan(runtime)
        send_all(dispatcher)
    assert errors == []
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED] * (last + 1)
    assert audit(database, clock.now(), timedelta(hours=2)).findings == ()


@pytest.mark.parametrize("use", ["answer", "click"])
def test_a_lesson_that_is_used_while_a_full_mailbox_is_reported_does_not_come_again(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    [lesson] = lessons_to(runtime, email)
    runtime.database.run(set_measuring, clock.now(), lesson.subscriber_id, agreed=True)
    clock.advance(hours=1)

    def report_full() -> None:
        full = BounceReport(BounceType.SOFT, "5.2.2", "full", at=clock.now())
        runtime.bounce_handler.handle_event(ProviderEvent(full, "", email, clock.now()))

    monkeypatch.setattr(recorder, "target_of", lambda *_: "https://example.org/x")
    step = (subscribers, "lock") if use == "answer" else (email_events, "add_events")
    with meanwhile(monkeypatch, *step, report_full) as errors:
        if use == "answer":
            answer(runtime, email)
        else:
            with runtime.database.write() as session:
                fetch = TrackingHit(ref(runtime, lesson.id), 0, "GET", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
                record_hits(session, runtime.course_cache, clock, [fetch])
    assert errors == []
    with runtime.database.read() as session:
        assert deliveries.was_used(session, lesson.id)
    for day in (1, 2):
        at_eight(runtime, day)
        plan(runtime)
        _days(runtime, dispatcher, day, day + 1)
    assert [(one.state, one.attempts) for one in lessons_to(runtime, email)] == [(DeliveryState.ACCEPTED, 1)] * 3
