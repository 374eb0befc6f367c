"""Measures each request, and gives the metrics to whoever has the token of the settings."""

from __future__ import annotations

import hmac
import time

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rugcourse.metrics.exposition import MEDIA_TYPE, text_page
from rugcourse.metrics.instruments import measure_request
from rugcourse.reports.installation_metrics import installation_gauges
from rugcourse.web.access import Access, access
from rugcourse.web.rendering import NotFound, runtime_of

router = APIRouter()

_SCHEME = "Bearer "


@router.get("/metrics")
@access(Access.PUBLIC)
def metrics_page(request: Request) -> Response:
    """Return the metrics of this process and of the installation. Without the token the page does not exist."""
    runtime, sent = runtime_of(request), request.headers.get("authorization", "")
    token = runtime.settings.metrics_token
    if not token or not hmac.compare_digest(sent.encode(), f"{_SCHEME}{token}".encode()):
        raise NotFound
    gauges = runtime.database.query(installation_gauges, runtime.clock)
    return Response(text_page(gauges), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


class MetricsMiddleware:
    """Measures how long each request takes until its last byte. Plain ASGI, as each request goes through it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "none")  # as in the code: what a stranger types is no label
            measure_request(scope["method"], route, status, time.perf_counter() - begun)
