"""The course editor: list of lessons, drafts, preview (editors)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.content import Course, Lesson
from rugcourse.content.languages import language_for
from rugcourse.content.markdown import UnknownTag, count_words
from rugcourse.course_editor import drafts, linter, page_data
from rugcourse.course_editor.drafts import (
    MOST_LESSONS,
    EditorState,
    LessonNotFound,
    NewerDraft,
    NoSuchDraft,
    SlugTaken,
    StaleDraft,
    StalePublication,
    TooManyLessons,
)
from rugcourse.course_editor.form_fields import OPTIONS, QUESTIONS, READINGS, fields_of, language_state, shown
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.linter import LintFinding
from rugcourse.course_editor.picture_linter import picture_findings
from rugcourse.db.models import DISCARDED_DAYS, Role
from rugcourse.email_preview.sample import SOMEBODY, SampleReader, parts_of
from rugcourse.emails.templates import MAX_HTML_BYTES, TemplateError
from rugcourse.i18n import language_name
from rugcourse.learning.recap import UpcomingLesson
from rugcourse.reports.sample_reader import sample_reader
from rugcourse.web.admin.auth import Analyst, Editor, admin_page, text_page, typed_fields
from rugcourse.web.admin.mail_views import mail_view, send_test_email
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()


_NOT_DONE = {"meanwhile", "published-meanwhile", "not-discarded"}


Typed = Annotated[dict[str, str], Depends(typed_fields)]


@router.api_route("/admin/lessons", methods=READ)
def lessons_page(
    request: Request, identity: Analyst, notice: Annotated[str, Query()] = "", draft: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """Every course with its lessons, what is being written, and what was discarded. `draft`: what `notice` is about."""
    runtime = runtime_of(request)
    found = runtime.database.query(page_data.lessons, runtime.course_cache)
    courses, discarded = found.courses, found.discarded
    spoken = preferred_language(request)
    values = {
        "courses": courses,
        "unpublished": found.unpublished,
        "spoken": {one.id: language_for(one.course.texts, spoken) for one in courses},
        "being_written": found.being_written,
        "count_words": count_words,
        "unsigned": {one.id: ", ".join(map(language_name, one.course.unsigned_notices)) for one in courses},
        "title_of": drafts.title_of,
        "discarded": discarded,
        "discarded_days": DISCARDED_DAYS,
        "undo": next((one for some in discarded.values() for one in some if one.id == whole_number(draft)), None),
        "notice": notice,
        "most_lessons": MOST_LESSONS,
        "may_change": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "lessons", values)


@router.post("/admin/lessons/new")
def create_draft(
    request: Request,
    identity: Editor,
    course: Annotated[str, Form()] = "",
    title: Annotated[str, Form()] = "",
    behind: Annotated[str, Form()] = "",
) -> Response:
    """A draft of a new lesson."""
    runtime = runtime_of(request)
    try:
        slug = runtime.database.run(
            drafts.create,
            runtime.clock.now(),
            runtime.course_cache,
            course,
            title.strip()[:400],
            behind[:60],
            identity.admin_id,
        )
    except LessonNotFound:
        raise NotFound from None
    except SlugTaken:
        return RedirectResponse("/admin/lessons?notice=taken", 303)
    except TooManyLessons:
        return RedirectResponse("/admin/lessons?notice=too-many", 303)
    return RedirectResponse(f"/admin/lessons/{course}/{slug}", 303)


@router.post("/admin/lessons/restore")
def restore_draft(request: Request, identity: Editor, draft: Annotated[str, Form()] = "") -> RedirectResponse:
    """Bring back a draft that was discarded."""
    runtime = runtime_of(request)
    try:
        course, slug = runtime.database.run(
            drafts.restore, runtime.clock.now(), whole_number(draft, 9), identity.admin_id
        )
    except NoSuchDraft:
        return RedirectResponse("/admin/lessons?notice=no-draft", 303)
    except NewerDraft:
        return RedirectResponse("/admin/lessons?notice=newer", 303)
    return RedirectResponse(f"/admin/lessons/{course}/{slug}?done=draft-restored", 303)


@router.api_route("/admin/lessons/{course}/{slug}", methods=READ)
def editor_page(
    request: Request, identity: Editor, course: str, slug: str, done: Annotated[str, Query()] = ""
) -> HTMLResponse:
    state = editor_state(request, course, slug)
    return editor_page_of(request, identity, state, state.lesson_draft, done)


@router.post("/admin/lessons/{course}/{slug}")
def save_draft(request: Request, identity: Editor, course: str, slug: str, typed: Typed) -> Response:
    """Save what is typed, and go where the button leads: stay, publish, or send it to oneself."""
    state = editor_state(request, course, slug)
    runtime = runtime_of(request)
    where = f"/admin/lessons/{course}/{slug}"
    lesson_draft = drafts.with_input(state, typed)
    try:
        seen = whole_number(typed.get("saved", ""))
        version = whole_number(typed["version"], 9) if "version" in typed else None
        runtime.database.run(drafts.save, runtime.clock.now(), state, lesson_draft, identity.admin_id, seen, version)
    except StalePublication:
        return editor_page_of(
            request, identity, editor_state(request, course, slug), lesson_draft, "published-meanwhile"
        )
    except StaleDraft:
        return editor_page_of(request, identity, state, lesson_draft, "meanwhile")
    match typed.get("action"):
        case "publish" if not state.published.course.texts:  # its first time, a course is published as a whole
            return RedirectResponse(f"/admin/courses/{course}", 303)
        case "publish":
            return RedirectResponse(f"{where}/publish", 303)
        case "test":
            return RedirectResponse(f"{where}?done={_send_test(request, identity, state, lesson_draft, typed)}", 303)
        case _:
            return RedirectResponse(f"{where}?done=saved", 303)


@router.post("/admin/lessons/{course}/{slug}/autosave")
def autosave_draft(request: Request, identity: Editor, course: str, slug: str, typed: Typed) -> Response:
    """Save while somebody types. Answers with the new revision, or 409 if somebody else saved or published."""
    state = editor_state(request, course, slug)
    runtime = runtime_of(request)
    lesson_draft = drafts.with_input(state, typed)
    seen = whole_number(typed.get("saved", ""), 9)
    version = whole_number(typed["version"], 9) if "version" in typed else None
    try:
        revision = runtime.database.run(
            drafts.save, runtime.clock.now(), state, lesson_draft, identity.admin_id, seen, version
        )
    except StaleDraft:
        return Response("", 409)
    return Response(str(revision), media_type="text/plain")


@router.post("/admin/lessons/{course}/{slug}/discard")
def discard(
    request: Request,
    identity: Editor,
    course: str,
    slug: str,
    saved: Annotated[str, Form()] = "",
) -> Response:
    """Discard a draft; it can be brought back for some time."""
    runtime = runtime_of(request)
    state = editor_state(request, course, slug)
    try:
        draft = runtime.database.run(
            drafts.discard, runtime.clock.now(), state, identity.admin_id, whole_number(saved, 9)
        )
    except StaleDraft:
        return editor_page_of(request, identity, state, state.lesson_draft, "not-discarded")
    return RedirectResponse(f"/admin/lessons?notice=discarded&draft={draft}", 303)


@router.post("/admin/lessons/{course}/{slug}/preview")
def preview(request: Request, _identity: Editor, course: str, slug: str, typed: Typed) -> HTMLResponse:
    """The mail as it would be, for a frame beside the form."""
    state = editor_state(request, course, slug)
    return _preview(request, drafts.with_input(state, typed), state.published.id, typed)


@router.post("/admin/lessons/{course}/{slug}/checks")
def findings(request: Request, identity: Editor, course: str, slug: str, typed: Typed) -> HTMLResponse:
    """What is wrong, and what could be better: a part of the page, while it is written."""
    state = editor_state(request, course, slug)
    lesson_draft = drafts.with_input(state, typed)
    return admin_page(request, identity, "lesson-checks", _checked(request, lesson_draft))


def editor_state(request: Request, course: str, slug: str) -> EditorState:
    runtime = runtime_of(request)
    try:
        return runtime.database.query(drafts.load_editor, runtime.course_cache, course, slug)
    except LessonNotFound:
        raise NotFound from None


def editor_values(request: Request, state: EditorState) -> dict[str, object]:
    course, lesson_draft = state.published.course, state.lesson_draft
    languages = sorted(lesson_draft.all_languages, key=lambda one: one != preferred_language(request))
    titles = [lesson_draft.fields.get(f"{language}.title") for language in languages]
    return {
        "desk": state,
        "course": course,
        "languages": lesson_draft.all_languages,
        "first_language": languages[0],
        "course_title": _course_title(state, languages[0]),
        "is_course_published": bool(course.texts),
        "source": lesson_draft.source,
        "slug": lesson_draft.slug,
        "where": f"/admin/lessons/{course.slug}/{lesson_draft.slug}",
        "lesson_title": next(filter(None, titles), lesson_draft.slug),
        "is_new": state.lesson_id is None,
    }


def _course_title(state: EditorState, language: str) -> str:
    course = state.published.course
    if course.texts:
        return course.texts[language_for(course.texts, language)].title
    return next(filter(None, state.lesson_draft.titles.values()), course.slug)


def editor_page_of(
    request: Request, identity: AdminIdentity, state: EditorState, lesson_draft: LessonDraft, done: str
) -> HTMLResponse:
    lesson = state.published.course.lesson(lesson_draft.slug)
    published = fields_of(lesson) if lesson else {}
    values = {
        **editor_values(request, state),
        **_checked(request, lesson_draft),
        "states": {one: language_state(lesson_draft.fields, published, one) for one in lesson_draft.all_languages},
        "fields": shown(lesson_draft.fields),
        "place": lesson_draft.place,
        "others": [one for one in state.published.course.lessons if one.slug != lesson_draft.slug],
        "questions": range(QUESTIONS),
        "options": range(OPTIONS),
        "readings": range(READINGS),
        "stood": _behind(lesson_draft),
        "version": state.version if done == "published-meanwhile" else state.began_from,
        "newer": state.newer,
        "discarded_days": DISCARDED_DAYS,
        "done": done,
    }
    return admin_page(request, identity, "lesson", values, 409 if done in _NOT_DONE else 200)


def _behind(lesson_draft: LessonDraft) -> str:
    """The slug of the lesson that it stands behind, or is to stand behind; empty for the first place."""
    others = [one.slug for one in lesson_draft.course.lessons if one.slug != lesson_draft.slug]
    return "".join(others[: lesson_draft.place - 1][-1:])


def findings_of(request: Request, lesson_draft: LessonDraft) -> list[LintFinding]:
    """What is wrong, and what could be better; errors first."""
    about_pictures = runtime_of(request).database.query(picture_findings, lesson_draft.fields)
    return sorted([*linter.check(lesson_draft), *about_pictures], key=lambda one: not one.is_error)


def _checked(request: Request, lesson_draft: LessonDraft) -> dict[str, object]:
    languages = lesson_draft.languages
    return {
        "findings": findings_of(request, lesson_draft),
        "measures": {language: linter.measure(lesson_draft, language) for language in languages},
        "sizes": {language: _size(request, lesson_draft, language) for language in languages},
        "largest": MAX_HTML_BYTES,
        "limits": linter,
    }


def _sample(request: Request, lesson_draft: LessonDraft, language: str, course_id: int, email: str = "") -> bytes:
    """The mail, as far as it is written, as a reader would get it. Raises UnknownTag, TemplateError."""
    runtime = runtime_of(request)
    lesson = lesson_draft.lenient_lesson(language)
    course = lesson_draft.preview_course(lesson, language)
    reader = _reader(request, email, course_id, course, lesson, language)
    return runtime.sample_emails.of_lesson(course, lesson, language, runtime.clock.now(), reader)


def _size(request: Request, lesson_draft: LessonDraft, language: str) -> int | None:
    """How large the HTML is, in bytes; None while it can't be made."""
    try:
        return len(parts_of(_sample(request, lesson_draft, language, 0))[0].encode())
    except (UnknownTag, TemplateError):
        return None


def _preview(request: Request, lesson_draft: LessonDraft, course_id: int, typed: dict[str, str]) -> HTMLResponse:
    language = typed.get("shown", "")
    if language not in lesson_draft.all_languages:
        raise NotFound
    try:
        message = _sample(request, lesson_draft, language, course_id, typed.get("reader", ""))
    except (UnknownTag, TemplateError) as error:
        return text_page(str(error))
    return mail_view(request, message, typed.get("look", ""))


def _reader(
    request: Request, email: str, course_id: int, course: Course, lesson: Lesson, language: str
) -> SampleReader:
    """A reader, to see the mail as they would: their name, and what they missed. Anybody where there is no such one."""
    if not email.strip():
        return SOMEBODY
    runtime = runtime_of(request)
    upcoming = UpcomingLesson(0, course_id, course, lesson, language)
    found = runtime.database.query(sample_reader, runtime.clock.now(), email, upcoming)
    return SampleReader(*found) if found is not None else SOMEBODY


def _send_test(
    request: Request, identity: AdminIdentity, state: EditorState, lesson_draft: LessonDraft, typed: dict[str, str]
) -> str:
    language = typed.get("shown", "")
    if language not in lesson_draft.all_languages:
        return "no-test"
    try:
        message = _sample(request, lesson_draft, language, state.published.id, typed.get("reader", ""))
    except (UnknownTag, TemplateError):
        return "no-test"
    return "test" if send_test_email(request, identity, message) else "no-test"
