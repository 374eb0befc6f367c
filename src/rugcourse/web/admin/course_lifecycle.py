"""The life of a course: publish it, go back to an earlier publication, archive and delete it (editors)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.background import BackgroundTask

from rugcourse.bootstrap import make_ebooks
from rugcourse.course_editor import course_edits, course_publishing
from rugcourse.course_editor.course_edits import CourseIsPublished
from rugcourse.course_editor.course_publishing import CourseNotReady, SeenCourse
from rugcourse.course_editor.drafts import StaleDraft
from rugcourse.web.admin.auth import Editor
from rugcourse.web.admin.courses import Typed, course_page_of, find_draft, run_or_tell
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import NotFound, runtime_of

router = APIRouter()


@router.post("/admin/courses/{course}/publish")
def publish(request: Request, identity: Editor, course: str, typed: Typed) -> Response:
    """Make the course what visitors and readers get, if all is as it was on the page."""
    runtime = runtime_of(request)
    draft = find_draft(request, course)
    chosen = [one for one in draft.languages if typed.get(f"publish.{one}")]
    seen = SeenCourse(whole_number(typed.get("revision", ""), 9), typed.get("content_hash", ""))
    try:
        runtime.database.run(
            course_publishing.publish_course,
            runtime.clock.now(),
            runtime.course_cache,
            course,
            chosen,
            seen,
            identity.admin_id,
        )
    except StaleDraft:
        return course_page_of(request, identity, find_draft(request, course), "changed-meanwhile", 409)
    except CourseNotReady:
        return course_page_of(request, identity, draft, "not-ready", 409)
    return RedirectResponse(
        f"/admin/courses/{course}?done=published", 303, background=BackgroundTask(make_ebooks, runtime)
    )


@router.post("/admin/courses/{course}/restore")
def restore_parts(
    request: Request, identity: Editor, course: str, version: Annotated[str, Form()] = ""
) -> RedirectResponse:
    """Take page, test and notice of an earlier publication as drafts."""
    runtime = runtime_of(request)
    draft = find_draft(request, course)

    def restore() -> str:
        chosen = whole_number(version, 9)
        runtime.database.run(course_edits.restore_parts, runtime.clock.now(), draft, chosen, identity.admin_id)
        return f"/admin/courses/{course}?done=restored"

    return run_or_tell(course, {StaleDraft: "has-drafts"}, restore)


@router.post("/admin/courses/{course}/archive")
def archive(
    request: Request, identity: Editor, course: str, archived: Annotated[str, Form()] = "yes"
) -> RedirectResponse:
    """Archive a course, or bring it back."""
    runtime = runtime_of(request)
    draft = find_draft(request, course)
    if draft.published is None:
        raise NotFound
    runtime.database.run(
        course_edits.archive, runtime.clock.now(), draft, identity.admin_id, archived=archived == "yes"
    )
    return RedirectResponse(f"/admin/courses/{course}", 303)


@router.post("/admin/courses/{course}/delete")
def delete(request: Request, identity: Editor, course: str) -> RedirectResponse:
    """Delete a course that was never published."""
    runtime = runtime_of(request)
    draft = find_draft(request, course)

    def remove() -> str:
        runtime.database.run(course_edits.delete, runtime.clock.now(), draft, identity.admin_id)
        return "/admin/lessons"

    return run_or_tell(course, {CourseIsPublished: "not-deleted"}, remove)
