"""A course from an article: upload it, cut it into lessons, and tick what each lesson covers (editors)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from rugcourse.articles import (
    EXTENSIONS,
    Article,
    ArticleError,
    ArticlePicture,
    article_from_text,
    article_pictures,
    markdown_from_html,
    nearest_starts,
    parts,
    read_article,
    reading_minutes,
    with_pictures,
)
from rugcourse.articles.limits import MOST_BYTES
from rugcourse.auth.sessions import AdminIdentity
from rugcourse.content.picture_search import pictures_in
from rugcourse.course_editor import article_source
from rugcourse.course_editor.article_source import CutChange, HasLessons
from rugcourse.course_editor.course_draft import CourseDraft
from rugcourse.course_editor.course_edits import CourseSlugTaken, NoTitle, UnknownLanguage
from rugcourse.course_editor.drafts import StaleDraft, TooManyLessons
from rugcourse.course_editor.parts import CoursePart
from rugcourse.locales import known_language, languages
from rugcourse.picture_library import storing
from rugcourse.pictures.markup import small_attributes
from rugcourse.web.admin.auth import Editor, admin_page
from rugcourse.web.admin.courses import PROBLEMS, find_draft
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()

_WORDS_OF_A_LONG_LESSON = 450
_THUMBNAIL = (240, 160)  # pixels


@dataclass(frozen=True, slots=True)
class UploadedArticle:
    """The form: an article as a file, or pasted."""

    name: str
    content: bytes
    pasted: str
    title: str
    language: str
    own_text: bool

    def read(self) -> Article:
        """Return the article. Raises ArticleError."""
        return read_article(self.content, self.name) if self.content else article_from_text(self.pasted)

    def pictures(self) -> list[ArticlePicture]:
        """Return the pictures of its file, if the article is one's own: those of others must not be used."""
        return article_pictures(self.content, self.name) if self.content and self.own_text else []


async def _uploaded(request: Request, _identity: Editor) -> UploadedArticle:
    form = await request.form()
    file = form.get("file")
    content = await file.read() if isinstance(file, UploadFile) else b""
    name = (file.filename or "") if isinstance(file, UploadFile) else ""

    def typed(field: str) -> str:
        return str(form.get(field, ""))

    return UploadedArticle(
        name, content, typed("text"), typed("title").strip()[:200], typed("language"), typed("rewrite") != "yes"
    )


@router.api_route("/admin/new-course/article", methods=READ)
def upload_page(request: Request, identity: Editor) -> HTMLResponse:
    return _upload_page(request, identity, None, "", "")


@router.post("/admin/new-course/article")
def upload(request: Request, identity: Editor, sent: Annotated[UploadedArticle, Depends(_uploaded)]) -> Response:
    """Read an article, and make a course with it. The file itself is not kept; its pictures go into the library."""
    runtime = runtime_of(request)
    try:
        read = sent.read()
        made = storing.upload_all(runtime.database, runtime.clock, sent.pictures(), identity.admin_id)
        article = with_pictures(read, made)
        slug = runtime.database.run(
            article_source.create_course,
            runtime.clock.now(),
            article,
            sent.title,
            sent.language,
            identity.admin_id,
            own_text=sent.own_text,
        )
    except ArticleError as error:
        return _upload_page(request, identity, sent, error.message_in(preferred_language(request)), "")
    except (CourseSlugTaken, NoTitle, UnknownLanguage) as error:
        return _upload_page(request, identity, sent, "", PROBLEMS[type(error)])
    return RedirectResponse(f"/admin/courses/{slug}/article", 303)


@router.api_route("/admin/courses/{course}/article", methods=READ)
def cuts_page(request: Request, identity: Editor, course: str, done: Annotated[str, Query()] = "") -> Response:
    draft = find_draft(request, course)
    if article_source.article_of(draft) is None:  # its lessons are made
        return RedirectResponse(f"/admin/courses/{course}", 303)
    return _cuts_page(request, identity, draft, done, "")


@router.post("/admin/courses/{course}/article")
def change_cuts(
    request: Request,
    identity: Editor,
    course: str,
    action: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
    level: Annotated[str, Form()] = "",
) -> Response:
    """Move a cut, or make the lessons. `action`: such as `start:12` or `move:12:14`, with the numbers of blocks."""
    runtime = runtime_of(request)
    draft = find_draft(request, course)
    now, revision = runtime.clock.now(), whole_number(seen, 9)
    what, block, to = (*action.split(":", 2), "", "")[:3]
    change = CutChange(what, whole_number(level if what == "level" else block), whole_number(to))
    try:
        if what == "make":
            runtime.database.run(article_source.make_lessons, now, draft, revision, identity.admin_id)
            return RedirectResponse(f"/admin/courses/{course}?done=made", 303)
        runtime.database.run(article_source.change_cuts, now, draft, change, revision, identity.admin_id)
    except HasLessons:
        return RedirectResponse(f"/admin/courses/{course}?done=has-lessons", 303)
    except TooManyLessons:
        return RedirectResponse(f"/admin/courses/{course}?done=too-many", 303)
    except StaleDraft:
        return _cuts_page(request, identity, find_draft(request, course), "meanwhile", "")
    except ArticleError as error:
        return _cuts_page(request, identity, draft, "", error.message_in(preferred_language(request)))
    return RedirectResponse(f"/admin/courses/{course}/article#b{change.to or change.index}", 303)


@router.post("/admin/courses/{course}/article/{slug}")
def tick_facts(
    request: Request, identity: Editor, course: str, slug: str, fact: Annotated[list[str] | None, Form()] = None
) -> RedirectResponse:
    """Write down which facts a lesson covers."""
    runtime = runtime_of(request)
    used = {whole_number(one) for one in (fact or [])[:500]}
    draft = find_draft(request, course)
    try:
        runtime.database.run(article_source.tick_facts, runtime.clock.now(), draft, slug, used, identity.admin_id)
    except StaleDraft:
        return RedirectResponse(f"/admin/lessons/{course}/{slug}?done=meanwhile-facts#facts", 303)
    return RedirectResponse(f"/admin/lessons/{course}/{slug}#facts", 303)


@router.post("/admin/paste")
def paste(_identity: Editor, html: Annotated[str, Form()] = "") -> Response:
    """Return what was pasted from Word or a web page as Markdown; 422 if it is too large."""
    try:
        return Response(markdown_from_html(html), media_type="text/plain")
    except ArticleError as error:
        return Response(str(error), 422, media_type="text/plain")


def _upload_page(
    request: Request, identity: AdminIdentity, sent: UploadedArticle | None, wrong: str, notice: str
) -> HTMLResponse:
    values = {
        "sent": sent,
        "wrong": wrong,
        "notice": notice,
        "most_bytes": MOST_BYTES,
        "extensions": ",".join(EXTENSIONS),
        "languages": languages(),
        "chosen_language": known_language(sent.language if sent else "", preferred_language(request)),
    }
    return admin_page(request, identity, "article-upload", values, 422 if wrong or notice else 200)


def _cuts_page(request: Request, identity: AdminIdentity, draft: CourseDraft, done: str, wrong: str) -> HTMLResponse:
    found = article_source.article_of(draft)
    if found is None:
        raise NotFound
    values = {
        "draft": draft,
        "title": draft.title(preferred_language(request)),
        "article": found.article,
        "cuts": found.cuts,
        "own_text": found.own_text,
        "numbers": {start: number for number, start in enumerate(found.cuts.starts, 1)},
        "parts": parts(found.article, found.cuts),
        "nearest": {start: nearest_starts(found.article, found.cuts, start) for start in found.cuts.starts},
        "minutes": reading_minutes,
        "pictures": {
            block.index: small_attributes(ref, *_THUMBNAIL)
            for block in found.article.blocks
            for ref in pictures_in(block.markdown)
        },
        "longest": _WORDS_OF_A_LONG_LESSON,
        "seen": draft.parts[CoursePart.ARTICLE].saved,
        "done": done,
        "wrong": wrong,
    }
    return admin_page(request, identity, "article-cuts", values, 409 if done or wrong else 200)
