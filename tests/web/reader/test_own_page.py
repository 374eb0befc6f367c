"""The reader's own page: what an old link may do, what is erased and copied, what a lesson's page asks."""

from __future__ import annotations

import html
import json
import re
import statistics
import time
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from urllib.parse import parse_qs

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from tests.support.builders import (
    COURSE,
    at_eight,
    course_of,
    enrolment_of,
    lessons_to,
    mails_to,
    make_pending,
    make_reader,
    plan,
    ref,
    send_all,
)
from tests.support.campaigns import broadcast, next_due, sign_up_for_another_course, start
from tests.support.pages import mailed_link, path
from tests.support.rows import everything
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import (
    CourseRow,
    DeliveryKind,
    FeedbackRow,
    Ground,
    LessonRow,
    SubscriberRow,
    SubscriberStatus,
    new_stamp,
)
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.admin_changes import correct_address
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.preferences import set_measuring, unsubscribe
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.links import LINK_DAYS, TokenPurpose
from rugcourse.privacy.erase import erase
from rugcourse.site_settings import store as site_store
from rugcourse.site_settings.model import NextStepChosen, SiteSettings
from rugcourse.web.forms import shown_at_token

REMARK = {"helped": "yes", "remark": "Duidelijk"}


def test_old_link_reveals_and_changes_nothing_and_offers_a_new_one(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    clock.advance(days=LINK_DAYS, hours=1)
    before = everything(runtime)
    page = browser.get(link).text
    assert "Deze link werkt niet meer" in page
    assert "Mijn lessen" not in page
    for action in ("save", "pause", "next", "resume", "back"):
        assert "werkt niet meer" in browser.post(link, data={"action": action}).text
    for own in ("/data", "/erase"):
        for answer in (browser.get(link + own), browser.post(link + own, data={"sure": "yes", "kind": "file"})):
            assert "Ben jij het?" in answer.text
            assert email not in answer.text
    assert everything(runtime) == before
    assert "Kijk in je mail" in browser.post(link, data={"action": "renew"}).text
    assert len(mails_to(runtime, email, DeliveryKind.MAGIC_LINK)) == 1


def test_lesson_of_an_old_mail_links_no_newer_lessons(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    """Whoever an old mail was forwarded to would get from lesson to lesson to one whose link still opens everything."""
    email = make_reader(runtime)
    set_pace = path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.WELCOME)
    browser.post(set_pace, data={"action": "schedule", "hour": "8", "days": list("0123456"), "every_days": "7"})
    at_eight(runtime)
    for _ in range(7):
        plan(runtime)
        send_all(dispatcher)
        clock.advance(days=7)
    sent = lessons_to(runtime, email)
    assert len(sent) >= 6
    first = f"/w/{runtime.signer.sign_mail(TokenPurpose.LESSON, ref(runtime, sent[0].id))}"
    browser.post(first, data={"helped": "yes", "remark": "said by a stranger"})
    page = browser.get(first)
    assert page.status_code == 200
    assert 'rel="next"' not in page.text
    assert "said by a stranger" not in page.text
    own = re.search(r'href="(/p/[^"]+)"', page.text)[1]  # type: ignore[index]
    for beyond in ("", "/data", "/erase"):
        answer = browser.get(own + beyond)
        assert email not in answer.text
        assert answer.status_code in {200, 404}
    retest = browser.get(f"/t/{runtime.signer.sign_mail(TokenPurpose.RETEST, ref(runtime, sent[0].id))}")
    assert retest.headers["location"] == own
    newest = f"/w/{runtime.signer.sign_mail(TokenPurpose.LESSON, ref(runtime, sent[-2].id))}"
    assert 'rel="next"' in browser.get(newest).text


def test_unsubscribe_link_never_expires(browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock) -> None:
    link = path(runtime, TokenPurpose.UNSUBSCRIBE, email)
    clock.advance(days=900)
    assert "Je bent uitgeschreven" in browser.post(link, data={"leave": "yes"}).text
    assert enrolment_of(runtime, email).next_due_at is None


def test_the_next_lesson_is_sent_once_a_day(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, email: str
) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    assert 'value="next"' in browser.get(link).text
    assert browser.post(link, data={"action": "next"}).headers["location"] == f"{link}?done=next"
    page = browser.get(link).text
    assert "onderweg naar je mailbox" in page
    assert "kwam niet aan" not in page
    send_all(dispatcher)
    assert len(lessons_to(runtime, email)) == 2
    assert 'value="next"' not in browser.get(link).text
    assert "Morgen kun je het weer vragen" in browser.post(link, data={"action": "next"}).text
    assert len(lessons_to(runtime, email)) == 2


def test_a_pause_until_a_day_ends_on_that_day(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    browser.post(link, data={"action": "pause", "until": "2026-12-24"})
    assert "Je hebt pauze tot donderdag 24 december." in browser.get(link).text
    due = enrolment_of(runtime, email).next_due_at
    assert due is not None
    assert due.isoformat() == "2026-12-24T07:00:00+00:00"


def test_a_lesson_that_did_not_arrive_can_be_caught_up_with(browser: TestClient, runtime: Runtime, email: str) -> None:
    [mail] = lessons_to(runtime, email)
    with runtime.database.write() as session:
        row = session.merge(mail)
        row.state = "failed"
    page = browser.get(path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.WELCOME)).text
    assert f'<a href="/nl/{COURSE}/lessons/welkom">' in page
    assert "kwam niet aan" in page


def test_the_page_shows_what_was_answered_to_which_question(browser: TestClient, runtime: Runtime, email: str) -> None:
    first, second = course_of(runtime).course.lessons[0].texts["nl"].quiz
    wrong, right = (first.right_option + 1) % 3, second.right_option
    browser.post(path(runtime, TokenPurpose.ANSWER, email, 0, 0), data={"o": str(wrong)})
    browser.post(path(runtime, TokenPurpose.ANSWER, email, 1, 0), data={"o": str(right)})
    page = browser.get(path(runtime, TokenPurpose.PREFERENCES, email)).text
    assert f'<b class="wrong">{first.options[wrong].text}</b> · niet goed' in page
    assert f'<b class="good">{second.options[right].text}</b> · goed' in page
    assert "2 vragen beantwoord, 1 goed" in page


def test_numbers_are_formatted_in_the_readers_language(browser: TestClient, runtime: Runtime) -> None:
    with runtime.database.write() as session:
        session.execute(update(LessonRow).values(read_count=1926))
    assert "1.927 keer gelezen" in browser.get(f"/nl/{COURSE}/lessons/stress").text
    assert "read 1,928 times" in browser.get(f"/en/{COURSE}/lessons/stress").text


def subject_of(sink: Sink, email: str) -> str:
    """Of the newest mail to somebody."""
    return str(message_from_bytes(sink.to(email)[-1].raw, policy=default)["Subject"])


def test_erasure_on_the_own_page_requires_the_checkbox(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = mailed_link(browser, runtime, email) + "/erase"
    before = everything(runtime)
    assert "Er is niets gewist" in browser.post(link, data={}).text
    assert "Er is niets gewist" in browser.post(link, data={"sure": "no"}).text
    assert everything(runtime) == before
    told = browser.post(link, data={"sure": "yes"}).text
    assert "Alles is gewist" in told
    assert 'href="/nl/privacy">Wat nog even blijft' in told
    assert everything(runtime)["subscriber"] == []
    assert browser.get(link).status_code == 404


def test_data_export_as_file_and_as_page_are_equal(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = mailed_link(browser, runtime, email) + "/data"
    assert email not in browser.get(link).text  # a mail program fetches it, and nothing is told
    page, file = browser.post(link, data={"kind": "page"}), browser.post(link, data={"kind": "file"})
    assert file.headers["content-disposition"] == 'attachment; filename="rugcourse.json"'
    for mail in json.loads(file.text)["mails"]:
        if mail["message_id"]:
            assert mail["message_id"].replace("<", "&lt;").replace(">", "&gt;") in page.text
    assert page.headers["cache-control"] == file.headers["cache-control"] == "no-store"


def test_data_export_and_erasure_need_a_link_of_the_last_hour(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str, clock: VirtualClock
) -> None:
    """Whoever a mail of today was forwarded to can open the own page, and no more."""
    before = everything(runtime)
    own = path(runtime, TokenPurpose.PREFERENCES, email)
    for beyond, data in (("/data", {"kind": "file"}), ("/erase", {"sure": "yes"})):
        assert "Ben jij het?" in browser.post(own + beyond, data=data).text
    assert everything(runtime) == before
    link = mailed_link(browser, runtime, email)
    assert email in browser.post(link + "/data", data={"kind": "page"}).text
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    assert "kopie" in subject_of(sink, email)
    clock.advance(minutes=61)
    assert "Ben jij het?" in browser.post(link + "/data", data={"kind": "page"}).text
    link = mailed_link(browser, runtime, email)
    browser.post(link + "/erase", data={"sure": "yes"})
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    assert "gewist" in subject_of(sink, email)


def test_old_links_can_be_closed_and_a_new_one_comes_by_mail(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    links = [
        path(runtime, purpose, email)
        for purpose in (TokenPurpose.PREFERENCES, TokenPurpose.LESSON, TokenPurpose.UNSUBSCRIBE)
    ]
    own, lesson, unsubscribe = links
    clock.advance(minutes=5)
    browser.post(own, data={"action": "close"})
    assert "Deze link werkt niet meer" in browser.get(own).text
    assert browser.get(lesson).status_code == 200  # the lesson stays, and nothing of its reader's
    assert 'rel="next"' not in browser.get(lesson).text
    assert "Mijn lessen" in browser.get(mailed_link(browser, runtime, email)).text
    assert browser.post(unsubscribe, data={"List-Unsubscribe": "One-Click"}).text == "unsubscribed"
    with runtime.database.read() as session:
        assert subscribers.by_email(session, email).status == SubscriberStatus.LEFT  # type: ignore[union-attr]


@pytest.mark.parametrize("how", ["another person", "corrected", "erased"])
def test_a_link_opens_nothing_of_anybody_but_who_the_mail_was_sent_to(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock, how: str
) -> None:
    purposes = (
        TokenPurpose.PREFERENCES,
        TokenPurpose.LESSON,
        TokenPurpose.UNSUBSCRIBE,
        TokenPurpose.RETEST,
        TokenPurpose.OPEN,
    )
    links = {one: path(runtime, one, email) for one in purposes}
    links[TokenPurpose.ANSWER] = path(runtime, TokenPurpose.ANSWER, email, 0, 0)
    links[TokenPurpose.CLICK] = path(runtime, TokenPurpose.CLICK, email, 0)
    confirmed = path(runtime, TokenPurpose.CONFIRM, email, kind=DeliveryKind.CONFIRM)
    person = enrolment_of(runtime, email).subscriber_id
    if how == "corrected":
        runtime.database.run(correct_address, clock.now(), runtime.signer, person, "other@x.example")
    elif how == "erased":
        runtime.database.run(erase, clock.now(), runtime.signer, person)
    else:  # who comes to have the same numbers, in a store that was put back
        with runtime.database.write() as session:
            session.execute(update(SubscriberRow).values(security_stamp=new_stamp(), email="other@x.example"))
    before = everything(runtime, "lesson")
    for purpose, link in links.items():
        if purpose == TokenPurpose.OPEN:
            assert browser.get(f"{link}.gif").status_code == 200  # a picture, and nothing is kept
            continue
        assert browser.get(link).status_code == 404, purpose
        assert browser.post(link, data={"o": "0", "leave": "yes", "sure": "yes"}).status_code in {404, 405}
    assert browser.post(confirmed).status_code in {404, 410}
    assert browser.post(links[TokenPurpose.UNSUBSCRIBE], data={"List-Unsubscribe": "One-Click"}).text == "unsubscribed"
    assert everything(runtime, "lesson") == before


def test_own_page_serves_data_rights_of_readers_who_left_or_are_suppressed(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    unsubscribe = path(runtime, TokenPurpose.UNSUBSCRIBE, email)
    browser.post(unsubscribe, data={"leave": "yes"})
    clock.advance(minutes=61)
    left = browser.get(unsubscribe).text
    assert "undo" not in left  # by an old mail nobody agrees anew
    own = re.search(r'href="(/p/[^"]+)/data"', left)[1]  # type: ignore[index]
    browser.post(own, data={"action": "renew"})
    link = path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.MAGIC_LINK)
    assert email in browser.post(link + "/data", data={"kind": "page"}).text
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "complaint")
    assert browser.post(unsubscribe, data={"List-Unsubscribe": "One-Click"}).text == "unsubscribed"
    assert "lijst" in browser.get(unsubscribe).text
    assert email in browser.post(own + "/data", data={"kind": "page"}).text
    browser.post(own + "/erase", data={"sure": "yes"})
    assert everything(runtime)["subscriber"] == []


@pytest.mark.parametrize("how", ["old", "closed", "left"])
def test_an_answer_link_that_is_old_closed_or_of_who_left_shows_and_changes_no_answer(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock, how: str
) -> None:
    link = path(runtime, TokenPurpose.ANSWER, email, 0, 0)
    browser.post(link, data={"o": "1"})
    clock.advance(minutes=5)
    assert "Je antwoordde eerder" in browser.get(link).text
    if how == "old":
        clock.advance(days=LINK_DAYS)
    elif how == "closed":
        browser.post(path(runtime, TokenPurpose.PREFERENCES, email), data={"action": "close"})
    else:
        browser.post(path(runtime, TokenPurpose.UNSUBSCRIBE, email), data={"leave": "yes"})
    before = everything(runtime)
    assert "Je antwoordde eerder" not in browser.get(link).text
    told = browser.post(link, data={"o": "0"}).text
    assert "jouw antwoord" in told  # what was pressed just now
    assert "Tot nu toe" not in told
    assert "in een latere les terug" not in told
    assert everything(runtime) == before


def test_tracking_records_nothing_of_readers_who_left(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    runtime.database.run(set_measuring, clock.now(), enrolment_of(runtime, email).subscriber_id, agreed=True)
    agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"}
    picture, answer = path(runtime, TokenPurpose.OPEN, email) + ".gif", path(runtime, TokenPurpose.ANSWER, email, 0, 0)
    browser.get(picture, headers=agent)
    assert len(everything(runtime)["email_event"]) == 1
    browser.post(path(runtime, TokenPurpose.UNSUBSCRIBE, email), data={"leave": "yes"})
    with runtime.database.read() as session:
        assert not subscribers.by_email(session, email).tracking_consent  # type: ignore[union-attr]
    before = everything(runtime, "lesson")
    browser.get(picture, headers=agent)
    assert browser.post(answer, data={"o": "0"}).status_code == 200  # who asks is told what is right
    browser.post(path(runtime, TokenPurpose.LESSON, email), data=REMARK)
    assert everything(runtime, "lesson") == before


def test_latest_feedback_replaces_earlier_and_is_escaped(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = path(runtime, TokenPurpose.LESSON, email)
    browser.post(link, data=REMARK)
    page = browser.post(link, data={"helped": "no", "remark": "<img onerror=x>\x00{{7*7}}" + "x" * 2000}).text
    assert "Met jouw antwoord" in page
    assert "<img onerror" not in page
    with runtime.database.read() as session:
        [row] = session.scalars(select(FeedbackRow)).all()
    assert (row.helped, row.remark[:23], len(row.remark)) == (False, "<img onerror=x>{{7*7}}x", 1000)
    before = everything(runtime, "lesson")
    for nonsense in ({}, {"helped": "maybe"}, {"remark": "x"}):
        browser.post(link, data=nonsense)
    assert everything(runtime, "lesson") == before


def test_visitor_feedback_is_anonymous_and_bots_are_ignored(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    lesson = f"/nl/{COURSE}/lessons/stress"
    shown = shown_at_token(runtime.signer, clock)
    assert browser.post(lesson, data={**REMARK, "shown": shown}).status_code == 303  # at once: a machine
    clock.advance(seconds=5)
    browser.post(lesson, data={**REMARK, "shown": shown, "website": "x"})
    browser.post(lesson, data=REMARK)
    assert everything(runtime)["feedback"] == []
    for _ in range(40):
        answer = browser.post(lesson, data={**REMARK, "shown": shown})
        assert "Dank je wel" in browser.get(answer.headers["location"]).text
    rows = everything(runtime)["feedback"]
    assert len(rows) == 30  # an hour's share of one network
    assert {row[2] for row in rows} == {None}


@pytest.mark.parametrize(("kind", "begins"), [("pdf", b"%PDF"), ("epub", b"PK")])
def test_the_book_is_behind_its_own_link_only(
    browser: TestClient, runtime: Runtime, email: str, kind: str, begins: bytes
) -> None:
    link = path(runtime, TokenPurpose.BOOK, email, kind=DeliveryKind.WELCOME)
    answer = browser.get(f"{link}.{kind}")
    assert answer.content.startswith(begins)
    assert f"{COURSE}.nl.{kind}" in answer.headers["content-disposition"]
    assert browser.get(f"{link}.exe").status_code == browser.get(f"{link}.share").status_code == 404
    other = path(runtime, TokenPurpose.LESSON, email).replace("/w/", "/b/")
    assert browser.get(f"{other}.{kind}").status_code == 404


def test_magic_link_response_does_not_reveal_known_addresses(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, email: str
) -> None:
    answers, times = {}, {}
    for address in (email, "nobody@x.example"):
        spans = []
        for _ in range(3):
            shown = shown_at_token(runtime.signer, clock)
            clock.advance(seconds=5)
            begun = time.perf_counter()
            answer = browser.post("/nl/my-page", data={"email": address, "shown": shown})
            spans.append(time.perf_counter() - begun)
        answers[address] = (answer.status_code, answer.text)
        times[address] = statistics.median(spans)
    assert len(set(answers.values())) == 1
    assert max(times.values()) / min(times.values()) < 1.5
    assert len(mails_to(runtime, email, DeliveryKind.MAGIC_LINK)) == 1


def test_magic_link_form_refuses_invalid_addresses_and_bots(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, email: str
) -> None:
    shown = shown_at_token(runtime.signer, clock)
    assert "nog een keer op de knop" in browser.post("/nl/my-page", data={"email": email, "shown": shown}).text
    clock.advance(seconds=5)
    wrong = browser.post("/nl/my-page", data={"email": "a@b@c", "shown": shown})
    assert 'role="alert"' in wrong.text
    browser.post("/nl/my-page", data={"email": email, "shown": shown, "website": "x"})
    assert mails_to(runtime, email, DeliveryKind.MAGIC_LINK) == []


def test_own_page_checkbox_excludes_a_reader_from_statistics(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    chosen = {"action": "save", "zone": "Europe/Amsterdam", "hour": "8", "days": list("0123456")}
    browser.post(link, data={**chosen, "left_out": "yes"})
    assert re.search(r'name="left_out" value="yes" checked', browser.get(link).text)
    since = clock.now()
    clock.advance(days=1)
    browser.post(link, data={**chosen, "left_out": "yes"})
    with runtime.database.read() as session:
        assert subscribers.by_email(session, email).statistics_objected_at == since  # type: ignore[union-attr]
    browser.post(link, data=chosen)
    assert not re.search(r'name="left_out" value="yes" checked', browser.get(link).text)


@pytest.mark.parametrize(
    ("page", "fields"),
    [("data", {"kind": "page"}), ("erase", {"sure": "yes"}), ("address", {"email": "new@x.example"})],
)
def test_closing_old_links_also_closes_one_that_was_just_mailed(
    browser: TestClient,
    runtime: Runtime,
    sink: Sink,
    email: str,
    clock: VirtualClock,
    page: str,
    fields: dict[str, str],
) -> None:
    link = mailed_link(browser, runtime, email)
    clock.advance(minutes=1)
    browser.post(path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.WELCOME), data={"action": "close"})
    assert email not in browser.post(f"{link}/{page}", data=fields).text
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    assert sink.to("new@x.example") == []
    with runtime.database.read() as session:
        assert subscribers.by_email(session, email) is not None


def test_used_confirmation_link_does_not_undo_leaving(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    link = path(runtime, TokenPurpose.CONFIRM, email, kind=DeliveryKind.CONFIRM)
    clock.advance(minutes=1)
    runtime.database.run(unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    assert browser.get(link).status_code == 404
    assert browser.post(link).status_code == 404
    make_pending(runtime, email)  # on the same day
    newest = mails_to(runtime, email, DeliveryKind.CONFIRM)[-1]
    browser.post(f"/c/{runtime.signer.sign_mail(TokenPurpose.CONFIRM, ref(runtime, newest.id))}")
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
    assert person is not None
    assert person.status == SubscriberStatus.ACTIVE


def test_the_link_that_confirmed_is_closed_with_all_others(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    link = path(runtime, TokenPurpose.CONFIRM, email, kind=DeliveryKind.CONFIRM)
    clock.advance(minutes=1)
    browser.post(path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.WELCOME), data={"action": "close"})
    assert browser.get(link).status_code == 404


@pytest.mark.parametrize("complains", [True, False])
def test_a_test_after_the_course_is_not_kept_of_who_left_or_complained(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock, complains: bool
) -> None:
    link = path(runtime, TokenPurpose.RETEST, email, kind=DeliveryKind.LESSON)
    if complains:
        runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "complaint")
    else:
        runtime.database.run(unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    questions = len(course_of(runtime).course.tests["nl"].questions)
    before = everything(runtime)["assessment_attempt"]
    assert browser.get(link).status_code == 303
    browser.post(link, data={"a": ".".join("0" * (questions - 1)), "o": "0"})
    assert everything(runtime)["assessment_attempt"] == before


def status_of(runtime: Runtime, email: str) -> str:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
    assert person is not None
    return person.status


def test_old_link_does_not_undo_leaving(browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock) -> None:
    own, leave = path(runtime, TokenPurpose.PREFERENCES, email), path(runtime, TokenPurpose.UNSUBSCRIBE, email)
    runtime.database.run(unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    clock.advance(days=20)
    browser.post(leave, data={"leave": "undo"})
    browser.post(own, data={"action": "back"})
    assert status_of(runtime, email) == SubscriberStatus.LEFT


def test_undo_without_leaving_records_no_consent(browser: TestClient, runtime: Runtime, email: str) -> None:
    before = everything(runtime)["consent"]
    browser.post(path(runtime, TokenPurpose.UNSUBSCRIBE, email), data={"leave": "undo"})
    assert everything(runtime)["consent"] == before


def test_an_old_link_to_unsubscribe_asks_and_tells_nothing_of_its_reader(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    link = path(runtime, TokenPurpose.UNSUBSCRIBE, email)
    clock.advance(days=LINK_DAYS, hours=2)
    before = browser.get(link).text
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "admin")
    assert browser.get(link).text == before
    assert "Ja, schrijf me uit" in before
    assert "/p/" not in before


def test_a_news_mail_leads_to_no_more_news_and_the_course_goes_on(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    start(runtime, broadcast(runtime, Ground.NEWS))
    plan(runtime)
    send_all(dispatcher)
    link = path(runtime, TokenPurpose.UNSUBSCRIBE, email, kind=DeliveryKind.BROADCAST)
    assert "Stop alleen met het andere nieuws" in browser.get(link).text
    assert "Je krijgt geen ander nieuws meer" in browser.post(link, data={"leave": "news"}).text
    assert next_due(runtime, mails_to(runtime, email)[0].subscriber_id) is not None
    assert status_of(runtime, email) == SubscriberStatus.ACTIVE
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
    assert person is not None
    assert not person.news_consent


@pytest.mark.parametrize("reads", [False, True])
def test_confirmation_page_offers_refusing_for_good_only_to_non_readers(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock, reads: bool
) -> None:
    if not reads:
        runtime.database.run(unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
        clock.advance(days=1)
    sign_up_for_another_course(runtime, email)
    link = path(runtime, TokenPurpose.CONFIRM, email, kind=DeliveryKind.CONFIRM)
    page = browser.get(link).text
    if reads:
        assert "Wil je helemaal geen mail meer van ons?" in page
        assert browser.post(link, data={"never": "yes"}).status_code == 404
    else:
        assert 'name="never"' in page
        assert "binnen 30 dagen" in browser.post(link, data={"never": "yes"}).text
        assert status_of(runtime, email) == SubscriberStatus.SUPPRESSED


def test_own_page_promises_no_mail_to_suppressed_readers(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    own, leave = path(runtime, TokenPurpose.PREFERENCES, email), path(runtime, TokenPurpose.UNSUBSCRIBE, email)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "admin")
    assert "We mailen je ook" not in browser.get(own + "/data").text
    page = browser.get(leave).text
    assert "adressen die we niet mailen" in page
    assert "/signup" not in page
    clock.advance(days=LINK_DAYS, hours=2)
    for answer in (browser.get(own), browser.get(own + "/erase"), browser.post(own, data={"action": "renew"})):
        assert f"Mail ons: {runtime.settings.sender_address}" in answer.text
        assert "onderweg" not in answer.text


def test_undoing_by_an_old_link_says_nothing_of_its_reader(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    leave = path(runtime, TokenPurpose.UNSUBSCRIBE, email)
    clock.advance(days=LINK_DAYS, hours=2)
    assert browser.post(leave, data={"leave": "undo"}).text == browser.get(leave).text


def test_outdated_own_page_saves_only_changed_fields(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    person = enrolment_of(runtime, email).subscriber_id
    page = browser.get(link).text
    shown = html.unescape(re.findall(r'name="shown" value="([^"]*)"', page)[0])
    before = parse_qs(shown, keep_blank_values=True)
    with runtime.database.read() as session:
        schedule = subscribers.load_schedule(session, person)
    runtime.database.run(preferences.change_schedule, clock.now(), person, replace(schedule, hour=19))
    runtime.database.run(preferences.set_news, clock.now(), person, agreed=True)
    runtime.database.run(preferences.set_measuring, clock.now(), person, agreed=False)
    sent = {**{name: values for name, values in before.items() if any(values)}, "days": ["1", "3"], "untagged": "yes"}
    browser.post(link, data={**sent, "action": "save", "shown": shown})
    with runtime.database.read() as session:
        found = subscribers.by_email(session, email)
        kept = subscribers.load_schedule(session, person)
    assert found is not None
    assert (kept.hour, sorted(kept.weekdays)) == (19, [1, 3])
    assert (found.news_consent, found.tracking_consent, found.tags_objected_at is not None) == (True, False, True)


def test_own_page_of_a_suppressed_reader_does_not_say_unsubscribed(
    browser: TestClient, runtime: Runtime, email: str
) -> None:
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, email, "admin")
    page = browser.get(path(runtime, TokenPurpose.UNSUBSCRIBE, email)).text
    assert "<h1>You get no email from us</h1>" in page or "<h1>Je krijgt geen mail van ons</h1>" in page
    assert "You have unsubscribed" not in page
    assert "Je bent uitgeschreven" not in page


def test_magic_link_can_be_requested_again_right_after_closing_old_links(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock, dispatcher: Dispatcher
) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    browser.post(link, data={"action": "renew"})
    send_all(dispatcher)
    clock.advance(minutes=5)
    browser.post(link, data={"action": "close"})
    clock.advance(minutes=5)
    browser.post(link, data={"action": "renew"})
    assert len(mails_to(runtime, email, DeliveryKind.MAGIC_LINK)) == 2


def test_a_course_is_left_by_the_own_page_of_another_one_and_its_lesson_that_waits_still_comes(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, dispatcher: Dispatcher, sink: Sink
) -> None:
    """The links there name the newest mail that arrived: one that a server put off has not."""
    email = make_reader(runtime)
    sign_up_for_another_course(runtime, email)
    asked = mails_to(runtime, email, DeliveryKind.CONFIRM)[-1]
    runtime.database.run(confirm, clock.now(), runtime.signer, asked.id)
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)
    sink.fault = lambda _: Fault("rcpt", "451 4.7.1 greylisted")
    send_all(dispatcher)
    sink.fault = lambda _: None
    own = path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.WELCOME)
    [other] = [one for one in re.findall(r'href="(/p/[^"/?]+)"', browser.get(own).text) if one != own]
    leaves = re.findall(r'href="(/u/[^"]+)"', browser.get(other).text)[0]
    browser.post(leaves, data={"leave": "course"})
    browser.post(leaves, data={"leave": "undo"})
    waited = [one.id for one in lessons_to(runtime, email) if one.campaign_id == asked.campaign_id]
    assert len(waited) == 1
    for day in (1, 2):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    lesson = next(one for one in lessons_to(runtime, email) if one.id == waited[0])
    assert lesson.message_id in {one.message_id for one in sink.to(email)}


@pytest.mark.parametrize("language", ["de", "fr"])  # one of the interface, and one that was taken away
def test_a_language_that_the_course_does_not_have_stays_the_reader_s(
    browser: TestClient, runtime: Runtime, email: str, language: str
) -> None:
    """The page shows theirs as chosen: a browser sends the first of a list where none is."""
    with runtime.database.write() as session:
        session.get_one(SubscriberRow, enrolment_of(runtime, email).subscriber_id).language = language
    page = browser.get(path(runtime, TokenPurpose.PREFERENCES, email)).text
    assert f'<option value="{language}" selected>' in page


def test_refusal_is_saved_from_a_page_reached_by_the_back_button(
    browser: TestClient, runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    """It shows what was chosen before the yes that was just saved."""
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(preferences.set_news, clock.now(), person, agreed=False)
    shown = html.unescape(re.findall(r'name="shown" value="([^"]*)"', browser.get(link).text)[0])
    sent = {name: values for name, values in parse_qs(shown, keep_blank_values=True).items() if any(values)}
    for news, expected in (("yes", True), ("", False)):
        browser.post(link, data={**sent, "action": "save", "shown": shown, **({"news": news} if news else {})})
        with runtime.database.read() as session:
            found = subscribers.by_email(session, email)
        assert found is not None
        assert found.news_consent == expected


@pytest.mark.parametrize(("language", "word"), [("nl", "e-mailadres"), ("en", "email address")])
def test_data_export_page_names_values_in_the_readers_language(
    browser: TestClient, runtime: Runtime, email: str, language: str, word: str
) -> None:
    with runtime.database.write() as session:
        session.execute(update(SubscriberRow).values(language=language))
    page = browser.post(f"{mailed_link(browser, runtime, email)}/data", data={"kind": "page"}).text
    assert f"<div><dt>{word}</dt><dd>{email}</dd></div>" in page


def test_who_has_had_all_lessons_finds_one_next_step(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    at_eight(runtime)
    while len(lessons_to(runtime, email)) < 9:
        plan(runtime)
        send_all(dispatcher)
        clock.advance(days=1)
    own = path(runtime, TokenPurpose.PREFERENCES, email)

    def next_step(page: str) -> str:
        [step] = re.findall(r'<section class="box after">.*?</section>', page, re.DOTALL)
        [target] = re.findall(r'<a class="button" href="([^"]+)"', step)
        return str(target)

    retest = next_step(browser.get(own).text)
    assert retest.startswith("/t/")
    assert browser.get(retest).status_code == 200
    given = ".".join("0" * 7)
    done = browser.post(retest, data={"a": given, "o": "0"})
    assert next_step(done.text) == next_step(browser.get(own).text) == "/nl/stress-en-rugpijn"
    with runtime.database.write() as session:
        session.execute(update(CourseRow).where(CourseRow.slug == "stress-en-rugpijn").values(archived_at=clock.now()))
    assert next_step(browser.get(own).text) == f"/nl/{COURSE}"
    step = NextStepChosen(text="Wil je verder?", label="Maak een afspraak", link="https://practice.example/")
    settings = SiteSettings(next_steps={"nl": step})
    runtime.database.run(site_store.save, clock.now(), None, settings, runtime.site.revision)
    runtime.current.refresh(runtime.database, now=True)
    page = browser.get(own).text
    assert "Maak een afspraak" in page
    assert 'class="box after"' not in page  # the practice's own step takes its place


def test_who_is_under_way_has_no_step_after_the_course(browser: TestClient, runtime: Runtime, email: str) -> None:
    assert "box after" not in browser.get(path(runtime, TokenPurpose.PREFERENCES, email)).text
