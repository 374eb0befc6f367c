"""Public pages: courses, their lessons, safety notice, privacy, imprint and accessibility."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.content.languages import language_for
from rugcourse.content.lesson_tags import filled
from rugcourse.db.models import EbookKind, Verdict
from rugcourse.db.published_course import PublishedCourse
from rugcourse.ebooks.cache import MEDIA_TYPES, EbookNotFound, get_ebook
from rugcourse.learning import feedback
from rugcourse.learning.feedback import Feedback, save_feedback
from rugcourse.privacy.privacy_notice import controller, notice, summary, supervisor_page
from rugcourse.reports import cached_stats
from rugcourse.tracking.bot_detection import classify_request
from rugcourse.web.access import Access, access
from rugcourse.web.forms import RemarkFields, form_age_ok, shown_at_token
from rugcourse.web.public.indexing import indexed_catalogue, indexed_course_page
from rugcourse.web.public.lesson_sample import lesson_sample
from rugcourse.web.public.structured_data import course_data
from rugcourse.web.rendering import (
    READ,
    NotFound,
    course_context,
    lesson_place,
    preferred_language,
    render,
    require_language,
    runtime_of,
)

router = APIRouter()

_DAY_SECONDS = 86_400


@router.api_route("/", methods=READ)
@access(Access.PUBLIC)
def front(request: Request) -> Response:
    return RedirectResponse(f"/{preferred_language(request)}", 302, headers={"Vary": "Accept-Language"})


@router.api_route("/{language}", methods=READ)
@access(Access.PUBLIC)
def catalogue(request: Request, language: str) -> HTMLResponse:
    require_language(language)
    runtime = runtime_of(request)
    published = runtime.database.query(runtime.course_cache.courses)
    # Those in the visitor's language first; else each keeps its place.
    offered = sorted(
        (one.course for one in published if not one.is_archived), key=lambda course: language not in course.languages
    )
    values = {"courses": offered, "other_language_path": "", "indexed": indexed_catalogue(request)}
    return render(request, language, "catalogue", values)


@router.api_route("/{language}/privacy", methods=READ)
@access(Access.PUBLIC)
def privacy(request: Request, language: str) -> HTMLResponse:
    """Show the privacy notice, which is generated from the settings and the inventory."""
    require_language(language)
    settings = runtime_of(request).site.settings
    values = {
        "chapters": notice(settings, language),
        "summary": summary(language),
        "supervisor_page": supervisor_page(settings, language),
        "other_language_path": "/privacy",
    }
    return render(request, language, "privacy", values)


@router.api_route("/{language}/imprint", methods=READ)
@access(Access.PUBLIC)
def imprint(request: Request, language: str) -> HTMLResponse:
    """Show who is responsible for the pages, and how to contact them."""
    require_language(language)
    settings = runtime_of(request).site.settings
    values = {
        "controller": controller(settings, language),
        "other_language_path": "/imprint",
    }
    return render(request, language, "imprint", values)


@router.api_route("/{language}/accessibility", methods=READ)
@access(Access.PUBLIC)
def accessibility(request: Request, language: str) -> HTMLResponse:
    require_language(language)
    settings = runtime_of(request).site.settings
    address = settings.reply_to or settings.sender_address
    return render(request, language, "accessibility", {"address": address, "other_language_path": "/accessibility"})


@router.api_route("/{language}/{course}", methods=READ)
@access(Access.PUBLIC)
def landing(request: Request, language: str, course: str) -> Response:
    """Show a course, or lead to it in its own language if it is not in the visitor's."""
    published = _published(request, language, course)
    spoken = language_for(published.course.texts, language)
    if spoken != language:
        return RedirectResponse(f"/{spoken}/{published.course.slug}", 302)
    runtime = runtime_of(request)
    values = {
        "is_archived": published.is_archived,
        "indexed": indexed_course_page(request, published.course),
        "sample": lesson_sample(published.course, language),
        "gain": runtime.database.query(cached_stats.public_gain, published.id),
        "data": course_data(published.course, language, runtime.branding, runtime.links),
    }
    return render(request, language, "course", course_context(published.course, language, "") | values)


@router.api_route("/{language}/{course}/share.png", methods=READ)
@access(Access.PUBLIC)
def share_picture(request: Request, language: str, course: str) -> Response:
    """Return the preview image of the course for messengers. It contains nothing personal."""
    runtime = runtime_of(request)
    published = find_course(request, language, course)
    try:
        picture = get_ebook(
            runtime.database, runtime.clock, runtime.links, runtime.branding, published, language, EbookKind.SHARE
        )
    except EbookNotFound:
        raise NotFound from None
    headers = {
        "Cache-Control": f"public, max-age={_DAY_SECONDS}",
        "Cross-Origin-Resource-Policy": "cross-origin",  # pages of others show it beside the address
    }
    return Response(picture, media_type=MEDIA_TYPES[EbookKind.SHARE], headers=headers)


@router.api_route("/{language}/{course}/safety-notice", methods=READ)
@access(Access.PUBLIC)
def safety_notice(request: Request, language: str, course: str) -> HTMLResponse:
    published = find_course(request, language, course)
    if language not in published.course.safety_notices:
        raise NotFound
    below = "/safety-notice"
    context = course_context(published.course, language, below)
    indexed = indexed_course_page(request, published.course, below)
    return render(request, language, "safety-notice", context | {"indexed": indexed})


@router.api_route("/{language}/{course}/lessons/{slug}", methods=READ)
@access(Access.PUBLIC)
def lesson(
    request: Request, language: str, course: str, slug: str, said: Literal["", "yes", "no"] = ""
) -> HTMLResponse:
    published = find_course(request, language, course)
    return _lesson_page(request, published, language, slug, said=said)


@router.post("/{language}/{course}/lessons/{slug}")
@access(Access.PUBLIC)
def remark(
    request: Request, language: str, course: str, slug: str, fields: Annotated[RemarkFields, Form()]
) -> RedirectResponse:
    """Save a visitor's feedback. Bots get the same response, but are ignored.

    The response is a redirect, so that reloading the page does not send the feedback again.
    """
    runtime = runtime_of(request)
    published = find_course(request, language, course)
    if slug not in published.lesson_ids:
        raise NotFound
    human = not fields.website and form_age_ok(runtime.signer, runtime.clock, fields.shown)
    client = request.client.host if request.client else None
    if fields.answered and human and request.app.state.limits.allows_remark(client):
        said_now = Feedback(published.lesson_ids[slug], language, fields.has_helped, fields.remark)
        runtime.database.run(save_feedback, runtime.clock.now(), said_now)
    said = f"?said={fields.helped}" if fields.answered else ""
    return RedirectResponse(f"/{language}/{course}/lessons/{slug}{said}", 303)


def count_reading(request: Request, lesson_id: int) -> int:
    """Return how often a lesson was read on the web, counting this request if it seems to come from a human."""
    database = runtime_of(request).database
    if classify_request(request.method, request.headers.get("user-agent", "")) == Verdict.HUMAN:
        return database.run(feedback.count_reading, lesson_id)
    return database.query(feedback.readings, lesson_id)


def find_course(request: Request, language: str, slug: str) -> PublishedCourse:
    """Return a published course in a language. Raises NotFound."""
    published = _published(request, language, slug)
    if language not in published.course.languages:
        raise NotFound
    return published


def find_open_course(request: Request, language: str, slug: str) -> PublishedCourse:
    """Return a published course that takes new readers. Raises NotFound."""
    published = find_course(request, language, slug)
    if published.is_archived:
        raise NotFound
    return published


def _published(request: Request, language: str, slug: str) -> PublishedCourse:
    """Return a published course for a page in a language of the interface. Raises NotFound."""
    require_language(language)
    runtime = runtime_of(request)
    published = runtime.database.query(runtime.course_cache.course, slug)
    if published is None:
        raise NotFound
    return published


def _lesson_page(request: Request, published: PublishedCourse, language: str, slug: str, *, said: str) -> HTMLResponse:
    runtime = runtime_of(request)
    found = published.course.lesson(slug)
    if found is None:
        raise NotFound
    path = f"/{language}/{published.course.slug}/lessons"
    lessons = published.course.lessons
    values = {
        "lesson": found,
        "text": filled(found.texts[language], lesson_place(published.course, found, language)),
        "times_read": count_reading(request, published.lesson_ids[slug]),
        "answers": None,
        "previous": f"{path}/{lessons[found.number - 2].slug}" if found.number > 1 else None,
        "next": f"{path}/{lessons[found.number].slug}" if found.number < len(lessons) else None,
        "said": said,
        "remark": "",
        "shown": shown_at_token(runtime.signer, runtime.clock),
        "is_archived": published.is_archived,
        "indexed": indexed_course_page(request, published.course, f"/lessons/{slug}"),
    }
    return render(request, language, "lesson", course_context(published.course, language, f"/lessons/{slug}") | values)
