"""Comparing two subjects: half each, looked at once, a winner only where chance is no explanation."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.course_editor.test_publish import inserted, publish
from tests.support.builders import course_of, lessons_to, make_reader, plan, send_all
from tests.support.racing import meanwhile
from tests.web.conftest import browser, editor  # noqa: F401 - fixtures
from tests.web.test_admin import log_in
from tests.web.test_admin_campaigns import post

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import ab_tests
from rugcourse.campaigns.ab_tests import NONE, A, AbTestRunning, B, NoSubject, SameWording, compare
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.publishing import publish_lesson
from rugcourse.db.models import AbTestRow, DeliveryRow, DeliveryState, EmailEventRow, EventKind, Verdict
from rugcourse.db.queries import courses
from rugcourse.db.queries.ab_tests import Variant
from rugcourse.delivery.dispatcher import Dispatcher

OTHER = {"nl": "Een heel ander onderwerp"}


def lesson_id(runtime: Runtime) -> int:
    return course_of(runtime).lesson_ids["welkom"]


def begin(runtime: Runtime, subjects: dict[str, str] | None = None, minimum: int = 100) -> None:
    runtime.database.run(ab_tests.begin, runtime.clock.now(), lesson_id(runtime), subjects or OTHER, minimum, None)


def trial(runtime: Runtime) -> AbTestRow:
    with runtime.database.read() as session:
        return session.scalars(select(AbTestRow)).one()


def subject(runtime: Runtime) -> str:
    return course_of(runtime).course.lessons[0].texts["nl"].subject


def mails(runtime: Runtime, acted: tuple[int, int], count: int = 100) -> None:
    """So many mails of each wording that arrived, and behind how many of each a human clicked."""
    row, now = trial(runtime), runtime.clock.now()
    with runtime.database.write() as session:
        for version, most in zip((row.version_a, row.version_b), acted, strict=True):
            for number in range(count):
                delivery = DeliveryRow(
                    kind="lesson", queue="lessons", state=DeliveryState.ACCEPTED, subscriber_id=number + 1,
                    campaign_id=course_of(runtime).campaign_id, lesson_id=row.lesson_id, lesson_version_id=version,
                    planned_at=now, settled_at=now, attempts=1,
                )  # fmt: skip
                session.add(delivery)
                session.flush()
                verdict = Verdict.HUMAN if number < most else Verdict.MACHINE
                session.add(
                    EmailEventRow(
                        delivery_id=delivery.id, kind=EventKind.CLICK, link=0, verdict=verdict, first=True, at=now
                    )
                )


def later(runtime: Runtime, **span: float) -> None:
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(**span)
    while runtime.database.run(ab_tests.decide_next, runtime.clock.now()):
        pass


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (Variant(400, 120), Variant(400, 160), B), (Variant(400, 160), Variant(400, 120), A), (Variant(400, 120), Variant(400, 128), NONE),
        (Variant(0, 0), Variant(400, 10), NONE), (Variant(100, 0), Variant(100, 0), NONE), (Variant(100, 100), Variant(100, 100), NONE),
    ],
)  # fmt: skip
def test_a_subject_wins_only_where_chance_is_no_explanation(first: Variant, second: Variant, winner: str) -> None:
    assert compare(first, second).winner == winner


def test_two_subjects_that_are_as_good_rarely_show_a_winner() -> None:
    draw = Random(1)  # noqa: S311 - no secret
    found = [
        compare(*(Variant(400, sum(draw.random() < 0.3 for _ in range(400))) for _ in range(2))).winner
        for _ in range(400)
    ]
    assert sum(one != NONE for one in found) / len(found) < 0.08  # one in twenty, and what a draw of 400 may add


def test_half_of_the_readers_get_each_and_who_missed_one_keeps_theirs(runtime: Runtime, dispatcher: Dispatcher) -> None:
    begin(runtime)
    emails = [make_reader(runtime) for _ in range(60)]
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(hours=2)
    plan(runtime)
    send_all(dispatcher)
    versions = [lessons_to(runtime, email)[0].lesson_version_id for email in emails]
    row = trial(runtime)
    assert set(versions) == {row.version_a, row.version_b}
    assert 15 <= versions.count(row.version_b) <= 45
    neighbours = sum(one == other for one, other in pairwise(versions))
    assert neighbours not in {0, len(versions) - 1}  # no alternation by order of signing up


def test_it_is_decided_once_when_enough_mails_had_their_time(runtime: Runtime) -> None:
    begin(runtime)
    mails(runtime, (10, 60), count=60)
    later(runtime, days=4)
    assert trial(runtime).decided_at is None  # a lead, and too few
    mails(runtime, (5, 30), count=60)
    later(runtime, days=1)
    assert trial(runtime).decided_at is None  # enough, and too young
    before = subject(runtime)
    later(runtime, days=3)
    assert (trial(runtime).winner, trial(runtime).found[A][0]) == (B, 100)
    assert subject(runtime) == OTHER["nl"] != before


@pytest.mark.parametrize(("acted", "winner"), [((30, 32), NONE), ((60, 20), A)])
def test_the_first_stays_unless_the_second_is_better(runtime: Runtime, acted: tuple[int, int], winner: str) -> None:
    before = subject(runtime)
    begin(runtime)
    mails(runtime, acted)
    later(runtime, days=4)
    assert trial(runtime).winner == winner
    assert subject(runtime) == before


def test_a_lesson_that_changes_ends_it_without_a_winner(runtime: Runtime) -> None:
    begin(runtime)
    lesson = course_of(runtime).course.lessons[0]
    fields = {**fields_of(lesson), "nl.title": "Een andere titel"}
    runtime.database.run(
        publish_lesson, runtime.clock.now(), None, LessonDraft(course_of(runtime).course, "welkom", 1, fields)
    )
    later(runtime, minutes=1)
    assert trial(runtime).winner == ab_tests.STOPPED


def be_ready_to_decide(runtime: Runtime) -> None:
    """A comparison whose mails had their three days."""
    begin(runtime)
    mails(runtime, (10, 40))
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(days=3, hours=1)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("step", ["versions_like", "make_current"])
def test_what_is_published_while_it_is_decided_is_what_readers_get(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    be_ready_to_decide(runtime)
    lesson = course_of(runtime).course.lessons[0]
    texts = {language: text.model_copy(update={"title": "Published"}) for language, text in lesson.texts.items()}
    written = LessonDraft(
        course_of(runtime).course, lesson.slug, 1, fields_of(lesson.model_copy(update={"texts": texts}))
    )

    def publish() -> None:
        runtime.database.run(publish_lesson, runtime.clock.now(), None, written)

    with meanwhile(monkeypatch, courses, step, publish) as errors:
        assert runtime.database.run(ab_tests.decide_next, runtime.clock.now())
    assert errors == []
    assert course_of(runtime).course.lessons[0].texts["nl"].title == "Published"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("step", ["versions_like", "make_current"])
def test_one_that_is_stopped_while_it_is_decided_says_what_readers_get(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    be_ready_to_decide(runtime)

    def stop() -> None:
        runtime.database.run(ab_tests.stop, runtime.clock.now(), lesson_id(runtime), None)

    with meanwhile(monkeypatch, courses, step, stop) as errors:
        assert runtime.database.run(ab_tests.decide_next, runtime.clock.now())
    assert errors == []
    assert (trial(runtime).winner, subject(runtime)) == (B, OTHER["nl"])


def test_a_lesson_that_only_moves_keeps_its_trial_and_its_mails(runtime: Runtime) -> None:
    begin(runtime)
    mails(runtime, (30, 60), count=60)
    publish(runtime, inserted(runtime, 1))
    later(runtime, minutes=11)
    mails(runtime, (30, 40), count=40)
    later(runtime, days=4)
    row = trial(runtime)
    assert (row.winner, row.found[A][0], row.found[B][0]) == (B, 100, 100)
    lesson = course_of(runtime).course.lesson("welkom")
    assert lesson is not None
    assert (lesson.number, lesson.texts["nl"].subject) == (2, OTHER["nl"])


def test_what_cant_be_compared_is_refused(runtime: Runtime) -> None:
    for subjects, error in (
        ({}, SameWording),
        ({"nl": subject(runtime)}, SameWording),
        ({"nl": "Nu!"}, NoSubject),
        ({"nl": "x" * 51}, NoSubject),
    ):
        with pytest.raises(error):
            runtime.database.run(ab_tests.begin, runtime.clock.now(), lesson_id(runtime), subjects, 100, None)
    begin(runtime)
    with pytest.raises(AbTestRunning):
        begin(runtime, {"nl": "Nog een"})


def test_the_page_begins_shows_and_stops_it_and_hides_a_lead(editor: TestClient, runtime: Runtime) -> None:  # noqa: F811
    path = f"/admin/ab-tests/{lesson_id(runtime)}"
    assert "Write another subject" in post(editor, path)
    assert "no exclamation mark" in post(editor, path, **{"subject.nl": "Nu!"})
    assert post(editor, path, **{"subject.nl": "Anders", "minimum": "150"}) == path
    mails(runtime, (10, 90))
    later(runtime, days=4)
    log_in(editor, "editor@x.example")
    page = editor.get(path).text
    assert "150 mails of each" in page
    assert "90 (" not in page
    assert "compared already" in post(editor, path, **{"subject.nl": "Nog een"})
    post(editor, path, action="stop")
    assert "It says nothing" in editor.get(path).text
    assert trial(runtime).decided_at == runtime.clock.now()
    assert timedelta(0) < runtime.clock.now() - trial(runtime).started_at
