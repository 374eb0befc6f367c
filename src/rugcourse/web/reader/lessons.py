"""A reader's lessons on the web, their e-book, and the test after the course."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.content.languages import language_for
from rugcourse.content.lesson_tags import filled
from rugcourse.db.models import EbookKind
from rugcourse.ebooks.cache import MEDIA_TYPES, EbookNotFound, get_ebook
from rugcourse.emails.catalogue import answer_links
from rugcourse.enrolment.reader import Reader
from rugcourse.learning.assessment import gain_of, save_attempt
from rugcourse.learning.feedback import Feedback, save_feedback
from rugcourse.links import TokenPurpose
from rugcourse.reports import reader_page_data
from rugcourse.web.access import Access, access
from rugcourse.web.forms import RemarkFields
from rugcourse.web.public.assessment_state import TestProgress
from rugcourse.web.public.catalogue import count_reading
from rugcourse.web.reader.access import find_reader, reader_page
from rugcourse.web.rendering import READ, NotFound, lesson_place, runtime_of

router = APIRouter()


@router.api_route("/w/{token}", methods=READ)
@access(Access.LINK)
def lesson_page(request: Request, token: str) -> HTMLResponse:
    """Show a lesson exactly as it was sent, with the reader's answer links."""
    return _lesson_page(request, find_reader(request, TokenPurpose.LESSON, token), said="")


@router.post("/w/{token}")
@access(Access.LINK)
def remark(request: Request, token: str, fields: Annotated[RemarkFields, Form()]) -> HTMLResponse:
    """Save the reader's feedback; the latest replaces earlier ones."""
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.LESSON, token)
    old = reader.link_is_old(runtime.clock.now())
    if fields.answered and reader.delivery.lesson_id is not None and not old and not reader.has_left:
        language = reader.delivery.language or reader.language
        feedback = Feedback(reader.delivery.lesson_id, language, fields.has_helped, fields.remark, reader.delivery.id)
        runtime.database.run(save_feedback, runtime.clock.now(), feedback)
    return _lesson_page(request, reader, said=fields.helped)


@router.api_route("/b/{token}.{kind}", methods=READ)
@access(Access.LINK)
def book(request: Request, token: str, kind: str) -> Response:
    """Return the e-book."""
    runtime = runtime_of(request)
    if kind not in {EbookKind.PDF, EbookKind.EPUB}:
        raise NotFound
    reader = find_reader(request, TokenPurpose.BOOK, token)
    try:
        content = get_ebook(
            runtime.database,
            runtime.clock,
            runtime.links,
            runtime.branding,
            reader.published,
            reader.language,
            EbookKind(kind),
        )
    except EbookNotFound:
        return reader_page(request, reader, "no-ebook", status=503)
    headers = {
        "Content-Disposition": f'inline; filename="{reader.published.course.slug}.{reader.language}.{kind}"',
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex",
    }
    return Response(content, media_type=MEDIA_TYPES[EbookKind(kind)], headers=headers)


@router.api_route("/t/{token}", methods=READ)
@access(Access.LINK)
def retest_page(
    request: Request,
    token: str,
    given: Annotated[str, Query(alias="a")] = "",
    option: Annotated[str, Query(alias="o")] = "",
    sent: Annotated[str, Query(alias="s")] = "",
) -> Response:
    reader = find_reader(request, TokenPurpose.RETEST, token)
    test = reader.published.course.tests.get(reader.language)
    if test is None or reader.has_left or reader.link_is_old(runtime_of(request).clock.now()):
        return RedirectResponse(_own_path(request, reader), 303)  # which shows the state, or how to get a new link
    progress = TestProgress.read(test, given, option)
    return _retest_page(request, reader, token, progress, missing=bool(sent) and not option)


@router.post("/t/{token}")
@access(Access.LINK)
def retest_finish(
    request: Request,
    token: str,
    given: Annotated[str, Form(alias="a")] = "",
    option: Annotated[str, Form(alias="o")] = "",
) -> Response:
    """Save the second test, and show it beside the first."""
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.RETEST, token)
    test = reader.published.course.tests.get(reader.language)
    if test is None or reader.has_left or reader.link_is_old(runtime.clock.now()):
        return RedirectResponse(_own_path(request, reader), 303)
    progress = TestProgress.read(test, given, option)
    if not progress.finished:
        return _retest_page(request, reader, token, progress, missing=True)
    runtime.database.run(
        save_attempt, runtime.clock.now(), reader.published.id, test, progress.chosen, reader.subscriber.id
    )
    gain = runtime.database.query(gain_of, reader.subscriber.id, reader.published.id, test)
    after = runtime.database.query(reader_page_data.after_course, runtime.course_cache, reader)
    values = {"gain": gain, "test": test, "chosen": progress.chosen, "after": after}
    return reader_page(request, reader, "assessment-result", values)


def _lesson_page(request: Request, reader: Reader, *, said: str) -> HTMLResponse:
    """Show the lesson of a mail. With an old link, without later lessons and feedback: the mail may have been
    forwarded, and links of newer lessons open the reader's own page.
    """
    runtime = runtime_of(request)
    delivery = reader.delivery
    old = reader.link_is_old(runtime.clock.now())
    found = runtime.database.query(reader_page_data.mailed_lesson, runtime.course_cache, reader, old=old)
    if found is None or delivery.lesson_id is None:
        raise NotFound
    lesson, feedback = found.lesson, found.feedback
    language = language_for(lesson.texts, delivery.language or reader.language)
    text = filled(lesson.texts[language], lesson_place(reader.published.course, lesson, language))
    values = {
        "lesson": lesson,
        "text": text,
        "times_read": count_reading(request, delivery.lesson_id),
        "answers": [
            answer_links(question, number, reader.mail, runtime.links) for number, question in enumerate(text.quiz)
        ],
        "previous": _path(request, reader, found.before[-1]) if found.before else None,
        "next": _path(request, reader, found.after[0]) if found.after and not old else None,
        "said": said or (("yes" if feedback.helped else "no") if feedback else ""),
        "remark": feedback.remark if feedback else "",
        "retest_path": f"/t/{runtime.signer.sign_mail(TokenPurpose.RETEST, reader.mail)}",
        "own_path": _own_path(request, reader),
    }
    return reader_page(request, reader, "lesson", values)


def _own_path(request: Request, reader: Reader) -> str:
    """Return the path of the own page. The link expires with the mail."""
    return f"/p/{runtime_of(request).signer.sign_mail(TokenPurpose.PREFERENCES, reader.mail)}"


def _path(request: Request, reader: Reader, delivery_id: int) -> str:
    return f"/w/{runtime_of(request).signer.sign_mail(TokenPurpose.LESSON, reader.ref(delivery_id))}"


def _retest_page(
    request: Request, reader: Reader, token: str, progress: TestProgress, *, missing: bool
) -> HTMLResponse:
    return reader_page(request, reader, "test", progress.values(f"/t/{token}", missing=missing, begins=False))
