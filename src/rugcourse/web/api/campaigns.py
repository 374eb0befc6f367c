"""Campaigns: their progress and results; pausing, resuming and cancelling them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from rugcourse.auth import idempotency
from rugcourse.auth.idempotency import IdempotentRequest
from rugcourse.campaigns import lifecycle, page_data
from rugcourse.campaigns.drafts import Actor
from rugcourse.locales import SOURCE_LANGUAGE
from rugcourse.reports.campaign_results import results_of
from rugcourse.web.api.client import ReadsCampaigns, WritesCampaigns
from rugcourse.web.api.problems import ApiRoute
from rugcourse.web.api.resources import CampaignActionRequest, CampaignResultsView, CampaignView, RequestAccepted
from rugcourse.web.api.subscribers import IdempotencyKey
from rugcourse.web.rendering import runtime_of

router = APIRouter(prefix="/api/v1", tags=["Campaigns"], route_class=ApiRoute)

_MOST = 200
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
_ACTIONS = {"pause": lifecycle.pause, "resume": lifecycle.resume, "cancel": lifecycle.cancel}


@router.get("/campaigns")
def list_campaigns(
    request: Request, _client: ReadsCampaigns, archived: Annotated[bool, Query()] = False
) -> list[CampaignView]:
    """List the newest 200 campaigns, or those that are archived."""
    runtime = runtime_of(request)
    found = runtime.database.query(page_data.listed, _MOST, archived=archived)
    return [CampaignView.of(row) for row in found.campaigns]


@router.get("/campaigns/{campaign_id}")
def show_campaign(request: Request, _client: ReadsCampaigns, campaign_id: Id) -> CampaignView:
    """Show a campaign and how many readers it has."""
    runtime = runtime_of(request)
    row = runtime.database.query(page_data.find, campaign_id)
    found = runtime.database.query(page_data.details, runtime.course_cache, row)
    return CampaignView.of(row, found.progress.readers)


@router.get("/campaigns/{campaign_id}/results")
def show_results(
    request: Request,
    _client: ReadsCampaigns,
    campaign_id: Id,
    language: Annotated[str, Query(max_length=5)] = SOURCE_LANGUAGE,
) -> CampaignResultsView:
    """Show the results of a campaign, with titles in a language."""
    runtime = runtime_of(request)
    row = runtime.database.query(page_data.find, campaign_id)
    return CampaignResultsView.of(runtime.database.query(results_of, runtime.course_cache, row, language))


@router.post("/campaigns/{campaign_id}/actions")
def act_on_campaign(
    request: Request,
    client: WritesCampaigns,
    campaign_id: Id,
    sent: CampaignActionRequest,
    idempotency_key: IdempotencyKey = "",
) -> RequestAccepted:
    """Pause, resume or cancel a campaign. 409 if it is not in a state for that."""
    runtime = runtime_of(request)
    now = runtime.clock.now()
    runtime.database.query(page_data.find, campaign_id)
    asked = IdempotentRequest(client.token_id, idempotency_key, f"{request.url.path}\n{sent.model_dump_json()}")
    act = partial(_ACTIONS[sent.action], actor=Actor(client.admin_id, now), campaign_id=campaign_id)
    runtime.database.run(idempotency.once, now, runtime.signer, asked, act)
    return RequestAccepted()
