"""A draft of a course as a visitor would see it: page, lessons, test, safety notice and book (editors)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from rugcourse.content import Course
from rugcourse.content.lesson_tags import filled
from rugcourse.content.markdown import UnknownTag
from rugcourse.course_editor.preview import preview_course
from rugcourse.ebooks.cache import book_pictures
from rugcourse.ebooks.document import book_of
from rugcourse.ebooks.typesetter import TypesettingFailed, make_pdf
from rugcourse.web.admin.auth import Editor, text_page
from rugcourse.web.admin.courses import find_draft
from rugcourse.web.public.assessment_state import TestProgress
from rugcourse.web.rendering import READ, NotFound, course_context, lesson_place, render, runtime_of

router = APIRouter()


@router.api_route("/admin/courses/{course}/preview/{what}", methods=READ)
def preview(
    request: Request,
    _identity: Editor,
    course: str,
    what: str,
    language: Annotated[str, Query()] = "",
    lesson: Annotated[str, Query()] = "",
) -> Response:
    """Show a draft. `what`: page, lesson (with its slug in `lesson`), test, notice or book."""
    draft = find_draft(request, course)
    spoken = language if language in draft.languages else draft.languages[0]
    shown = preview_course(draft, spoken)
    try:
        response = _book(request, shown, spoken) if what == "book" else _page(request, shown, spoken, what, lesson)
    except (UnknownTag, TypesettingFailed) as error:
        return text_page(str(error))
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _page(request: Request, course: Course, language: str, what: str, slug: str) -> Response:
    context = course_context(course, language, None)
    match what:
        case "page":
            return render(request, language, "course", context)
        case "lesson":
            return render(request, language, "lesson", context | _lesson(course, language, slug))
        case "test" if course.tests:
            progress = TestProgress.read(course.tests[language], "", "")
            return render(request, language, "test", context | progress.values("#", missing=False, begins=True))
        case "notice" if course.safety_notices:
            return render(request, language, "safety-notice", context)
    raise NotFound


def _lesson(course: Course, language: str, slug: str) -> dict[str, object]:
    lesson = course.lesson(slug)
    if lesson is None:
        raise NotFound
    return {
        "lesson": lesson,
        "text": filled(lesson.texts[language], lesson_place(course, lesson, language)),
        "times_read": 0,
        "answers": None,
        "previous": None,
        "next": None,
        "said": "",
        "remark": "",
        "shown": "",
    }


def _book(request: Request, course: Course, language: str) -> Response:
    runtime = runtime_of(request)
    site = runtime.links.course(language, course.slug)
    book = book_of(course, language, runtime.branding, site)
    shown = book_pictures(runtime.database, course, runtime.branding)
    return Response(make_pdf(book, shown), media_type="application/pdf")
