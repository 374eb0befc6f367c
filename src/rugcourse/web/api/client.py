"""Who uses the API: a token in the header `Authorization: Bearer …` (RFC 6750), and what it allows."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from rugcourse.auth.api_tokens import ApiClient, Scope, find_client, mark_used
from rugcourse.web.access import Access
from rugcourse.web.api.problems import ApiError
from rugcourse.web.rendering import runtime_of

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="rugcourse"'}
_IN_ADDRESS = ("access_token", "token", "api_key")


def _client(scope: Scope) -> object:
    """Return a dependency that requires a token with a scope."""

    async def identify(request: Request) -> ApiClient:
        return await run_in_threadpool(_require, request, scope)

    identify.access = Access.API  # type: ignore[attr-defined]
    identify.scope = scope  # type: ignore[attr-defined]
    return Depends(identify)


def _require(request: Request, scope: Scope) -> ApiClient:
    """Return who asks. Raises ApiError: 401 without a valid token, 403 without the scope, 429 above the limit."""
    if any(name in request.query_params for name in _IN_ADDRESS):
        raise ApiError(400, "A token never stands in an address, which ends up in logs. Send it as a header.")
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    runtime, limits = runtime_of(request), request.app.state.limits
    network = request.client.host if request.client else None
    if kind.lower() != "bearer" or not secret:
        raise ApiError(401, "Send a token in the header Authorization: Bearer …", _CHALLENGE)
    now = runtime.clock.now()
    client = runtime.database.query(find_client, now, secret.strip())
    if client is None:
        if not limits.allows_api_guess(network):
            raise ApiError(429, "Too many wrong tokens from this network.", {"Retry-After": "3600"})
        raise ApiError(401, "The token is unknown, has expired, or was revoked.", _CHALLENGE)
    wait = limits.api_wait(client.token_id)
    if wait:
        raise ApiError(429, f"Wait {wait} seconds.", {"Retry-After": str(wait)})
    if scope not in client.scopes:
        detail = f"The token lacks the scope {scope}, or its admin may not do this any more."
        raise ApiError(403, detail, {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'})
    if client.is_unseen:
        runtime.database.run(mark_used, now, client.token_id)
    return client


ReadsSubscribers = Annotated[ApiClient, _client(Scope.SUBSCRIBERS_READ)]
WritesSubscribers = Annotated[ApiClient, _client(Scope.SUBSCRIBERS_WRITE)]
ReadsCourses = Annotated[ApiClient, _client(Scope.COURSES_READ)]
ReadsCampaigns = Annotated[ApiClient, _client(Scope.CAMPAIGNS_READ)]
WritesCampaigns = Annotated[ApiClient, _client(Scope.CAMPAIGNS_WRITE)]
ReadsSuppressions = Annotated[ApiClient, _client(Scope.SUPPRESSIONS_READ)]
WritesSuppressions = Annotated[ApiClient, _client(Scope.SUPPRESSIONS_WRITE)]
