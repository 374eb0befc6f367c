"""Courses as files: save one for another installation, and add one that was made elsewhere (editors)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.bootstrap import make_ebooks
from rugcourse.content import AuthoringErrors
from rugcourse.course_editor.course_draft import CourseNotFound
from rugcourse.course_editor.course_edits import CourseSlugTaken
from rugcourse.course_editor.pack import MAX_BYTES, InvalidPack, NewerPack, PackTooLarge
from rugcourse.course_editor.pack_transfer import InvalidSlug, add_course, course_of_pack, pack_of
from rugcourse.web.admin.auth import Editor, admin_page
from rugcourse.web.rendering import READ, NotFound, runtime_of

router = APIRouter()

_MOST_MISTAKES = 20


async def _uploaded(request: Request, _identity: Editor) -> tuple[bytes, str]:
    """Return the file of a form, and the slug that was typed."""
    form = await request.form()
    file = form.get("file")
    content = await file.read(MAX_BYTES + 1) if isinstance(file, UploadFile) else b""
    return content, str(form.get("slug", "")).strip()


@router.api_route("/admin/new-course/pack", methods=READ)
def upload_page(request: Request, identity: Editor) -> HTMLResponse:
    return _upload_page(request, identity, "", "")


@router.post("/admin/new-course/pack")
def add_pack(request: Request, identity: Editor, sent: Annotated[tuple[bytes, str], Depends(_uploaded)]) -> Response:
    """Publish the course of a pack as a new course."""
    runtime = runtime_of(request)
    content, slug = sent
    try:
        packed = course_of_pack(content, slug or None)
        course = runtime.database.run(add_course, runtime.clock.now(), packed, identity.admin_id)
    except (InvalidPack, InvalidSlug, CourseSlugTaken) as error:
        return _upload_page(request, identity, slug, _problem(error))
    except AuthoringErrors as error:
        mistakes = [str(one) for one in error.problems[:_MOST_MISTAKES]]
        return _upload_page(request, identity, slug, "zip", mistakes)
    books = BackgroundTask(make_ebooks, runtime)
    return RedirectResponse(f"/admin/courses/{course.slug}?done=published", 303, background=books)


@router.api_route("/admin/courses/{course}/pack", methods=READ)
def save_pack(request: Request, _identity: Editor, course: str) -> Response:
    """Save what is published of a course as a file."""
    try:
        content = runtime_of(request).database.query(pack_of, course)
    except CourseNotFound:
        raise NotFound from None
    headers = {"Content-Disposition": f'attachment; filename="{course}.zip"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/zip", headers=headers)


def _problem(error: InvalidPack | InvalidSlug | CourseSlugTaken) -> str:
    match error:
        case PackTooLarge():
            return "large"
        case NewerPack():
            return "newer"
        case InvalidSlug():
            return "slug"
        case CourseSlugTaken():
            return "taken"
        case _:
            return "zip"


def _upload_page(
    request: Request, identity: AdminIdentity, slug: str, notice: str, mistakes: list[str] | None = None
) -> HTMLResponse:
    values = {"slug": slug, "notice": notice, "mistakes": mistakes or [], "most_bytes": MAX_BYTES}
    return admin_page(request, identity, "course-pack", values, 422 if notice else 200)
