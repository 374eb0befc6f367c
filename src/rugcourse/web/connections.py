"""Limits of connections before there is a request, for which uvicorn has none: it waits for headers without a timeout.

A reverse proxy has such limits as well; these apply without one.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rugcourse.errors import RugcourseError

HEAD_SECONDS = 10.0  # from the connection, or the first byte of the next request, to the end of the headers
HEAD_BYTES = 64_000
READ_SECONDS = 30.0  # within which a client must read some of a pending response
_MAX_PIPELINED = 8  # requests


class BadConnection(RugcourseError):
    """The client sent something that is refused; the parser answers 400 and the connection is closed."""


class TimedProtocol(HttpToolsProtocol):
    """Closes connections whose headers are slow or large, and clients that keep sending after the response."""

    _timer: asyncio.TimerHandle | None = None
    _waiting: asyncio.TimerHandle | None = None  # timeout for the client to read
    _in_head = True
    _head_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        self._end_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if getattr(self.cycle, "response_complete", False):  # there is no cycle before the first request
            self._begin_head()
        if self._in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self._in_head and self._head_size > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= _MAX_PIPELINED:
            raise BadConnection
        self._begin_head()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:  # a trailer (RFC 9110, 6.5): unused here, and uvicorn would buffer all of them
            raise BadConnection
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        unread = self.cycle.response_complete and self.cycle.more_body  # not for a pipelined request that is waiting
        super().on_response_complete()
        if unread and not self.transport.is_closing():
            self.transport.close()

    def pause_writing(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(READ_SECONDS, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._end_waiting()
        super().resume_writing()

    def _begin_head(self) -> None:
        if self._timer is None:
            self._in_head, self._head_size = True, 0
            self._timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _end_head(self) -> None:
        self._in_head = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
