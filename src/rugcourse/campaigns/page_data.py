"""The data of the admin pages about campaigns and drafts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.campaigns import drafts
from rugcourse.campaigns.drafts import Part
from rugcourse.campaigns.progress import CampaignProgress, progress_of
from rugcourse.content import Course, Message
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import CampaignRow, DeliveryRow, DeliveryState, SubscriberRow
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import audiences, campaigns
from rugcourse.errors import NotFoundError
from rugcourse.scheduling import Timing

_ORDERS: Mapping[str, Callable[[CampaignRow], tuple[str, int]]] = {
    "made": lambda row: ("", row.id),
    "name": lambda row: (row.name.casefold(), row.id),
    "status": lambda row: (row.status, row.id),
}


class CampaignNotFound(NotFoundError):
    """There is no campaign with this id."""


@dataclass(frozen=True, slots=True)
class CampaignList:
    """A page of campaigns with their progress, and discarded drafts.

    `has_more`: there are more campaigns behind this page.
    """

    campaigns: Sequence[CampaignRow]
    progress: Mapping[int, CampaignProgress]
    discarded: Sequence[CampaignRow]
    has_more: bool


@dataclass(frozen=True, slots=True)
class CampaignDetails:
    """A started campaign. `course`: None while it is not published."""

    progress: CampaignProgress
    course: Course | None
    timing: Timing


@dataclass(frozen=True, slots=True)
class Mails:
    """A page of a campaign's mails. `more`: the id of the last one, if there are more."""

    found: Sequence[tuple[DeliveryRow, SubscriberRow]]
    more: int | None


@dataclass(frozen=True, slots=True)
class AudienceChoices:
    """The courses and tags that an audience can be chosen by."""

    courses: Sequence[PublishedCourse]
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class CampaignMails:
    """The content of a campaign's mails: a course, or the message of a broadcast, and its languages."""

    course: Course
    message: Message | None
    languages: tuple[str, ...]


def find(session: Session, campaign_id: int) -> CampaignRow:
    """Return a campaign. Raises CampaignNotFound."""
    row = campaigns.find(session, campaign_id)
    if row is None:
        raise CampaignNotFound
    return row


def listed(
    session: Session,
    limit: int,
    *,
    archived: bool,
    skip: int = 0,
    by: str = "made",
    backwards: bool = True,
) -> CampaignList:
    """Return up to `limit` campaigns behind the first `skip`, or archived ones: by `name`, `status`, or as `made`."""
    rows = sorted(campaigns.listed(session, archived=archived), key=_ORDERS[by], reverse=backwards)
    shown = rows[skip : skip + limit]
    return CampaignList(
        campaigns=shown,
        progress={row.id: progress_of(session, row) for row in shown},
        discarded=campaigns.discarded(session),
        has_more=len(rows) > skip + limit,
    )


def details(session: Session, course_cache: CourseCache, row: CampaignRow) -> CampaignDetails:
    """Return the data of a started campaign's page."""
    published = course_cache.of_campaign(session, row.id)
    return CampaignDetails(progress_of(session, row), published.course if published else None, campaigns.timing_of(row))


def mails(
    session: Session, campaign_id: int, state: DeliveryState | None, lesson_id: int, after_id: int, limit: int
) -> Mails:
    """Return mails in a state (None: not sent yet) of one lesson or of all lessons (0), with ids above `after_id`."""
    found = campaigns.readers_in(session, campaign_id, state, lesson_id, after_id, limit + 1)
    return Mails(found[:limit], found[limit - 1][0].id if len(found) > limit else None)


def audience_choices(session: Session, course_cache: CourseCache) -> AudienceChoices:
    """Return what the form for an audience offers."""
    return AudienceChoices(course_cache.courses(session), audiences.all_tags(session))


def campaign_mails(session: Session, course_cache: CourseCache, row: CampaignRow) -> CampaignMails:
    """Return the content of a campaign's mails. Raises CampaignNotFound while its course is not published."""
    published = course_cache.of_campaign(session, row.id)
    if published is None:
        raise CampaignNotFound
    if row.sends_course:
        return CampaignMails(published.course, None, published.course.languages)
    message = campaigns.find_message(session, row.id)
    return CampaignMails(published.course, message, tuple(message.texts) if message else ())


def message_id(session: Session, row: CampaignRow) -> int | None:
    """Return the lesson id of a broadcast's message; None for a course, or before it is written."""
    return campaigns.message_id_of(session, row.id)


def etag(session: Session, row: CampaignRow, step: str, *, anew: bool) -> str:
    """Return the etag of what a step of the wizard shows. `anew`: of its current state in the database."""
    shown = campaigns.find(session, row.id) or row if anew else row
    return drafts.etag(session, shown, *([Part(step)] if step in {*Part} else []))


def timing_of(row: CampaignRow) -> Timing:
    return campaigns.timing_of(row)
