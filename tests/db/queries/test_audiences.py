"""Who an audience is: each condition alone, and together."""

from __future__ import annotations

from datetime import date

import pytest
from tests.support.builders import (
    at_eight,
    course_of,
    enrolment_of,
    lessons_to,
    make_pending,
    make_reader,
    plan,
    ref,
    send_all,
)

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.audience import Audience, Following, IdRange
from rugcourse.db.models import AssessmentAttemptRow, EnrolmentStatus, Stage
from rugcourse.db.queries import audiences, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers


@pytest.fixture
def people(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> dict[str, str]:
    """Five readers of whom different things are true, and one who never confirmed."""
    names = ("plain", "english", "answered", "tested", "done")
    found = {name: make_reader(runtime, f"{name}@x.example") for name in names}
    gone = make_reader(runtime, "gone@x.example")
    make_pending(runtime, "pending@x.example")
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    lesson = lessons_to(runtime, found["answered"])[0]
    runtime.database.run(preferences.unsubscribe, clock.now(), lessons_to(runtime, gone)[0].id)
    ids = {name: enrolment_of(runtime, email).subscriber_id for name, email in found.items()}
    with runtime.database.write() as session:
        record_answers(
            session, runtime.course_cache, clock, [SubmittedAnswer(QuestionRef(ref(runtime, lesson.id), 0), 0)]
        )
        english = subscribers.by_email(session, found["english"])
        assert english is not None
        english.language = "en"
        subscribers.add_tags(session, [ids["english"], ids["plain"]], "autumn")
        done = session.merge(enrolment_of(runtime, found["done"]))
        done.status, done.lessons_planned, done.next_due_at = EnrolmentStatus.COMPLETED, 9, None
        done.completed_at = clock.now()
        session.add(
            AssessmentAttemptRow(course_id=course_of(runtime).id, subscriber_id=ids["tested"], stage=Stage.PRETEST, options={},
                       correct=2, total=8, at=clock.now())
        )  # fmt: skip
    return found


def names_in(runtime: Runtime, audience: Audience) -> set[str]:
    now = runtime.clock.now()
    with runtime.database.read() as session:
        found = {person.email.partition("@")[0] for person, _ in audiences.sample(session, audience, now, 100)}
        assert audiences.size(session, audience, now) == len(found)
        assert sum(count for _, count in audiences.schedules(session, audience, now)) == len(found)
        assert len(audiences.members(session, audience, now, IdRange(0, 10**9, 100))) == len(found)
    return found


def test_audience_without_conditions_is_all_active_subscribers(runtime: Runtime, people: dict[str, str]) -> None:
    assert names_in(runtime, Audience()) == set(people)


def test_audience_conditions_select_the_right_subscribers(runtime: Runtime, people: dict[str, str]) -> None:
    course = course_of(runtime).id
    everybody = set(people)
    for audience, expected in (
        (Audience(languages=("en",)), {"english"}),
        (Audience(languages=("nl", "en")), everybody),
        (Audience(tags=("autumn",)), {"plain", "english"}),
        (Audience(tags=("autumn",), languages=("nl",)), {"plain"}),
        (Audience(tags=("autumn", "winter")), set()),
        (Audience(course_id=course, following=Following.READING), everybody - {"done"}),
        (Audience(course_id=course, following=Following.COMPLETED), {"done"}),
        (Audience(course_id=course, following=Following.NEVER), set()),
        (Audience(course_id=course + 1, following=Following.NEVER), everybody),
        (Audience(course_id=course, from_lesson=2), {"done"}),
        (Audience(course_id=course, up_to_lesson=1), everybody - {"done"}),
        (Audience(course_id=course, test_up_to=30), {"tested"}),
        (Audience(course_id=course, test_from=30), set()),
        (Audience(answered_within=7), {"answered"}),
        (Audience(silent_for=1), set()),
        (Audience(confirmed_from=date(2026, 11, 23), confirmed_up_to=date(2026, 11, 23)), everybody),
        (Audience(confirmed_up_to=date(2026, 11, 22)), set()),
    ):
        assert names_in(runtime, audience) == expected, audience


def test_audience_of_silent_readers_has_those_without_a_recent_event(
    runtime: Runtime, people: dict[str, str], clock: VirtualClock
) -> None:
    clock.advance(days=20)
    assert names_in(runtime, Audience(silent_for=10)) == set(people)
    assert names_in(runtime, Audience(answered_within=30)) == {"answered"}
    assert names_in(runtime, Audience(silent_for=30)) == set()


def test_all_words_are_told_once_in_order(runtime: Runtime) -> None:
    with runtime.database.read() as session:
        assert audiences.all_tags(session) == []
    ids = [enrolment_of(runtime, make_reader(runtime)).subscriber_id for _ in range(3)]
    with runtime.database.write() as session:
        for tag in ("winter", "a word", "knee"):
            subscribers.add_tags(session, ids, tag)
    with runtime.database.read() as session:
        assert audiences.all_tags(session) == ["a word", "knee", "winter"]
