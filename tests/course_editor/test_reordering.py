"""A course is put in another order while readers are under way: each lesson comes to each of them once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.support.builders import COURSE, course_of, enrolment_of, lessons_to, make_reader, plan, send_all
from tests.support.course_edits import edited, import_lessons, inserted, pass_days, publish, renamed, slugs_to
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.content import AuthoringErrors, Lesson
from rugcourse.course_editor import drafts
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.publishing import AlreadyPast
from rugcourse.db.models import DeliveryRow, DeliveryState
from rugcourse.db.queries import lesson_drafts as kept_drafts
from rugcourse.db.queries import lesson_versions
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.resend import resend
from rugcourse.learning.progress import progress_of

Move = Callable[[Runtime, int, int], None]


def days(runtime: Runtime, dispatcher: Dispatcher, count: int) -> None:
    """As many days, each with a tick for every lesson: one that was had is passed over with each."""
    for _ in range(count):
        pass_days(runtime, dispatcher, 1)
        for _ in range(12):
            plan(runtime)
        send_all(dispatcher)


def order(runtime: Runtime) -> list[str]:
    return [lesson.slug for lesson in course_of(runtime).course.lessons]


def move_in_admin(runtime: Runtime, place: int, to: int) -> None:
    course = course_of(runtime).course
    lesson = course.lessons[place - 1]
    publish(runtime, LessonDraft(course, lesson.slug, to, fields_of(lesson)))


def move_in_files(runtime: Runtime, place: int, to: int) -> None:
    course = course_of(runtime).course
    lessons = list(course.lessons)
    lessons.insert(to - 1, lessons.pop(place - 1))
    import_lessons(runtime, course, lessons)


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


def test_finished_reader_goes_back_after_reordering_only_where_the_author_says_so(
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
    assert publish(runtime, LessonDraft(course, "nog-een", 11, another), behind=AlreadyPast.FINISHED) == 1
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
    state = runtime.database.query(drafts.load_editor, runtime.course_cache, COURSE, slug)
    runtime.database.run(drafts.save, runtime.clock.now(), state, edited(runtime, slug, "Half"), None, 0)
    renamed(runtime, 3, "een-andere-naam", highlight="Ook herschreven.")
    assert course_of(runtime).lesson_ids["een-andere-naam"] == lesson_id
    kept = runtime.database.query(drafts.load_editor, runtime.course_cache, COURSE, "een-andere-naam")
    assert (kept.saved, kept.lesson_draft.fields["nl.title"]) == (1, "Half")
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


def test_progress_counts_as_missed_only_lessons_that_were_due_and_did_not_arrive(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    reader = make_reader(runtime)
    days(runtime, dispatcher, 3)
    publish(runtime, inserted(runtime, 2))
    with runtime.database.write() as session:
        failed = session.get_one(DeliveryRow, lessons_to(runtime, reader)[0].id)
        failed.state = DeliveryState.FAILED
    with runtime.database.read() as session:
        progress = progress_of(session, runtime.course_cache, course_of(runtime), "nl", enrolment_of(runtime, reader))
    assert [one.lesson.slug for one in progress.lessons if one.missed] == ["welkom"]
    move_in_admin(runtime, 9, 1)
    days(runtime, dispatcher, 1)
    with runtime.database.read() as session:
        progress = progress_of(session, runtime.course_cache, course_of(runtime), "nl", enrolment_of(runtime, reader))
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
    import_lessons(runtime, course, list(course.lessons))
    sink.fault = lambda recipient: Fault("reply", "") if recipient == reader else None
    days(runtime, dispatcher, 1)
    sink.fault = lambda _: None
    days(runtime, dispatcher, 1)
    lost = lessons_to(runtime, reader)[1]
    assert lost.state == DeliveryState.UNKNOWN
    import_lessons(runtime, course, [one for one in course.lessons if one.number != 2])
    assert runtime.database.run(resend, runtime.clock.now(), [lost.id]) == [lost.id]
    import_lessons(runtime, course, list(course.lessons))
    days(runtime, dispatcher, 9)
    assert sorted(slugs_to(runtime, reader)) == sorted(one.slug for one in course.lessons)


def numbered_slugs(runtime: Runtime) -> list[Lesson]:
    """The lessons are called les-1, les-2 …, and nothing on the landing page is about one of them."""
    course = course_of(runtime).course
    bare = {code: text.model_copy(update={"tiles": (), "sample": None}) for code, text in course.texts.items()}
    lessons = counted(course.lessons)
    import_lessons(runtime, course.model_copy(update={"texts": bare}), lessons)
    return lessons


def counted(lessons: Sequence[Lesson]) -> list[Lesson]:
    return [one.model_copy(update={"slug": f"les-{number}"}) for number, one in enumerate(lessons, 1)]


def with_questions(lesson: Lesson, ids: str, **texts: object) -> Lesson:
    """A lesson whose questions have other ids."""
    new = {
        code: text.model_copy(
            update={
                "quiz": tuple(q.model_copy(update={"id": f"{ids}-{n}"}) for n, q in enumerate(text.quiz)),
                **texts,
            }
        )
        for code, text in lesson.texts.items()
    }
    return lesson.model_copy(update={"texts": new})


def questions_to(runtime: Runtime, reader: str) -> list[str]:
    """The first question of each lesson that somebody had: it stays, whatever the lesson is called."""
    with runtime.database.read() as session:
        found = [
            lesson_versions.load_version(session, one.lesson_version_id or 0) for one in lessons_to(runtime, reader)
        ]
    return [asked(one) for one in found]


def asked(lesson: Lesson) -> str:
    return lesson.texts["nl"].quiz[0].id


def put_in_front(lessons: list[Lesson]) -> list[Lesson]:
    return counted([with_questions(lessons[0], "front"), *lessons])


def without_second(lessons: list[Lesson]) -> list[Lesson]:
    return counted([lessons[0], *lessons[2:]])


def swapped(lessons: list[Lesson]) -> list[Lesson]:
    one, other = lessons[1], lessons[2]
    lessons[1], lessons[2] = (
        one.model_copy(update={"slug": other.slug}),
        other.model_copy(update={"slug": one.slug}),
    )
    return lessons


def turned_around(lessons: list[Lesson]) -> list[Lesson]:
    return counted(lessons[::-1])


@pytest.mark.parametrize("edit", [put_in_front, without_second, swapped, turned_around])
@pytest.mark.parametrize("had", [1, 3])
def test_lessons_whose_slugs_count_on_or_change_places_stay_the_same_lessons(
    runtime: Runtime, dispatcher: Dispatcher, edit: Callable[[list[Lesson]], list[Lesson]], had: int
) -> None:
    lessons = numbered_slugs(runtime)
    reader = make_reader(runtime)
    days(runtime, dispatcher, had)
    before = [asked(one) for one in lessons]
    ids = {asked(lessons[n]): course_of(runtime).lesson_ids[f"les-{n + 1}"] for n in range(9)}
    changed = edit(list(lessons))
    import_lessons(runtime, course_of(runtime).course, changed)
    lesson_ids = course_of(runtime).lesson_ids
    assert {asked(one): lesson_ids[one.slug] for one in changed if asked(one) in ids}.items() <= ids.items()
    days(runtime, dispatcher, 11)
    still = {asked(one) for one in changed} - {"front-0"}
    had_now = questions_to(runtime, reader)
    assert len(had_now) == len(set(had_now))
    assert set(had_now) == still | set(before[:had])


def test_drafts_follow_lessons_that_change_places(runtime: Runtime) -> None:
    lessons = numbered_slugs(runtime)
    for place in (1, 2, 3):
        state = runtime.database.query(drafts.load_editor, runtime.course_cache, COURSE, f"les-{place}")
        runtime.database.run(
            drafts.save, runtime.clock.now(), state, edited(runtime, f"les-{place}", f"Draft {place}"), None, 0
        )
    import_lessons(runtime, course_of(runtime).course, [*counted([lessons[2], lessons[0], *lessons[3:]])])
    with runtime.database.read() as session:
        kept = {one.slug: one.fields["nl.title"] for one in kept_drafts.of_course(session, course_of(runtime).id)}
    assert (kept.pop("les-1"), kept.pop("les-2")) == ("Draft 3", "Draft 1")
    assert list(kept.values()) == ["Draft 2"]


def test_the_draft_of_a_new_lesson_is_not_written_over_by_that_of_one_that_gets_its_slug(runtime: Runtime) -> None:
    lessons = numbered_slugs(runtime)
    runtime.database.run(drafts.create, runtime.clock.now(), runtime.course_cache, COURSE, "Nieuw", "les-9", None)
    state = runtime.database.query(drafts.load_editor, runtime.course_cache, COURSE, "les-1")
    runtime.database.run(drafts.save, runtime.clock.now(), state, edited(runtime, "les-1", "Half"), None, 0)
    lesson_id = course_of(runtime).lesson_ids["les-1"]
    import_lessons(runtime, course_of(runtime).course, [lessons[0].model_copy(update={"slug": "nieuw"}), *lessons[1:]])
    with runtime.database.read() as session:
        kept = {one.slug: one.fields for one in kept_drafts.of_course(session, course_of(runtime).id)}
    assert (kept["nieuw"]["en.title"], kept[f"nieuw-{lesson_id}"]["nl.title"]) == ("Nieuw", "Half")


def rewritten_and_counted_on(lessons: list[Lesson]) -> list[Lesson]:
    return counted([with_questions(lessons[0], "front"), *lessons[:3], with_questions(lessons[3], "x"), *lessons[4:]])


def all_with_another_question_and_counted_on(lessons: list[Lesson]) -> list[Lesson]:
    texts = {one.slug: {code: text.quiz for code, text in one.texts.items()} for one in lessons}
    changed = []
    for one in lessons:
        another = with_questions(one, f"more-{one.number}")
        new = {
            code: text.model_copy(update={"quiz": (texts[one.slug][code][0], *another.texts[code].quiz[1:])})
            for code, text in one.texts.items()
        }
        changed.append(one.model_copy(update={"texts": new}))
    return counted([with_questions(lessons[0], "front"), *changed])


@pytest.mark.parametrize("edit", [rewritten_and_counted_on, all_with_another_question_and_counted_on])
def test_an_import_is_refused_where_nobody_can_tell_which_lesson_is_which(
    runtime: Runtime, edit: Callable[[list[Lesson]], list[Lesson]]
) -> None:
    lessons = numbered_slugs(runtime)
    before = course_of(runtime)
    with pytest.raises(AuthoringErrors, match=r"-les-5\.en\.md:1: this may be a new lesson, or .*second import"):
        import_lessons(runtime, before.course, edit(list(lessons)))
    assert course_of(runtime) == before


def test_slugs_are_not_changed_over_what_is_newer_in_the_admin_pages(runtime: Runtime) -> None:
    lessons = numbered_slugs(runtime)
    course = course_of(runtime).course
    publish(runtime, edited(runtime, "les-9", "Nieuwer"))
    move_in_admin(runtime, 1, 2)
    before = course_of(runtime)
    with pytest.raises(
        AuthoringErrors, match=r"les-2.*newer in the admin pages: les-9, the order of the lessons. Export"
    ):
        import_lessons(runtime, course, without_second(lessons))
    assert course_of(runtime) == before


def test_a_lesson_that_is_taken_out_and_put_back_under_another_slug_does_not_come_again(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    lessons = numbered_slugs(runtime)
    had_it, waits = make_reader(runtime), make_reader(runtime)
    days(runtime, dispatcher, 1)
    waits = make_reader(runtime)
    days(runtime, dispatcher, 1)
    course = course_of(runtime).course
    lesson_id = course_of(runtime).lesson_ids["les-2"]
    out, rest = lessons[1], [lessons[0], *lessons[2:]]
    import_lessons(runtime, course, rest)
    days(runtime, dispatcher, 1)
    import_lessons(runtime, course, [*rest, out.model_copy(update={"slug": "anders"})])
    assert course_of(runtime).lesson_ids["anders"] == lesson_id
    days(runtime, dispatcher, 10)
    for reader in (had_it, waits):
        assert sorted(questions_to(runtime, reader)) == sorted(asked(one) for one in lessons)
