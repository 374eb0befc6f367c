"""Stands before every request: no large bodies, and the same security headers on every answer.

Written as ASGI, not with Starlette's decorator, which costs a task group and two queues for each request.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MAX_BODY_BYTES = 64_000
# Where more may come: a lesson in all languages, a list of people, what relays say.
_LARGER_BODIES = {"/admin/lessons/": 1_000_000, "/admin/imports": 50_000_000, "/hooks/": 1_000_000}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # an address here can be a personal link
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if _is_too_large(Headers(scope=scope), _largest(scope["path"])):
            await PlainTextResponse("the form is too large", 413)(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def _largest(path: str) -> int:
    return next((size for begin, size in _LARGER_BODIES.items() if path.startswith(begin)), _MAX_BODY_BYTES)


def _is_too_large(headers: Headers, largest: int) -> bool:
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > largest:
        return True
    return "chunked" in headers.get("transfer-encoding", "")
