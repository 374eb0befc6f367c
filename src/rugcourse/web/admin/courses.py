"""Courses in the course editor: make one, write its parts, add and order its lessons (editors)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.course_editor import (
    course_draft,
    course_edits,
    course_publishing,
    page_data,
    publishing_effects,
    question_advice,
)
from rugcourse.course_editor.article_source import is_uncut
from rugcourse.course_editor.course_draft import CourseDraft, CourseNotFound
from rugcourse.course_editor.course_edits import CourseIsPublished, CourseSlugTaken, NoTitle, PartEdit, UnknownLanguage
from rugcourse.course_editor.course_publishing import CourseFinding
from rugcourse.course_editor.drafts import MOST_LESSONS, StaleDraft, TooManyLessons, title_of
from rugcourse.course_editor.form_fields import language_state, shown
from rugcourse.course_editor.part_fields import row_of, shown_rows
from rugcourse.course_editor.parts import FORMS, URGENCIES, CoursePart, labels_at
from rugcourse.db.engine import Database
from rugcourse.db.models import Role
from rugcourse.errors import RugcourseError
from rugcourse.i18n import translations
from rugcourse.locales import known_language, languages
from rugcourse.scheduling import WEEKDAYS
from rugcourse.web.admin.auth import Analyst, Editor, admin_page, typed_fields
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()

Typed = Annotated[dict[str, str], Depends(typed_fields)]
Refusals = Mapping[type[RugcourseError], str]  # error → the code of what the page says
PROBLEMS: Refusals = {
    CourseSlugTaken: "taken",
    NoTitle: "no-title",
    UnknownLanguage: "no-language",
    StaleDraft: "meanwhile",
    TooManyLessons: "too-many",
}


@router.api_route("/admin/new-course", methods=READ)
def new_course_page(request: Request, identity: Editor, notice: Annotated[str, Query()] = "") -> HTMLResponse:
    return _new_page(request, identity, notice, {})


@router.post("/admin/new-course")
def create_course(request: Request, identity: Editor, typed: Typed) -> Response:
    """Make a course: empty, or as a copy of another one in one language."""
    runtime = runtime_of(request)
    title, language = typed.get("title", "").strip()[:200], typed.get("language", "")
    try:
        if source := typed.get("source", ""):
            draft = find_draft(request, source)
            slug = runtime.database.run(
                course_edits.copy, runtime.clock.now(), draft, title, language, identity.admin_id
            )
        else:
            slug = runtime.database.run(course_edits.create, runtime.clock.now(), title, language, identity.admin_id)
    except (CourseSlugTaken, NoTitle, UnknownLanguage) as error:
        return _new_page(request, identity, PROBLEMS[type(error)], typed)
    return RedirectResponse(f"/admin/courses/{slug}?done=created", 303)


@router.api_route("/admin/courses/{course}", methods=READ)
def course_page(request: Request, identity: Analyst, course: str, done: Annotated[str, Query()] = "") -> HTMLResponse:
    return course_page_of(request, identity, find_draft(request, course), done)


@router.api_route("/admin/courses/{course}/parts/{part}", methods=READ)
def part_page(
    request: Request,
    identity: Editor,
    course: str,
    part: CoursePart,
    language: Annotated[str, Query()] = "",
    done: Annotated[str, Query()] = "",
) -> HTMLResponse:
    draft = find_draft(request, course)
    return _part_page(request, identity, draft, part, _spoken(draft, language), draft.fields(_form(part)), done)


@router.post("/admin/courses/{course}/parts/{part}")
def save_part(request: Request, identity: Editor, course: str, part: CoursePart, typed: Typed) -> Response:
    """Save what is typed in a part, in one language, and go where the button leads."""
    runtime = runtime_of(request)
    draft = find_draft(request, course)
    language = _spoken(draft, typed.get("language", ""))
    where = f"/admin/courses/{course}"
    if typed.get("action") == "discard":

        def discard() -> str:
            runtime.database.run(course_edits.discard_part, draft, _form(part), whole_number(typed.get("saved", "")))
            return f"{where}?done=discarded"

        return run_or_tell(course, PROBLEMS, discard)
    try:
        _check_published(draft, typed)
        runtime.database.run(
            course_edits.save_part,
            runtime.clock.now(),
            draft,
            _form(part),
            PartEdit(typed, whole_number(typed.get("saved", ""), 9)),
            identity.admin_id,
        )
    except StaleDraft:
        shown = {**draft.fields(part), **{name: text for name, text in typed.items() if "." in name}}
        return _part_page(request, identity, draft, part, language, shown, "meanwhile")
    if typed.get("action") == "back":
        return RedirectResponse(f"{where}?done=saved", 303)
    next_language = _spoken(draft, typed.get("action", ""), language)
    return RedirectResponse(f"{where}/parts/{part}?language={next_language}&done=saved", 303)


@router.post("/admin/courses/{course}/parts/{part}/autosave")
def autosave_part(request: Request, identity: Editor, course: str, part: CoursePart, typed: Typed) -> Response:
    """Save while somebody types. Answers with the new revision, or 409 if somebody else saved the part."""
    runtime = runtime_of(request)
    draft = find_draft(request, course)
    seen = whole_number(typed.get("saved", ""), 9)
    try:
        _check_published(draft, typed)
        revision = runtime.database.run(
            course_edits.save_part,
            runtime.clock.now(),
            draft,
            _form(part),
            PartEdit(typed, seen, close_up=False),
            identity.admin_id,
        )
    except StaleDraft:
        return Response("", 409)
    return Response(str(revision), media_type="text/plain")


@router.post("/admin/courses/{course}/lessons")
def add_lesson(request: Request, identity: Editor, course: str, title: Annotated[str, Form()] = "") -> RedirectResponse:
    runtime = runtime_of(request)
    draft = find_draft(request, course)

    def add() -> str:
        short = title.strip()[:200]
        slug = runtime.database.run(course_edits.add_lesson, runtime.clock.now(), draft, short, identity.admin_id)
        return f"/admin/lessons/{course}/{slug}"

    return run_or_tell(course, PROBLEMS, add)


@router.post("/admin/courses/{course}/order")
def order_lessons(
    request: Request,
    identity: Editor,
    course: str,
    order: Annotated[str, Form(max_length=20_000)] = "",
    lesson: Annotated[str, Form()] = "",
    place: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
) -> RedirectResponse:
    """Put one lesson at a place, from 1, or all of them in an order: slugs with spaces between them."""
    runtime = runtime_of(request)
    draft = find_draft(request, course)
    now, admin_id, revision = runtime.clock.now(), identity.admin_id, whole_number(seen, 9)

    def save() -> str:
        if order:
            runtime.database.run(course_edits.save_order, now, draft, order.split(), admin_id, revision)
        elif any(one.slug == lesson for one in draft.lessons):
            runtime.database.run(course_edits.move, now, draft, lesson, whole_number(place), admin_id, revision)
        return f"/admin/courses/{course}?done=ordered#lessons"

    return run_or_tell(course, PROBLEMS, save)


@router.post("/admin/courses/{course}/left-out")
def leave_out_lesson(
    request: Request,
    identity: Editor,
    course: str,
    lesson: Annotated[str, Form()] = "",
    left_out: Annotated[str, Form()] = "yes",
    seen: Annotated[str, Form()] = "",
) -> RedirectResponse:
    """Publish the course for the first time without a lesson, which stays a draft; or with it."""
    runtime = runtime_of(request)
    draft = find_draft(request, course)

    def save() -> str:
        runtime.database.run(
            course_edits.leave_out_lesson,
            runtime.clock.now(),
            draft,
            lesson,
            identity.admin_id,
            whole_number(seen, 9),
            left_out=left_out == "yes",
        )
        return f"/admin/courses/{course}?done={'left-out' if left_out == 'yes' else 'included'}"

    return run_or_tell(course, {**PROBLEMS, CourseIsPublished: "meanwhile"}, save)


@router.post("/admin/courses/{course}/languages")
def add_language(
    request: Request, _identity: Editor, course: str, language: Annotated[str, Form()] = ""
) -> RedirectResponse:
    draft = find_draft(request, course)

    def add() -> str:
        runtime_of(request).database.run(course_edits.add_language, draft, language)
        return f"/admin/courses/{course}/parts/page?language={language}"

    return run_or_tell(course, PROBLEMS, add)


def run_or_tell(course: str, refusals: Refusals, change: Callable[[], str]) -> RedirectResponse:
    """Make a change and go where it says; if it is refused, tell why on the page of the course."""
    try:
        return RedirectResponse(change(), 303)
    except tuple(refusals) as error:
        told = next(code for kind, code in refusals.items() if isinstance(error, kind))
        return RedirectResponse(f"/admin/courses/{course}?done={told}", 303)


def find_draft(request: Request, course: str) -> CourseDraft:
    runtime = runtime_of(request)
    try:
        return runtime.database.query(course_draft.load, runtime.course_cache, course)
    except CourseNotFound:
        raise NotFound from None


def _form(part: CoursePart) -> CoursePart:
    """Return a part that has a form."""
    if part not in FORMS:
        raise NotFound
    return part


def _check_published(draft: CourseDraft, typed: dict[str, str]) -> None:
    """Raise StaleDraft if something was published of the course since the form was opened."""
    if typed.get("content_hash", draft.content_hash) != draft.content_hash:
        raise StaleDraft


def _spoken(draft: CourseDraft, language: str, otherwise: str = "") -> str:
    return language if language in draft.languages else otherwise or draft.languages[0]


def _changes(request: Request, draft: CourseDraft) -> list[str]:
    """Return the names of the parts that were changed since they were published."""
    _ = translations(preferred_language(request)).gettext
    parts = [_(FORMS[part].title) for part in draft.changed_parts]
    return [*parts, *([_("Order of the lessons")] if draft.is_reordered else [])]


def _titles(draft: CourseDraft, language: str) -> dict[str, str]:
    """Return the titles of all lessons by slug."""
    return {one.slug: title_of(one.slug, one.fields, language) for one in draft.lessons}


def _new_page(request: Request, identity: AdminIdentity, notice: str, typed: dict[str, str]) -> HTMLResponse:
    runtime = runtime_of(request)
    values = {
        "notice": notice,
        "typed": typed,
        "courses": runtime.database.query(page_data.all_courses, runtime.course_cache),
        "languages": languages(),
        "chosen_language": known_language(typed.get("language", ""), preferred_language(request)),
    }
    return admin_page(request, identity, "course-new", values, 409 if notice else 200)


def course_page_of(
    request: Request, identity: AdminIdentity, draft: CourseDraft, done: str, status: int = 200
) -> HTMLResponse:
    language = preferred_language(request)
    database = runtime_of(request).database
    missing = {one: _findings(database, draft, one) for one in draft.languages}
    ready = [one for one, found in missing.items() if not found]
    values = {
        "draft": draft,
        "title": draft.title(language),
        "titles": _titles(draft, language),
        "is_uncut": is_uncut(draft),
        "changes": _changes(request, draft),
        "missing": missing,
        "ready": ready,
        "disagreements": course_publishing.disagreements(draft, ready) if ready else [],
        "advice": {one: question_advice.advice(draft, one) for one in draft.languages},
        "forms": FORMS,
        "labels_at": labels_at,
        "other_languages": [one for one in languages() if one not in draft.languages],
        "effects": database.query(publishing_effects.effects_of, draft, ready),
        "most_counted": publishing_effects.MOST_COUNTED,
        "most_lessons": MOST_LESSONS,
        "discarded": database.query(page_data.discarded_lessons, draft.id),
        "title_of": title_of,
        "history": database.query(page_data.course_history, draft.id),
        "done": done,
        "may_change": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "course", values, status)


def _findings(database: Database, draft: CourseDraft, language: str) -> list[CourseFinding]:
    about_pictures = database.query(course_publishing.picture_findings, draft, language)
    return [*course_publishing.findings(draft, language), *about_pictures]


def _part_page(
    request: Request,
    identity: AdminIdentity,
    draft: CourseDraft,
    part: CoursePart,
    language: str,
    fields: dict[str, str],
    done: str,
) -> HTMLResponse:
    found = [one.finding for one in course_publishing.findings(draft, language) if one.part == part]
    values = {
        "draft": draft,
        "title": draft.title(language),
        "titles": _titles(draft, language),
        "form": FORMS[part],
        "part": part,
        "spoken": language,
        "fields": shown(fields),
        "findings_here": found,
        "advice_here": [one for one in question_advice.advice(draft, language) if one.place == part],
        "wrong_rows": {row_of(one.where) for one in found},
        "states": {
            one: language_state(draft.fields(part), draft.published_fields(part), one) for one in draft.languages
        },
        "shown_rows": lambda rows, path: shown_rows(fields, rows, path, draft.languages),
        "urgencies": URGENCIES,
        "weekdays": WEEKDAYS,
        "labels_at": labels_at,
        "forms": FORMS,
        "saved": draft.parts[part].saved if part in draft.parts else 0,
        "saved_by": draft.parts[part].saved_by if part in draft.parts else None,
        "done": done,
    }
    return admin_page(request, identity, "course-part", values, 409 if done == "meanwhile" else 200)
