"""The links in mails (drills: "Links"): looking changes nothing, pressing does what the button says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from tests.support.builders import course_of, enrolment_of, lessons_to, make_pending, ref
from tests.support.pages import CHROME, path
from tests.support.rows import everything
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import DeliveryKind, DeliveryRow, EmailEventRow, LessonVersionRow
from rugcourse.db.queries import course_publishing, subscribers
from rugcourse.ebooks.cache import refresh_ebooks
from rugcourse.learning.recap import RECAP_NUMBER
from rugcourse.links import TokenPurpose
from rugcourse.picture_library.files import make_renditions
from rugcourse.web.app import create_app


def test_get_head_and_options_on_every_link_of_a_mail_change_nothing(
    browser: TestClient, runtime: Runtime, email: str, sink: Sink
) -> None:
    pending = make_pending(runtime)
    links = {
        match.decode()
        for mail in sink.taken
        for match in re.findall(rb"http://courses\.example(/[^\s\"<>]+)", mail.raw)
    }
    links.add(path(runtime, TokenPurpose.CONFIRM, pending, kind=DeliveryKind.CONFIRM))
    assert len(links) > 12
    refresh_ebooks(runtime.database, runtime.clock, runtime.links, runtime.branding, runtime.course_cache)
    make_renditions(runtime.database)
    before = everything(runtime)
    for _ in range(3):
        for method in ("GET", "HEAD", "OPTIONS"):
            for link in links:
                assert browser.request(method, link).status_code in (
                    {200, 405} if method == "OPTIONS" else {200, 302, 404}
                )
    after = everything(runtime)
    for rows in (before, after):
        rows["lesson"] = [row[:-1] for row in rows["lesson"]]  # how often it was read may grow
    assert after == before


@pytest.mark.parametrize("purpose", ["c", "a", "w", "p", "u", "t", "l", "o"])
def test_a_token_flipped_or_of_another_purpose_opens_the_same_404(
    browser: TestClient, runtime: Runtime, email: str, purpose: str
) -> None:
    nothing = browser.get("/nl/none").text
    tokens = [runtime.signer.sign(one, 1) for one in TokenPurpose] + [
        runtime.signer.sign_mail(TokenPurpose.LESSON, ref(runtime, 1))[:-1] + "x"
    ]
    right = {
        "c": TokenPurpose.CONFIRM,
        "w": TokenPurpose.LESSON,
        "p": TokenPurpose.PREFERENCES,
        "u": TokenPurpose.UNSUBSCRIBE,
        "t": TokenPurpose.RETEST,
        "o": TokenPurpose.OPEN,
    }
    own = runtime.signer.sign(right[purpose], 1) if purpose in right else None
    for token in tokens:
        if token == own:
            continue
        for answer in (
            browser.get(f"/{purpose}/{token}"),
            browser.post(f"/{purpose}/{token}", data={"leave": "yes", "o": "0"}),
        ):
            assert answer.status_code in {404, 405}
            assert answer.text == nothing


def test_a_token_with_any_character_changed_opens_nothing(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    head, token = link[:3], link[3:]
    assert browser.get(link).status_code == 200
    before = everything(runtime)
    for place, old in enumerate(token):
        for new in {"A", "z", "-", "=", "."} - {old}:
            changed = head + token[:place] + new + token[place + 1 :]
            assert browser.get(changed).status_code == 404, changed
            assert browser.post(changed, data={"action": "pause"}).status_code == 404, changed
    assert everything(runtime) == before


def test_click_target_cannot_be_manipulated(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = path(runtime, TokenPurpose.CLICK, email, 0)
    for added in (
        "//evil.example",
        "@evil.example",
        "\\evil.example",
        "/..//evil.example",
        "%2f%2fevil.example",
        ";javascript:alert(1)",
    ):
        answer = browser.get(link + added)
        assert answer.status_code == 404
        assert "evil" not in answer.headers.get("location", "")


def test_answer_is_saved_when_its_button_is_pressed(browser: TestClient, runtime: Runtime, email: str) -> None:
    question = course_of(runtime).course.lessons[0].texts["nl"].quiz[0]
    right, wrong = question.right_option, (question.right_option + 1) % 3
    link = path(runtime, TokenPurpose.ANSWER, email, 0, wrong)
    form = browser.get(link)
    assert re.search(rf'value="{wrong}" required checked', form.text)
    answer = browser.post(link, data={"o": str(right)})
    assert "Dat klopt" in answer.text
    assert "één vraag beantwoord, 1 goed" in answer.text
    assert f"eerder: {question.options[right].text}" in browser.get(link).text


@pytest.mark.parametrize("option", ["", "9", "-1", "x", "0 OR 1=1", "1" * 300])
def test_invalid_answer_shows_the_question_again(
    browser: TestClient, runtime: Runtime, email: str, option: str
) -> None:
    before = everything(runtime)
    answer = browser.post(path(runtime, TokenPurpose.ANSWER, email, 0, 2), data={"o": option})
    assert answer.status_code == 200
    assert "Dit is mijn antwoord" in answer.text
    assert everything(runtime) == before


def test_one_click_unsubscribe_works_without_cookies_or_redirect(
    browser: TestClient, runtime: Runtime, email: str
) -> None:
    link = path(runtime, TokenPurpose.UNSUBSCRIBE, email)
    for wrong in ({"List-Unsubscribe": "One-click"}, {"x": "y"}, {}):
        assert browser.post(link, data=wrong).status_code == 400
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        assert person.status == "active"
    answer = browser.post(link, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.text) == (200, "unsubscribed")
    assert "set-cookie" not in answer.headers
    assert browser.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert enrolment_of(runtime, email).next_due_at is None
    assert "Je bent uitgeschreven" in browser.get(path(runtime, TokenPurpose.PREFERENCES, email)).text


def test_unsubscribe_button_on_the_page_works(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = path(runtime, TokenPurpose.UNSUBSCRIBE, email)
    assert "Ja, schrijf me uit" in browser.get(link).text
    assert "Je bent uitgeschreven" in browser.post(link, data={"leave": "yes"}).text


def test_a_reader_changes_hour_days_zone_language_and_measuring(
    browser: TestClient, runtime: Runtime, email: str
) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    changed = {
        "action": "save",
        "hour": "20",
        "zone": "Asia/Tokyo",
        "days": ["5", "6"],
        "every_days": "2",
        "measuring": "yes",
        "language": "en",
    }
    assert browser.post(link, data=changed).headers["location"] == f"{link}?done=save"
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        schedule = subscribers.load_schedule(session, person.id)
    assert (schedule.hour, schedule.zone, schedule.weekdays) == (20, "Asia/Tokyo", frozenset({5, 6}))
    assert schedule.every_days == 2
    assert (person.language, person.tracking_consent) == ("en", True)
    page = browser.get(f"{link}?done=save").text
    assert "Your choice is saved." in page
    assert "lesson 2, on Saturday 28 November, 20:00" in page


def test_reader_pauses_and_resumes(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    browser.post(link, data={"action": "pause"})
    assert "Je hebt pauze" in browser.get(link).text
    assert enrolment_of(runtime, email).next_due_at is None
    browser.post(link, data={"action": "resume"})
    assert "Je volgende les is les 2" in browser.get(link).text


def test_invalid_preferences_change_nothing(browser: TestClient, runtime: Runtime, email: str) -> None:
    before = everything(runtime)
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    for wrong in (
        {"action": "save", "hour": "8", "zone": "x", "days": ["1"]},
        {"action": "save", "hour": "8", "zone": "UTC", "days": ["1"], "every_days": "0"},
        {"action": "save"},
        {"action": "pause", "until": "2026-11-23"},
        {"action": "pause", "until": "2029-01-01"},
        {"action": "pause", "until": "morgen"},
        {"action": "drop"},
        {},
    ):
        assert browser.post(link, data=wrong).status_code == 200
    assert everything(runtime) == before


def test_click_redirects_to_the_lessons_link_and_is_recorded_only_with_consent(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    [lesson] = lessons_to(runtime, email)
    with runtime.database.write() as session:
        version = session.get_one(LessonVersionRow, lesson.lesson_version_id)
        document = {**version.document, "texts": {**version.document["texts"]}}
        document["texts"]["nl"] = {
            **document["texts"]["nl"],
            "body": "Lees [dit](https://elders.example/a?b=1).",
            "further": [],
        }
        session.execute(update(LessonVersionRow).where(LessonVersionRow.id == version.id).values(document=document))
    browser = TestClient(
        create_app(replace(runtime, course_cache=CourseCache())), follow_redirects=False, headers=CHROME
    )
    link = path(runtime, TokenPurpose.CLICK, email, 0)
    answer = browser.get(f"{link}?to=//evil.example&url=javascript:alert(1)")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://elders.example/a?b=1")
    assert browser.get(path(runtime, TokenPurpose.CLICK, email, 1)).status_code == 404
    assert everything(runtime)["email_event"] == []
    browser.post(
        path(runtime, TokenPurpose.PREFERENCES, email),
        data={"action": "save", "hour": "8", "zone": "UTC", "days": ["1"], "measuring": "yes"},
    )
    browser.get(link)
    browser.get(link, headers={"user-agent": "Mozilla/5.0 (compatible; GoogleImageProxy)"})
    browser.get(
        f"/o/{runtime.signer.sign_mail(TokenPurpose.OPEN, ref(runtime, lesson.id))}.gif",
        headers={"user-agent": "Mozilla/5.0"},
    )
    browser.head(link)
    with runtime.database.read() as session:
        found = [(one.kind, one.verdict) for one in session.scalars(select(EmailEventRow).order_by(EmailEventRow.id))]
    assert found == [("click", "human"), ("click", "machine"), ("open", "machine")]


def test_web_lesson_is_the_version_that_was_sent(browser: TestClient, runtime: Runtime, email: str) -> None:
    page = browser.get(path(runtime, TokenPurpose.LESSON, email))
    assert course_of(runtime).course.lessons[0].texts["nl"].highlight in page.text
    assert f"{runtime.settings.base_url}/a/" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


def test_second_test_is_shown_beside_the_first(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = path(runtime, TokenPurpose.RETEST, email)
    assert "Vraag 1 van 8" in browser.get(link).text
    *given, last = [str(one.right_option) for one in course_of(runtime).course.tests["nl"].questions]
    assert "Vraag 8 van 8" in browser.post(link, data={"a": ".".join(given), "o": ""}).text
    answer = browser.post(link, data={"a": ".".join(given), "o": last})
    assert "8 van de 8 goed" in answer.text
    assert "geen test, dus er is niets om mee te vergelijken" in answer.text


def test_answer_links_of_a_language_that_the_course_has_no_more_still_open(
    browser: TestClient, runtime: Runtime, email: str
) -> None:
    """The question as it was sent, and around it the words of a language that is there."""
    mail = lessons_to(runtime, email)[0]
    language = mail.language or "nl"
    other = "en" if language == "nl" else "nl"
    course = course_of(runtime).course

    def only(texts: Mapping[str, Any]) -> dict[str, Any]:
        return {other: texts[other]}

    lessons = tuple(one.model_copy(update={"texts": only(one.texts)}) for one in course.lessons)
    parts = {"texts": only(course.texts), "tests": only(course.tests), "safety_notices": only(course.safety_notices)}
    with runtime.database.write() as session:
        course_publishing.save_course(
            session, course.model_copy(update={**parts, "lessons": lessons}), runtime.clock.now()
        )
        question = lessons[0].texts[other].quiz[0].id
        session.execute(update(DeliveryRow).where(DeliveryRow.id == mail.id).values(recap_question=question))
    for number in (0, RECAP_NUMBER):
        answer = browser.get(path(runtime, TokenPurpose.ANSWER, email, number, 0))
        assert answer.status_code == 200
        assert f'lang="{other}"' in answer.text


def test_the_page_that_confirms_shows_what_is_agreed_to_and_ticks_nothing(
    browser: TestClient, runtime: Runtime
) -> None:
    email = make_pending(runtime)
    link = path(runtime, TokenPurpose.CONFIRM, email, kind=DeliveryKind.CONFIRM)
    page = browser.get(link).text
    assert "uitdrukkelijk toestemming" in page
    assert 'name="measuring" value="yes">' in page
    assert browser.post(link, data={"measuring": "yes"}).status_code == 200
    with runtime.database.read() as session:
        assert subscribers.by_email(session, email).tracking_consent  # type: ignore[union-attr]


def test_confirmation_link_lets_strangers_refuse_for_good(browser: TestClient, runtime: Runtime) -> None:
    email = make_pending(runtime)
    link = path(runtime, TokenPurpose.CONFIRM, email, kind=DeliveryKind.CONFIRM)
    assert "Ik was het niet" in browser.get(link).text
    told = browser.post(link, data={"never": "yes"}).text
    assert "We mailen dit adres niet meer" in told
    assert 'href="/nl/privacy">Hoelang we het bewaren' in told, "five years is not never"
    assert everything(runtime)["subscriber"] == []
    assert browser.get(link).status_code == 404
