"""Comparing two subjects: half each, looked at once, a winner only where chance is no explanation."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from types import ModuleType

import pytest
from tests.support.ab_tests import OTHER, ab_test, add_mails, begin, current_subject, decide_after, lesson_id
from tests.support.builders import course_of, lessons_to, make_reader, plan, send_all
from tests.support.course_edits import inserted, publish
from tests.support.racing import meanwhile

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import ab_tests
from rugcourse.campaigns.ab_tests import NONE, A, AbTestRunning, B, NoSubject, SameWording, compare
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.publishing import publish_lesson
from rugcourse.db.queries import courses, lesson_versions
from rugcourse.db.queries.ab_tests import Variant
from rugcourse.delivery.dispatcher import Dispatcher

_STEPS = [(lesson_versions, "versions_like"), (courses, "make_current")]


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (Variant(400, 120), Variant(400, 160), B), (Variant(400, 160), Variant(400, 120), A), (Variant(400, 120), Variant(400, 128), NONE),
        (Variant(0, 0), Variant(400, 10), NONE), (Variant(100, 0), Variant(100, 0), NONE), (Variant(100, 100), Variant(100, 100), NONE),
    ],
)  # fmt: skip
def test_ab_test_has_a_winner_only_if_the_difference_is_significant(
    first: Variant, second: Variant, winner: str
) -> None:
    assert compare(first, second).winner == winner


def test_ab_test_of_equal_subjects_rarely_has_a_winner() -> None:
    draw = Random(1)  # noqa: S311 - no secret
    found = [
        compare(*(Variant(400, sum(draw.random() < 0.3 for _ in range(400))) for _ in range(2))).winner
        for _ in range(400)
    ]
    assert sum(one != NONE for one in found) / len(found) < 0.08  # one in twenty, and what a draw of 400 may add


def test_ab_test_splits_readers_in_halves_and_retries_keep_the_variant(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    begin(runtime)
    emails = [make_reader(runtime) for _ in range(60)]
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(hours=2)
    plan(runtime)
    send_all(dispatcher)
    versions = [lessons_to(runtime, email)[0].lesson_version_id for email in emails]
    row = ab_test(runtime)
    assert set(versions) == {row.version_a_id, row.version_b_id}
    assert 15 <= versions.count(row.version_b_id) <= 45
    neighbours = sum(one == other for one, other in pairwise(versions))
    assert neighbours not in {0, len(versions) - 1}  # no alternation by order of signing up


def test_ab_test_is_decided_once_after_enough_mails_and_days(runtime: Runtime) -> None:
    begin(runtime)
    add_mails(runtime, (10, 60), count=60)
    decide_after(runtime, days=4)
    assert ab_test(runtime).decided_at is None  # a lead, and too few
    add_mails(runtime, (5, 30), count=60)
    decide_after(runtime, days=1)
    assert ab_test(runtime).decided_at is None  # enough, and too young
    before = current_subject(runtime)
    decide_after(runtime, days=3)
    assert (ab_test(runtime).winner, ab_test(runtime).result[A][0]) == (B, 100)
    assert current_subject(runtime) == OTHER["nl"] != before


@pytest.mark.parametrize(("acted", "winner"), [((30, 32), NONE), ((60, 20), A)])
def test_ab_test_keeps_the_first_subject_unless_the_second_is_better(
    runtime: Runtime, acted: tuple[int, int], winner: str
) -> None:
    before = current_subject(runtime)
    begin(runtime)
    add_mails(runtime, acted)
    decide_after(runtime, days=4)
    assert ab_test(runtime).winner == winner
    assert current_subject(runtime) == before


def test_changed_lesson_ends_its_ab_test_without_a_winner(runtime: Runtime) -> None:
    begin(runtime)
    lesson = course_of(runtime).course.lessons[0]
    fields = {**fields_of(lesson), "nl.title": "Een andere titel"}
    runtime.database.run(
        publish_lesson, runtime.clock.now(), None, LessonDraft(course_of(runtime).course, "welkom", 1, fields)
    )
    decide_after(runtime, minutes=1)
    assert ab_test(runtime).winner == ab_tests.STOPPED


def be_ready_to_decide(runtime: Runtime) -> None:
    """A comparison whose mails had their three days."""
    begin(runtime)
    add_mails(runtime, (10, 40))
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(days=3, hours=1)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("module", "step"), _STEPS)
def test_lesson_published_while_an_ab_test_is_decided_is_kept(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, module: ModuleType, step: str
) -> None:
    be_ready_to_decide(runtime)
    lesson = course_of(runtime).course.lessons[0]
    texts = {language: text.model_copy(update={"title": "Published"}) for language, text in lesson.texts.items()}
    written = LessonDraft(
        course_of(runtime).course, lesson.slug, 1, fields_of(lesson.model_copy(update={"texts": texts}))
    )

    def publish() -> None:
        runtime.database.run(publish_lesson, runtime.clock.now(), None, written)

    with meanwhile(monkeypatch, module, step, publish) as errors:
        assert runtime.database.run(ab_tests.decide_next, runtime.clock.now())
    assert errors == []
    assert course_of(runtime).course.lessons[0].texts["nl"].title == "Published"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("module", "step"), _STEPS)
def test_ab_test_stopped_while_it_is_decided_shows_the_subject_in_use(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, module: ModuleType, step: str
) -> None:
    be_ready_to_decide(runtime)

    def stop() -> None:
        runtime.database.run(ab_tests.stop, runtime.clock.now(), lesson_id(runtime), None)

    with meanwhile(monkeypatch, module, step, stop) as errors:
        assert runtime.database.run(ab_tests.decide_next, runtime.clock.now())
    assert errors == []
    assert (ab_test(runtime).winner, current_subject(runtime)) == (B, OTHER["nl"])


def test_moved_lesson_keeps_its_ab_test_and_mails(runtime: Runtime) -> None:
    begin(runtime)
    add_mails(runtime, (30, 60), count=60)
    publish(runtime, inserted(runtime, 1))
    decide_after(runtime, minutes=11)
    add_mails(runtime, (30, 40), count=40)
    decide_after(runtime, days=4)
    row = ab_test(runtime)
    assert (row.winner, row.result[A][0], row.result[B][0]) == (B, 100, 100)
    lesson = course_of(runtime).course.lesson("welkom")
    assert lesson is not None
    assert (lesson.number, lesson.texts["nl"].subject) == (2, OTHER["nl"])


def test_ab_test_refuses_subjects_that_cannot_be_compared(runtime: Runtime) -> None:
    for subjects, error in (
        ({}, SameWording),
        ({"nl": current_subject(runtime)}, SameWording),
        ({"nl": "Nu!"}, NoSubject),
        ({"nl": "x" * 51}, NoSubject),
    ):
        with pytest.raises(error):
            runtime.database.run(ab_tests.begin, runtime.clock.now(), lesson_id(runtime), subjects, 100, None)
    begin(runtime)
    with pytest.raises(AbTestRunning):
        begin(runtime, {"nl": "Nog een"})
