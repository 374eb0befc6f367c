"""Suppressed addresses: which get no email, whoever signs them up."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from rugcourse.auth import idempotency
from rugcourse.auth.idempotency import IdempotentRequest
from rugcourse.subscribers import admin_actions, page_data
from rugcourse.web.api.client import ReadsSuppressions, WritesSuppressions
from rugcourse.web.api.pagination import Cursor, Limit, Page, PagedList, page_of, read_cursor
from rugcourse.web.api.problems import ApiRoute
from rugcourse.web.api.resources import NewSuppression, Reason, RequestAccepted, SuppressionView
from rugcourse.web.api.subscribers import IdempotencyKey
from rugcourse.web.rendering import runtime_of

router = APIRouter(prefix="/api/v1", tags=["Suppressions"], route_class=ApiRoute)


@router.get("/suppressions")
def list_suppressions(
    request: Request, response: Response, _client: ReadsSuppressions, limit: Limit = 50, cursor: Cursor = ""
) -> Page[SuppressionView]:
    """List the suppressed addresses of people who are known here."""
    runtime = runtime_of(request)
    found = runtime.database.query(
        page_data.suppressions, runtime.signer, "", read_cursor(request, PagedList.SUPPRESSIONS, cursor), limit
    )
    return page_of(
        request, response, PagedList.SUPPRESSIONS, [SuppressionView.of(one) for one in found.people], found.more
    )


@router.post("/suppressions")
def suppress(
    request: Request, client: WritesSuppressions, sent: NewSuppression, idempotency_key: IdempotencyKey = ""
) -> RequestAccepted:
    """Suppress an address, known or not. Once more changes nothing."""
    runtime, now = runtime_of(request), runtime_of(request).clock.now()
    asked = IdempotentRequest(client.token_id, idempotency_key, f"{request.url.path}\n{sent.model_dump_json()}")
    act = partial(
        admin_actions.suppress_address,
        now=now,
        signer=runtime.signer,
        admin_id=client.admin_id,
        typed=sent.email,
        reason=sent.reason,
    )
    runtime.database.run(idempotency.once, now, runtime.signer, asked, act)
    return RequestAccepted()


@router.delete("/suppressions")
def lift(
    request: Request,
    client: WritesSuppressions,
    email: Annotated[str, Query(max_length=254)],
    reason: Annotated[Reason, Query()],
) -> RequestAccepted:
    """Lift the suppression of an address. 409 if it is not suppressed."""
    runtime = runtime_of(request)
    runtime.database.run(
        admin_actions.lift_suppression, runtime.clock.now(), runtime.signer, client.admin_id, email, reason
    )
    return RequestAccepted()
