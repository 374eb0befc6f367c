"""What the API answers with. Times are in UTC (RFC 3339); `hour` is local to the subscriber's time zone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rugcourse.db.audience import MAX_TAG_LENGTH, SubscriberFilter
from rugcourse.db.models import CampaignRow, SubscriberRow, SubscriberStatus
from rugcourse.db.published_course import PublishedCourse
from rugcourse.enrolment.suppression import Suppressed
from rugcourse.locales import SOURCE_LANGUAGE
from rugcourse.reports.campaign_results import Results
from rugcourse.scheduling import Schedule
from rugcourse.subscribers.page_data import SubscriberDetails
from rugcourse.web.api.pagination import MOST

SubscriberAction = Literal["pause", "resume", "unsubscribe", "no_tags", "no_statistics"]
CampaignAction = Literal["pause", "resume", "cancel"]
# As long as on the admin pages.
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)]


class _Sent(BaseModel):
    """A body that is sent to us: fields that are not known are an error, and not passed over."""

    model_config = ConfigDict(extra="forbid")


class ScheduleView(BaseModel):
    """When somebody gets lessons. `weekdays`: 0 is Monday. `every_days`: at least so many days apart."""

    time_zone: str
    hour: int
    weekdays: list[int]
    every_days: int
    paused: bool
    paused_until: datetime | None


class EnrolmentView(BaseModel):
    """A course that somebody takes. `lessons_planned`: how many were planned or sent so far."""

    course: str
    status: str
    lessons_planned: int
    next_due_at: datetime | None


class SubscriberSummary(BaseModel):
    """A subscriber in a list."""

    id: int
    email: str
    name: str
    language: str
    status: str
    created_at: datetime
    confirmed_at: datetime | None

    @classmethod
    def of(cls, row: SubscriberRow) -> SubscriberSummary:
        names = ("id", "email", "name", "language", "status", "created_at", "confirmed_at")
        return cls(**{name: getattr(row, name) for name in names})


class SubscriberQuery(_Sent):
    """Which subscribers a list has. `search`: a part of their address or name."""

    search: str = Field("", max_length=100)
    status: SubscriberStatus | None = None
    language: str = Field("", max_length=5)
    tag: str = Field("", max_length=MAX_TAG_LENGTH)
    limit: int = Field(50, ge=1, le=MOST)
    cursor: str = Field("", max_length=200)

    def filter(self) -> SubscriberFilter:
        return SubscriberFilter(self.search.strip().lower(), self.status, self.language, self.tag)


class SubscriberView(SubscriberSummary):
    """A subscriber. `tracking_consent`, `news_consent`: what they agreed to."""

    tracking_consent: bool
    news_consent: bool
    schedule: ScheduleView
    tags: list[str]
    enrolments: list[EnrolmentView]

    @classmethod
    def of_details(cls, found: SubscriberDetails) -> SubscriberView:
        row = found.person
        return cls(
            **SubscriberSummary.of(row).model_dump(),
            tracking_consent=row.tracking_consent,
            news_consent=row.news_consent,
            schedule=_schedule(found.schedule),
            tags=list(found.tags),
            enrolments=[
                EnrolmentView(
                    course=one.published.course.slug,
                    status=one.enrolment.status,
                    lessons_planned=one.enrolment.lessons_planned,
                    next_due_at=one.enrolment.next_due_at,
                )
                for one in found.follows
            ],
        )


def _schedule(schedule: Schedule) -> ScheduleView:
    return ScheduleView(
        time_zone=schedule.zone,
        hour=schedule.hour,
        weekdays=sorted(schedule.weekdays),
        every_days=schedule.every_days,
        paused=schedule.paused,
        paused_until=schedule.paused_until,
    )


class NewSubscriber(_Sent):
    """A signup. The address gets an email that asks to confirm it, as with the form, and is `pending` until it does.

    `course`: its slug, as `GET /api/v1/courses` lists it. `language`: a code that the course has, such as `en`. `hour`:
    local, 0 to 23. `weekdays`: 0 is Monday.
    """

    email: str = Field(max_length=254)
    course: str = Field(max_length=60, examples=["back-pain"])
    language: str = Field(max_length=5, examples=[SOURCE_LANGUAGE])
    name: str = Field("", max_length=80)
    time_zone: str = Field(max_length=60, examples=["Europe/Amsterdam"])
    hour: int = Field(8, ge=0, le=23)
    weekdays: list[int] = Field(default=[0, 1, 2, 3, 4, 5, 6], min_length=1, max_length=7)


class SubscriberActionRequest(_Sent):
    """An action, and why, for the audit log."""

    action: SubscriberAction
    reason: Reason


class LessonView(BaseModel):
    """A lesson. `titles`: by language."""

    slug: str
    number: int
    titles: dict[str, str]


class CourseView(BaseModel):
    """A published course. `titles` and `taglines`: by language."""

    slug: str
    languages: list[str]
    titles: dict[str, str]
    taglines: dict[str, str]
    archived: bool
    published_at: datetime
    lessons: list[LessonView]

    @classmethod
    def of(cls, published: PublishedCourse) -> CourseView:
        course = published.course
        return cls(
            slug=course.slug,
            languages=list(course.languages),
            titles={code: text.title for code, text in course.texts.items()},
            taglines={code: text.tagline for code, text in course.texts.items()},
            archived=published.is_archived,
            published_at=published.published_at,
            lessons=[
                LessonView(
                    slug=one.slug, number=one.number, titles={code: text.title for code, text in one.texts.items()}
                )
                for one in course.lessons
            ],
        )


class CampaignView(BaseModel):
    """A campaign. `readers`: how many by the status of their enrolment; only for one campaign, not in lists."""

    id: int
    kind: str
    name: str
    status: str
    created_at: datetime
    started_at: datetime | None
    pause_reason: str | None
    readers: dict[str, int] | None = None

    @classmethod
    def of(cls, row: CampaignRow, readers: dict[str, int] | None = None) -> CampaignView:
        names = ("id", "kind", "name", "status", "created_at", "started_at", "pause_reason")
        return cls(**{name: getattr(row, name) for name in names}, readers=readers)


class CampaignActionRequest(_Sent):
    """What to do with a campaign."""

    action: CampaignAction


class EmailResult(BaseModel):
    """The results of an email of a campaign. `opened_by_machines`: fetched by proxies and scanners, not by people."""

    title: str
    arrived: int
    opened: int
    opened_by_machines: int
    clicked: int
    helped: int
    not_helped: int


class CampaignResultsView(BaseModel):
    """The results of a campaign.

    `before`, `after`: the mean share of right answers (0 to 1) of the `tested_twice` people who took both tests.
    """

    emails: list[EmailResult]
    tested_twice: int
    before: float | None
    after: float | None

    @classmethod
    def of(cls, found: Results) -> CampaignResultsView:
        return cls(
            emails=[EmailResult.model_validate(one, from_attributes=True) for one in found.mails],
            tested_twice=found.twice,
            before=found.before,
            after=found.after,
        )


class SuppressionView(BaseModel):
    """A suppressed address. `email`: None where only a keyed hash of it is known."""

    email: str | None
    reason: str
    suppressed_at: datetime

    @classmethod
    def of(cls, found: Suppressed) -> SuppressionView:
        return cls(email=found.email, reason=found.reason, suppressed_at=found.at)


class NewSuppression(_Sent):
    """An address that is to get no email, and why, for the audit log."""

    email: str = Field(max_length=254)
    reason: Reason


class RequestAccepted(BaseModel):
    """The request was carried out, now or when it was first sent."""

    accepted: Literal[True] = True
