"""Suppressed addresses: which get no email, whoever signs them up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from rugcourse.subscribers import admin_actions, page_data
from rugcourse.web.api.client import ReadsSuppressions, WritesSuppressions
from rugcourse.web.api.pagination import Cursor, Limit, Page, page_of, read_cursor
from rugcourse.web.api.problems import ApiRoute
from rugcourse.web.api.resources import NewSuppression, RequestAccepted, SuppressionView
from rugcourse.web.rendering import runtime_of

router = APIRouter(prefix="/api/v1", tags=["Suppressions"], route_class=ApiRoute)


@router.get("/suppressions")
def list_suppressions(
    request: Request, response: Response, _client: ReadsSuppressions, limit: Limit = 50, cursor: Cursor = ""
) -> Page[SuppressionView]:
    """List the suppressed addresses of people who are known here."""
    runtime = runtime_of(request)
    found = runtime.database.query(page_data.suppressions, runtime.signer, "", read_cursor(request, cursor), limit)
    return page_of(request, response, [SuppressionView.of(one) for one in found.people], found.more)


@router.post("/suppressions")
def suppress(request: Request, client: WritesSuppressions, sent: NewSuppression) -> RequestAccepted:
    """Suppress an address, known or not. Once more changes nothing."""
    runtime = runtime_of(request)
    runtime.database.run(
        admin_actions.suppress_address, runtime.clock.now(), runtime.signer, client.admin_id, sent.email, sent.reason
    )
    return RequestAccepted()


@router.delete("/suppressions")
def lift(
    request: Request,
    client: WritesSuppressions,
    email: Annotated[str, Query(max_length=254)],
    reason: Annotated[str, Query(min_length=1, max_length=200)],
) -> RequestAccepted:
    """Lift the suppression of an address. 409 if it is not suppressed."""
    runtime = runtime_of(request)
    runtime.database.run(
        admin_actions.lift_suppression, runtime.clock.now(), runtime.signer, client.admin_id, email, reason
    )
    return RequestAccepted()
