"""ASGI middleware: compresses texts that are the same for everybody (gzip, RFC 9110, 8.4.1.3).

Admin pages and personal ones stay as they are: their size must not tell what is in them (BREACH, decision 47).
"""

from __future__ import annotations

import gzip
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TEXTS = (b"text/html", b"text/css", b"text/javascript", b"text/plain", b"application/xml")
_LEAST_BYTES = 1_000  # less fits into one packet anyway
_LEVEL = 5  # a tenth of a millisecond for a page; level 9 takes up to three times that, and saves 1 to 4 %
_HIGHEST_LEVEL = 9  # for what is compressed once
_PRIVATE_PATHS = ("/admin",)  # whatever their headers say
# An encoding chosen before, a part of something, or a validator that would belong to one encoding only.
_LEFT_ALONE = frozenset({b"content-encoding", b"content-range", b"etag"})
_ACCEPTED = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q\s*=\s*([\d.]+)\s*)?(?=,|$)", re.IGNORECASE)

_Headers = list[tuple[bytes, bytes]]


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether a client takes gzip (RFC 9110, 12.5.3). `q=0` means that it does not."""
    weights = _ACCEPTED.findall(accept_encoding)
    return bool(weights) and all(not weight or weight.strip("0.") for weight in weights)


def compressed_once(content: bytes) -> bytes:
    """Compress what will be sent many times. The same content becomes the same bytes."""
    return gzip.compress(content, _HIGHEST_LEVEL, mtime=0)


class CompressionMiddleware:
    """The middleware. It compresses what comes in one piece, as all pages do, and lets everything else pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_PRIVATE_PATHS):
            await self._app(scope, receive, send)
            return
        asked = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
        await self._app(scope, receive, _Compressor(send, accepts_gzip(asked.decode("latin-1"))).send)


class _Compressor:
    """Sends one response: its head waits for the body, whose length it names."""

    def __init__(self, send: Send, is_accepted: bool) -> None:
        self._send = send
        self._is_accepted = is_accepted
        self._head: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _may_be_compressed(message["headers"]):
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            body = message.get("body", b"")
            if len(body) >= _LEAST_BYTES and not message.get("more_body", False):
                head["headers"] = _with_vary(head["headers"])
                if self._is_accepted:
                    message["body"] = gzip.compress(body, _LEVEL, mtime=0)
                    head["headers"] = _encoded(head["headers"], len(message["body"]))
            await self._send(head)
        await self._send(message)


def _may_be_compressed(headers: _Headers) -> bool:
    """Return whether a response is a text for everybody. What must not be stored is for one person."""
    found = dict(headers)
    media_type = found.get(b"content-type", b"").partition(b";")[0].strip()
    return media_type in _TEXTS and b"no-store" not in found.get(b"cache-control", b"") and not _LEFT_ALONE & set(found)


def _with_vary(headers: _Headers) -> _Headers:
    """Say that the response depends on Accept-Encoding, whether or not this one is compressed (RFC 9110, 12.5.5)."""
    before = [value for name, value in headers if name == b"vary"]
    others = [(name, value) for name, value in headers if name != b"vary"]
    return [*others, (b"vary", b", ".join([*before, b"Accept-Encoding"]))]


def _encoded(headers: _Headers, length: int) -> _Headers:
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    return [*kept, (b"content-length", str(length).encode()), (b"content-encoding", b"gzip")]
