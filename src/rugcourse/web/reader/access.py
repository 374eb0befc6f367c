"""Finds the reader behind a personal link, and renders pages that only they may see."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import HTMLResponse

from rugcourse.content.languages import language_for
from rugcourse.db.published_course import PublishedCourse
from rugcourse.enrolment.consents import Shown
from rugcourse.enrolment.reader import RIGHTS_MINUTES, Reader, reader_of_mail
from rugcourse.links import LINK_DAYS, TokenPurpose
from rugcourse.privacy.papers import notice_text
from rugcourse.privacy.subscriber_emails import ReaderNotice
from rugcourse.web.rendering import NotFound, course_context, render, runtime_of


def find_reader(request: Request, purpose: TokenPurpose, token: str) -> Reader:
    """Return the reader of a link. Raises BadToken or NotFound, for which the response is the same."""
    runtime = runtime_of(request)
    mail = runtime.signer.read_mail(purpose, token)
    reader = runtime.database.query(reader_of_mail, runtime.course_cache, mail)
    if reader is None:
        raise NotFound
    return reader


def shown_to(request: Request, reader: Reader) -> Shown:
    """Return how a page displays consent texts, to be stored as evidence."""
    settings = runtime_of(request).site.settings
    title = reader.published.course.texts[reader.language].title
    return Shown(reader.language, settings.practice, title, notice_text(settings, reader.language))


def reader_page(
    request: Request, reader: Reader, template: str, values: Mapping[str, object] | None = None, status: int = 200
) -> HTMLResponse:
    return personal_page(request, reader.published, reader.language, template, values, status)


def rights_page(request: Request, token: str, template: str, values: Mapping[str, object]) -> HTMLResponse:
    """Render a page that requires a recently requested link; with another one, offer to mail it."""
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    if reader.may_exercise_rights(runtime_of(request).clock.now()):
        return reader_page(request, reader, template, {"token": token, "is_mailed": reader.is_mailed, **values})
    if not reader.is_mailed:
        return old_link_page(request, reader, token, renewed=False)
    return reader_page(request, reader, "rights", {"token": token, "minutes": RIGHTS_MINUTES})


def old_link_page(request: Request, reader: Reader, token: str, *, renewed: bool) -> HTMLResponse:
    """Offer to mail a new link; suppressed readers see how to contact us instead."""
    settings = runtime_of(request).site.settings
    values = {
        "token": token,
        "renewed": renewed,
        "days": LINK_DAYS,
        "is_mailed": reader.is_mailed,
        "contact": settings.reply_to or settings.sender_address,
    }
    return reader_page(request, reader, "old-link", values)


def notify_reader(request: Request, reader: Reader, notice: ReaderNotice) -> None:
    """Tell a reader by mail what was done, unless they are suppressed."""
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
    """Render a page that must not be indexed or cached. Falls back to the course's first language."""
    language = language_for(published.course.texts, language)
    frame = course_context(published.course, language, None)
    response = render(request, language, template, {**frame, **(values or {})}, status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
