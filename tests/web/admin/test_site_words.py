"""Owners write the words of mails, of the privacy page and of the end of a course."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import log_in
from tests.support.admins import make_admin
from tests.support.builders import COURSE, course_of, make_pending, send_all
from tests.support.pictures import picture_file
from tests.support.site_settings import save
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.ebooks.document import book_of
from rugcourse.email_preview.sample import parts_of
from rugcourse.emails.catalogue import lesson_email
from rugcourse.site_settings import SiteSettings, store
from rugcourse.site_settings.model import EmailWordsChosen


@pytest.fixture
def owner(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    make_admin(runtime.database, clock)
    browser.headers["accept-language"] = "en"
    log_in(browser)
    return browser


def words(owner: TestClient, **typed: str) -> None:
    assert save(owner, "/words", **{name.replace("__", "."): text for name, text in typed.items()}).status_code == 303


def test_mails_say_what_the_owner_wrote(
    owner: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    words(
        owner,
        mail__confirm__nl__subject="Nog één klik",
        mail__confirm__nl__opening="Druk op **de knop**, en lees [hier](https://x.example/a) meer.",
        mail__welcome__nl__opening="Welkom {{ first_name }} bij {{ practice }}.",
    )
    make_pending(runtime, "new@x.example")
    send_all(dispatcher)
    mail = sink.to("new@x.example")[-1]
    html, text = parts_of(mail.raw)
    assert "Subject: =?utf-8?" in mail.raw.decode() or "Nog" in mail.raw.decode()
    assert "<strong>de knop</strong>" in html
    assert 'href="https://x.example/a"' in html
    assert "Open de pagina" not in html
    assert "aangevraagd" in html or "waarschijnlijk" in html  # who asked, and that nothing happens, always stands there
    assert "https://x.example/a" in text
    assert "Welkom Sam bij Let&#39;s Go Fysio." in owner.get("/admin/settings/mail?kind=welcome&language=nl").text


def test_words_that_are_not_chosen_are_the_usual_ones(owner: TestClient, runtime: Runtime) -> None:
    words(owner, mail__confirm__en__opening="Only in English.")
    assert "Only in English." in owner.get("/admin/settings/mail?kind=confirm&language=en").text
    assert "Open de pagina" in owner.get("/admin/settings/mail?kind=confirm&language=nl").text
    assert "Only in English." not in owner.get("/admin/settings/mail?kind=reminder&language=en").text
    assert owner.get("/admin/settings/mail?kind=welcome&language=nl").status_code == 200


def test_end_of_a_course_leads_to_the_next_step(owner: TestClient, browser: TestClient, runtime: Runtime) -> None:
    words(
        owner, end__nl__text="Wil je *samen* verder?", end__nl__label="Maak een afspraak", end__nl__link="https://x.example/?a=1&b=2"
    )  # fmt: skip
    course = course_of(runtime).course
    first, last = course.lessons[0], course.lessons[-1]
    assert "Maak een afspraak" not in browser.get(f"/nl/{COURSE}/lessons/{first.slug}").text
    page = browser.get(f"/nl/{COURSE}/lessons/{last.slug}").text
    assert '<a class="button" href="https://x.example/?a=1&amp;b=2">Maak een afspraak</a>' in page
    assert "<em>samen</em>" in page
    assert "Maak een afspraak" not in browser.get(f"/en/{COURSE}/lessons/{last.slug}").text
    samples = runtime.sample_emails
    html, text = parts_of(samples.of_lesson(course, last, "nl", runtime.clock.now()))
    assert "Maak een afspraak" in html
    assert "https://x.example/?a=1&b=2" in text
    assert "Maak een afspraak" not in parts_of(samples.of_lesson(course, first, "nl", runtime.clock.now()))[0]
    assert book_of(course, "nl", runtime.branding, "https://x.example")["next_step"]["label"] == "Maak een afspraak"


def test_privacy_page_has_the_lines_of_the_practice(owner: TestClient, browser: TestClient) -> None:
    words(owner, privacy__nl="Onze functionaris is **Ada**.\n\n<script>alert(1)</script>")
    page = browser.get("/nl/privacy").text
    assert "<strong>Ada</strong>" in page
    assert "&lt;script&gt;" in page
    assert "Ada" not in browser.get("/en/privacy").text


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"mail.confirm.nl.opening": "{{ 7*7 }}"}, "mail.confirm.nl.opening", "{{ 7*7 }}"),
        ({"mail.confirm.nl.opening": "[x](https://x.example/{{ first_name }})"}, "mail.confirm.nl.opening", "can't be used here"),
        ({"mail.confirm.nl.subject": "A\nBcc: all@x.example"}, "mail.confirm.nl.subject", "invisible character"),
        ({"mail.welcome.en.opening": "x" * 2001}, "mail.welcome.en.opening", "2001 characters; at most 2000."),
        ({"end.nl.label": "Go", "end.nl.link": "https://x.example"}, "end.nl.text", "this is empty."),
        ({"end.nl.text": "Go", "end.nl.label": "Go"}, "end.nl.label", "a button needs both a text and a link."),
        ({"end.nl.text": "Go", "end.nl.label": "Go", "end.nl.link": "javascript:alert(1)"}, "end.nl.link", "a link begins with"),
        ({"end.nl.text": "Go", "end.nl.label": "Go", "end.nl.link": "https://[::1"}, "end.nl.link", "a link begins with"),
        ({"privacy.nl": "{% for %}"}, "privacy.nl", "{% for %}"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_said_at_its_field(
    owner: TestClient, runtime: Runtime, typed: dict[str, str], field: str, sentence: str
) -> None:
    answer = save(owner, "/words", **typed)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert f'href="#f-{field}"' in answer.text
    assert f'id="f-{field}" aria-invalid="true"' in answer.text
    assert runtime.site.revision == 0


def test_next_step_is_the_same_in_mails_of_readers_who_are_measured(owner: TestClient, runtime: Runtime) -> None:
    words(
        owner, end__nl__text="Lees [dit](https://x.example/a).", end__nl__label="Bel", end__nl__link="tel:+31301234567"
    )
    course = course_of(runtime).course
    template = lesson_email(course, course.lessons[-1], "nl", runtime.branding, runtime.links)
    assert not [one for one in template.targets if "x.example" in one or one.startswith("tel:")]
    html, _ = parts_of(runtime.sample_emails.of_lesson(course, course.lessons[-1], "nl", runtime.clock.now()))
    assert 'href="https://x.example/a"' in html
    assert 'href="tel:+31301234567"' in html


@pytest.mark.parametrize("mail", ["confirm", "reminder"])
def test_mail_before_a_confirmation_greets_nobody_by_a_name_that_somebody_else_may_have_typed(
    owner: TestClient, runtime: Runtime, mail: str
) -> None:
    answer = save(owner, "/words", **{f"mail.{mail}.nl.opening": "Hoi {{ first_name }}!"})
    assert answer.status_code == 400
    assert "greet people by name" in answer.text
    chosen = SiteSettings(email_words={mail: {"nl": EmailWordsChosen(opening="Hoi {{ first_name }}, welkom.")}})
    runtime.database.run(store.save, runtime.clock.now(), None, chosen, 0)  # as a release before this check could
    runtime.current.refresh(runtime.database, now=True)
    assert "Hoi , welkom." in owner.get(f"/admin/settings/mail?kind={mail}&language=nl").text


def test_words_that_show_a_picture_that_is_gone_are_refused(owner: TestClient, runtime: Runtime) -> None:
    gone = picture_file("load").ref.address
    answer = save(owner, "/words", **{"mail.confirm.nl.opening": f"![Kracht]({gone})"})
    assert answer.status_code == 400
    assert "deleted meanwhile" in answer.text
    assert 'href="#f-mail.confirm.nl.opening"' in answer.text
