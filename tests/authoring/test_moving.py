"""A course is put in another order while readers are under way: each lesson comes to each of them once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.authoring.test_publish import days as look_once_a_day
from tests.authoring.test_publish import edited, inserted, publish, slugs_to
from tests.builders import COURSE, course_of, enrolment_of, lessons_to, make_reader, plan, send_all
from tests.sink import Fault, Sink

from rugcourse.authoring import drafts
from rugcourse.authoring.fields import fields_of
from rugcourse.authoring.files import take_in
from rugcourse.authoring.manuscript import Manuscript
from rugcourse.authoring.merge import numbered
from rugcourse.authoring.publish import Behind
from rugcourse.content import Course, Lesson
from rugcourse.delivery.resend import resend
from rugcourse.delivery.send import Dispatcher
from rugcourse.learning.progress import progress_of
from rugcourse.runtime import Runtime
from rugcourse.store.tables import DeliveryRow, DeliveryState

Move = Callable[[Runtime, int, int], None]


def days(runtime: Runtime, dispatcher: Dispatcher, count: int) -> None:
    """As many days, each with a tick for every lesson: one that was had is passed over with each."""
    for _ in range(count):
        look_once_a_day(runtime, dispatcher, 1)
        for _ in range(12):
            plan(runtime)
        send_all(dispatcher)


def order(runtime: Runtime) -> list[str]:
    return [lesson.slug for lesson in course_of(runtime).course.lessons]


def move_in_admin(runtime: Runtime, place: int, to: int) -> None:
    course = course_of(runtime).course
    lesson = course.lessons[place - 1]
    publish(runtime, Manuscript(course, lesson.slug, to, fields_of(lesson)))


def move_in_files(runtime: Runtime, place: int, to: int) -> None:
    course = course_of(runtime).course
    lessons = list(course.lessons)
    lessons.insert(to - 1, lessons.pop(place - 1))
    import_(runtime, course, lessons)


def import_(runtime: Runtime, course: Course, lessons: list[Lesson]) -> None:
    take_in(runtime.database, runtime.clock, [course.model_copy(update={"lessons": numbered(lessons)})])


def renamed(runtime: Runtime, place: int, slug: str, **texts: object) -> None:
    """A lesson gets another slug in the files, and nothing on the landing page is about it."""
    course = course_of(runtime).course
    bare = {code: text.model_copy(update={"tiles": (), "sample": None}) for code, text in course.texts.items()}
    lessons = list(course.lessons)
    old = lessons[place - 1]
    new = {code: text.model_copy(update=texts) for code, text in old.texts.items()}
    lessons[place - 1] = old.model_copy(update={"slug": slug, "texts": new})
    import_(runtime, course.model_copy(update={"texts": bare}), lessons)


@pytest.mark.parametrize("move", [move_in_admin, move_in_files])
@pytest.mark.parametrize(
    ("had", "place", "to"),
    [(0, 1, 9), (0, 1, 2), (3, 7, 1), (3, 4, 9), (3, 2, 9), (8, 9, 1), (9, 9, 1)],
)
def test_a_lesson_that_is_moved_comes_once_to_readers_at_every_place(
    runtime: Runtime, dispatcher: Dispatcher, move: Move, had: int, place: int, to: int
) -> None:
    reader = make_reader(runtime)
    days(runtime, dispatcher, had)
    before = order(runtime)
    move(runtime, place, to)
    days(runtime, dispatcher, 10 - had)
    assert sorted(slugs_to(runtime, reader)) == sorted(before)
    assert slugs_to(runtime, reader)[:had] == before[:had]
    assert enrolment_of(runtime, reader).status == "completed"


def test_a_lesson_put_in_right_before_the_next_one_comes_to_whoever_has_not_come_that_far(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    third = make_reader(runtime)
    days(runtime, dispatcher, 2)
    fourth = third
    third = make_reader(runtime)
    days(runtime, dispatcher, 1)
    fresh = make_reader(runtime)
    publish(runtime, inserted(runtime, 3))
    days(runtime, dispatcher, 11)
    assert slugs_to(runtime, third)[1:3] == [order(runtime)[1], "ertussen"]
    assert "ertussen" not in slugs_to(runtime, fourth)
    assert slugs_to(runtime, fresh) == order(runtime)


def test_who_had_all_lessons_stays_finished_and_goes_back_only_where_the_author_says_so(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    reader = make_reader(runtime)
    days(runtime, dispatcher, 9)
    assert publish(runtime, inserted(runtime, 10)) == 0
    days(runtime, dispatcher, 2)
    assert enrolment_of(runtime, reader).status == "completed"
    move_in_admin(runtime, 2, 10)
    course = course_of(runtime).course
    another = {**inserted(runtime, 3).fields, "quiz.0.id": "more-1", "quiz.1.id": "more-2"}
    assert publish(runtime, Manuscript(course, "nog-een", 11, another), behind=Behind.FINISHED) == 1
    days(runtime, dispatcher, 2)
    assert slugs_to(runtime, reader)[9:] == ["nog-een"]
    assert enrolment_of(runtime, reader).status == "completed"


def test_a_lesson_with_another_slug_is_the_same_lesson(runtime: Runtime, dispatcher: Dispatcher) -> None:
    """Who waits for it gets it, who had it does not get it again, and its draft goes along."""
    had_it, waits = make_reader(runtime), None
    days(runtime, dispatcher, 1)
    waits = make_reader(runtime)
    days(runtime, dispatcher, 2)
    slug = order(runtime)[2]
    lesson_id = course_of(runtime).lesson_ids[slug]
    desk = drafts.open_desk(runtime.database, runtime.library, COURSE, slug)
    drafts.keep(runtime.database, runtime.clock, desk, edited(runtime, slug, "Half"), None, 0)
    renamed(runtime, 3, "een-andere-naam", highlight="Ook herschreven.")
    assert course_of(runtime).lesson_ids["een-andere-naam"] == lesson_id
    kept = drafts.open_desk(runtime.database, runtime.library, COURSE, "een-andere-naam")
    assert (kept.saved, kept.manuscript.fields["nl.title"]) == (1, "Half")
    move_in_files(runtime, 3, 9)
    days(runtime, dispatcher, 9)
    assert len(set(slugs_to(runtime, had_it))) == len(slugs_to(runtime, had_it)) == 9
    assert "een-andere-naam" not in slugs_to(runtime, had_it)
    assert slugs_to(runtime, waits)[-1] == "een-andere-naam"
    assert len(slugs_to(runtime, waits)) == 9


@pytest.mark.parametrize("place", [1, 3, 9])
def test_another_lesson_in_the_place_of_one_that_is_gone_comes_to_whoever_waited_there(
    runtime: Runtime, dispatcher: Dispatcher, place: int
) -> None:
    waits = make_reader(runtime)
    days(runtime, dispatcher, place - 1)
    course = course_of(runtime).course
    quiz = {
        code: [q.model_copy(update={"id": f"other-{q.id}"}) for q in text.quiz]
        for code, text in course.lessons[place - 1].texts.items()
    }
    renamed(runtime, place, "iets-anders", quiz=tuple(quiz["nl"]), body="Iets heel anders.")
    days(runtime, dispatcher, 11 - place)
    assert slugs_to(runtime, waits)[place - 1] == "iets-anders"
    assert len(slugs_to(runtime, waits)) == 9


def test_only_what_was_meant_for_a_reader_and_did_not_come_is_missed(runtime: Runtime, dispatcher: Dispatcher) -> None:
    reader = make_reader(runtime)
    days(runtime, dispatcher, 3)
    publish(runtime, inserted(runtime, 2))
    with runtime.database.write() as session:
        failed = session.get_one(DeliveryRow, lessons_to(runtime, reader)[0].id)
        failed.state = DeliveryState.FAILED
    with runtime.database.read() as session:
        progress = progress_of(session, runtime.library, course_of(runtime), "nl", enrolment_of(runtime, reader))
    assert [one.lesson.slug for one in progress.lessons if one.missed] == ["welkom"]
    move_in_admin(runtime, 9, 1)
    days(runtime, dispatcher, 1)
    with runtime.database.read() as session:
        progress = progress_of(session, runtime.library, course_of(runtime), "nl", enrolment_of(runtime, reader))
    assert progress.upcoming is not None
    assert progress.upcoming.slug not in slugs_to(runtime, reader)


def test_a_lesson_that_is_given_up_while_it_is_out_comes_when_it_is_put_back(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    reader = make_reader(runtime)
    days(runtime, dispatcher, 1)
    course = course_of(runtime).course
    bare = {code: text.model_copy(update={"tiles": (), "sample": None}) for code, text in course.texts.items()}
    course = course.model_copy(update={"texts": bare})
    import_(runtime, course, list(course.lessons))
    sink.fault = lambda recipient: Fault("reply", "") if recipient == reader else None
    days(runtime, dispatcher, 1)
    sink.fault = lambda _: None
    days(runtime, dispatcher, 1)
    lost = lessons_to(runtime, reader)[1]
    assert lost.state == DeliveryState.UNKNOWN
    import_(runtime, course, [one for one in course.lessons if one.number != 2])
    assert resend(runtime.database, runtime.clock, [lost.id]) == [lost.id]
    import_(runtime, course, list(course.lessons))
    days(runtime, dispatcher, 9)
    assert sorted(slugs_to(runtime, reader)) == sorted(one.slug for one in course.lessons)
