"""How many lessons their readers answered, week by week, from the counters."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from rugcourse.db import counters
from rugcourse.db.counters import Key
from rugcourse.db.models import DeliveryState
from rugcourse.db.queries import campaigns

_WEEK = 7
_WEEKS = 6
_ARRIVED = f"mail {DeliveryState.ACCEPTED}"


class AnsweredLessons(BaseModel):
    """Lessons of a week. `answered`: how many answers its most answered question got, summed over the lessons.

    So a lesson with two questions counts once for each reader. Answers by machines and by who objected are left out.
    """

    model_config = ConfigDict(frozen=True)

    lessons: int
    answered: int


def answered_by_week(session: Session, now: datetime) -> dict[date, AnsweredLessons]:
    """Return the last weeks by their first day (UTC), the last one of which ends today."""
    first = now.date() - timedelta(days=_WEEK * _WEEKS - 1)
    counted = counters.since(session, first)
    of_courses = campaigns.of_courses(session)
    weeks: dict[int, dict[Key, int]] = defaultdict(dict)
    for key, n in counted.items():
        if key.campaign_id in of_courses and key.lesson_id:
            weeks[(key.day - first).days // _WEEK][key] = n
    return {first + timedelta(days=_WEEK * week): _answered(weeks.get(week, {})) for week in range(_WEEKS)}


def _answered(counted: Mapping[Key, int]) -> AnsweredLessons:
    lessons = 0
    answers: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for key, n in counted.items():
        question = counters.question_of(key.metric)
        if key.metric == _ARRIVED:
            lessons += n
        elif question:
            answers[key.campaign_id, key.lesson_id][question] += n
    answered = sum(max(by_question.values()) for by_question in answers.values())
    return AnsweredLessons(lessons=lessons, answered=min(answered, lessons))  # an answer may come a week later
