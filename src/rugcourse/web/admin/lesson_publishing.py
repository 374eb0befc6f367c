"""Publishes a lesson, after saying what changes and for whom, and takes one out of its course (editors)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.bootstrap import make_ebooks
from rugcourse.course_editor import history
from rugcourse.course_editor.drafts import EditorState, StaleDraft
from rugcourse.course_editor.publishing import (
    AlreadyPast,
    ExistingReaders,
    LessonNotReady,
    SeenVersions,
    publish_lesson,
    unpublish,
)
from rugcourse.course_editor.publishing_effects import ends_ab_test
from rugcourse.web.admin.auth import Editor, admin_page
from rugcourse.web.admin.lessons import Typed, editor_state, editor_values, findings_of
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()


@router.api_route("/admin/lessons/{course}/{slug}/publish", methods=READ)
def publish_page(request: Request, identity: Editor, course: str, slug: str) -> HTMLResponse:
    """What differs from what readers get now, and the choices."""
    state = editor_state(request, course, slug)
    return _publish_page(request, identity, state, "")


@router.post("/admin/lessons/{course}/{slug}/publish")
def publish(request: Request, identity: Editor, course: str, slug: str, typed: Typed) -> Response:
    """Make the lesson what readers get, if all is as it was on the page."""
    state = editor_state(request, course, slug)
    runtime = runtime_of(request)
    under_way, behind = typed.get("under_way", ""), typed.get("behind", "")
    seen = [whole_number(typed[name], 9) for name in SeenVersions._fields if name in typed]
    try:
        runtime.database.run(
            publish_lesson,
            runtime.clock.now(),
            identity.admin_id,
            state.lesson_draft,
            ExistingReaders(under_way) if under_way in {*ExistingReaders} else ExistingReaders.NEW,
            AlreadyPast(behind) if behind in {*AlreadyPast} else AlreadyPast.NOBODY,
            SeenVersions(*seen) if len(seen) == len(SeenVersions._fields) else None,
        )
    except StaleDraft:
        return _publish_page(request, identity, editor_state(request, course, slug), "meanwhile")
    except LessonNotReady:
        return _publish_page(request, identity, state, "not-ready")
    books = BackgroundTask(make_ebooks, runtime)
    return RedirectResponse(f"/admin/lessons/{course}/{slug}?done=published", 303, background=books)


@router.post("/admin/lessons/{course}/{slug}/unpublish")
def leave_out(request: Request, identity: Editor, course: str, slug: str) -> Response:
    """Take a lesson out of its course."""
    runtime = runtime_of(request)
    state = editor_state(request, course, slug)
    try:
        runtime.database.run(unpublish, runtime.clock.now(), identity.admin_id, course, slug)
    except LessonNotReady:
        return _publish_page(request, identity, state, "stays")
    return RedirectResponse("/admin/lessons?notice=out", 303, background=BackgroundTask(make_ebooks, runtime))


def _publish_page(request: Request, identity: AdminIdentity, state: EditorState, notice: str) -> HTMLResponse:
    found = findings_of(request, state.lesson_draft)
    wrong = [one for one in found if one.is_error]
    database = runtime_of(request).database
    before = state.published.course.lesson(state.lesson_draft.slug)
    values = {
        **editor_values(request, state),
        "wrong": wrong,
        "changes": [] if wrong else history.differences(before, state.lesson_draft.lesson()),
        "ends_ab_test": not wrong and database.query(ends_ab_test, state.published, state.lesson_draft),
        "moved": before is not None and before.number != state.lesson_draft.place,
        "place": state.lesson_draft.place,
        "last": len(state.published.course.lessons),
        "notice": notice,
    }
    return admin_page(request, identity, "lesson-publish", values, 409 if notice else 200)
