"""Stands before every request: limits on its size and time, and the same security headers on every answer.

What counts is what arrives, not what a header says: bytes are counted as they are read, against a deadline. Written as
ASGI, not with Starlette's decorator, which costs a task group and two queues for each request.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Limit:
    """Of a request's body: bytes, and seconds from the end of its headers to the end of itself."""

    size: int
    seconds: float


_USUAL = Limit(64_000, 20.0)
# Where more may come: a lesson in all languages, a list of people, what relays say.
_LARGER = {
    "/admin/lessons/": Limit(1_000_000, 30.0),
    "/admin/imports": Limit(50_000_000, 300.0),
    "/webhooks/": Limit(1_000_000, 30.0),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",  # an address here can be a personal link
    "X-Content-Type-Options": "nosniff",
}
_OVER_HTTPS = {"Strict-Transport-Security": "max-age=63072000"}  # two years; subdomains are for the operator to decide
# Of mails, which a reader's mail program may fetch from anywhere.
_FOR_OTHER_SITES = ("/o/", "/static/")
_REFUSALS = {413: "the form is too large", 408: "the form took too long to arrive"}


@dataclass(slots=True)
class _Body:
    """What has arrived of a request's body. `refused`: the status to answer with, once it was too much or too slow."""

    limit: Limit
    deadline: float = 0.0
    size: int = 0
    complete: bool = False
    refused: int = 0
    receive: Receive = field(repr=False, kw_only=True)

    async def read(self) -> Message:
        """The next part. Raises HTTPException past a limit."""
        if self.refused:
            raise HTTPException(self.refused)
        if self.complete:
            return await self.receive()  # which is how a framework hears that the client has gone
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

    def _refuse(self, status: int) -> None:
        self.refused = status
        raise HTTPException(status)


class SecurityMiddleware:
    """ASGI middleware. `https`: readers come by https, and browsers are to remember it."""

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self._app = app
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
            # The rest of the body is still on its way: only closing stops it.
            refusal = PlainTextResponse(_REFUSALS[body.refused], body.refused, {"Connection": "close"})
            refusal.raw_headers += headers
            await refusal(scope, receive, send)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """As ASGI has them: names in small letters."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _with_headers(message: Message, added: list[tuple[bytes, bytes]]) -> Message:
    """What the page itself says stands. (Starlette's `setdefault` looks through all headers for each of them.)"""
    if message["type"] == "http.response.start":
        given = message.get("headers", [])
        names = {name for name, _ in given}
        message["headers"] = [*given, *(one for one in added if one[0] not in names)]
    return message


def _limit(path: str) -> Limit:
    return next((limit for begin, limit in _LARGER.items() if path.startswith(begin)), _USUAL)


def _announces_too_much(headers: Headers, limit: Limit) -> bool:
    """Whether there is no need to read it. What announces nothing, or lies, is counted."""
    length = headers.get("content-length", "0")
    return not length.isdecimal() or len(length) > len(str(limit.size)) + 8 or int(length) > limit.size
