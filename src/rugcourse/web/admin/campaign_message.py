"""The message of a broadcast while it is written: the mail, and what is still wrong with it. For editors."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from rugcourse.content.markdown import UnknownTag
from rugcourse.course_editor.messages import lenient_message
from rugcourse.db.models import Ground
from rugcourse.emails.templates import TemplateError
from rugcourse.locales import languages
from rugcourse.web.admin.auth import Editor, admin_page, text_page, typed_fields
from rugcourse.web.admin.campaign_forms import FormErrors, message_from, message_input
from rugcourse.web.admin.campaign_samples import campaign_mails
from rugcourse.web.admin.campaign_wizard import find_draft
from rugcourse.web.admin.campaigns import Id
from rugcourse.web.admin.mail_views import mail_view
from rugcourse.web.rendering import NotFound, runtime_of

router = APIRouter()

Typed = Annotated[dict[str, str], Depends(typed_fields)]


@router.post("/admin/campaigns/{campaign_id}/what/preview")
def message_preview(request: Request, _identity: Editor, campaign_id: Id, typed: Typed) -> HTMLResponse:
    """The mail as far as it is written, for a frame beside the form."""
    row, language = find_draft(request, campaign_id), typed.get("shown", "")
    if row.sends_course or language not in languages():
        raise NotFound
    course, is_news = campaign_mails(request, row).course, row.ground == Ground.NEWS
    samples, now = runtime_of(request).sample_emails, runtime_of(request).clock.now()
    try:
        message = lenient_message(message_input(typed), language)
        mail = samples.of_message(course, message, language, now, is_news=is_news)
    except (UnknownTag, TemplateError) as error:
        return text_page(str(error))
    return mail_view(request, mail, typed.get("look", ""))


@router.post("/admin/campaigns/{campaign_id}/what/checks")
def message_checks(request: Request, identity: Editor, campaign_id: Id, typed: Typed) -> HTMLResponse:
    """What keeps the message from being saved: a part of the page, while it is written."""
    find_draft(request, campaign_id)
    try:
        message_from(typed)
    except FormErrors as error:
        return admin_page(request, identity, "campaign-what-checks", {"findings": error.findings})
    return admin_page(request, identity, "campaign-what-checks", {"findings": ()})
