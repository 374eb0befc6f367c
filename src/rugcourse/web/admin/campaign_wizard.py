"""The campaign wizard: content, audience, timing, pace and review of a draft. For editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.bootstrap import send_sample
from rugcourse.campaigns import drafts, page_data, send_preview
from rugcourse.campaigns.drafts import DraftConflict
from rugcourse.course_editor.linter import LintFinding
from rugcourse.course_editor.messages import PARTS
from rugcourse.course_editor.picture_linter import picture_findings
from rugcourse.db.audience import Audience, Following, permission_of
from rugcourse.db.models import DISCARDED_DAYS, CampaignRow
from rugcourse.email_preview.linter import lint_email
from rugcourse.email_preview.sample import parts_of
from rugcourse.i18n import short_date, time_of_day
from rugcourse.locales import languages
from rugcourse.scheduling import DAILY
from rugcourse.web.admin import charts
from rugcourse.web.admin.auth import Editor, admin_page, mail_page, typed_fields
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
from rugcourse.web.admin.campaign_samples import campaign_mails, mail_of, mails_of
from rugcourse.web.admin.campaigns import Id, find_campaign
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()

_HOURS_SHOWN = 36


@router.api_route("/admin/campaigns/{campaign_id}/what", methods=READ)
def what_page(request: Request, identity: Editor, campaign_id: Id) -> HTMLResponse:
    row = _draft(request, campaign_id)
    return _what_page(request, identity, row, {})


@router.post("/admin/campaigns/{campaign_id}/what")
def write_what(
    request: Request, identity: Editor, campaign_id: Id, typed: Annotated[dict[str, str], Depends(typed_fields)]
) -> Response:
    """Save the name, and the message of a broadcast."""
    row = _draft(request, campaign_id)
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
    row = _draft(request, campaign_id)
    return _who_page(request, identity, row, who_values(Audience.model_validate(row.audience), row.ground))


@router.post("/admin/campaigns/{campaign_id}/who")
def write_who(request: Request, identity: Editor, campaign_id: Id, fields: Annotated[WhoFields, Form()]) -> Response:
    row = _draft(request, campaign_id)
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
    row = _draft(request, campaign_id)
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
    row = _draft(request, campaign_id)
    return _when_page(request, identity, row, when_values(page_data.timing_of(row), runtime_of(request).site.zone))


@router.post("/admin/campaigns/{campaign_id}/when")
def write_when(request: Request, identity: Editor, campaign_id: Id, fields: Annotated[WhenFields, Form()]) -> Response:
    row = _draft(request, campaign_id)
    runtime = runtime_of(request)
    typed = {**fields.model_dump(), "days": set(fields.days)}
    try:
        timing = fields.timing(runtime.clock.now(), runtime.site.zone)
        runtime.database.run(drafts.set_timing, campaign_id, timing, fields.seen)
    except FormErrors as error:
        return _when_page(request, identity, row, typed, error.findings)
    except DraftConflict:
        return _when_page(request, identity, row, typed, meanwhile=True)
    return RedirectResponse(f"/admin/campaigns/{campaign_id}/pace", 303)


@router.api_route("/admin/campaigns/{campaign_id}/pace", methods=READ)
def pace_page(request: Request, identity: Editor, campaign_id: Id) -> HTMLResponse:
    row = _draft(request, campaign_id)
    timing = page_data.timing_of(row)
    return _step_page(
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
    row = _draft(request, campaign_id)
    values = {"per_minute": per_minute, "every_days": every_days}
    try:
        runtime_of(request).database.run(drafts.set_pace, campaign_id, *pace_from(per_minute, every_days), seen)
    except FormErrors as error:
        return _step_page(request, identity, row, "pace", values, error.findings)
    except DraftConflict:
        return _step_page(request, identity, row, "pace", values, meanwhile=True)
    return RedirectResponse(f"/admin/campaigns/{campaign_id}/review", 303)


@router.api_route("/admin/campaigns/{campaign_id}/review", methods=READ)
def review_page(
    request: Request, identity: Editor, campaign_id: Id, done: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """Show the calendar by hour, the first readers and the mail."""
    row = _draft(request, campaign_id)
    runtime = runtime_of(request)
    now, quiet = runtime.clock.now(), runtime.send_window.quiet
    seen = _seen(request, row, "review")
    made_of = campaign_mails(request, row)
    mails = len(made_of.course.lessons) if row.sends_course else 1
    cadence = made_of.course.cadence if row.sends_course else DAILY
    expected = send_preview.preview_sends(row, mails, now, quiet, cadence)
    first_hours = dict(list(expected.hours.items())[:_HOURS_SHOWN])
    timing = page_data.timing_of(row)
    values = {
        "seen": seen,
        "done": done,
        "discarded_days": DISCARDED_DAYS,
        "outlook": expected,
        "first_hours": first_hours,
        "chart": _chart(request, first_hours, preferred_language(request)),
        "days": send_preview.by_days(expected.hours, 31),
        "mails": mails,
        "people": runtime.database.query(
            send_preview.sample, now, Audience.model_validate(row.audience), timing, quiet, permission_of(row)
        ),
        "timing": timing,
        "spoken": made_of.languages,
        "looks": {
            language: lint_email(message, runtime.settings.base_url)
            for _, language, message in mails_of(request, row, 1)
        },
        "message_id": runtime.database.query(page_data.message_id, row),
    }
    return _step_page(request, identity, row, "review", values)


@router.post("/admin/campaigns/{campaign_id}/test")
def send_test(
    request: Request,
    identity: Editor,
    campaign_id: Id,
    mail_language: Annotated[str, Form()] = "",
) -> Response:
    """Send the mail to the admin."""
    row = _draft(request, campaign_id)
    message = mail_of(request, row, mail_language)
    sent = send_sample(runtime_of(request), message, identity.email)
    return RedirectResponse(f"/admin/campaigns/{campaign_id}/review?done={'test' if sent else 'no-test'}", 303)


@router.api_route("/admin/campaigns/{campaign_id}/mail/{mail_language}", methods=READ)
def mail(request: Request, _identity: Editor, campaign_id: Id, mail_language: str) -> HTMLResponse:
    """Return the first mail of a campaign, for a frame."""
    html, _ = parts_of(mail_of(request, find_campaign(request, campaign_id), mail_language))
    return mail_page(html, runtime_of(request).settings.base_url)


def _chart(request: Request, mails: Mapping[datetime, int], language: str) -> tuple[charts.ChartColumn, ...]:
    """Mails, hour by hour."""
    zone = runtime_of(request).site.zone
    local = {hour.astimezone(zone): n for hour, n in mails.items()}
    by_hour = {f"{short_date(hour, language)} {time_of_day(hour, language)}": n for hour, n in local.items()}
    return charts.columns(by_hour)


def _draft(request: Request, campaign_id: int) -> CampaignRow:
    """Return a draft. Raises NotFound for a campaign that has started."""
    row = find_campaign(request, campaign_id)
    if not drafts.is_draft(row):
        raise NotFound
    return row


def _seen(request: Request, row: CampaignRow, step: str, *, meanwhile: bool = False) -> str:
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
    seen = _seen(request, row, "what", meanwhile=meanwhile)
    message = campaign_mails(request, row).message
    kept = {
        f"{part}.{language}": getattr(text, part)
        for language, text in (message.texts if message else {}).items()
        for part in PARTS
    }
    values = {"typed": {"name": row.name, **kept, **typed}, "all_languages": languages(), "seen": seen}
    return _step_page(request, identity, row, "what", values, wrong, meanwhile=meanwhile)


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
        "known_tags": offered.tags,
        "followings": [*Following],
        "all_languages": languages(),
    }
    return _step_page(request, identity, row, "who", values, wrong, meanwhile=meanwhile)


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
    return _step_page(request, identity, row, "when", values, wrong, meanwhile=meanwhile)


def _step_page(
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
    seen = _seen(request, row, step, meanwhile=meanwhile)
    frame = {"campaign": row, "step": step, "steps": STEPS, "wrong": wrong, "seen": seen, "meanwhile": meanwhile}
    status = 409 if meanwhile else 400 if wrong else 200
    return admin_page(request, identity, f"campaign-{step}", {**frame, **values}, status)
