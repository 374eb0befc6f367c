"""ASGI middleware: limits the size and time of request bodies, and sets the security headers of every response.

Bytes are counted as they arrive, against a deadline, as headers may lie. It is plain ASGI: Starlette's decorator costs
a task group and two queues for each request.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rugcourse.web.api.problems import problem


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of a request's body. `size`: bytes; `seconds`: from the end of the headers to the end of the body."""

    size: int
    seconds: float


_DEFAULT_LIMIT = Limit(64_000, 20.0)
# Larger bodies: a lesson in all languages, a part of a course, an article, a list of subscribers, reports of relays.
_LARGER = {
    "/admin/courses/": Limit(1_000_000, 30.0),
    "/admin/new-course/": Limit(50_500_000, 300.0),
    "/admin/paste": Limit(4_000_000, 30.0),  # a clipboard, percent-encoded
    "/admin/lessons/": Limit(1_000_000, 30.0),
    "/admin/pictures": Limit(25_000_000, 120.0),  # a picture of 20 MB; who sends a little more is told so
    "/admin/settings": Limit(50_000_000, 120.0),  # with a logo and an icon
    "/admin/imports": Limit(50_000_000, 300.0),
    "/webhooks/": Limit(1_000_000, 30.0),
}
HEADERS = {
    # `connect-src`: audits such as Lighthouse read robots.txt from within the page.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",  # a URL can be a personal link
    "X-Content-Type-Options": "nosniff",
}
_OVER_HTTPS = {"Strict-Transport-Security": "max-age=63072000"}  # two years; subdomains are for the operator to decide
# Images in mails, which are loaded by mail programs on other sites.
_FOR_OTHER_SITES = ("/o/", "/static/", "/pictures/")
# Pages of people who upload files: they are told in words. Browsers show an answer only once they have sent all.
_FOR_PEOPLE = "/admin/"
_FOR_PROGRAMS = "/api/"
_DISCARD_SECONDS = 60.0
_REFUSALS = {413: "the form is too large", 408: "the form took too long to arrive"}


@dataclass(slots=True)
class _Body:
    """The state of a request's body. `refused`: the status to answer with once a limit is exceeded, else 0."""

    limit: Limit
    deadline: float = 0.0
    size: int = 0
    complete: bool = False
    refused: int = 0
    receive: Receive = field(repr=False, kw_only=True)

    async def read(self) -> Message:
        """Return the next ASGI message. Raises HTTPException if a limit is exceeded."""
        if self.refused:
            raise HTTPException(self.refused)
        if self.complete:
            return await self.receive()  # by which the framework learns that the client disconnected
        if not self.deadline:
            self.deadline = asyncio.get_running_loop().time() + self.limit.seconds
        try:
            async with asyncio.timeout_at(self.deadline):
                message = await self.receive()
        except TimeoutError:
            self._refuse(408)
        self.size += len(message.get("body", b""))
        self.complete = not message.get("more_body", False)
        if self.size > self.limit.size:
            self._refuse(413)
        return message

    async def discard(self) -> None:
        """Read on, and keep nothing, until the body ends or the limit is exceeded once more, by size or by time."""
        now = asyncio.get_running_loop().time
        until = min(self.deadline or now() + self.limit.seconds, now() + _DISCARD_SECONDS)
        try:
            async with asyncio.timeout_at(until):
                while not self.complete and self.size <= 2 * self.limit.size:
                    message = await self.receive()
                    self.size += len(message.get("body", b""))
                    self.complete = not message.get("more_body", False)
        except TimeoutError:
            return

    def _refuse(self, status: int) -> None:
        self.refused = status
        raise HTTPException(status)


RefusalPage = Callable[[Request, int, int], Response]


class SecurityMiddleware:
    """The middleware. `https`: send Strict-Transport-Security, as readers use HTTPS.

    `refusal_page`: makes the page for an admin whose body is refused, from the request, the status (413 or 408) and the
    limit in bytes.
    """

    def __init__(self, app: ASGIApp, *, https: bool = False, refusal_page: RefusalPage | None = None) -> None:
        self._app = app
        self._refusal_page = refusal_page
        headers = {**HEADERS, **(_OVER_HTTPS if https else {})}
        self._usual = _raw(headers)
        self._for_other_sites = _raw({**headers, "Cross-Origin-Resource-Policy": "cross-origin"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        structlog.contextvars.bind_contextvars(request_id=secrets.token_hex(8))
        body = _Body(_limit(scope["path"]), receive=receive)
        headers = self._for_other_sites if scope["path"].startswith(_FOR_OTHER_SITES) else self._usual

        async def answer(message: Message) -> None:
            if not body.refused:
                await send(_with_headers(message, headers))

        if _announces_too_much(Headers(scope=scope), body.limit):
            body.refused = 413
        else:
            await self._app(scope, body.read, answer)
        if body.refused:
            await self._refuse(scope, body, headers, receive, send)

    async def _refuse(
        self, scope: Scope, body: _Body, headers: list[tuple[bytes, bytes]], receive: Receive, send: Send
    ) -> None:
        """Refuse the body. Its rest is still arriving: only closing the connection stops it."""
        refusal: Response = PlainTextResponse(_REFUSALS[body.refused], body.refused)
        if scope["path"].startswith(_FOR_PROGRAMS):
            refusal = problem(body.refused, f"A body has at most {body.limit.size} bytes, and arrives within seconds.")
        if self._refusal_page is not None and scope["path"].startswith(_FOR_PEOPLE):
            await body.discard()
            refusal = await run_in_threadpool(self._refusal_page, Request(scope), body.refused, body.limit.size)
        refusal.headers["Connection"] = "close"
        given = {name for name, _ in refusal.raw_headers}
        refusal.raw_headers += [one for one in headers if one[0] not in given]
        await refusal(scope, receive, send)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI represents them: names in lower case."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _with_headers(message: Message, added: list[tuple[bytes, bytes]]) -> Message:
    """Add headers that the response does not set itself. (Starlette's `setdefault` searches all headers each time.)"""
    if message["type"] == "http.response.start":
        given = message.get("headers", [])
        names = {name for name, _ in given}
        message["headers"] = [*given, *(one for one in added if one[0] not in names)]
    return message


def _limit(path: str) -> Limit:
    return next((limit for begin, limit in _LARGER.items() if path.startswith(begin)), _DEFAULT_LIMIT)


def _announces_too_much(headers: Headers, limit: Limit) -> bool:
    """Return whether Content-Length exceeds the limit, so that the body need not be read."""
    length = headers.get("content-length", "0")
    return not length.isdecimal() or len(length) > len(str(limit.size)) + 8 or int(length) > limit.size
