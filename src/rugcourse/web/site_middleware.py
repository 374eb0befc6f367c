"""ASGI middleware: keeps the site's settings up to date, so that no page has to ask the database for them."""

from __future__ import annotations

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from rugcourse.bootstrap import Runtime
from rugcourse.errors import UnavailableError

log = structlog.get_logger()


class SiteMiddleware:
    """Before a request, reads the site's settings if that was not done within the last second.

    While the database is away, what was known last applies: also pages that say so have a name and colours.
    """

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._runtime.current.is_fresh:
            try:
                await run_in_threadpool(self._runtime.current.refresh, self._runtime.database)
            except UnavailableError:
                log.debug("site_settings_not_read")
        await self._app(scope, receive, send)
