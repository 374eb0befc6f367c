"""What publishing changes for people, to be said before the button: who notices what, and which A/B tests end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy.orm import Session

from rugcourse.content import Course
from rugcourse.course_editor.course_draft import CourseDraft
from rugcourse.course_editor.course_publishing import assembled
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.parts import CoursePart
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import ab_tests, enrolments

MOST_COUNTED = 10_000  # readers; "10,000 or more" says enough, and a page must not count a million


@dataclass(frozen=True, slots=True)
class PublishingEffects:
    """What publishing a course changes. Numbers of readers are at most `MOST_COUNTED`.

    `under_way`: readers whose course is not over; `translated`: language → those of them who read it, and got another
    language until now. `ended_ab_tests`: slugs of lessons whose running A/B test ends, as their text changes.
    `has_new_cadence`: lessons come at other intervals, also for readers under way.
    """

    under_way: int
    translated: Mapping[str, int]
    ended_ab_tests: tuple[str, ...]
    has_new_cadence: bool = False


def effects_of(session: Session, draft: CourseDraft, languages: Sequence[str]) -> PublishingEffects:
    """Return what publishing a draft changes, with these languages beside those that are published already."""
    if draft.published is None:
        return PublishingEffects(0, {}, ())
    spoken = [one for one in draft.languages if one in {*languages, *draft.course.languages}]
    new = [one for one in spoken if one not in draft.course.languages]
    translated = {one: enrolments.count_under_way(session, draft.id, MOST_COUNTED, [one]) for one in new}
    under_way = enrolments.count_under_way(session, draft.id, MOST_COUNTED)
    try:
        ended = ended_ab_tests(session, draft.published, assembled(draft, spoken))
    except ValidationError:  # not to be published yet
        ended = ()
    is_new = _cadence(draft, written=True) != _cadence(draft, written=False)
    return PublishingEffects(under_way, translated, ended, is_new)


def _cadence(draft: CourseDraft, *, written: bool) -> dict[str, str]:
    """Return the fields of the cadence, as they are written or as they are published."""
    fields = draft.fields(CoursePart.PAGE) if written else draft.published_fields(CoursePart.PAGE)
    return {name: text for name, text in fields.items() if name.startswith("cadence_")}


def ends_ab_test(session: Session, published: PublishedCourse, lesson_draft: LessonDraft) -> bool:
    """Return whether publishing a lesson ends its running A/B test."""
    try:
        course = lesson_draft.course_with(lesson_draft.lesson())
    except ValidationError:
        return False
    return lesson_draft.slug in ended_ab_tests(session, published, course)


def ended_ab_tests(session: Session, published: PublishedCourse, course: Course) -> tuple[str, ...]:
    """Return the slugs of lessons with a running A/B test whose text is another one in `course`, or is gone."""
    running = ab_tests.open_lessons(session, list(published.lesson_ids.values()))
    after = {one.slug: one.texts for one in course.lessons}
    return tuple(
        one.slug
        for one in published.course.lessons
        if published.lesson_ids[one.slug] in running and after.get(one.slug) != one.texts
    )
