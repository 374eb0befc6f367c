"""The funnel of each course over all its campaigns, from the counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.content.languages import language_for
from rugcourse.db import counters
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import EnrolmentStatus
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import campaigns
from rugcourse.reports import funnel_steps
from rugcourse.reports.cached_stats import CachedGain, CoursePeople, Figures
from rugcourse.reports.campaign_results import text_of, title_of
from rugcourse.reports.funnel_steps import FunnelStep


@dataclass(frozen=True, slots=True)
class Titled:
    """A lesson with its current or last title. `in_course`: it was not removed."""

    id: int
    title: str
    in_course: bool


@dataclass(frozen=True, slots=True)
class Funnel:
    """A course over all its campaigns, in people. `lessons`: (title, people to whom it was sent).

    `answered`: first answers. None: not computed yet, for `gain` and for people who may be in several campaigns.
    """

    slug: str
    campaign_id: int
    language: str
    title: str
    tests: int
    readers: int | None
    lessons: tuple[tuple[str, int | None], ...]
    completed: int | None
    answered: int
    answered_right: int
    gain: CachedGain | None
    steps: tuple[FunnelStep, ...]


@dataclass(frozen=True, slots=True)
class FunnelSources:
    """What funnels are made of. `courses_of`: campaign id → course id. `figures`: None until computed."""

    counted: dict[tuple[int, int, str], int]
    courses_of: dict[int, int]
    figures: Figures | None


def course_funnels(
    session: Session,
    course_cache: CourseCache,
    counted: dict[tuple[int, int, str], int],
    figures: Figures | None,
    language: str,
) -> tuple[Funnel, ...]:
    """Return the funnel of each published course, with texts in `language` where they exist."""
    sources = FunnelSources(counted, campaigns.of_courses(session), figures)
    return tuple(
        _funnel(sources, one, lessons_of(session, course_cache, one, language), language)
        for one in course_cache.courses(session)
    )


def lessons_of(session: Session, course_cache: CourseCache, published: PublishedCourse, language: str) -> list[Titled]:
    """Return the lessons of a course, including removed ones."""
    evergreen = campaigns.find(session, published.campaign_id)
    found = [
        (one, text_of(session, course_cache, one, language))
        for one in (campaigns.lessons_ever_in(session, evergreen) if evergreen else ())
    ]
    return [Titled(one.id, title_of(one, text.title), one.position is not None) for one, text in found if text]


def _funnel(sources: FunnelSources, published: PublishedCourse, lessons: list[Titled], language: str) -> Funnel:
    counted, figures, course = sources.counted, sources.figures, published.course
    mine = {campaign_id for campaign_id, course_id in sources.courses_of.items() if course_id == published.id}
    spoken = language_for(course.texts, language)

    def number(what: str, lesson_id: int = 0) -> int:
        return sum(counted.get((campaign_id, lesson_id, what), 0) for campaign_id in mine)

    with_readers = {one for one in mine for status in EnrolmentStatus if counted.get((one, 0, f"reader {status}"))}
    people = figures.people.get(published.id) if figures else None
    if len(with_readers) <= 1:
        people = _people_of_one(number, lessons)
    answers = counters.answers_in((what, n) for (campaign_id, _, what), n in counted.items() if campaign_id in mine)
    reached = [(one, people.lessons.get(one.id, 0) if people else None) for one in lessons]
    tests = counted.get((0, 0, f"test before {published.id}"), 0)
    readers, completed = (people.readers, people.completed) if people else (None, None)
    return Funnel(
        slug=course.slug,
        campaign_id=published.campaign_id,
        language=spoken,
        title=course.texts[spoken].title,
        tests=tests,
        readers=readers,
        lessons=tuple((one.title, count) for one, count in reached if one.in_course or count),  # removed keep theirs
        completed=completed,
        answered=answers.given,
        answered_right=answers.right,
        gain=figures.gains.get(published.id) if figures else None,
        steps=funnel_steps.steps(
            readers,
            [count for one, count in reached if one.in_course],
            completed,
            tests if course.tests else None,
        ),
    )


def _people_of_one(number: Callable[..., int], lessons: list[Titled]) -> CoursePeople:
    """Return the people of a course in which only one campaign has readers: its counters count distinct people."""
    return CoursePeople(
        readers=sum(number(f"reader {status}") for status in EnrolmentStatus),
        completed=number(f"reader {EnrolmentStatus.COMPLETED}"),
        lessons={one.id: number("mail accepted", one.id) for one in lessons},
    )
