"""The campaign wizard: content, audience, timing and pace of a draft. For editors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.campaigns import drafts, page_data, send_preview
from rugcourse.campaigns.drafts import DraftConflict
from rugcourse.content import Message
from rugcourse.content.languages import language_for
from rugcourse.content.model import PREHEADER_LIMIT, SUBJECT_LIMIT
from rugcourse.course_editor.linter import LintFinding
from rugcourse.course_editor.messages import PARTS
from rugcourse.course_editor.picture_linter import picture_findings
from rugcourse.db.audience import Audience, Following, permission_of
from rugcourse.db.models import CampaignRow
from rugcourse.locales import languages
from rugcourse.web.admin.auth import Editor, admin_page, typed_fields
from rugcourse.web.admin.campaign_forms import (
    STEPS,
    FormErrors,
    WhenFields,
    WhoFields,
    message_from,
    name_from,
    pace_from,
    refuse,
    when_values,
    who_values,
)
from rugcourse.web.admin.campaign_samples import campaign_mails
from rugcourse.web.admin.campaigns import Id, find_campaign
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()


@router.api_route("/admin/campaigns/{campaign_id}/what", methods=READ)
def what_page(request: Request, identity: Editor, campaign_id: Id) -> HTMLResponse:
    row = find_draft(request, campaign_id)
    return _what_page(request, identity, row, {})


@router.post("/admin/campaigns/{campaign_id}/what")
def write_what(
    request: Request, identity: Editor, campaign_id: Id, typed: Annotated[dict[str, str], Depends(typed_fields)]
) -> Response:
    """Save the name, and the message of a broadcast."""
    row = find_draft(request, campaign_id)
    runtime = runtime_of(request)
    try:
        name = name_from(typed.get("name", ""))
        message = None if row.sends_course else message_from(typed)
        if message is not None:
            bodies = {f"{language}.body": text.body for language, text in message.texts.items()}
            refuse(one for one in runtime.database.query(picture_findings, bodies) if one.is_error)
    except FormErrors as error:
        return _what_page(request, identity, row, typed, error.findings)
    try:
        runtime.database.run(drafts.write, runtime.clock.now(), campaign_id, name, message, typed.get("seen", ""))
    except DraftConflict:
        return _what_page(request, identity, row, typed, meanwhile=True)
    return RedirectResponse(f"/admin/campaigns/{campaign_id}/who", 303)


@router.api_route("/admin/campaigns/{campaign_id}/who", methods=READ)
def who_page(request: Request, identity: Editor, campaign_id: Id) -> HTMLResponse:
    row = find_draft(request, campaign_id)
    return _who_page(request, identity, row, who_values(Audience.model_validate(row.audience), row.ground))


@router.post("/admin/campaigns/{campaign_id}/who")
def write_who(request: Request, identity: Editor, campaign_id: Id, fields: Annotated[WhoFields, Form()]) -> Response:
    row = find_draft(request, campaign_id)
    runtime = runtime_of(request)
    try:
        ground = fields.ground_of(row)
        drafts.set_audience(runtime.database, runtime.clock, campaign_id, fields.audience(), fields.seen, ground)
    except FormErrors as error:
        return _who_page(request, identity, row, fields, error.findings)
    except DraftConflict:
        return _who_page(request, identity, row, fields, meanwhile=True)
    return RedirectResponse(f"/admin/campaigns/{campaign_id}/when", 303)


@router.post("/admin/campaigns/{campaign_id}/count")
def count_who(
    request: Request, identity: Editor, campaign_id: Id, fields: Annotated[WhoFields, Form()]
) -> HTMLResponse:
    """Return the size of an audience and a sample, while the form is filled in."""
    row = find_draft(request, campaign_id)
    runtime = runtime_of(request)
    try:
        audience, allowed = fields.audience(), permission_of(row, fields.ground_of(row))
    except FormErrors as error:
        return admin_page(request, identity, "campaign-count", {"count": None, "people": [], "wrong": error.findings})
    timing, quiet = page_data.timing_of(row), runtime.send_window.quiet
    values = runtime.database.query(send_preview.counted, runtime.clock.now(), audience, timing, quiet, allowed)
    return admin_page(request, identity, "campaign-count", values)


@router.api_route("/admin/campaigns/{campaign_id}/when", methods=READ)
def when_page(request: Request, identity: Editor, campaign_id: Id) -> HTMLResponse:
    row = find_draft(request, campaign_id)
    return _when_page(request, identity, row, when_values(page_data.timing_of(row), runtime_of(request).site.zone))


@router.post("/admin/campaigns/{campaign_id}/when")
def write_when(request: Request, identity: Editor, campaign_id: Id, fields: Annotated[WhenFields, Form()]) -> Response:
    row = find_draft(request, campaign_id)
    runtime = runtime_of(request)
    typed = {**fields.model_dump(), "days": set(fields.days)}
    try:
        timing = fields.timing(runtime.clock.now(), runtime.site.zone)
        runtime.database.run(drafts.set_timing, campaign_id, timing, fields.seen)
    except FormErrors as error:
        return _when_page(request, identity, row, typed, error.findings)
    except DraftConflict:
        return _when_page(request, identity, row, typed, meanwhile=True)
    following = "pace" if row.sends_course else "review"  # few messages are so many that their speed matters
    return RedirectResponse(f"/admin/campaigns/{campaign_id}/{following}", 303)


@router.api_route("/admin/campaigns/{campaign_id}/pace", methods=READ)
def pace_page(request: Request, identity: Editor, campaign_id: Id) -> HTMLResponse:
    row = find_draft(request, campaign_id)
    timing = page_data.timing_of(row)
    return step_page(
        request, identity, row, "pace", {"per_minute": row.rate_per_minute or "", "every_days": timing.every_days or ""}
    )


@router.post("/admin/campaigns/{campaign_id}/pace")
def write_pace(
    request: Request,
    identity: Editor,
    campaign_id: Id,
    seen: Annotated[str, Form()] = "",
    per_minute: Annotated[str, Form()] = "",
    every_days: Annotated[str, Form()] = "",
) -> Response:
    row = find_draft(request, campaign_id)
    values = {"per_minute": per_minute, "every_days": every_days}
    try:
        runtime_of(request).database.run(drafts.set_pace, campaign_id, *pace_from(per_minute, every_days), seen)
    except FormErrors as error:
        return step_page(request, identity, row, "pace", values, error.findings)
    except DraftConflict:
        return step_page(request, identity, row, "pace", values, meanwhile=True)
    return RedirectResponse(f"/admin/campaigns/{campaign_id}/review", 303)


def find_draft(request: Request, campaign_id: int) -> CampaignRow:
    """Return a draft. Raises NotFound for a campaign that has started."""
    row = find_campaign(request, campaign_id)
    if not drafts.is_draft(row):
        raise NotFound
    return row


def seen_of(request: Request, row: CampaignRow, step: str, *, meanwhile: bool = False) -> str:
    """Return the etag of what a step shows, or after an edit conflict of the current state.

    It is computed before the data is read, so that a change in between leads to a conflict and is not overwritten.
    """
    return runtime_of(request).database.query(page_data.etag, row, step, anew=meanwhile)


def _what_page(
    request: Request,
    identity: AdminIdentity,
    row: CampaignRow,
    typed: dict[str, str],
    wrong: Sequence[LintFinding] = (),
    *,
    meanwhile: bool = False,
) -> HTMLResponse:
    seen = seen_of(request, row, "what", meanwhile=meanwhile)
    message = campaign_mails(request, row).message
    kept = {
        f"{part}.{language}": getattr(text, part)
        for language, text in (message.texts if message else {}).items()
        for part in PARTS
    }
    values = {
        "typed": {"name": row.name, **kept, **typed},
        "languages": languages(),
        "shown": _shown_language(request, message, wrong),
        "parts": PARTS,
        "limits": {"subject": SUBJECT_LIMIT, "preheader": PREHEADER_LIMIT},
        "seen": seen,
    }
    return step_page(request, identity, row, "what", values, wrong, meanwhile=meanwhile)


def _shown_language(request: Request, message: Message | None, wrong: Sequence[LintFinding]) -> str:
    """Return the language whose tab is open: that of the first mistake, or one that is written."""
    with_mistakes = [one.where.partition(".")[0] for one in wrong if one.where.partition(".")[0] in languages()]
    preferred = preferred_language(request)
    return next(iter(with_mistakes), language_for(message.texts, preferred) if message else preferred)


def _who_page(
    request: Request,
    identity: AdminIdentity,
    row: CampaignRow,
    who: WhoFields,
    wrong: Sequence[LintFinding] = (),
    *,
    meanwhile: bool = False,
) -> HTMLResponse:
    runtime = runtime_of(request)
    offered = runtime.database.query(page_data.audience_choices, runtime.course_cache)
    values = {
        "who": who,
        "courses": offered.courses,
        "known_tags": sorted({*offered.tags, *who.chosen_tags}),
        "followings": [*Following],
        "all_languages": languages(),
    }
    return step_page(request, identity, row, "who", values, wrong, meanwhile=meanwhile)


def _when_page(
    request: Request,
    identity: AdminIdentity,
    row: CampaignRow,
    typed: dict[str, object],
    wrong: Sequence[LintFinding] = (),
    *,
    meanwhile: bool = False,
) -> HTMLResponse:
    today = runtime_of(request).clock.now().date()
    values = {"when_fields": typed, "today": today}
    return step_page(request, identity, row, "when", values, wrong, meanwhile=meanwhile)


def step_page(
    request: Request,
    identity: AdminIdentity,
    row: CampaignRow,
    step: str,
    values: dict[str, Any],
    wrong: Sequence[LintFinding] = (),
    *,
    meanwhile: bool = False,
) -> HTMLResponse:
    """Render a step. `wrong`: why the input was not saved; `meanwhile`: somebody else has changed this part."""
    seen = seen_of(request, row, step, meanwhile=meanwhile)
    frame = {"campaign": row, "step": step, "steps": STEPS, "wrong": wrong, "seen": seen, "meanwhile": meanwhile}
    status = 409 if meanwhile else 400 if wrong else 200
    return admin_page(request, identity, f"campaign-{step}", {**frame, **values}, status)
