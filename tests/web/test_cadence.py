"""Pages and mails say how often the lessons of a course come, and a reader's answer brings the next one."""

from __future__ import annotations

import html
import re
from email import message_from_bytes
from email.policy import default

import pytest
from fastapi.testclient import TestClient
from tests.support.builders import COURSE, at_eight, enrolment_of, lessons_to, make_reader, plan, send_all
from tests.support.cadences import publish_with
from tests.support.pages import path
from tests.support.signing_up import sign_up
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import DeliveryKind
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.i18n import cadence_phrase
from rugcourse.links import TokenPurpose
from rugcourse.scheduling import EVERY_DAY, WEEKDAYS, Cadence, Schedule

SITE = f"/en/{COURSE}"
EMAIL = "sam@x.example"
WORKING_DAYS = Cadence(weekdays=WEEKDAYS[:5])
NEXT_HOUR = "Daarna komt de volgende les op de eerstvolgende tijd die je koos."


def schedule_of(runtime: Runtime, email: str) -> Schedule:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        return subscribers.load_schedule(session, person.id)


def texts_of(sink: Sink, email: str) -> list[list[str]]:
    """The plain text and the HTML of each mail to somebody, on one line each."""
    mails = [message_from_bytes(taken.raw, policy=default) for taken in sink.to(email)]
    bodies = [[mail.get_body((kind,)) for kind in ("plain", "html")] for mail in mails]
    return [[" ".join(body.get_content().split()) for body in pair if body is not None] for pair in bodies]


@pytest.mark.parametrize(
    ("cadence", "english", "dutch"),
    [
        (Cadence(), "one a day", "elke dag één"),
        (WORKING_DAYS, "one a day from Monday to Friday", "één per dag, van maandag tot en met vrijdag"),
        (Cadence(every_days=7), "one a week", "elke week één"),
        (Cadence(every_days=3), "one every 3 days", "om de 3 dagen één"),
        (Cadence(weekdays=(WEEKDAYS[0], WEEKDAYS[3])), "one a day on Mon, Thu", "één per dag op ma, do"),
        (Cadence(unanswered_days=7), "one after each quiz you answer", "één na elke quizvraag die je beantwoordt"),
    ],
)
def test_course_page_says_how_often_lessons_come(
    browser: TestClient, runtime: Runtime, cadence: Cadence, english: str, dutch: str
) -> None:
    publish_with(runtime, cadence)
    assert cadence_phrase(cadence, "en") == english
    assert english in html.unescape(browser.get(SITE).text)
    assert dutch in html.unescape(browser.get(f"/nl/{COURSE}").text)


def test_form_offers_the_days_of_the_course_and_all_of_them_are_no_choice(
    browser: TestClient, runtime: Runtime
) -> None:
    publish_with(runtime, WORKING_DAYS)
    shown = browser.get(f"{SITE}/signup").text
    assert re.findall(r'name="days" value="(\d)" checked', shown) == list("01234")
    assert re.findall(r'name="days" value="(\d)"', shown) == list("01234")
    sign_up(browser, runtime, SITE, EMAIL, days="01234")
    assert schedule_of(runtime, EMAIL).weekdays == EVERY_DAY
    sign_up(browser, runtime, SITE, "two@x.example", days="02")
    assert schedule_of(runtime, "two@x.example").weekdays == {0, 2}


def test_reader_answers_and_the_next_lesson_comes(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    publish_with(runtime, Cadence(unanswered_days=7))
    email = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    for text in texts_of(sink, email)[-1]:
        assert NEXT_HOUR in text
    own = path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.LESSON)
    assert "als je de quiz hebt beantwoord, en anders op maandag 30 november" in browser.get(own).text
    assert "één na elke quizvraag die je beantwoordt" in browser.get(own).text
    question = path(runtime, TokenPurpose.ANSWER, email, 0, 0, kind=DeliveryKind.LESSON)
    answered = browser.post(question, data={"o": "0"})
    assert "De volgende les komt op dinsdag 24 november, 08:00." in answered.text
    assert "als je de quiz hebt beantwoord" not in browser.get(own).text
    assert not enrolment_of(runtime, email).awaits_answer


def test_last_lesson_promises_no_next_one(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    publish_with(runtime, Cadence(unanswered_days=2))
    email = make_reader(runtime)
    for day in range(0, 18, 2):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert len(lessons_to(runtime, email)) == 9
    lessons = [texts for texts in texts_of(sink, email) if re.search("Les [0-9] van 9", texts[0])]
    assert [NEXT_HOUR in plain for plain, _ in lessons] == [True] * 8 + [False]
    assert [NEXT_HOUR in page for _, page in lessons] == [True] * 8 + [False]
