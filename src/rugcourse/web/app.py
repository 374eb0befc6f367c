"""The web application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from rugcourse.links import BadToken
from rugcourse.runtime import Runtime
from rugcourse.store.database import DatabaseAway
from rugcourse.web import personal, public
from rugcourse.web.limits import SignupLimit
from rugcourse.web.pages import STATIC_TYPES, NotFound, page, preferred_language, static_file

_MAX_BODY_BYTES = 64_000
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # an address here can be a personal link
    "X-Content-Type-Options": "nosniff",
}


def create_app(runtime: Runtime) -> FastAPI:
    """The pages of one installation."""
    app = FastAPI(title="rugcourse", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.runtime = runtime
    app.state.signup_limit = SignupLimit(runtime.settings.broker_url, runtime.settings.signups_per_hour)
    app.middleware("http")(_guard)
    for error in (NotFound, BadToken):
        app.add_exception_handler(error, _not_found)
    app.add_exception_handler(HTTPException, _not_found)
    app.add_exception_handler(RequestValidationError, _not_found)
    app.add_api_route("/static/{fingerprint}/{name}", _static, methods=["GET", "HEAD"])
    app.add_api_route("/healthz", _health, methods=["GET"])
    app.include_router(personal.router)
    app.include_router(public.router)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    length = request.headers.get("content-length", "0")
    if (
        not length.isdecimal()
        or int(length) > _MAX_BODY_BYTES
        or "chunked" in request.headers.get("transfer-encoding", "")
    ):
        return PlainTextResponse("the form is too large", 413)
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _not_found(request: Request, error: Exception) -> HTMLResponse:
    """The same page for everything that is not there, or not for you."""
    status = error.status_code if isinstance(error, HTTPException) and error.status_code == 405 else 404
    return page(request, preferred_language(request), "not-found", {"other_language_path": None}, status)


def _static(fingerprint: str, name: str) -> Response:  # noqa: ARG001 - it only makes the address unique
    return Response(
        static_file(name),
        media_type=STATIC_TYPES[name],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


def _health(request: Request) -> PlainTextResponse:
    """For health checks: 200 while pages can be served, 503 while the database is away."""
    try:
        request.app.state.runtime.database.reach()
    except DatabaseAway:
        return PlainTextResponse("the database is away", 503)
    return PlainTextResponse("ok")
