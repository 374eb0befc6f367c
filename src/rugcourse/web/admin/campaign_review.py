"""The last step of the campaign wizard: what happens if it is started, and a test mail. For editors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.campaigns import page_data, send_preview
from rugcourse.db.audience import Audience, permission_of
from rugcourse.db.models import DISCARDED_DAYS, CampaignRow
from rugcourse.email_preview.linter import lint_email
from rugcourse.email_preview.sample import parts_of
from rugcourse.i18n import short_date, time_of_day
from rugcourse.scheduling import DAILY
from rugcourse.web.admin import charts
from rugcourse.web.admin.auth import Editor, mail_page
from rugcourse.web.admin.campaign_samples import campaign_mails, mail_of, mails_of
from rugcourse.web.admin.campaign_wizard import find_draft, seen_of, step_page
from rugcourse.web.admin.campaigns import Id, find_campaign
from rugcourse.web.admin.mail_views import send_test_email
from rugcourse.web.rendering import READ, preferred_language, runtime_of

router = APIRouter()

_HOURS_SHOWN = 36


@router.api_route("/admin/campaigns/{campaign_id}/review", methods=READ)
def review_page(
    request: Request, identity: Editor, campaign_id: Id, done: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """Show how many get it, when, and the mail."""
    row = find_draft(request, campaign_id)
    runtime = runtime_of(request)
    seen = seen_of(request, row, "review")
    made_of = campaign_mails(request, row)
    values = {
        "seen": seen,
        **_calendar(request, row, mails=len(made_of.course.lessons) if row.sends_course else 1),
        "done": done,
        "discarded_days": DISCARDED_DAYS,
        "timing": page_data.timing_of(row),
        "spoken": made_of.languages,
        "looks": {
            language: lint_email(message, runtime.settings.base_url)
            for _, language, message in mails_of(request, row, 1)
        },
        "message_id": runtime.database.query(page_data.message_id, row),
    }
    return step_page(request, identity, row, "review", values)


@router.post("/admin/campaigns/{campaign_id}/test")
def send_test(
    request: Request,
    identity: Editor,
    campaign_id: Id,
    mail_language: Annotated[str, Form()] = "",
) -> Response:
    """Send the mail to the admin."""
    row = find_draft(request, campaign_id)
    message = mail_of(request, row, mail_language)
    sent = send_test_email(request, identity, message)
    return RedirectResponse(f"/admin/campaigns/{campaign_id}/review?done={'test' if sent else 'no-test'}", 303)


@router.api_route("/admin/campaigns/{campaign_id}/mail/{mail_language}", methods=READ)
def mail(request: Request, _identity: Editor, campaign_id: Id, mail_language: str) -> HTMLResponse:
    """Return the first mail of a campaign, for a frame."""
    html, _ = parts_of(mail_of(request, find_campaign(request, campaign_id), mail_language))
    return mail_page(html, runtime_of(request).settings.base_url)


def _calendar(request: Request, row: CampaignRow, mails: int) -> dict[str, object]:
    """Who gets it, and when. `mails`: the number of mails for each reader."""
    runtime = runtime_of(request)
    now, quiet, timing = runtime.clock.now(), runtime.send_window.quiet, page_data.timing_of(row)
    cadence = campaign_mails(request, row).course.cadence if row.sends_course else DAILY
    expected = send_preview.preview_sends(row, mails, now, quiet, cadence)
    is_one_moment = not row.sends_course and timing.day is None
    first_hours = dict(list(expected.hours.items())[:_HOURS_SHOWN])
    audience = Audience.model_validate(row.audience)
    return {
        "outlook": expected,
        "starts_at_once": expected.first is not None and expected.first <= now,
        "quiet": quiet,
        "later": sum(n for hour, n in expected.hours.items() if hour > (timing.at or now)) if is_one_moment else 0,
        "mails": mails,
        "first_hours": first_hours,
        "chart": _chart(request, first_hours, preferred_language(request)),
        "days": send_preview.by_days(expected.hours, 31),
        "people": runtime.database.query(send_preview.sample, now, audience, timing, quiet, permission_of(row)),
    }


def _chart(request: Request, mails: Mapping[datetime, int], language: str) -> tuple[charts.ChartColumn, ...]:
    """Mails, hour by hour."""
    zone = runtime_of(request).site.zone
    local = {hour.astimezone(zone): n for hour, n in mails.items()}
    by_hour = {f"{short_date(hour, language)} {time_of_day(hour, language)}": n for hour, n in local.items()}
    return charts.columns(by_hour)
