"""The data of the page with what readers and visitors wrote about lessons, and how many remarks are new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.content.languages import text_for
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.queries import remarks
from rugcourse.reports.funnels import Titled, lessons_of

NEW_DAYS = 30
MOST_COUNTED = 1000  # the dashboard says "at least" from here on, so that it never counts without end


@dataclass(frozen=True, slots=True)
class LessonsOfCourse:
    """The lessons of a course, also removed ones."""

    title: str
    lessons: Sequence[Titled]


@dataclass(frozen=True, slots=True)
class RemarkPage:
    """A page of remarks, newest first. `more`: the id of the last one, if there are more.

    `lessons`: what remarks can be of, by course; `titles`: lesson id → title.
    """

    remarks: Sequence[remarks.SavedRemark]
    more: int | None
    lessons: Sequence[LessonsOfCourse]
    titles: Mapping[int, str]


def remark_page(
    session: Session, course_cache: CourseCache, lesson_id: int | None, before_id: int | None, limit: int, language: str
) -> RemarkPage:
    """Return up to `limit` remarks, of one lesson or of all, with titles in `language` where they exist."""
    found = remarks.newest(session, lesson_id, before_id, limit + 1)
    lessons = [
        LessonsOfCourse(text_for(one.course.texts, language).title, lessons_of(session, course_cache, one, language))
        for one in course_cache.courses(session)
    ]
    return RemarkPage(
        remarks=found[:limit],
        more=found[limit - 1].id if len(found) > limit else None,
        lessons=lessons,
        titles={lesson.id: lesson.title for one in lessons for lesson in one.lessons},
    )


def new_remarks(session: Session, now: datetime) -> int:
    """Return how many remarks the last `NEW_DAYS` days brought; `MOST_COUNTED` stands for as many or more."""
    return remarks.count_since(session, now - timedelta(days=NEW_DAYS), MOST_COUNTED)
