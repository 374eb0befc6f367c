"""The door for what relays say by webhook."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from rugcourse.bounces.providers import Provider, Unreadable, Unverified, open_provider
from rugcourse.bounces.providers import Request as Said
from rugcourse.runtime import Runtime
from rugcourse.web.pages import NotFound, runtime_of

router = APIRouter()
log = structlog.get_logger()


@router.post("/hooks/{provider}")
async def hook(request: Request, provider: str) -> PlainTextResponse:
    """What nobody reads is not taken in: a provider without a key in the settings is not there."""
    reader = open_provider(runtime_of(request).settings, provider)
    if reader is None:
        raise NotFound
    body = await request.body()
    return await run_in_threadpool(_hear, runtime_of(request), provider, reader, dict(request.headers), body)


def _hear(runtime: Runtime, name: str, provider: Provider, headers: dict[str, str], body: bytes) -> PlainTextResponse:
    """An answer of 2xx means: never again. While the database is away it is 503, and they come back."""
    try:
        told = provider.read(Said(headers, body, runtime.clock.now()))
    except Unverified as error:
        log.warning("a webhook was refused", provider=name, why=str(error))
        return PlainTextResponse("refused", 403)
    except Unreadable as error:
        log.warning("a webhook can't be read", provider=name, why=str(error))
        return PlainTextResponse("unreadable", 400)
    for one in told:
        runtime.intake.hear(one)
    return PlainTextResponse("taken")
