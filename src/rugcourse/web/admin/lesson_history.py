"""Admin pages: the earlier versions of a lesson."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.course_editor import drafts, history
from rugcourse.course_editor.drafts import EditorState, StaleDraft
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.web.admin.auth import Editor, admin_page
from rugcourse.web.admin.lessons import editor_page_of, editor_state, editor_values
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, NotFound, runtime_of

router = APIRouter()


@router.api_route("/admin/lessons/{course}/{slug}/history", methods=READ)
def history_page(
    request: Request, identity: Editor, course: str, slug: str, version: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """All versions, and what one of them changed."""
    state, versions = _versions(request, course, slug)
    place = next((n for n, one in enumerate(versions) if one.id == whole_number(version)), 0)
    before = versions[place + 1].lesson if place + 1 < len(versions) else None
    values = {
        **editor_values(request, state),
        "versions": versions,
        "shown": versions[place],
        "saved": state.saved,
        "changes": history.differences(before, versions[place].lesson) if before else [],
    }
    return admin_page(request, identity, "lesson-history", values)


@router.post("/admin/lessons/{course}/{slug}/history")
def restore(
    request: Request,
    identity: Editor,
    course: str,
    slug: str,
    version: Annotated[str, Form()] = "",
    saved: Annotated[str, Form()] = "",
) -> Response:
    """Take an earlier version as the draft; readers get it when it is published. A draft that was saved since stays."""
    runtime = runtime_of(request)
    state, versions = _versions(request, course, slug)
    earlier = next((one.lesson for one in versions if one.id == whole_number(version)), None)
    if earlier is None:
        raise NotFound
    lesson_draft = LessonDraft(state.published.course, slug, state.lesson_draft.place, fields_of(earlier))
    try:
        runtime.database.run(
            drafts.save, runtime.clock.now(), state, lesson_draft, identity.admin_id, whole_number(saved)
        )
    except StaleDraft:
        return editor_page_of(request, identity, state, lesson_draft, "meanwhile")
    return RedirectResponse(f"/admin/lessons/{course}/{slug}?done=restored", 303)


def _versions(request: Request, course: str, slug: str) -> tuple[EditorState, list[history.Version]]:
    state = editor_state(request, course, slug)
    versions = runtime_of(request).database.query(history.versions_of, state.published.id, course, slug)
    if not versions:
        raise NotFound
    return state, versions
