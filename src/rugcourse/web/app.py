"""Builds the web application: routes, middleware and error pages."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from rugcourse.bootstrap import Runtime
from rugcourse.db.engine import BadValue, DatabaseAway
from rugcourse.errors import NotFoundError, UnavailableError
from rugcourse.learning.hardest_question import HardestQuestions
from rugcourse.process_memory import freeze_startup_objects
from rugcourse.web import client_address, metrics, tracking, webhooks
from rugcourse.web.access import Access, access, all_routes, require_rules
from rugcourse.web.admin import (
    ab_tests,
    account,
    api_tokens,
    auth,
    bulk_jobs,
    campaign_message,
    campaign_review,
    campaign_wizard,
    campaigns,
    course_article,
    course_lifecycle,
    course_packs,
    course_preview,
    dashboard,
    deliverability,
    email_check,
    getting_started,
    help_index,
    lesson_history,
    lesson_publishing,
    login,
    pictures,
    remarks,
    site,
    subscribers,
    suppressions,
    team,
    webhook_endpoints,
)
from rugcourse.web.admin import courses as admin_courses
from rugcourse.web.admin import lessons as admin_lessons
from rugcourse.web.admin.tables import files as list_files
from rugcourse.web.api.description import add_api
from rugcourse.web.compression import CompressionMiddleware, accepts_gzip
from rugcourse.web.group_commits import GroupCommits
from rugcourse.web.middleware import HEADERS, SecurityMiddleware
from rugcourse.web.outbox import Outbox
from rugcourse.web.public import catalogue, crawlers, signup
from rugcourse.web.public import pictures as picture_files
from rugcourse.web.rate_limits import RequestLimits
from rugcourse.web.reader import lessons, new_address, own_page
from rugcourse.web.rendering import (
    READ,
    STATIC_TYPES,
    RateLimited,
    compressed_static_file,
    preferred_language,
    preload_templates,
    render,
    runtime_of,
    static_file,
    static_url,
)
from rugcourse.web.site_middleware import SiteMiddleware

_ADMIN_PAGES = (
    *(
        dashboard,
        getting_started,
        deliverability,
        suppressions,
        email_check,
        admin_courses,
        course_article,
        course_lifecycle,
        course_packs,
        course_preview,
        admin_lessons,
        lesson_history,
        lesson_publishing,
        campaign_wizard,
        campaign_message,
        campaign_review,
        campaigns,
        subscribers,
        remarks,
        pictures,
    ),
    *(bulk_jobs, ab_tests, login, account, api_tokens, webhook_endpoints, team, site, help_index, list_files),
)
_FORGET_SECONDS = 3600.0
_ONE_SLASH_TOO_MANY = re.compile(r"(/[a-z0-9-]+)+/")
# `signup` and `crawlers` are registered before `catalogue`, whose `/{language}/{course}` matches their paths too.
_PAGES = (metrics, webhooks, picture_files, crawlers, lessons, own_page, new_address, signup, catalogue)


def create_app(runtime: Runtime) -> FastAPI:
    """Return the application of one installation. Raises MissingAccessRule."""
    app = FastAPI(
        title="rugcourse", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=_lifespan
    )
    app.state.runtime = runtime
    app.state.groups = GroupCommits(runtime)
    app.state.limits = RequestLimits(
        runtime.settings.broker_url, runtime.settings.signups_per_hour, runtime.settings.signups_per_hour_in_all
    )
    app.state.hardest_questions = HardestQuestions()
    app.state.outbox = Outbox(runtime)
    app.add_middleware(SiteMiddleware, runtime=runtime)
    app.add_middleware(CompressionMiddleware)
    https = runtime.settings.base_url.startswith("https://")
    app.add_middleware(SecurityMiddleware, https=https, refusal_page=auth.refusal_page)
    app.add_middleware(metrics.MetricsMiddleware)
    for error in (NotFoundError, BadValue, HTTPException, RequestValidationError):
        app.add_exception_handler(error, _not_found)
    app.add_exception_handler(UnavailableError, _away)
    app.add_exception_handler(RateLimited, _too_many)
    app.add_exception_handler(Exception, _broken)
    app.router.routes.extend(tracking.routes)
    app.add_api_route("/static/{fingerprint}/{name}", _static, methods=["GET", "HEAD"])
    app.add_api_route("/health/live", _live, methods=["GET", "HEAD"])
    app.add_api_route("/health/ready", _ready, methods=["GET", "HEAD"])
    app.include_router(client_address.router)
    for outside, handler in auth.ANSWERS.items():
        app.add_exception_handler(outside, handler)
    add_api(app)
    for pages in (*_ADMIN_PAGES, *_PAGES):
        app.include_router(pages.router)
    require_rules(app.routes)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    threading.Thread(
        target=_prepare, name="warm-up", daemon=True
    ).start()  # in parallel, to not delay the first requests
    forgetting = asyncio.create_task(_forget_networks(app.state.limits))
    yield
    forgetting.cancel()


async def _forget_networks(limits: RequestLimits) -> None:
    """Delete expired entries of rate limits every hour, as the privacy page promises, even without any requests."""
    while True:
        await asyncio.sleep(_FORGET_SECONDS)
        limits.forget()


def _prepare() -> None:
    """Compile the templates, then freeze the objects that stay for the life of the process.

    Scanning them again took the garbage collector a tenth of a second each time, in which no request was served.
    """
    try:
        preload_templates()
    finally:
        freeze_startup_objects()  # whatever happens: until then the collector rests


async def _not_found(request: Request, error: Exception) -> Response:
    """Answer 404 for pages that do not exist or are not accessible. A single trailing slash is redirected."""
    if request.method in READ and _ONE_SLASH_TOO_MANY.fullmatch(request.url.path):
        return RedirectResponse(request.url.path.rstrip("/"), 307)  # a path, as the Host header is untrusted
    known = isinstance(error, HTTPException) and error.status_code == 405
    response = render(
        request, preferred_language(request), "not-found", {"other_language_path": None}, 405 if known else 404
    )
    if known:
        response.headers["Allow"] = ", ".join(_methods_of(request))
    return response


def _methods_of(request: Request) -> list[str]:
    """Return the methods that are allowed at this URL (RFC 9110, 15.5.6)."""
    routes = [one for one in all_routes(request.app.routes) if isinstance(one, Route)]
    here = [one for one in routes if one.matches(request.scope)[0] != Match.NONE]
    return sorted({method for one in here for method in one.methods or ()})


async def _away(request: Request, _error: Exception) -> HTMLResponse:
    """Answer 503. Nothing was changed; the request can be repeated."""
    response = render(request, preferred_language(request), "maintenance", {"other_language_path": None}, 503)
    response.headers["Retry-After"] = "30"
    return response


async def _broken(_request: Request, _error: Exception) -> PlainTextResponse:
    """Answer 500; the log has the error. This response bypasses the middleware, so it sets the headers itself."""
    return PlainTextResponse("Something went wrong on our side. Please try again later.", 500, headers=HEADERS)


async def _too_many(request: Request, _error: Exception) -> HTMLResponse:
    response = render(request, preferred_language(request), "rate-limited", {"other_language_path": None}, 429)
    response.headers["Retry-After"] = "3600"
    return response


@access(Access.PUBLIC)
def _static(request: Request, fingerprint: str, name: str) -> Response:
    """Return a static file, to be kept for ever if it is the one of the fingerprint.

    Another process may have named a style sheet with colours that this one does not have yet, or no longer has.
    """
    runtime = runtime_of(request)
    wanted = f"/static/{fingerprint}/{name}"
    site = runtime.site
    if static_url(name, site.css) != wanted:
        site = runtime.current.refresh(runtime.database, now=True)
    is_current = static_url(name, site.css) == wanted
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if is_current else "no-cache"}
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(static_file(name, site.css), media_type=STATIC_TYPES[name], headers=headers)
    headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(compressed_static_file(name, site.css), media_type=STATIC_TYPES[name], headers=headers)


@access(Access.PUBLIC)
async def _live() -> PlainTextResponse:
    """Health check: this process answers. A process that does not is to be restarted."""
    return PlainTextResponse("ok")


@access(Access.PUBLIC)
def _ready(request: Request) -> PlainTextResponse:
    """Health check: 200 while pages can be served, 503 with the reason while they cannot."""
    try:
        request.app.state.runtime.database.reach()
    except DatabaseAway:
        return PlainTextResponse("the database is away", 503)
    return PlainTextResponse("ok")
