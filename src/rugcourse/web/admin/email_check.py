"""Pre-flight check of mails: lint findings and the SpamAssassin score. For editors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.content.markdown import UnknownTag
from rugcourse.course_editor import drafts
from rugcourse.course_editor.drafts import LessonNotFound
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.email_preview.linter import EmailReport, lint_email
from rugcourse.email_preview.spamassassin import SpamAssassinAway, SpamScore, is_installed, score
from rugcourse.emails.templates import TemplateError
from rugcourse.web.admin.auth import Editor, admin_page
from rugcourse.web.admin.campaign_samples import mails_of
from rugcourse.web.admin.campaigns import Id, find_campaign
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()


@dataclass(frozen=True, slots=True)
class CheckedEmail:
    """A mail and its findings. `opinion`: None if SpamAssassin was not asked; `look`: None if the mail can't be
    rendered.
    """

    title: str
    language: str
    look: EmailReport | None
    opinion: SpamScore | None = None


@router.api_route("/admin/lessons/{course}/{slug}/email-check", methods=READ)
def lesson_page(request: Request, identity: Editor, course: str, slug: str) -> HTMLResponse:
    """Check a lesson's draft."""
    return _lesson_page(request, identity, course, slug, ask_filter=False)


@router.post("/admin/lessons/{course}/{slug}/email-check")
def lesson_submit(request: Request, identity: Editor, course: str, slug: str) -> HTMLResponse:
    return _lesson_page(request, identity, course, slug, ask_filter=True)


@router.api_route("/admin/campaigns/{campaign_id}/email-check", methods=READ)
def campaign_page(request: Request, identity: Editor, campaign_id: Id) -> HTMLResponse:
    """Check the first mail of a campaign; the form below checks all of them, which takes seconds."""
    return _campaign_page(request, identity, campaign_id, ask_filter=False)


@router.post("/admin/campaigns/{campaign_id}/email-check")
def campaign_submit(request: Request, identity: Editor, campaign_id: Id) -> HTMLResponse:
    return _campaign_page(request, identity, campaign_id, ask_filter=True)


def _lesson_page(
    request: Request, identity: AdminIdentity, course: str, slug: str, *, ask_filter: bool
) -> HTMLResponse:
    runtime = runtime_of(request)
    try:
        state = runtime.database.query(drafts.load_editor, runtime.course_cache, course, slug)
    except LessonNotFound:
        raise NotFound from None
    lesson_draft = state.lesson_draft
    titles = [
        lesson_draft.fields.get(f"{language}.title", "")
        for language in (preferred_language(request), *lesson_draft.languages)
    ]
    title = next(filter(None, titles), slug)
    mails = [
        (lesson_draft.fields.get(f"{language}.title") or title, language, _message(request, lesson_draft, language))
        for language in lesson_draft.languages
    ]
    return _page(request, identity, mails, f"/admin/lessons/{course}/{slug}", title, ask_filter=ask_filter)


def _campaign_page(request: Request, identity: AdminIdentity, campaign_id: int, *, ask_filter: bool) -> HTMLResponse:
    row = find_campaign(request, campaign_id)
    mails = mails_of(request, row, None if ask_filter else 1)
    return _page(request, identity, mails, f"/admin/campaigns/{campaign_id}", row.name, ask_filter=ask_filter)


def _page(
    request: Request,
    identity: AdminIdentity,
    mails: Sequence[tuple[str, str, bytes | None]],
    where: str,
    name: str,
    *,
    ask_filter: bool,
) -> HTMLResponse:
    opinions, asked = (
        _scores([message for _, _, message in mails if message is not None]) if ask_filter else ([], False)
    )
    told, ours = iter(opinions), runtime_of(request).settings.base_url
    tested = [
        CheckedEmail(
            title, language, lint_email(message, ours) if message else None, next(told, None) if message else None
        )
        for title, language, message in mails
    ]
    values = {
        "tested": tested,
        "where": where,
        "name": name,
        "installed": is_installed(),
        "pressed": ask_filter,
        "asked": asked,
        "is_campaign": where.startswith("/admin/campaigns/"),
    }
    return admin_page(request, identity, "email-check", values)


def _scores(messages: Sequence[bytes]) -> tuple[list[SpamScore], bool]:
    """Return the scores, and whether SpamAssassin is available."""
    try:
        return score(messages), True
    except SpamAssassinAway:
        return [], False


def _message(request: Request, lesson_draft: LessonDraft, language: str) -> bytes | None:
    """Return the mail of a draft, None if it can't be rendered; the editor shows why."""
    runtime = runtime_of(request)
    try:
        lesson = lesson_draft.lenient_lesson(language)
        return runtime.sample_emails.of_lesson(lesson_draft.course_with(lesson), lesson, language, runtime.clock.now())
    except (UnknownTag, TemplateError):
        return None
