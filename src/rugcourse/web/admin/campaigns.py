"""Campaigns: list, progress, results, the mails behind a figure. Editors start and stop them; analysts can read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.campaigns import drafts, lifecycle, page_data
from rugcourse.campaigns.drafts import Actor, DraftConflict, NoDraft
from rugcourse.campaigns.progress import STATES
from rugcourse.db.engine import Database
from rugcourse.db.models import (
    CAMPAIGN_TYPES,
    DISCARDED_DAYS,
    CampaignKind,
    CampaignRow,
    CampaignStatus,
    Role,
)
from rugcourse.web.admin import charts
from rugcourse.web.admin.auth import Analyst, Editor, admin_page
from rugcourse.web.admin.funnel_chart import funnel_rows
from rugcourse.web.admin.tables import campaigns as tables
from rugcourse.web.admin.tables.people import campaign_mails
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()

Id = Annotated[int, Path(ge=1, lt=2**31)]
_KINDS = tuple(kind for kind, one in CAMPAIGN_TYPES.items() if one.has_audience)


@router.api_route("/admin/campaigns", methods=READ)
def campaigns_page(
    request: Request,
    identity: Analyst,
    archived: Annotated[str, Query()] = "",
    notice: Annotated[str, Query()] = "",
    draft: Annotated[str, Query()] = "",
) -> HTMLResponse:
    """Show the campaigns and discarded drafts. `draft`: the id that `notice` refers to."""
    return _list_page(request, identity, archived == "yes", notice, whole_number(draft))


@router.post("/admin/campaigns")
def create(
    request: Request,
    identity: Editor,
    kind: Annotated[str, Form()] = "",
    course: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
) -> Response:
    runtime = runtime_of(request)
    known = {one.id for one in runtime.database.query(runtime.course_cache.courses)}
    if kind not in _KINDS or whole_number(course) not in known or not name.strip():
        return _new_page(request, identity, {"kind": kind, "course": course, "name": name}, is_incomplete=True)
    made = runtime.database.run(
        drafts.create, actor_of(request, identity), CampaignKind(kind), whole_number(course), name.strip()[:120]
    )
    first_step = "who" if CAMPAIGN_TYPES[CampaignKind(kind)].sends_course else "what"
    return RedirectResponse(f"/admin/campaigns/{made}/{first_step}", 303)


@router.api_route("/admin/campaigns/new", methods=READ)
def new_page(request: Request, identity: Editor, kind: Annotated[str, Query()] = "") -> HTMLResponse:
    """Show the form for a new campaign. `kind`: which one is chosen already."""
    return _new_page(request, identity, {"kind": kind, "course": "", "name": ""})


@router.api_route("/admin/campaigns/compare", methods=READ)
def compare_page(request: Request, identity: Analyst) -> HTMLResponse:
    """Compare campaigns."""
    values = {"table": tables.compared(request, request.query_params)}
    return admin_page(request, identity, "campaigns-compare", values)


@router.api_route("/admin/campaigns/{campaign_id}", methods=READ)
def campaign_page(request: Request, identity: Analyst, campaign_id: Id, done: Annotated[str, Query()] = "") -> Response:
    row = find_campaign(request, campaign_id)
    if row.discarded_at is not None:
        return RedirectResponse("/admin/campaigns", 303)
    if row.status == CampaignStatus.DRAFT:
        return RedirectResponse(f"/admin/campaigns/{campaign_id}/review", 303)
    runtime = runtime_of(request)
    found = runtime.database.query(page_data.details, runtime.course_cache, row)
    values = {
        "campaign": row,
        "course": found.course,
        "progress": found.progress,
        "timing": found.timing,
        "states": STATES,
        "done": done,
        "may_change": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "campaign", values)


@router.post("/admin/campaigns/{campaign_id}")
def campaign_submit(
    request: Request,
    identity: Editor,
    campaign_id: Id,
    action: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
) -> Response:
    """Start, stop or duplicate a campaign. `again`: how many previous readers are to get the course again.

    `seen`: the etag of the draft when the page was loaded.
    """
    row = find_campaign(request, campaign_id)
    runtime = runtime_of(request)
    database, actor = runtime.database, actor_of(request, identity)
    if action == "discard":
        return _discard(database, actor, campaign_id)
    if action == "restore":
        return _restore(database, actor, campaign_id)
    if action == "duplicate":
        made = database.run(drafts.duplicate, actor, campaign_id, row.name)
        return RedirectResponse(f"/admin/campaigns/{made}/review", 303)
    act = partial(lifecycle.start, again=whole_number(again), seen=seen) if action == "start" else _ACTS.get(action)
    if act is None:
        raise NotFound
    try:
        database.run(act, actor, campaign_id)
    except tuple(_REFUSALS) as error:
        refusal = _REFUSALS[type(error)]
        if isinstance(error, lifecycle.AudienceChanged):
            drafts.recount(database, runtime.clock, campaign_id)
        back = "/review" if row.status == CampaignStatus.DRAFT else ""
        return RedirectResponse(f"/admin/campaigns/{campaign_id}{back}?done={refusal}", 303)
    return RedirectResponse(f"/admin/campaigns/{campaign_id}?done={action}", 303)


@router.api_route("/admin/campaigns/{campaign_id}/results", methods=READ)
def results_page(
    request: Request, identity: Analyst, campaign_id: Id, unfolded: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """Show the results of a campaign. `unfolded`: `yes` to show all answers, as for printing."""
    found = tables.results(request, campaign_id, request.query_params)
    results = found.results
    arrived = {one.title.partition(".")[0] or one.title: one.arrived for one in results.mails}
    steps = funnel_rows(results.funnel, preferred_language(request))
    values = {
        "campaign": found.campaign,
        "results": results,
        "tables": found,
        "chart": charts.columns(arrived) if len(arrived) > 1 else (),
        "funnel": charts.bars(steps, steps[0][1]) if steps and steps[0][1] else (),
        "places": results.places,
        "unfolded": unfolded == "yes",
    }
    return admin_page(request, identity, "campaign-results", values)


@router.api_route("/admin/campaigns/{campaign_id}/mails", methods=READ)
def mails_page(
    request: Request,
    identity: Analyst,
    campaign_id: Id,
    state: Annotated[str, Query()] = "accepted",
    lesson: Annotated[str, Query()] = "",
    after: Annotated[str, Query()] = "",
) -> HTMLResponse:
    """Show the mails behind a figure."""
    row = find_campaign(request, campaign_id)
    fields = {"campaign": str(campaign_id), "state": state, "lesson": lesson, "after": after}
    values = {
        "campaign": row,
        "state": state,
        "table": campaign_mails(request, fields),
        "may_take": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "campaign-mails", values)


def _discard(database: Database, actor: Actor, campaign_id: int) -> RedirectResponse:
    try:
        database.run(drafts.discard, actor, campaign_id)
    except NoDraft:
        return RedirectResponse(f"/admin/campaigns/{campaign_id}?done=not-now", 303)
    return RedirectResponse(f"/admin/campaigns?notice=discarded&draft={campaign_id}", 303)


def _restore(database: Database, actor: Actor, campaign_id: int) -> RedirectResponse:
    try:
        database.run(drafts.restore, actor, campaign_id)
    except NoDraft:
        return RedirectResponse("/admin/campaigns?notice=no-draft", 303)
    return RedirectResponse(f"/admin/campaigns/{campaign_id}/review?done=restored", 303)


def find_campaign(request: Request, campaign_id: int) -> CampaignRow:
    """Return a campaign. Raises NotFound."""
    try:
        return runtime_of(request).database.query(page_data.find, campaign_id)
    except page_data.CampaignNotFound:
        raise NotFound from None


def actor_of(request: Request, identity: AdminIdentity) -> Actor:
    return Actor(identity.admin_id, runtime_of(request).clock.now())


_ACTS: dict[str, Callable[..., None]] = {
    "pause": lifecycle.pause,
    "resume": lifecycle.resume,
    "cancel": lifecycle.cancel,
    "archive": lifecycle.archive,
    "unarchive": partial(lifecycle.archive, back=True),
}
# The page's message for each error.
_REFUSALS: dict[type[Exception], str] = {
    NoDraft: "not-now",
    DraftConflict: "changed",
    lifecycle.InvalidCampaignState: "not-now",
    lifecycle.SendTimePassed: "past",
    lifecycle.NoMessage: "no-message",
    lifecycle.AudienceChanged: "recounted",
    lifecycle.RepeatsNotConfirmed: "unconfirmed",
}


def _new_page(
    request: Request, identity: AdminIdentity, typed: dict[str, str], *, is_incomplete: bool = False
) -> HTMLResponse:
    runtime = runtime_of(request)
    courses = runtime.database.query(runtime.course_cache.courses)
    values = {
        **typed,
        "kinds": _KINDS,
        "titles": {one.id: one.course.texts for one in courses},
        "is_incomplete": is_incomplete,
    }
    return admin_page(request, identity, "campaign-new", values, 400 if is_incomplete else 200)


def _list_page(request: Request, identity: AdminIdentity, archived: bool, notice: str, draft: int = 0) -> HTMLResponse:
    fields = {**request.query_params, "archived": "yes" if archived else ""}
    table, found = tables.campaigns(request, fields)
    values = {
        "table": table,
        "archived": archived,
        "discarded": found.discarded,
        "discarded_days": DISCARDED_DAYS,
        "undo": next((one for one in found.discarded if one.id == draft), None),
        "notice": notice,
        "may_change": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "campaigns", values)
