"""Template code that an editor or admin types stays text, in every field and every way it is shown.

Every payload would print 1094 if any template engine ran it, in whatever delimiters it knows or once knew.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from email import message_from_bytes, policy
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from jinja2.exceptions import SecurityError, UndefinedError
from sqlalchemy import select
from tests.support.admin_pages import LESSON, MESSAGE, form_of, make_draft, post, typed
from tests.support.builders import (
    COURSE,
    LESSONS,
    MORNING,
    at_eight,
    lessons_to,
    make_reader,
    make_settings,
    plan,
    send_all,
)
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, sender
from rugcourse.clock import VirtualClock
from rugcourse.content import Course, load_courses
from rugcourse.content.markdown import UnknownTag
from rugcourse.course_editor.form_fields import fields_of, names_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.db.models import DeliveryState, LessonRow
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.ebooks.document import book_of
from rugcourse.ebooks.epub import make_epub
from rugcourse.email_preview.sample import SampleEmails, SampleReader, parts_of
from rugcourse.emails import catalogue, templates
from rugcourse.emails.branding import Author, Branding, branding_of

RAN = "1094"
CODE = (
    "{{ 2*547 }}",
    "{% if 1 %}{{ 2*547 }}{% endif %}",
    "[[ 2*547 ]]",
    "[% if 1 %][[ 2*547 ]][% endif %]",
    "\ue000 2*547 \ue001",
    "\ue0002*547\ue001",
    "LINKTARGET7X",
    "MERGETAGABCX",
    "${2*547}",
    "#(2*547)",  # Typst
    "<%= 2*547 %>",
)
A_FEW = (CODE[0], CODE[2], CODE[4], "LINKTARGET7X MERGETAGABCX")
TEXTS = {"title", "subject", "preheader", "highlight", "today", "body", "text", "why", "question", "summary"}


@pytest.fixture(scope="module")
def course() -> Course:
    return next(one for one in load_courses(LESSONS) if one.slug == COURSE)


@pytest.fixture
def sample_emails(tmp_path: Path) -> SampleEmails:
    settings = make_settings(tmp_path)
    return SampleEmails(settings.base_url, branding_of(settings), sender(settings))


def fields() -> list[str]:
    """Every field of the lesson editor that holds text of an author."""
    return [name for name in names_of(("nl", "en")) if name.rpartition(".")[2] in TEXTS]


def shown(message: bytes) -> str:
    """All that a reader sees of a message."""
    return "\n".join((str(message_from_bytes(message, policy=policy.default)["Subject"]), *parts_of(message)))


def assert_inert(shown: str) -> None:
    assert RAN not in unescape(shown)


@pytest.mark.parametrize("code", A_FEW)
def test_template_code_in_lesson_fields_does_not_run_in_previews(
    editor: TestClient, runtime: Runtime, sink: Sink, code: str
) -> None:
    """Everything in one form, as nothing else shows that each field is looked at; then the checks, the mail, the desk."""
    form = {
        **typed(runtime),
        **dict.fromkeys(fields(), code),
        **form_of(editor),
        "quiz.0.right": "0",
        "quiz.1.right": "0",
    }
    for look in ("desktop", "dark", "text", "phone"):
        for language in ("nl", "en"):
            answer = editor.post(f"{LESSON}/preview", data={**form, "look": look, "shown": language})
            assert answer.status_code == 200
            assert_inert(answer.text)
    assert_inert(editor.post(f"{LESSON}/checks", data=form).text)
    assert editor.post(LESSON, data={**form, "action": "test"}).status_code in {200, 303}
    assert_inert("".join(shown(one.raw) for one in sink.taken))
    for path in (LESSON, f"{LESSON}/publish", f"{LESSON}/history", f"{LESSON}/email-check", "/admin/lessons"):
        page = editor.get(path)
        assert page.status_code == 200, path
        assert_inert(page.text)
    assert editor.post(f"{LESSON}/email-check", data=form_of(editor)).status_code == 200


@pytest.mark.parametrize("name", fields())
def test_template_code_in_each_field_is_inert_in_mail_and_ebook(
    course: Course, sample_emails: SampleEmails, name: str
) -> None:
    """A draft is shown before anything refuses it: by itself each field is text, in a mail and in a book."""
    language = name.partition(".")[0]
    for code in CODE:
        lesson = course.lesson("stress")
        assert lesson is not None
        draft = LessonDraft(course, "stress", 4, {**fields_of(lesson), name: code})  # as if nothing had cleaned it
        lenient_lesson = draft.lenient_lesson(language)
        try:
            message = sample_emails.of_lesson(course, lenient_lesson, language, MORNING)
        except UnknownTag:
            assert name.endswith(".body")
            continue
        assert_inert(shown(message))
        book = book_of(
            course.model_copy(update={"lessons": (lenient_lesson,)}),
            language,
            sample_emails.branding,
            "https://c.example",
        )
        with zipfile.ZipFile(io.BytesIO(make_epub(book, MORNING))) as epub:
            assert_inert("".join(epub.read(one).decode() for one in epub.namelist()))


def test_published_text_with_braces_is_shown_as_typed(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink
) -> None:
    """Braces are no mistake; a reader sees them in the mail, on the web and in the book."""
    code = CODE[0]
    text = dict.fromkeys([name for name in fields() if not name.endswith(".body")], code)
    form = typed(runtime, **{name.replace(".", "__"): value for name, value in text.items()})
    where = post(editor, LESSON, **form, action="publish")
    assert post(editor, where, under_way="new") == f"{LESSON}?done=published"
    for path in (f"/nl/{COURSE}", f"/nl/{COURSE}/lessons/stress", f"/en/{COURSE}/lessons/stress"):
        page = editor.get(path)
        assert page.status_code == 200
        assert_inert(page.text)
        assert path == f"/nl/{COURSE}" or code in unescape(page.text)
    email = make_reader(runtime)
    for day in range(4):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    last = [one for one in sink.taken if one.recipient == email][-1]
    assert message_from_bytes(last.raw, policy=policy.default)["Subject"] == code
    assert_inert(shown(last.raw))
    assert code in unescape(shown(last.raw))


@pytest.mark.parametrize("code", A_FEW)
def test_template_code_in_an_ab_test_subject_does_not_run(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink, code: str
) -> None:
    with runtime.database.read() as session:
        first = session.scalars(select(LessonRow.id).where(LessonRow.slug == "welkom")).one()
    answer = editor.post(f"/admin/ab-tests/{first}", data={**form_of(editor), "subject.nl": code, "minimum": "100"})
    assert answer.status_code in {303, 400}
    assert_inert(editor.get(f"/admin/ab-tests/{first}").text)
    emails = {make_reader(runtime) for _ in range(4)}
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    assert {email for email in emails if lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED} == emails
    for one in sink.taken:
        assert_inert(shown(one.raw))


@pytest.mark.parametrize("part", ["name", "title.en", "subject.en", "preheader.en", "body.en"])
def test_template_code_in_a_broadcast_does_not_run(editor: TestClient, runtime: Runtime, part: str) -> None:
    make_reader(runtime)
    for code in A_FEW:
        draft = make_draft(editor, runtime)
        assert_inert(post(editor, f"{draft}/what", **{**MESSAGE, part: code}))
        post(editor, f"{draft}/who", languages=["nl"])
        post(editor, f"{draft}/when", way="now")
        post(editor, f"{draft}/pace")
        for path in ("what", "review", "mail/en", "preflight", "who"):
            answer = editor.get(f"{draft}/{path}")
            assert answer.status_code in {200, 303, 404}, path
            assert_inert(answer.text)
        assert_inert(editor.get("/admin/campaigns").text)


def test_template_code_in_names_does_not_run(course: Course, sample_emails: SampleEmails) -> None:
    for code in CODE:
        named = Branding(practice=code, author=Author(code, {"nl": code, "en": code}), postal_address=code)
        for language in ("nl", "en"):
            theirs = replace(sample_emails, branding=named)
            assert_inert(shown(theirs.of_lesson(course, course.lessons[8], language, MORNING, SampleReader(code))))


def test_mails_contain_no_internal_delimiters(course: Course, sample_emails: SampleEmails) -> None:
    written = shown(sample_emails.of_lesson(course, course.lessons[0], "nl", MORNING))
    for secret in (
        templates._OPEN,
        templates._CLOSE,
        templates._BEGIN,
        templates._END,
        templates._MERGE,
        catalogue._LINK_MARK,
    ):
        assert secret not in written


def test_template_sandbox_exposes_no_python_objects() -> None:
    """The layer behind: even code that got into a template reaches no attribute that begins with an underscore."""
    for code in ("''.__class__.__mro__", "cycler.__init__.__globals__", "joiner.__init__.__code__", "[].append(1)"):
        template = templates._second_pass(html=True).from_string(f"{templates._OPEN} {code} {templates._CLOSE}")
        with pytest.raises((SecurityError, UndefinedError)):
            template.render()


def test_a_placeholder_that_became_known_breaks_nothing(editor: TestClient, runtime: Runtime) -> None:
    """It is random, and shown nowhere; should somebody learn it all the same, it is a word that is left out."""
    from rugcourse.content import markdown

    known = f"{markdown._PLACEHOLDER_MARK}NOSUCHX"
    form = {**typed(runtime, nl__body=f"Hallo {known} daar. [hier](https://a.example/{known})"), **form_of(editor)}
    page = editor.post(f"{LESSON}/preview", data=form)
    assert page.status_code == 200
    assert markdown._PLACEHOLDER_MARK not in page.text
    assert editor.post(LESSON, data={**form, "action": "save"}).status_code in {200, 303}
    for path in (LESSON, f"{LESSON}/publish", f"{LESSON}/email-check"):
        assert editor.get(path).status_code == 200
