"""Sends one request to an endpoint, and trusts nothing there: not its name, its size, its speed or its answer.

httpcore rather than a client above it: no redirects, cookies, proxies or decompression that could be forgotten to be
switched off.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore2
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

from rugcourse.outgoing_webhooks.networks import Network, is_allowed

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0  # from the first packet to the last byte of the answer
MOST_BYTES = 64 * 1024  # of an answer that are read
KEPT_CHARACTERS = 1024  # of them that are kept
_KEEPALIVE_SECONDS = 5.0
_MOST_ADDRESSES = 4  # of a host that are tried
_RETRY_AFTER = b"retry-after"


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What came of a request. `status`: None without an answer; `body`: the beginning of it, or why there is none.

    `retry_after`: the header of that name.
    """

    status: int | None
    body: str
    retry_after: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class GuardedBackend(AsyncNetworkBackend):
    """Looks a host up once, checks every address that it has, and connects to one of those.

    So a name that leads elsewhere at a second look-up (DNS rebinding) gains nothing. TLS still checks the host's name.
    """

    def __init__(self, allowed: Sequence[Network], *, only_allowed: bool) -> None:
        self._allowed = allowed
        self._only_allowed = only_allowed
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Raises httpcore2.ConnectError and ConnectTimeout."""
        addresses = await self._resolve(host, port)
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _resolve(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} can't be looked up: {error}") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        for address in addresses:
            if not is_allowed(address, self._allowed, only_allowed=self._only_allowed):
                raise httpcore2.ConnectError(f"{host} leads to {address}, which is not allowed")
        return addresses


class WebhookClient:
    """Sends requests, each of which ends within `TOTAL_SECONDS`. Belongs to one event loop."""

    def __init__(
        self, allowed: Sequence[Network], tls: ssl.SSLContext | None = None, *, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        """`allowed`: networks that may be connected to beside public addresses; `tls`: whom to trust."""
        self._total_seconds = total_seconds
        context = tls or ssl.create_default_context()
        self._pools = {
            scheme: httpcore2.AsyncConnectionPool(
                ssl_context=context,
                max_connections=None,
                keepalive_expiry=_KEEPALIVE_SECONDS,
                network_backend=GuardedBackend(allowed, only_allowed=scheme == "http"),
            )
            for scheme in ("https", "http")
        }

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Post a body, and return what came of it."""
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._post(url, headers, body)
        except (TimeoutError, httpcore2.TimeoutException):
            return WebhookAnswer(None, f"no answer within {self._total_seconds:g} seconds")
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError, OSError, ValueError) as error:
            return WebhookAnswer(None, _readable(str(error) or type(error).__name__))

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        pool = self._pools[urlsplit(url).scheme]
        timeouts = {"connect": CONNECT_SECONDS, "read": self._total_seconds, "write": self._total_seconds}
        async with pool.stream(
            "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
        ) as response:
            received = bytearray()
            async for part in response.aiter_stream():
                received += part
                if len(received) >= MOST_BYTES:
                    break
            retry_after = next((value for name, value in response.headers if name.lower() == _RETRY_AFTER), b"")
            text = received[:MOST_BYTES].decode("utf-8", "replace")
            return WebhookAnswer(response.status, _readable(text), retry_after.decode("latin-1")[:80])

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


def _readable(text: str) -> str:
    """Return the beginning of a text without control characters, which no database or page wants."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text[:KEPT_CHARACTERS]).strip()
