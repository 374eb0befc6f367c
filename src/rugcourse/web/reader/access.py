"""Who is behind a personal link, and the frame of the pages that only they see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request
from fastapi.responses import HTMLResponse

from rugcourse.db.models import DeliveryKind, DeliveryRow, SubscriberRow, SubscriberStatus
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import subscribers
from rugcourse.enrolment.consents import Shown
from rugcourse.links import LINK_DAYS, MailRef, TokenPurpose, is_old
from rugcourse.privacy.notices import ReaderNotice
from rugcourse.privacy.papers import notice_text
from rugcourse.web.rendering import NotFound, course_context, render, runtime_of

# A copy of everything, erasing it, and another address take a link that was mailed for that purpose, for so long.
RIGHTS_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Reader:
    """The person behind a link, the mail it stood in, and the course that mail is of."""

    subscriber: SubscriberRow
    delivery: DeliveryRow
    published: PublishedCourse

    @property
    def language(self) -> str:
        """The language of the pages: the reader's own, where the course has it."""
        languages = self.published.course.languages
        return self.subscriber.language if self.subscriber.language in languages else languages[0]

    @property
    def has_left(self) -> bool:
        return self.subscriber.status != SubscriberStatus.ACTIVE

    def link_is_old(self, now: datetime) -> bool:
        """Whether its link opens nothing any more that is the reader's own: it is too old, or they closed it."""
        return is_old(self.delivery.planned_at, self.subscriber.links_closed_at, now)

    def was_mailed_for_this(self, now: datetime) -> bool:
        """Whether the link was mailed within the last hour, as its reader asked for it: what can't be undone takes one.

        Who must not be written to gets no such mail, and does it by a link that is not old.
        """
        if self.link_is_old(now):
            return False
        if self.subscriber.status == SubscriberStatus.SUPPRESSED:
            return True
        sent = self.delivery.settled_at or self.delivery.planned_at
        return self.delivery.kind == DeliveryKind.MAGIC_LINK and now - sent <= timedelta(minutes=RIGHTS_MINUTES)

    @property
    def is_mailed(self) -> bool:
        """Whether they may be written to: else they are told nothing by mail, and get no new link."""
        return self.subscriber.status != SubscriberStatus.SUPPRESSED

    @property
    def mail(self) -> MailRef:
        """What links to the mail name."""
        return self.ref(self.delivery.id)

    def ref(self, delivery_id: int) -> MailRef:
        """What links to another mail of theirs name."""
        return subscribers.ref_of(self.subscriber, delivery_id)


def find_reader(request: Request, purpose: TokenPurpose, token: str) -> Reader:
    """Raises BadToken or NotFound, which look the same from outside."""
    runtime = runtime_of(request)
    mail = runtime.signer.read_mail(purpose, token)
    with runtime.database.read() as session:
        found = subscribers.by_link(session, mail)
        if found is None:
            raise NotFound
        published = runtime.course_cache.of_campaign(session, found[1].campaign_id)
    if published is None:
        raise NotFound
    return Reader(found[0], found[1], published)


def shown_to(request: Request, reader: Reader) -> Shown:
    """How a page shows what its reader agrees to: kept with what they press."""
    settings = runtime_of(request).settings
    title = reader.published.course.texts[reader.language].title
    return Shown(reader.language, settings.practice, title, notice_text(settings, reader.language))


def reader_page(
    request: Request, reader: Reader, template: str, values: Mapping[str, object] | None = None, status: int = 200
) -> HTMLResponse:
    return personal_page(request, reader.published, reader.language, template, values, status)


def rights_page(request: Request, token: str, template: str, values: Mapping[str, object]) -> HTMLResponse:
    """What takes a link that was mailed for that purpose; by another one, the offer to mail one."""
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    if reader.was_mailed_for_this(runtime_of(request).clock.now()):
        return reader_page(request, reader, template, {"token": token, "is_mailed": reader.is_mailed, **values})
    if not reader.is_mailed:
        return old_link_page(request, reader, token, renewed=False)
    return reader_page(request, reader, "rights", {"token": token, "minutes": RIGHTS_MINUTES})


def old_link_page(request: Request, reader: Reader, token: str, *, renewed: bool) -> HTMLResponse:
    """Offers a new link by mail; to who may not be mailed, how to ask for it otherwise."""
    settings = runtime_of(request).settings
    values = {
        "token": token,
        "renewed": renewed,
        "days": LINK_DAYS,
        "is_mailed": reader.is_mailed,
        "contact": settings.reply_to or settings.sender_address,
    }
    return reader_page(request, reader, "old-link", values)


def notify_reader(request: Request, reader: Reader, notice: ReaderNotice) -> None:
    """Tell a reader by mail what was just done, where they may be written to."""
    if reader.is_mailed:
        request.app.state.outbox.tell_reader(notice, reader.subscriber.email, reader.language)


def personal_page(
    request: Request,
    published: PublishedCourse,
    language: str,
    template: str,
    values: Mapping[str, object] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """A page that no one else should find or keep; in another language where the course has this one no more."""
    language = language if language in published.course.languages else published.course.languages[0]
    frame = course_context(published.course, language, None)
    response = render(request, language, template, {**frame, **(values or {})}, status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
