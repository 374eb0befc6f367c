"""A reader's other address: asked for by who reads the mailbox, confirmed at the new one, told at the old one."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default

import pytest
from fastapi.testclient import TestClient
from tests.support.builders import (
    COURSE,
    at_eight,
    enrolment_of,
    lessons_to,
    mails_to,
    make_pending,
    make_reader,
    plan,
    send_all,
)
from tests.support.pages import mailed_link, path
from tests.support.rows import everything
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, release_hold
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind, DeliveryState, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import subscribers
from rugcourse.db.queries.sending_holds import ALL
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment.admin_changes import correct_address
from rugcourse.enrolment.magic_link import request_link
from rugcourse.enrolment.new_address import VALID
from rugcourse.enrolment.preferences import unsubscribe
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.links import TokenPurpose
from rugcourse.privacy.erase import erase

NEW = "new@home.example"


def ask(browser: TestClient, runtime: Runtime, email: str, address: str = NEW) -> str:
    """What the page says once a reader has asked for another address."""
    answer = browser.post(mailed_link(browser, runtime, email) + "/address", data={"email": address})
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    assert answer.status_code == 200
    return answer.text


def mailed(sink: Sink, address: str) -> tuple[str, str]:
    """(subject, text) of the newest mail to an address."""
    message = message_from_bytes(sink.to(address)[-1].raw, policy=default)
    return str(message["Subject"]), message.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def confirmation(sink: Sink, address: str = NEW) -> str:
    """The path of the link in the newest mail to an address."""
    return re.search(r"http://courses.example(/n/\S+)", mailed(sink, address)[1])[1]  # type: ignore[index]


def person_at(runtime: Runtime, email: str) -> SubscriberRow | None:
    with runtime.database.read() as session:
        return subscribers.by_email(session, email)


def test_address_changes_once_the_new_one_has_confirmed(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str
) -> None:
    own = path(runtime, TokenPurpose.PREFERENCES, email)
    assert NEW in ask(browser, runtime, email, " NEW@Home.Example ")
    subject, text = mailed(sink, NEW)
    assert subject == "Wil je onze mails op dit adres?"
    assert email not in text
    assert "http://courses.example/nl/privacy" in text
    link = confirmation(sink)
    page = browser.get(link).text  # what mail programs fetch changes nothing
    assert "Zullen onze mails op dit adres komen?" in page
    assert email not in page
    assert person_at(runtime, NEW) is None
    assert "Vanaf nu komen onze mails hier" in browser.post(link).text
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    person = person_at(runtime, NEW)
    assert person is not None
    subject, text = mailed(sink, email)
    assert subject == "Je adres is veranderd"
    assert NEW not in text
    assert browser.get(own).status_code == 404
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    assert [one.lesson_id for one in lessons_to(runtime, NEW)] == [1, 2]  # none of them twice
    assert mailed(sink, NEW)[0] != mailed(sink, email)[0]


def test_address_confirmation_is_idempotent(browser: TestClient, runtime: Runtime, sink: Sink, email: str) -> None:
    ask(browser, runtime, email)
    link = confirmation(sink)
    browser.post(link)
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    before, told = everything(runtime), len(sink.to(email))
    assert "Vanaf nu komen onze mails hier" in browser.post(link).text
    assert "Vanaf nu komen onze mails hier" in browser.get(link).text
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    assert (everything(runtime), len(sink.to(email))) == (before, told)


def test_forwarded_mail_cannot_change_the_address(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str
) -> None:
    own = path(runtime, TokenPurpose.PREFERENCES, email)
    before = everything(runtime)
    for answer in (browser.get(f"{own}/address"), browser.post(f"{own}/address", data={"email": NEW})):
        assert "Ben jij het?" in answer.text
        assert email not in answer.text
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    assert everything(runtime) == before
    assert sink.to(NEW) == []


@pytest.mark.parametrize("why", ["too late", "asked again", "closed", "corrected", "left", "suppressed", "erased"])
def test_address_confirmation_link_expires(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str, clock: VirtualClock, why: str
) -> None:
    person = enrolment_of(runtime, email).subscriber_id
    ask(browser, runtime, email)
    link = confirmation(sink)
    match why:
        case "too late":
            clock.advance(seconds=VALID.total_seconds())
        case "asked again":
            ask(browser, runtime, email, "other@home.example")
        case "closed":
            browser.post(path(runtime, TokenPurpose.PREFERENCES, email), data={"action": "close"})
        case "corrected":
            runtime.database.run(correct_address, clock.now(), runtime.signer, person, "by.phone@x.example")
        case "left":
            runtime.database.run(unsubscribe, clock.now(), lessons_to(runtime, email)[0].id)
        case "suppressed":
            runtime.database.run(suppress_address, clock.now(), runtime.signer, NEW, "bounce")
        case "erased":
            runtime.database.run(erase, clock.now(), runtime.signer, person)
    before = everything(runtime)
    assert browser.post(link).status_code == 404
    assert everything(runtime) == before
    assert person_at(runtime, NEW) is None


@pytest.mark.parametrize("whose", ["nobody", "reader", "left", "pending", "complained", "erased", "own"])
def test_address_form_response_does_not_reveal_known_addresses(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str, clock: VirtualClock, whose: str
) -> None:
    address = {"pending": make_pending, "nobody": lambda _: NEW, "own": lambda _: email}.get(whose, make_reader)(
        runtime
    )
    match whose:
        case "left":
            runtime.database.run(unsubscribe, clock.now(), mails_to(runtime, address)[-1].id)
        case "complained":
            runtime.database.run(suppress_address, clock.now(), runtime.signer, address, "complaint")
        case "erased":
            runtime.database.run(erase, clock.now(), runtime.signer, enrolment_of(runtime, address).subscriber_id)
    before = len(sink.to(address))
    said = ask(browser, runtime, email, address).replace(address, NEW)
    assert "We hebben new@home.example gemaild, als we daar mogen schrijven." in said
    [*_, last] = [mailed(sink, address)[0]] if len(sink.to(address)) > before else [""]
    assert last == {
        "reader": "Dit adres kennen we al", "left": "Dit adres kennen we al", "own": "Dit adres kennen we al",
        "complained": "",
    }.get(whose, "Wil je onze mails op dit adres?")  # fmt: skip
    if last.startswith("Wil je"):
        assert browser.post(confirmation(sink, address)).status_code == 200
        assert person_at(runtime, address).id == 1  # type: ignore[union-attr]
        with runtime.database.read() as session:
            assert subscribers.suppression_of(session, runtime.signer.digest(address)) is None
    else:
        assert person_at(runtime, email).id == 1  # type: ignore[union-attr]


def test_address_taken_meanwhile_stays_with_its_owner(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str
) -> None:
    ask(browser, runtime, email)
    link = confirmation(sink)
    make_reader(runtime, NEW)
    before = everything(runtime)
    assert browser.post(link).status_code == 404
    assert everything(runtime) == before


def test_at_most_three_mails_in_thirty_days_ask_an_address(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str, clock: VirtualClock
) -> None:
    other = make_reader(runtime)
    for reader in (email, other, email, other):
        clock.advance(hours=2)  # a link to the own page comes once an hour
        ask(browser, runtime, reader)
    assert len(sink.to(NEW)) == 3
    clock.advance(days=31)
    ask(browser, runtime, email)
    assert len(sink.to(NEW)) == 4


@pytest.mark.parametrize("typed", ["", "x", "new@", "nëw@home.example", "a@b\r\nBcc: c@d.example"])
def test_new_address_form_refuses_what_is_no_address(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str, typed: str
) -> None:
    assert "Naar dit adres kunnen we geen mail sturen" in ask(browser, runtime, email, typed)
    assert everything(runtime)["address_change"] == []


def test_name_can_be_corrected_on_the_own_page(browser: TestClient, runtime: Runtime, email: str) -> None:
    link = path(runtime, TokenPurpose.PREFERENCES, email)
    browser.post(link, data={"action": "name", "name": "  Noor\x00  Vos "})
    assert "Hallo Noor" in browser.get(f"{link}?done=name").text
    for bad in ("x" * 61, "www.spam.example", "a@b"):
        assert "Er is niets veranderd: een naam" in browser.post(link, data={"action": "name", "name": bad}).text
    assert person_at(runtime, email).name == "Noor Vos"  # type: ignore[union-attr]
    browser.post(link, data={"action": "save", "zone": "Europe/Amsterdam", "hour": "9", "days": ["0"]})
    assert person_at(runtime, email).name == "Noor Vos"  # type: ignore[union-attr]


def test_new_address_page_leads_readers_who_left_to_their_own_page(
    browser: TestClient, runtime: Runtime, email: str
) -> None:
    link = mailed_link(browser, runtime, email)
    browser.post(path(runtime, TokenPurpose.UNSUBSCRIBE, email), data={"leave": "yes"})
    for answer in (browser.get(f"{link}/address"), browser.post(f"{link}/address", data={"email": NEW})):
        assert answer.headers["location"] == link
    assert person_at(runtime, email).status == SubscriberStatus.LEFT  # type: ignore[union-attr]
    assert COURSE in browser.get(link).text


def test_releasing_a_hold_keeps_a_reader_who_moved_to_an_erased_address(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str, clock: VirtualClock
) -> None:
    make_reader(runtime, NEW)
    clock.advance(minutes=1)
    runtime.database.run(erase, clock.now(), runtime.signer, person_at(runtime, NEW).id)
    clock.advance(minutes=1)
    ask(browser, runtime, email)
    browser.post(confirmation(sink))
    release_hold(runtime, ALL)
    assert person_at(runtime, NEW) is not None


def test_an_address_is_asked_three_times_in_thirty_days_whoever_asks_and_is_erased(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str, clock: VirtualClock
) -> None:
    for _ in range(2):
        for _ in range(2):
            ask(browser, runtime, email)
            clock.advance(hours=25)
        found = person_at(runtime, email)
        assert found is not None
        runtime.database.run(erase, clock.now(), runtime.signer, found.id)
        make_reader(runtime, email)
        clock.advance(hours=1)
    assert len(sink.to(NEW)) == 3


def test_the_new_address_gets_a_link_on_the_day_of_another_one(
    browser: TestClient, runtime: Runtime, sink: Sink, email: str, clock: VirtualClock, dispatcher: Dispatcher
) -> None:
    runtime.database.run(request_link, clock.now(), email)
    send_all(dispatcher)
    browser.post(
        path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.MAGIC_LINK) + "/address", data={"email": NEW}
    )
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    browser.post(confirmation(sink))
    clock.advance(minutes=5)
    runtime.database.run(request_link, clock.now(), NEW)
    send_all(dispatcher)
    assert [one.state for one in mails_to(runtime, NEW, DeliveryKind.MAGIC_LINK)] == [DeliveryState.ACCEPTED] * 2
