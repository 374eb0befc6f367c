"""The data of the admin pages about subscribers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.audience import BY_SIGN_UP, SubscriberFilter, SubscriberOrder
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import CampaignRow, EnrolmentRow, SubscriberRow
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import audiences, campaigns, enrolments, subscriber_search, subscribers
from rugcourse.db.search_index import finds_parts
from rugcourse.enrolment import suppression
from rugcourse.enrolment.suppression import Suppressed
from rugcourse.links import Signer
from rugcourse.scheduling import Schedule
from rugcourse.subscribers.admin_actions import SubscriberNotFound
from rugcourse.subscribers.timeline import Moment, timeline


@dataclass(frozen=True, slots=True)
class SubscriberList:
    """A page of a search. `more`: the id of the last person, if there are more; `tags`, `campaigns`: the filters.

    `finds_parts`: the search finds any part of an address or name, see `rugcourse.db.search_index`.
    """

    people: Sequence[SubscriberRow]
    more: int | None
    tags: Sequence[str]
    campaigns: Sequence[CampaignRow]
    finds_parts: bool


@dataclass(frozen=True, slots=True)
class FollowedCourse:
    """An enrolment, and its course."""

    enrolment: EnrolmentRow
    published: PublishedCourse


@dataclass(frozen=True, slots=True)
class SubscriberDetails:
    """One subscriber. `moments`: their timeline, newest first (UTC). `known_tags`: those that anybody has."""

    person: SubscriberRow
    schedule: Schedule
    paused: bool
    follows: Sequence[FollowedCourse]
    moments: Sequence[Moment]
    tags: Sequence[str]
    known_tags: Sequence[str]
    suppressed: Suppressed | None


def search(
    session: Session, wanted: SubscriberFilter, after_id: int, limit: int, order: SubscriberOrder = BY_SIGN_UP
) -> SubscriberList:
    """Return up to `limit` people behind the person `after_id` in this order, and the choices of the filters."""
    found = subscriber_search.search(session, wanted, after_id, limit + 1, order)
    return SubscriberList(
        people=found[:limit],
        more=found[limit - 1].id if len(found) > limit else None,
        tags=audiences.all_tags(session),
        campaigns=campaigns.listed(session),
        finds_parts=finds_parts(session),
    )


def details(
    session: Session, now: datetime, course_cache: CourseCache, signer: Signer, subscriber_id: int, language: str
) -> SubscriberDetails:
    """Return the data of the page about one subscriber, with titles in `language`. Raises SubscriberNotFound."""
    person = session.get(SubscriberRow, subscriber_id)
    if person is None:
        raise SubscriberNotFound
    schedule = subscribers.find_schedule(session, person.id) or Schedule("UTC", 8)
    return SubscriberDetails(
        person=person,
        schedule=schedule,
        paused=schedule.is_paused(now),
        follows=_followed(session, course_cache, person.id),
        moments=timeline(session, course_cache, person.id, language),
        tags=subscribers.tags_of(session, person.id),
        known_tags=audiences.all_tags(session),
        suppressed=suppression.find(session, signer, person.email),
    )


def _followed(session: Session, course_cache: CourseCache, subscriber_id: int) -> list[FollowedCourse]:
    courses = campaigns.of_courses(session)  # without broadcasts
    theirs = [one for one in enrolments.of_subscriber(session, subscriber_id) if one.campaign_id in courses]
    found = [(one, course_cache.of_campaign(session, one.campaign_id)) for one in theirs]
    return [FollowedCourse(enrolment, published) for enrolment, published in found if published is not None]


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """A page of known suppressed people. `counts`: reason → number; `asked`: the address that was searched for."""

    asked: Suppressed | None
    people: Sequence[Suppressed]
    more: int | None
    counts: Mapping[str, int]


def suppressions(session: Session, signer: Signer, typed: str, after_id: int, limit: int) -> SuppressionList:
    """Return up to `limit` people with ids above `after_id`. `typed`: an address to search for."""
    people = suppression.people(session, signer, after_id, limit + 1)
    return SuppressionList(
        asked=suppression.find(session, signer, typed) if typed.strip() else None,
        people=people[:limit],
        more=people[limit - 1].subscriber_id if len(people) > limit else None,
        counts=subscribers.suppressions_by_reason(session),
    )
