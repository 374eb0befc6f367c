"""The data of the dashboard, from the counters: people, mails by day, and a funnel for each course."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.content.languages import language_for
from rugcourse.db import counters
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import (
    CampaignRow,
    DeliveryState,
    EnrolmentStatus,
    EventKind,
    HoldRow,
    SubscriberStatus,
    Verdict,
)
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import campaigns, deliveries, sending_holds
from rugcourse.reports.cached_stats import CachedGain, CoursePeople, Figures, kept_figures
from rugcourse.reports.campaign_results import text_of, title_of
from rugcourse.reports.deliverability import campaign_names

_DAYS = 14
_SHOWN = 20


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


@dataclass(frozen=True, slots=True)
class Overview:
    """The dashboard. `people`: status → number. `sent`, `failed`: day (UTC) → mails planned that day.

    `doubtful`: mails whose delivery is unknown. `came_back`: bounce rate (0 to 1). `figures`: None until computed.
    `unknown`: the oldest unknown mails. `waiting`: campaigns that were paused automatically. `names`: hold key →
    campaign.
    """

    people: dict[str, int]
    sent: dict[date, int]
    failed: dict[date, int]
    doubtful: int
    came_back: float
    funnels: tuple[Funnel, ...]
    figures: Figures | None
    holds: Sequence[HoldRow]
    unknown: Sequence[object]
    waiting: Sequence[CampaignRow]
    names: Mapping[str, str]


def overview(session: Session, course_cache: CourseCache, now: datetime, language: str) -> Overview:
    """Return the data of the dashboard, with texts in `language` where they exist."""
    counted = counters.totals(session)
    first = now.date() - timedelta(days=_DAYS - 1)
    sent = counters.by_day(session, first, f"mail {DeliveryState.ACCEPTED}")
    failed = counters.by_day(session, first, f"mail {DeliveryState.FAILED}")
    came_back = [
        counters.by_day(session, first, f"event {EventKind.BOUNCE} {verdict}")
        for verdict in (Verdict.MACHINE, Verdict.UNKNOWN)
    ]
    days = [first + timedelta(days=n) for n in range(_DAYS)]
    figures = kept_figures(session)
    doubtful = sum(n for (_, _, what), n in counted.items() if what == f"mail {DeliveryState.UNKNOWN}")
    courses_of = campaigns.of_courses(session)
    return Overview(
        {status.value: counted.get((0, 0, f"subscriber {status}"), 0) for status in SubscriberStatus},
        {day: sent.get(day, 0) for day in days},
        {day: failed.get(day, 0) for day in days},
        doubtful,
        sum(sum(one.values()) for one in came_back) / max(sum(sent.values()) + sum(failed.values()), 1),
        tuple(
            _funnel(counted, one, lessons_of(session, course_cache, one, language), courses_of, language, figures)
            for one in course_cache.courses(session)
        ),
        figures,
        sending_holds.all_holds(session),
        # The query reads the whole ledger, so it runs only if the counter says that there are any.
        deliveries.in_state(session, DeliveryState.UNKNOWN, _SHOWN) if doubtful else [],
        [row for row in campaigns.listed(session) if row.pause_reason],
        campaign_names(session),
    )


def lessons_of(session: Session, course_cache: CourseCache, published: PublishedCourse, language: str) -> list[Titled]:
    """Return the lessons of a course, including removed ones."""
    evergreen = campaigns.find(session, published.campaign_id)
    found = [
        (one, text_of(session, course_cache, one, language))
        for one in (campaigns.lessons_ever_in(session, evergreen) if evergreen else ())
    ]
    return [Titled(one.id, title_of(one, text.title), one.position is not None) for one, text in found if text]


def _funnel(
    counted: dict[tuple[int, int, str], int],
    published: PublishedCourse,
    lessons: list[Titled],
    courses_of: dict[int, int],
    language: str,
    figures: Figures | None,
) -> Funnel:
    mine = {campaign_id for campaign_id, course_id in courses_of.items() if course_id == published.id}
    course = published.course
    spoken = language_for(course.texts, language)

    def number(what: str, lesson_id: int = 0) -> int:
        return sum(counted.get((campaign_id, lesson_id, what), 0) for campaign_id in mine)

    with_readers = {one for one in mine for status in EnrolmentStatus if counted.get((one, 0, f"reader {status}"))}
    people = figures.people.get(published.id) if figures else None
    if len(with_readers) <= 1:
        people = _people_of_one(number, lessons)
    answers = counters.answers_in((what, n) for (campaign_id, _, what), n in counted.items() if campaign_id in mine)
    return Funnel(
        slug=course.slug,
        campaign_id=published.campaign_id,
        language=spoken,
        title=course.texts[spoken].title,
        tests=counted.get((0, 0, f"test before {published.id}"), 0),
        readers=people.readers if people else None,
        lessons=tuple(
            (one.title, people.lessons.get(one.id, 0) if people else None)
            for one in lessons
            if one.in_course or (people and people.lessons.get(one.id))  # removed lessons keep their figures
        ),
        completed=people.completed if people else None,
        answered=answers.given,
        answered_right=answers.right,
        gain=figures.gains.get(published.id) if figures else None,
    )


def _people_of_one(number: Callable[..., int], lessons: list[Titled]) -> CoursePeople:
    """Return the people of a course in which only one campaign has readers: its counters count distinct people."""
    return CoursePeople(
        readers=sum(number(f"reader {status}") for status in EnrolmentStatus),
        completed=number(f"reader {EnrolmentStatus.COMPLETED}"),
        lessons={one.id: number("mail accepted", one.id) for one in lessons},
    )
