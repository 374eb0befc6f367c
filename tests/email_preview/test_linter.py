"""What is said of a mail before it goes out: nothing of ours, and the right thing of one that is not well."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.support.builders import COURSE, make_pending, make_reader, send_all
from tests.support.emails import compose
from tests.support.languages import write_courses_in_german_too
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.content import Course, load_course
from rugcourse.content.picture_search import pictures_in
from rugcourse.course_editor.file_sync import import_courses
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import SubscriberRow
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.email_preview.linter import lint_email
from rugcourse.email_preview.spamassassin import SpamScore, score
from rugcourse.enrolment.reminders import plan_reminders

_MOST_POINTS = 0.5


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return load_course(write_courses_in_german_too(tmp_path_factory.mktemp("courses") / "lessons") / COURSE)


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_email_linter_finds_nothing_in_shipped_lessons(course: Course, language: str) -> None:
    for lesson in course.lessons:
        look = lint_email(compose(course, lesson, language), "https://c.example")
        assert look.remarks == ()
        subject = lesson.texts[language].subject.replace("{{ number }}", str(lesson.number))
        assert look.subject == subject.replace("{{ total }}", str(len(course.lessons)))
        assert look.words > 300
        assert look.links > 5
        assert look.images == len(pictures_in(lesson.texts[language].body))


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (b"Subject: ", b"Subject: Re: ", "pretends"),
        (b"List-Unsubscribe-Post: ", b"X-Post: ", "no-unsubscribe"),
        (b"List-Unsubscribe: ", b"X-Unsubscribe: ", "no-unsubscribe"),
        (b"text/plain", b"text/x-plain", "no-text"),
        (b"</body>", b'<a href="http://1.2.3.4/x">here</a></body>', "number-link"),
        (b"</body>", b'<a href="http://ok.example/x">here</a></body>', "http-link"),
        (b"</body>", b'<a href="https://evil.example/x">https://bank.example/login</a></body>', "other-address"),
        (b"</body>", b"<script>1</script></body>", "active"),
        (b"</body>", b"<form></form></body>", "active"),
        (b"</body>", b'<div style="position:absolute">x</div></body>', "css"),
        (b"</body>", b'<div style="display: flex">x</div></body>', "css"),
        (b"</body>", b'<img src="cid:x"></body>', "no-alt"),
        (b"</body>", b"<p>" + b"x" * 1000 + b"</p></body>", "long-line"),
        (b"</body>", b"<p>" + b"many words\r\n" * 9000 + b"</p></body>", "large"),
    ],
)
def test_email_linter_reports_each_mistake(course: Course, before: bytes, after: bytes, kind: str) -> None:
    message = compose(course, course.lessons[0])
    assert before in message
    assert kind in {one.kind for one in lint_email(message.replace(before, after, 1), "https://c.example").remarks}


@pytest.mark.parametrize(
    ("subject", "kinds"),
    [
        ("Waarom doet je rug pijn?", set()),
        ("", {"no-subject"}),
        ("WAAROM DOET JE RUG PIJN", {"capitals"}),
        ("EU-regels voor je rug", set()),
        ("Gratis!! Nu", {"shouts"}),
        ("x" * 61, {"long-subject"}),
        ("Fwd: je rug", {"pretends"}),
    ],
)
def test_a_subject_is_looked_at(course: Course, subject: str, kinds: set[str]) -> None:
    message = compose(course, course.lessons[0])
    ours = course.lessons[0].texts["nl"].subject.replace("{{ number }}", "1").encode()
    assert {
        one.kind for one in lint_email(message.replace(ours, subject.encode(), 1), "https://c.example").remarks
    } == kinds


def test_a_link_that_leads_nowhere_is_no_error_of_ours(course: Course) -> None:
    odd = b'<a href="https://[x">x</a><a href="">y</a><a>z</a></body>'
    look = lint_email(compose(course, course.lessons[0]).replace(b"</body>", odd, 1), "https://c.example")
    assert look.remarks == ()


def test_a_mail_of_pictures_and_one_whose_text_says_something_else() -> None:
    head = b'Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
    html = b'<html><body><img src="x.png" alt="all of it"><p>only these words stand beside it</p></body></html>'
    text = b"--b\r\nContent-Type: text/plain\r\n\r\nsomething different altogether\r\n"
    message = head + text + b"--b\r\nContent-Type: text/html\r\n\r\n" + html + b"\r\n--b--\r\n"
    assert {one.kind for one in lint_email(message, "https://c.example").remarks} == {"pictures", "other-text"}


@pytest.mark.needs("spamassassin")
def test_no_lesson_looks_like_spam(runtime: Runtime) -> None:
    with runtime.database.read() as session:
        courses = [one.course for one in CourseCache().courses(session)]
    opinions = score(
        [
            runtime.sample_emails.of_lesson(course, lesson, language, runtime.clock.now())
            for course in courses
            for lesson in course.lessons
            for language in course.languages
        ]
    )
    assert len(opinions) >= 18
    assert [(number, one) for number, one in enumerate(opinions) if one.score > _MOST_POINTS] == []


@pytest.mark.needs("spamassassin")
def test_no_mail_around_the_lessons_looks_like_spam_and_one_that_does_is_told(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, tmp_path: Path
) -> None:
    import_courses(runtime.database, runtime.clock, write_courses_in_german_too(tmp_path / "courses"))
    for language in ("nl", "en", "de"):
        email = make_reader(runtime, f"{language}@x.example")
        make_pending(runtime, email)  # once more: they follow it already
        other = make_pending(runtime, f"late-{language}@x.example")
        mine = SubscriberRow.email.in_((email, other))
        with runtime.database.write() as session:
            session.execute(update(SubscriberRow).where(mine).values(language=language))
    send_all(dispatcher)
    clock.advance(days=1)
    runtime.database.run(plan_reminders, clock.now(), runtime.signer)
    send_all(dispatcher)
    ours = [one.raw for one in sink.taken]
    spam = ours[0].replace(b"Subject: ", b"Subject: VIAGRA cheap!! lose weight ", 1)
    *opinions, of_spam = score([*ours, spam])
    assert len(opinions) >= 15  # confirm, the e-book, already, confirm and its reminder: three times
    assert {message_from_bytes(one)["Content-Language"] for one in ours} == {"nl", "en", "de"}
    assert [one for one in opinions if one.score > _MOST_POINTS] == []
    assert of_spam.score > 3
    assert "DRUG" in " ".join(name for _, name, _ in of_spam.rules)
    assert isinstance(of_spam, SpamScore)
