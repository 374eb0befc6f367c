"""Webhook endpoints: a relay reports bounces and complaints."""

from __future__ import annotations

import hashlib

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.webhooks import MalformedPayload, Provider, UnverifiedRequest, WebhookRequest, open_provider
from rugcourse.web.access import Access, access
from rugcourse.web.rate_limits import RequestLimits
from rugcourse.web.rendering import NotFound, runtime_of

router = APIRouter()
log = structlog.get_logger()


@router.post("/webhooks/{provider}")
@access(Access.WEBHOOK)
async def webhook(request: Request, provider: str) -> PlainTextResponse:
    """Receive a report. A provider without a key in the settings does not exist (404)."""
    reader = open_provider(runtime_of(request).settings, provider)
    if reader is None:
        raise NotFound
    body = await request.body()
    said = WebhookRequest(dict(request.headers), body, runtime_of(request).clock.now())
    return await run_in_threadpool(_handle, runtime_of(request), request.app.state.limits, provider, reader, said)


def _handle(
    runtime: Runtime, limits: RequestLimits, name: str, provider: Provider, said: WebhookRequest
) -> PlainTextResponse:
    """Handle a report. Providers do not repeat a report after a 2xx; while the database is unavailable they get a 503,
    and retry.
    """
    try:
        told = provider.read(said)
        _check_replay(limits, name, provider.proof_of(said), said.body)
    except UnverifiedRequest as error:
        log.warning("webhook_refused", provider=name, reason=str(error))
        return PlainTextResponse("refused", 403)
    except MalformedPayload as error:
        log.warning("webhook_unreadable", provider=name, reason=str(error))
        return PlainTextResponse("unreadable", 400)
    for one in told:
        runtime.bounce_handler.handle_event(one)
    return PlainTextResponse("taken")


def _check_replay(limits: RequestLimits, name: str, proof: str, body: bytes) -> None:
    """Raise UnverifiedRequest for a signature that was used with another body before."""
    if proof and not limits.is_first_use(f"{name} {proof}", hashlib.sha256(body).hexdigest()):
        raise UnverifiedRequest("its signature was used with another body before")
