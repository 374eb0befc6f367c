"""Lessons that are edited, inserted, renamed and published."""

from __future__ import annotations

from datetime import timedelta

from tests.support.builders import course_of, lessons_to, plan, send_all

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.content import Course, Lesson
from rugcourse.course_editor.file_sync import import_course
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.merge import numbered
from rugcourse.course_editor.publishing import AlreadyPast, ExistingReaders, publish_lesson
from rugcourse.delivery.dispatcher import Dispatcher

NOBODY = None  # at the command line


def edited(runtime: Runtime, slug: str, title: str) -> LessonDraft:
    course = course_of(runtime).course
    lesson = course.lesson(slug)
    assert lesson is not None
    fields = {**fields_of(lesson), "nl.title": title, "nl.subject": title}
    return LessonDraft(course, slug, lesson.number, fields)


def inserted(runtime: Runtime, place: int) -> LessonDraft:
    model = edited(runtime, "welkom", "Ertussen")
    fields = {**model.fields, "quiz.0.id": "new-1", "quiz.1.id": "new-2"}
    return LessonDraft(model.course, "ertussen", place, fields)


def publish(
    runtime: Runtime,
    lesson_draft: LessonDraft,
    under_way: ExistingReaders = ExistingReaders.NEW,
    behind: AlreadyPast = AlreadyPast.NOBODY,
) -> int:
    return runtime.database.run(publish_lesson, runtime.clock.now(), NOBODY, lesson_draft, under_way, behind)


def pass_days(runtime: Runtime, dispatcher: Dispatcher, count: int) -> None:
    assert isinstance(runtime.clock, VirtualClock)
    for _ in range(count):
        runtime.clock.move_to((runtime.clock.now() + timedelta(days=1)).replace(hour=7))  # eight in Amsterdam
        plan(runtime)
        send_all(dispatcher)


def slugs_to(runtime: Runtime, email: str) -> list[str]:
    with runtime.database.read() as session:
        return [
            runtime.course_cache.version(session, one.lesson_version_id or 0).slug for one in lessons_to(runtime, email)
        ]


def titles_to(runtime: Runtime, email: str) -> list[str]:
    with runtime.database.read() as session:
        found = [
            runtime.course_cache.version(session, one.lesson_version_id or 0) for one in lessons_to(runtime, email)
        ]
    return [one.texts["nl"].title for one in found]


def import_lessons(runtime: Runtime, course: Course, lessons: list[Lesson]) -> None:
    import_course(runtime.database, runtime.clock, [course.model_copy(update={"lessons": numbered(lessons)})])


def renamed(runtime: Runtime, place: int, slug: str, **texts: object) -> None:
    """A lesson gets another slug in the files, and nothing on the landing page is about it."""
    course = course_of(runtime).course
    bare = {code: text.model_copy(update={"tiles": (), "sample": None}) for code, text in course.texts.items()}
    lessons = list(course.lessons)
    old = lessons[place - 1]
    new = {code: text.model_copy(update=texts) for code, text in old.texts.items()}
    lessons[place - 1] = old.model_copy(update={"slug": slug, "texts": new})
    import_lessons(runtime, course.model_copy(update={"texts": bare}), lessons)
