"""How a mail is put together, and that nothing an author or a reader types becomes code or markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from tests.support.builders import COURSE
from tests.support.emails import HOUSE, LINKS, MAIL, NOW, SENDER, compose, outgoing, parse
from tools.messages import catalogues, compare, extract, read

from rugcourse.content import Course
from rugcourse.db.models import DeliveryKind
from rugcourse.delivery.composer import Composer, Personalisation
from rugcourse.delivery.template_cache import PreparedEmail, message_stream
from rugcourse.emails import catalogue as mails
from rugcourse.emails import templates
from rugcourse.emails.mime import MessageStream, MimeSkeleton, RecipientHeaders, assemble
from rugcourse.emails.templates import MAX_HTML_BYTES, TemplateError

ROOT = Path(__file__).parents[2]


def test_a_lesson_has_the_headers_that_mail_programs_look_for(course: Course) -> None:
    message, _, _ = parse(compose(course, course.lessons[0]))
    assert message["Subject"] == course.lessons[0].texts["nl"].subject.replace("{{ number }}", "1")
    assert message["To"] == "sam@x.example"
    assert message["Content-Language"] == "nl"
    assert message["List-Id"] == "<courses.c.example>"
    assert message["List-Unsubscribe"] == f"<{LINKS.unsubscribe(MAIL)}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Message-ID"] == LINKS.message_id(MAIL, "c.example")
    assert message["List-Help"] == f"<{LINKS.preferences(MAIL)}>"
    assert message["Feedback-ID"] == "1:courses:lesson:c.example"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["Auto-Submitted"] is None
    assert message["Reply-To"] is None
    assert len(message.get_all("To")) == 1
    assert not message.defects


def test_a_mail_that_answers_a_signup_says_that_a_machine_wrote_it_and_belongs_to_no_list(course: Course) -> None:
    headers = MimeSkeleton.make(SENDER, "x", "nl", message_stream(DeliveryKind.CONFIRM, course)).headers
    assert b"Auto-Submitted: auto-generated" in headers
    assert b"X-Auto-Response-Suppress: OOF, AutoReply" in headers
    assert b"List-" not in headers


def test_one_click_header_is_sent_only_for_https_links(course: Course) -> None:
    """RFC 8058, 3.1: an https address."""
    plain = replace(SENDER, one_click=False)
    headers = MimeSkeleton.make(plain, "x", "nl", message_stream(DeliveryKind.LESSON, course)).headers
    assert b"List-Id: " in headers
    assert b"List-Unsubscribe-Post" not in headers


@pytest.mark.parametrize("kind", DeliveryKind)
def test_headers_name_the_course_only_when_configured(course: Course, kind: DeliveryKind) -> None:
    stream = message_stream(kind, course)
    for names_course in (False, True):
        skeleton = MimeSkeleton.make(replace(SENDER, names_course=names_course), "x", "nl", stream)
        addressing = RecipientHeaders(
            "sam@x.example", "<7@c.example>", NOW, 1, LINKS.unsubscribe(MAIL), LINKS.preferences(MAIL)
        )
        message, _, _ = parse(assemble(skeleton, addressing, "", ""))
        naming = {name for name, value in message.items() if COURSE in value}
        assert naming == (({"Feedback-ID"} | ({"List-Id"} if stream.is_list else set())) if names_course else set())


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_the_subject_of_a_mail_around_the_lessons_names_no_course(course: Course, language: str) -> None:
    for make in (
        mails.confirm_email,
        mails.reminder_email,
        mails.welcome_email,
        mails.already_subscribed_email,
        mails.magic_link_email,
    ):
        assert course.texts[language].title.lower() not in make(course, language, HOUSE, LINKS).subject.lower()


def test_list_unsubscribe_has_a_mailto_when_incoming_mail_is_read(course: Course) -> None:
    message, _, _ = parse(compose(course, course.lessons[0], bounce_address="bounces@c.example"))
    web, mail = message["List-Unsubscribe"].split(", ")
    assert web == f"<{LINKS.unsubscribe(MAIL)}>"
    assert mail == f"<mailto:{LINKS.unsubscribe_address(MAIL, 'bounces@c.example')}?subject=unsubscribe>"


def test_a_relay_that_changes_the_message_id_gets_it_once_more(course: Course) -> None:
    template = mails.lesson_email(course, course.lessons[0], "nl", HOUSE, LINKS)
    traced = MimeSkeleton.make(
        replace(SENDER, echo_header="X-Trace"), "x", "nl", message_stream(DeliveryKind.LESSON, course)
    )
    composer = Composer(LINKS, "c.example")
    draft = composer.draft(
        outgoing(), PreparedEmail(template, traced, course, course.lessons[0], "nl"), Personalisation()
    )
    message, _, _ = parse(composer.write(draft, NOW, eight_bit=True))
    assert message["X-Trace"] == message["Message-ID"]


@pytest.mark.parametrize("language", ["nl", "en", "de"])
@pytest.mark.parametrize("number", range(9))
def test_every_lesson_carries_what_a_reader_needs(course: Course, number: int, language: str) -> None:
    lesson = course.lessons[number]
    text = lesson.texts[language]
    message, html, plain = parse(compose(course, lesson, language))
    assert f'lang="{language}"' in html
    assert len(html.encode()) < MAX_HTML_BYTES
    for part in (html, plain):
        for address in (
            LINKS.lesson(MAIL),
            LINKS.preferences(MAIL),
            LINKS.unsubscribe(MAIL),
            LINKS.safety_notice(language, COURSE),
        ):
            assert address in part
        for index, question in enumerate(text.quiz):
            for option in range(len(question.options)):
                assert LINKS.answer(MAIL, index, option) in part
        assert "Sam" in part
        assert (LINKS.retest(MAIL) in part) is text.retest
        assert {
            "nl": f"Les {number + 1} van 9",
            "en": f"Lesson {number + 1} of 9",
            "de": f"Lektion {number + 1} von 9",
        }[language] in part
        assert "{{" not in part.replace("{{ 7*7 }}", "")
    assert text.preheader in re.sub(r"\s+", " ", unescape(html))
    assert re.sub(r"\s+", " ", text.highlight) in re.sub(r"\s+", " ", plain)
    assert message.get_content_type() == "multipart/alternative"


def test_no_line_is_longer_than_mail_servers_take(course: Course) -> None:
    for lesson in course.lessons:
        for eight_bit in (True, False):
            assert max(map(len, compose(course, lesson, eight_bit=eight_bit).split(b"\r\n"))) <= 998


def test_mail_is_encoded_as_ascii_for_servers_without_8bitmime(course: Course) -> None:
    eight = compose(course, course.lessons[3])
    seven = compose(course, course.lessons[3], eight_bit=False)
    assert seven.isascii()
    assert not eight.isascii()
    assert parse(seven)[1].split() == parse(eight)[1].split()
    assert parse(seven)[2].split() == parse(eight)[2].split()


def test_no_mail_asks_anything_of_a_third_party(course: Course) -> None:
    """Only a link that a reader chooses to follow leads elsewhere: to further reading."""
    for lesson in course.lessons:
        html = parse(compose(course, lesson))[1]
        for link in filter(None, (one.link for one in lesson.texts["nl"].further)):
            html, found = re.subn(rf'<a\s+href="{re.escape(link)}"', "<a", html)
            assert found == 1
        assert set(re.findall(r'(?:src|href|url\()="?(https?://[^/"]+)', html)) == {"https://c.example"}


def test_mail_has_no_pixel_and_plain_links_without_consent_to_measuring(course: Course) -> None:
    first = course.lessons[0]
    text = first.texts["nl"].model_copy(update={"body": "Lees [dit](https://elders.example/x?a=1&b=2)."})
    linked = first.model_copy(update={"texts": {**first.texts, "nl": text}})
    plain = parse(compose(course, linked, measuring=False))[1]
    assert LINKS.pixel(MAIL) not in plain
    assert 'href="https://elders.example/x?a=1&amp;b=2"' in plain
    measured = parse(compose(course, linked, measuring=True))[1]
    assert LINKS.pixel(MAIL) in measured
    assert LINKS.click(MAIL, 0) in measured
    assert "elders.example" not in measured


def test_a_missed_question_opens_the_lesson(course: Course) -> None:
    recap = course.lessons[0].texts["nl"].quiz[0]
    _, html, plain = parse(compose(course, course.lessons[2], recap=recap))
    for part in (html, plain):
        assert recap.question in re.sub(r"\s+", " ", part)
        assert LINKS.answer(MAIL, 15, 2) in part


@pytest.mark.parametrize("name", ["{{7*7}}", "{%for", "<img/onerror=x>", "a&b", "[[x]]", '"quoted"'])
def test_a_readers_name_stays_text(course: Course, name: str) -> None:
    _, html, plain = parse(compose(course, course.lessons[0], name=name))
    assert "49" not in re.findall(r"Hoi ([^,]*),", plain)
    assert f"Hoi {name}," in plain
    assert "<img/onerror" not in html


@pytest.mark.parametrize(
    "typed", ["{\\{ 7*7 }}", "&#123;{ 7*7 }}", "`{` `{`7*7", "<b onclick=x>", "[x](javascript:alert)", "{#x#}x"]
)
def test_text_of_an_author_is_escaped_in_mails(course: Course, typed: str) -> None:
    first = course.lessons[0]
    fields = first.texts["nl"].model_dump()
    fields["highlight"] = typed
    fields["body"] = typed.replace("}}", "} }") if "{#" not in typed else "x"  # the loader refuses these in a body
    odd = first.model_copy(update={"texts": {**first.texts, "nl": type(first.texts["nl"]).model_validate(fields)}})
    _, html, plain = parse(compose(course, odd))
    assert typed in plain
    assert "49" not in re.sub(r"\d{3,}|#[0-9a-f]+", "", plain)
    assert "<b onclick" not in html
    assert 'href="javascript' not in html


def test_the_name_of_the_practice_is_text_too(course: Course) -> None:
    html = parse(compose(course, course.lessons[8]))[1]
    assert "Fysio {{ 7*7 }} &amp; Zn" in html


def test_an_unknown_mjml_tag_is_an_error_instead_of_vanishing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for source, told in (
        ("<mjml><mj-titel>x</mj-titel></mjml>", "mj-titel"),
        ("<mjml><mj-include path='/etc/passwd' /></mjml>", "mj-include"),
    ):
        with pytest.raises(TemplateError, match=told):
            templates._to_html("lesson", source)


@pytest.mark.parametrize("make", [mails.confirm_email, mails.reminder_email])
def test_a_mail_about_the_signup_says_nothing_that_was_typed(
    course: Course, make: Callable[..., templates.EmailTemplate]
) -> None:
    template = make(course, "nl", HOUSE, LINKS)
    html, text = template.write({"confirm_url": "https://c.example/c/x"})
    assert "Sam" not in html + text
    assert "https://c.example/c/x" in html
    assert (
        b"List-Unsubscribe"
        not in MimeSkeleton.make(SENDER, template.subject, "nl", message_stream(DeliveryKind.CONFIRM, course)).headers
    )


def test_a_subject_cannot_add_a_header() -> None:
    with pytest.raises(ValueError, match=r"(?i)header"):
        MimeSkeleton.make(SENDER, "x\r\nBcc: all@x.example", "nl", MessageStream(COURSE, "lesson", is_list=True))


def test_the_message_id_of_an_earlier_try_is_kept(course: Course) -> None:
    message, _, _ = parse(compose(course, course.lessons[0], message_id="<first@c.example>"))
    assert message["Message-ID"] == "<first@c.example>"


def test_every_word_around_the_lessons_is_translated_and_no_translation_is_left_over() -> None:
    messages = extract(ROOT)
    for path in catalogues(ROOT):
        catalogue = read(path.read_text(encoding="utf-8"), path.stem)
        assert list(compare(catalogue, messages).lines()) == [], path.name


def test_a_long_item_of_a_nested_list_goes_on_under_its_first_word() -> None:
    words = " ".join(["woord"] * 20)
    lines = mails._wrapped(f"- a\n  - {words}\n12. {words}").split("\n")
    assert [line[: len(line) - len(line.lstrip())] for line in lines] == ["", "  ", "    ", "", "    "]
