"""Subscribers in the admin pages: found, understood, helped with a reason, and nothing an analyst could change."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from tests.support.admin_pages import form_of, log_in
from tests.support.admins import make_admin
from tests.support.builders import enrolment_of, lessons_to, mails_to, make_pending, make_reader
from tests.support.languages import with_french
from tests.support.pages import CHROME
from tests.support.rows import everything
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryRow, DeliveryState, Role, SubscriberRow
from rugcourse.db.queries import subscribers
from rugcourse.enrolment.suppression import suppress_address

WHY = "they asked for it by telephone"


@pytest.fixture
def editor(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    make_admin(runtime.database, clock, "editor@x.example", Role.EDITOR)
    log_in(browser, "editor@x.example")
    return browser


def page_of(runtime: Runtime, email: str) -> str:
    return f"/admin/subscribers/{enrolment_of(runtime, email).subscriber_id}"


def press(browser: TestClient, path: str, action: str, **fields: object) -> str:
    data = {**form_of(browser, path), "action": action, "reason": WHY, **fields}
    answer = browser.post(path, data=data)
    return browser.get(answer.headers["location"]).text if answer.status_code == 303 else answer.text


def found(browser: TestClient, **query: str) -> list[str]:
    return re.findall(r'href="/admin/subscribers/\d+">([^<]+)', browser.get("/admin/subscribers", params=query).text)


def test_subscriber_search_matches_address_prefix_and_status(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime, "sam@x.example")
    make_reader(runtime, "sam.vos@x.example")
    make_pending(runtime, "sanne@x.example")
    assert found(editor, q="Sam.") == ["sam.vos@x.example"]
    assert found(editor, q="sam@") == ["sam@x.example"]
    assert found(editor, status="pending") == ["sanne@x.example"]
    assert found(editor, q="s", status="active") == ["sam@x.example", "sam.vos@x.example"]


def test_subscriber_search_finds_parts_where_the_database_can(editor: TestClient, runtime: Runtime) -> None:
    email = make_reader(runtime, "sam.vos@clinic.example")
    with runtime.database.write() as session:
        session.execute(update(SubscriberRow).where(SubscriberRow.email == email).values(name="Samuel de Vos"))
    parts = [email] if runtime.database.engine.dialect.name == "sqlite" else []  # the tests' PostgreSQL has no pg_trgm
    assert found(editor, q="sam.v") == [email]
    assert [found(editor, q=q) for q in ("vos@", "CLINIC", "de vos", "samuel")] == [parts] * 4
    label = "Deel van het adres of de naam" if parts else "Het adres begint met"
    assert label in editor.get("/admin/subscribers").text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the tests' PostgreSQL finds no parts
def test_subscriber_search_finds_names_with_accents_however_they_are_typed(
    editor: TestClient, runtime: Runtime
) -> None:
    email = make_reader(runtime, "e@x.example")
    with runtime.database.write() as session:
        session.execute(update(SubscriberRow).where(SubscriberRow.email == email).values(name="Élise Özturk"))
    for q in ("élise", "Élise", "ÖZTURK", "e\u0301lise"):
        assert found(editor, q=q) == [email], q
    assert found(editor, q="ülise") == []


def test_tag_is_added_and_removed(editor: TestClient, runtime: Runtime) -> None:
    path = page_of(runtime, make_reader(runtime))
    assert '<span class="status">autumn</span>' in press(editor, path, "tag", tag=" Autumn ")
    assert '<span class="status">autumn</span>' not in press(editor, path, "untag", tag="autumn")
    for bad in ("", "a,b", "x" * 41):
        assert '<span class="status">' not in press(editor, path, "tag", tag=bad)


def test_tags_that_there_are_are_suggested(editor: TestClient, runtime: Runtime) -> None:
    press(editor, page_of(runtime, make_reader(runtime)), "tag", tag="autumn")
    other = page_of(runtime, make_reader(runtime))
    assert '<datalist id="tags"><option value="autumn">autumn</option></datalist>' in editor.get(other).text


@pytest.mark.parametrize("q", ["%", "_", "*", "?", "[", "a%' OR 1=1 --", "\\", "sam*", "s_m"])
def test_subscriber_search_treats_input_as_text_and_not_as_a_pattern(
    editor: TestClient, runtime: Runtime, q: str
) -> None:
    make_reader(runtime, "sam@x.example")
    assert found(editor, q=q) == []


def test_subscriber_list_is_paginated(editor: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    with runtime.database.write() as session:
        session.add_all(
            SubscriberRow(email=f"p{number:03}@x.example", language="nl", status="active", created_at=clock.now())
            for number in range(120)
        )
    seen: list[str] = []
    path = "/admin/subscribers?q=p"
    while path:
        page = editor.get(path).text
        seen += re.findall(r'href="/admin/subscribers/\d+">([^<]+)', page)
        more = re.search(r'href="([^"]+)" rel="next"', page)
        path = "/admin/subscribers" + more[1].replace("&amp;", "&") if more else ""
    assert seen == [f"p{number:03}@x.example" for number in range(120)]


def test_subscriber_page_shows_the_timeline_and_the_next_lesson(
    editor: TestClient, runtime: Runtime, email: str
) -> None:
    page = editor.get(page_of(runtime, email)).text
    for words in (
        email,
        "les 2 op dinsdag 24 november, 08:00",
        "Verstuurd: de les ‘Op zoek naar de oorzaak’.",
        "Verstuurd: de welkomstmail.",
        "Stemde in met: de lessen per mail krijgen.",
        "Aangemeld.",
    ):
        assert words in page
    assert page.index("Verstuurd: de les") < page.index("Aangemeld.")
    history = page[page.index('<ol class="history">') :]
    assert "Message-ID" not in re.sub(r"<details>.*?</details>", "", history, flags=re.DOTALL)
    assert "<dt>Message-ID</dt>" in history
    for nobody in ("99999", "0", "-1", "9" * 30, "x"):
        assert editor.get(f"/admin/subscribers/{nobody}").status_code == 404


def test_each_action_on_a_subscriber_is_done_and_logged_with_its_reason(
    editor: TestClient, runtime: Runtime, email: str
) -> None:
    path = page_of(runtime, email)
    press(editor, path, "pause")
    assert enrolment_of(runtime, email).next_due_at is None
    press(editor, path, "resume")
    assert enrolment_of(runtime, email).next_due_at is not None
    enrolment = enrolment_of(runtime, email).id
    press(editor, path, "move", enrolment=enrolment, lesson=7)
    assert enrolment_of(runtime, email).next_position == 7
    assert "hebben ze gehad" in press(editor, path, "move", enrolment=enrolment, lesson=1)
    assert "die les bestaat niet" in press(editor, path, "move", enrolment=enrolment + 99, lesson=2)
    [lesson] = lessons_to(runtime, email)
    assert "waarover twijfel" in press(editor, path, "resend", mail=lesson.id)
    with runtime.database.write() as session:
        session.execute(update(DeliveryRow).where(DeliveryRow.id == lesson.id).values(state=DeliveryState.UNKNOWN))
    press(editor, path, "resend", mail=lesson.id)
    assert lessons_to(runtime, email)[0].state == DeliveryState.CANCELLED  # it comes at their next hour
    assert enrolment_of(runtime, email).next_position == 1
    page = press(editor, path, "correct", email="right@x.example", told="yes")
    assert "right@x.example" in page
    assert page.count(WHY) == 5
    assert "op verzoek uitgeschreven" in press(editor, path, "unsubscribe")
    assert enrolment_of(runtime, "right@x.example").next_due_at is None
    press(editor, path, "suppress")
    assert everything(runtime)["suppression"]


def test_new_address_has_to_confirm_unless_its_owner_asked(
    editor: TestClient, runtime: Runtime, sink: Sink, email: str
) -> None:
    path = page_of(runtime, email)
    assert "vink het vakje aan als ze het zelf zeiden" in press(editor, path, "correct", email="right@x.example")
    assert "right@x.example" not in repr(everything(runtime))
    assert "dat adres is al bekend" in press(editor, path, "ask_address", email=make_reader(runtime))
    assert "dat is geen e-mailadres" in press(editor, path, "ask_address", email="right@")
    page = press(editor, path, "ask_address", email="right@x.example")
    assert "ander adres om bevestiging gevraagd door een beheerder" in page
    assert f"<h1>{email}</h1>" in page
    editor.app.state.outbox.wait()  # type: ignore[attr-defined]
    link = re.search(rb"http://courses.example(/n/\S+)", sink.to("right@x.example")[-1].raw)
    assert link is not None
    editor.post(link[1].decode())
    assert "<h1>right@x.example</h1>" in editor.get(path).text
    press(editor, path, "correct", email=email, told="yes")
    assert f"<h1>{email}</h1>" in editor.get(path).text
    change = [row for row in everything(runtime)["audit_log"] if row[3] == "subscriber.correct"][-1]
    assert change[-1] == {"reason": WHY, "source": "said by the person"}


def test_actions_on_a_subscriber_require_a_reason(editor: TestClient, runtime: Runtime, email: str) -> None:
    path = page_of(runtime, email)
    before = everything(runtime, "admin_session")
    for reason in ("", "  ", "x"):
        assert "zeg in een paar woorden waarom" in press(editor, path, "suppress", reason=reason)
    assert everything(runtime, "admin_session") == before


def test_erasure_needs_the_checkbox_and_leaves_no_name_in_the_audit_log(
    editor: TestClient, runtime: Runtime, email: str
) -> None:
    path = page_of(runtime, email)
    press(editor, path, "pause", reason="Sam Reader is in hospital")
    assert "Er is niets gewist" in press(editor, path, "erase")
    press(editor, path, "erase", sure="yes", reason=f"{email} asked")
    rows = repr(everything(runtime))
    assert email not in rows
    assert "is in hospital" not in rows
    [change] = [row for row in everything(runtime)["audit_log"] if row[3].startswith("subscriber.")]
    assert change[3:] == ("subscriber.erase", "erased", None, None)
    assert editor.get(path).status_code == 404


def test_audit_log_records_an_erasure_without_the_person(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock)
    log_in(browser, "owner@x.example")
    path = page_of(runtime, make_reader(runtime))
    press(browser, path, "erase", sure="yes")
    log = browser.get("/admin/audit-log", headers={"Accept-Language": "en"}).text
    assert "someone who is not known any more" in log
    assert path not in log


def test_data_export_by_an_admin_is_logged(editor: TestClient, runtime: Runtime, email: str) -> None:
    path = page_of(runtime, email)
    before = everything(runtime, "admin_session")
    for fields in ({"reason": WHY}, {"reason": " ", "sure": "yes"}):
        assert 'role="alert"' in editor.post(f"{path}/copy", data={**form_of(editor, path), **fields}).text
    assert everything(runtime, "admin_session") == before
    answer = editor.post(f"{path}/copy", data={**form_of(editor, path), "reason": WHY, "sure": "yes"})
    assert answer.headers["content-disposition"] == 'attachment; filename="copy.json"'
    assert answer.headers["cache-control"] == "no-store"
    copy = json.loads(answer.text)
    assert copy["person"][0]["email"] == email
    assert copy["done_by_us"][-1]["after"] == {"reason": WHY}
    assert "copy of everything made by an admin" in editor.get(path, headers={"Accept-Language": "en"}).text


def test_actions_refuse_mails_and_courses_of_other_subscribers(
    editor: TestClient, runtime: Runtime, email: str
) -> None:
    other = make_reader(runtime)
    path = page_of(runtime, other)
    assert "die les bestaat niet" in press(editor, path, "move", enrolment=enrolment_of(runtime, email).id, lesson=3)
    assert "waarover twijfel" in press(editor, path, "resend", mail=mails_to(runtime, email)[0].id)


def test_an_analyst_looks_and_changes_nothing(
    editor: TestClient, runtime: Runtime, clock: VirtualClock, email: str
) -> None:
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    analyst = TestClient(editor.app, follow_redirects=False, headers=CHROME)
    log_in(analyst, "analyst@x.example")
    path = page_of(runtime, email)
    assert 'name="reason"' not in analyst.get(path).text
    before = everything(runtime)
    for action in ("pause", "move", "resend", "suppress", "erase", "correct"):
        data = {**form_of(analyst), "action": action, "reason": WHY, "sure": "yes", "email": "a@x.example"}
        assert analyst.post(path, data=data).status_code == 404
    assert everything(runtime) == before


def take(browser: TestClient, kind: str, **query: str) -> Any:
    return browser.post("/admin/subscribers/list", data={**form_of(browser), "kind": kind, **query})


def test_list_export_contains_the_search_result_and_is_logged(
    editor: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    with runtime.database.write() as session:
        session.add_all(
            SubscriberRow(email=f"q7{number:04}@x.example", language="nl", status="active", created_at=clock.now())
            for number in range(2500)
        )
    make_reader(runtime, "sam@x.example")
    rows = list(csv.DictReader(io.StringIO(take(editor, "csv", q="Q7").text.lstrip("\ufeff")), delimiter=";"))
    assert [row["email"] for row in rows] == [f"q7{number:04}@x.example" for number in range(2500)]
    everybody = json.loads(take(editor, "json").text)
    assert (len(everybody), everybody[-1]["email"]) == (2501, "sam@x.example")
    assert json.loads(take(editor, "json", q="nobody").text) == []
    assert [row[3] for row in everything(runtime)["audit_log"]].count("subscribers.export") == 3


@pytest.mark.parametrize(("language", "delimiter"), [("nl", ";"), ("en", ","), ("de", ";"), ("fr", ";")])
def test_list_export_uses_the_delimiter_of_the_admins_language(
    editor: TestClient, tmp_path: Path, language: str, delimiter: str
) -> None:
    editor.headers["accept-language"] = language
    with with_french(tmp_path):
        assert take(editor, "csv").content.startswith(f"\ufeffid{delimiter}email{delimiter}name".encode())


def test_list_export_escapes_formulas(editor: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    names = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", 'a"b,c', "Sam"]
    with runtime.database.write() as session:
        for number, name in enumerate(names):
            email = f"f{number}@x.example"
            session.add(SubscriberRow(email=email, name=name, language="nl", status="active", created_at=clock.now()))
    text = take(editor, "csv", q="f").text
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=";"))
    assert [row["name"] for row in rows] == [f"'{name}" for name in names[:6]] + names[6:]


def test_list_export_refuses_analysts_and_forged_forms(
    editor: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    make_reader(runtime)
    assert editor.post("/admin/subscribers/list", data={"kind": "csv"}).status_code == 403
    assert take(editor, "exe").status_code == 404
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    analyst = TestClient(editor.app, follow_redirects=False, headers=CHROME)
    log_in(analyst, "analyst@x.example")
    assert take(analyst, "csv").status_code == 404


@pytest.mark.parametrize(
    "address", ["/admin/subscribers?q=%00&tag=%00&campaign=99999999999999999", "/admin/subscribers/2147483647"]
)
def test_out_of_range_ids_are_not_found(editor: TestClient, address: str) -> None:
    assert editor.get(address).status_code in {200, 404}


@pytest.mark.parametrize("leaves", [False, True])
def test_objection_is_recorded_for_readers_who_left(editor: TestClient, runtime: Runtime, leaves: bool) -> None:
    email = make_reader(runtime)
    path = page_of(runtime, email)
    press(editor, path, "tag", tag="autumn")
    if leaves:
        press(editor, path, "unsubscribe")
    press(editor, path, "no_tags")
    press(editor, path, "no_statistics")
    assert 'class="wrong"' in press(editor, path, "tag", tag="autumn")
    with runtime.database.read() as session:
        found = subscribers.by_email(session, email)
        assert found is not None
        assert found.statistics_objected_at is not None
        assert subscribers.tags_of(session, found.id) == []


def test_address_correction_refuses_an_outdated_page(editor: TestClient, runtime: Runtime) -> None:
    path = page_of(runtime, make_reader(runtime, "sam@x.example"))
    stale = {"told": "yes", "shown": "sam@x.example"}
    press(editor, path, "correct", email="new@x.example", **stale)
    assert 'class="wrong"' in press(editor, path, "correct", email="typo@x.example", **stale)
    assert found(editor, q="new@") == ["new@x.example"]


def test_suppression_by_an_admin_overrides_a_bounce(editor: TestClient, runtime: Runtime) -> None:
    """The reason of a bounce is forgotten after some months; that of an admin is not."""
    email = make_reader(runtime)
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, email, "bounce")
    press(editor, page_of(runtime, email), "suppress")
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "admin"
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, email, "bounce")
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "admin"
