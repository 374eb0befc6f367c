"""The least that asks a web server for something: so little that what is measured is the server."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from typing import NamedTuple

from tests.support.servers import HOST

_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
_START_SECONDS = 30.0


class Answer(NamedTuple):
    status: int
    body: bytes


def request(path: str, body: str = "") -> bytes:
    """A GET as a browser sends it, or a POST of a form when there is a body."""
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", f"Host: {HOST}", f"User-Agent: {_AGENT}"]
    if body:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
    return Answer(int(head[9:12]), await reader.readexactly(int(length)))


def wait_for(port: int) -> None:
    """Return when a server listens. Raises OSError when it does not come up."""
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def spread(seconds: list[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum in milliseconds."""
    ordered = sorted(seconds)
    return {
        "p50": round(statistics.median(ordered) * 1000, 1),
        "p99": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
        "max": round(ordered[-1] * 1000, 1),
    }
