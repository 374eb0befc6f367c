"""Statistics that take seconds to compute for a million readers; computed in the background, cached in the database."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.queries import campaigns, courses, enrolments, heartbeats, learning
from rugcourse.delivery.forecast import count_by_hour
from rugcourse.reports.answered_lessons import AnsweredLessons, answered_by_week
from rugcourse.scheduling import SendWindow

DAYS = 14
FEWEST_PUBLIC = 30  # people in a figure that anybody can read
_KEY = "figures"
_FRESH_SECONDS = 600.0  # wall-clock seconds


class CachedGain(BaseModel):
    """Readers who took the test twice, and their mean share of right answers (0 to 1), None if there are none."""

    model_config = ConfigDict(frozen=True)

    twice: int
    before: float | None
    after: float | None


class CoursePeople(BaseModel):
    """Distinct people who follow or followed a course, completed it, or got a lesson. `lessons`: lesson id → people."""

    model_config = ConfigDict(frozen=True)

    readers: int
    completed: int
    lessons: dict[int, int]


class Figures(BaseModel):
    """The cached statistics. `at`: when they were computed (UTC); `coming`: day (UTC) → lessons due by the current
    plan.

    `gains`: by course id. `people`: by course id, for courses with several campaigns, whose readers may overlap.
    `answered`: by the first day (UTC) of each of the last weeks, which end now, the latest last.
    """

    model_config = ConfigDict(frozen=True)

    at: datetime
    coming: dict[date, int]
    gains: dict[int, CachedGain]
    people: dict[int, CoursePeople] = {}
    answered: dict[date, AnsweredLessons] = {}


def refresh(database: Database, clock: Clock, send_window: SendWindow) -> bool:
    """Compute the statistics if they are outdated. Returns whether they were."""
    now = clock.now()
    with database.read() as session:
        kept = kept_figures(session)
    if kept is not None and timedelta(0) <= now - kept.at < clock.span(_FRESH_SECONDS):
        return False
    hours = count_by_hour(database, clock, send_window, DAYS)
    days: Counter[date] = Counter({now.date() + timedelta(days=n): 0 for n in range(DAYS)})
    for hour, count in hours.items():
        days[hour.date()] += count
    with database.read() as session:
        gains = {course_id: _gain(session, course_id) for course_id, _ in courses.course_ids(session)}
        campaigns_of = Counter(campaigns.of_courses(session).values())
        people = {course_id: _people(session, course_id) for course_id, n in campaigns_of.items() if n > 1}
        answered = answered_by_week(session, now)
    found = Figures(at=now, coming=dict(sorted(days.items())), gains=gains, people=people, answered=answered)
    with database.write() as session:
        heartbeats.set_value(session, _KEY, found.model_dump_json())
    return True


def kept_figures(session: Session) -> Figures | None:
    """Return the cached statistics, or None before they were computed."""
    kept = heartbeats.get_value(session, _KEY)
    return Figures.model_validate_json(kept) if kept else None


def gain_of(session: Session, course_id: int) -> CachedGain:
    """Return the learning gain of a course, from the cache if it is there."""
    kept = kept_figures(session)
    return kept.gains[course_id] if kept and course_id in kept.gains else _gain(session, course_id)


def public_gain(session: Session, course_id: int) -> CachedGain | None:
    """Return the learning gain that the page of a course may tell: of enough people, and one, from the cache.

    None before it was computed. So a page never waits for it, and nobody can be recognised in it.
    """
    kept = kept_figures(session)
    gain = kept.gains.get(course_id) if kept else None
    if gain is None or gain.twice < FEWEST_PUBLIC or gain.before is None or gain.after is None:
        return None
    return gain if gain.after > gain.before else None


def _gain(session: Session, course_id: int) -> CachedGain:
    twice, before, after = learning.gain_of_course(session, course_id)
    return CachedGain(twice=twice, before=before, after=after)


def _people(session: Session, course_id: int) -> CoursePeople:
    found = enrolments.people_of_course(session, course_id)
    return CoursePeople(readers=found.readers, completed=found.completed, lessons=dict(found.lessons))
