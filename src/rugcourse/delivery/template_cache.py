"""Caches compiled mails: each lesson version is compiled once for all readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.content import Course, Lesson
from rugcourse.content.languages import language_for
from rugcourse.content.markdown import UnknownTag
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import MAIL_TYPES, DeliveryKind, Ground
from rugcourse.db.queries import campaigns
from rugcourse.db.queries.claims import DeliveryJob
from rugcourse.emails import catalogue
from rugcourse.emails.mime import MessageStream, MimeSkeleton, Sender
from rugcourse.emails.templates import EmailTemplate, TemplateError
from rugcourse.links import Links
from rugcourse.settings import Settings
from rugcourse.site_settings import CurrentSite, Site

_KEPT = 512


@dataclass(frozen=True, slots=True)
class PreparedEmail:
    """A compiled mail without the reader's values. `lesson` is None unless it is a lesson."""

    template: EmailTemplate
    skeleton: MimeSkeleton
    course: Course
    lesson: Lesson | None
    language: str


class TemplateCache:
    """Prepares mails. Thread-safe: at worst two threads compile the same mail at the same time."""

    def __init__(
        self, course_cache: CourseCache, current: CurrentSite, sender_of: Callable[[Settings], Sender], links: Links
    ) -> None:
        """`sender_of`: the sender of mails, from the settings that apply."""
        self._course_cache = course_cache
        self._current = current
        self._sender_of = sender_of
        self._links = links
        self._prepared: dict[tuple[object, ...], PreparedEmail] = {}
        self._any_grounds: dict[int, bool] = {}

    def prepare(self, session: Session, job: DeliveryJob) -> PreparedEmail:
        """Return the compiled mail of a delivery. Raises TemplateError."""
        if not self._current.is_fresh:
            self._current.refresh_in(session)
        site = self._current.site
        wording = (job.kind, job.course, job.course_hash, job.lesson_version_id, job.language)
        key = (*wording, self._any_ground(session, job.campaign_id), site.revision)
        prepared = self._prepared.get(key)
        if prepared is None:
            try:
                prepared = self._make(session, job, site)
            except (ArithmeticError, LookupError, TypeError, ValueError, UnknownTag) as error:
                raise TemplateError(f"{job.kind}: {error!r}") from error  # concerns this mail only
            if len(self._prepared) >= _KEPT:
                self._prepared.clear()
            self._prepared[key] = prepared
        return prepared

    def _any_ground(self, session: Session, campaign_id: int) -> bool:
        """Whether a campaign may enrol people who consented only to news. That never changes, so it is cached."""
        found = self._any_grounds.get(campaign_id)
        if found is None:
            if len(self._any_grounds) >= _KEPT:
                self._any_grounds.clear()
            found = self._any_grounds[campaign_id] = campaigns.any_ground(session, campaign_id)
        return found

    def _make(self, session: Session, job: DeliveryJob, site: Site) -> PreparedEmail:
        branding = site.branding
        published = self._course_cache.course(session, job.course)
        if published is None:
            raise LookupError(job.course)
        course = published.course
        language = language_for(course.texts, job.language)
        lesson = None
        match job.kind:
            case DeliveryKind.LESSON:
                lesson = self._course_cache.version(session, _version_of(job))
                language = language_for(lesson.texts, language)
                any_ground = self._any_ground(session, job.campaign_id)
                template = catalogue.lesson_email(
                    course, lesson, language, branding, self._links, any_ground=any_ground
                )
            case DeliveryKind.BROADCAST:
                message = self._course_cache.message(session, _version_of(job))
                language = language_for(message.texts, job.language)
                is_news = campaigns.ground_of(session, job.campaign_id) == Ground.NEWS
                template = catalogue.message_email(course, message, language, branding, self._links, is_news=is_news)
            case DeliveryKind.CONFIRM:
                template = catalogue.confirm_email(course, language, branding, self._links)
            case DeliveryKind.REMINDER:
                template = catalogue.reminder_email(course, language, branding, self._links)
            case DeliveryKind.WELCOME:
                template = catalogue.welcome_email(course, language, branding, self._links)
            case DeliveryKind.IMPORTED:
                template = catalogue.imported_email(course, language, branding, self._links)
            case DeliveryKind.ALREADY_SUBSCRIBED:
                template = catalogue.already_subscribed_email(course, language, branding, self._links)
            case DeliveryKind.MAGIC_LINK:
                template = catalogue.magic_link_email(course, language, branding, self._links)
            case unknown:  # planned by a newer release that shares this database
                raise LookupError(unknown)
        skeleton = MimeSkeleton.make(
            self._sender_of(site.settings), template.subject, language, message_stream(job.kind, course)
        )
        return PreparedEmail(template, skeleton, course, lesson, language)


def message_stream(kind: str, course: Course) -> MessageStream:
    """Return the stream of a mail. Mail about the signup itself belongs to no list that one could leave."""
    return MessageStream(
        course=course.slug,
        kind=kind,
        is_list=MAIL_TYPES[DeliveryKind(kind)].is_list,
        is_transactional=not MAIL_TYPES[DeliveryKind(kind)].from_campaign,
    )


def _version_of(job: DeliveryJob) -> int:
    if job.lesson_version_id is None:
        raise LookupError(f"delivery {job.id} has no lesson version")
    return job.lesson_version_id
