"""Owners change who sends the courses and in which colours; pages, mails, e-books and charts have it at once."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.support.admin_pages import form_of, log_in
from tests.support.admins import make_admin
from tests.support.builders import COURSE, course_of, make_reader, send_all
from tests.support.pages import inputs
from tests.support.racing import meanwhile
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import AuditLogRow, SiteSettingsRow
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.design import design_tokens
from rugcourse.ebooks.document import book_of
from rugcourse.site_settings import SiteSettings, store
from rugcourse.site_settings.store import SettingsChangedMeanwhile
from rugcourse.web.app import create_app


@pytest.fixture
def owner(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    make_admin(runtime.database, clock)
    browser.headers["accept-language"] = "en"
    log_in(browser)
    return browser


NIGHT, CREAM = "#7a1f6b", "#fff8ec"


def save(owner: TestClient, **changed: str) -> Any:
    form = inputs(owner.get("/admin/settings").text) | form_of(owner)
    return owner.post("/admin/settings", data={**form, **changed})


def css_of(browser: TestClient, page: str) -> str:
    found = re.search(r'href="(/static/[0-9a-f]+/style\.css)"', browser.get(page).text)
    assert found
    return browser.get(found[1]).text


def test_pages_mails_and_books_have_new_names_and_colours_at_once(
    owner: TestClient, browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    before = css_of(browser, "/en")
    answer = save(
        owner, practice="Rug & Co", postal_address="Kerkstraat 2, 1234 AB Ede", accent=NIGHT, paper=CREAM, font="serif"
    )
    assert answer.status_code == 303, answer.text
    author = {"author.main.name": "Ada", "author.main.line.nl": "Vertelt over ruggen."}
    form = inputs(owner.get("/admin/settings/authors").text) | form_of(owner)
    assert owner.post("/admin/settings/authors", data={**form, **author}).status_code == 303
    page = browser.get(f"/nl/{COURSE}").text
    assert "Rug &amp; Co" in page
    assert "Kerkstraat 2" in page
    assert "Vertelt over ruggen." in browser.get("/nl/imprint").text
    after = css_of(browser, "/en")
    assert f"--accent: {NIGHT};" in after
    assert f"--paper: {CREAM};" in after
    assert "Charter" in after
    assert after != before
    make_reader(runtime, "reader@x.example")
    send_all(dispatcher)
    mail = sink.to("reader@x.example")[-1].raw.decode()
    assert "From: Rug & Co <" in mail or 'From: "Rug & Co" <' in mail
    assert NIGHT in mail
    assert "Kerkstraat 2, 1234 AB Ede" in mail
    book = book_of(course_of(runtime).course, "nl", runtime.branding, "https://x.example")
    assert (book["practice"], book["author"], book["design"]["light"]["accent"]) == ("Rug & Co", "Ada", NIGHT)


def test_another_process_has_them_within_a_second(owner: TestClient, runtime: Runtime) -> None:
    other = replace(runtime)
    other.current.refresh(other.database)
    assert other.site.settings.practice == "Let's Go Fysio"
    save(owner, practice="Elsewhere")
    assert other.site.settings.practice == "Let's Go Fysio"
    other.current.refresh(other.database, now=True)
    assert other.site.settings.practice == "Elsewhere"


def test_form_shows_what_was_saved_and_only_differences_are_stored(owner: TestClient, runtime: Runtime) -> None:
    assert save(owner).status_code == 303
    assert runtime.site.revision == 0
    save(owner, phone="030 123 45 67")
    assert inputs(owner.get("/admin/settings").text)["phone"] == "030 123 45 67"
    with runtime.database.read() as session:
        entry = session.scalars(select(AuditLogRow).order_by(AuditLogRow.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.before, entry.after) == (
        "site.change_settings",
        {"phone": None},
        {"phone": "030 123 45 67"},
    )
    save(owner, phone="")
    assert runtime.site.settings.phone == ""


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"practice": ""}, "this is empty."),
        ({"practice": "x" * 81}, "81 characters; at most 80."),
        ({"practice": "Ada\nBcc: all@x.example"}, "it contains an invisible character"),
        ({"reply_to": "nobody"}, "this is not an email address."),
        ({"reply_to": "a@x.example\r\nBcc: b@x.example"}, "it contains an invisible character"),
        ({"accent": "red"}, "write a colour as #"),
        ({"accent": "#ffee00"}, "this colour is hard to read on the others: contrast 1"),
        ({"paper": "#222222"}, "The nearest colour that works: #"),
        ({"font": "Comic Sans"}, "choose a font from the list"),
        ({"postal_address": "x" * 10_000}, "characters; at most 200."),
    ],
)
def test_what_can_not_be_is_said_at_its_field_and_nothing_is_saved(
    owner: TestClient, runtime: Runtime, changed: dict[str, str], sentence: str
) -> None:
    answer = save(owner, **changed, phone="123")
    assert answer.status_code == 400
    assert sentence in answer.text
    [field] = changed
    assert re.search(rf'id="f-{re.escape(field)}" aria-invalid="true"', answer.text)
    assert runtime.site.revision == 0


def test_names_are_text_wherever_they_stand(owner: TestClient, browser: TestClient) -> None:
    assert save(owner, practice="<script>{{ 7*7 }}</script>").status_code == 303
    for page in ("/nl", f"/nl/{COURSE}", "/nl/privacy", "/nl/imprint", "/nl/missing"):
        text = browser.get(page).text
        assert "&lt;script&gt;{{ 7*7 }}&lt;/script&gt;" in text
        assert "<script>{{" not in text
    assert "&lt;script&gt;{{ 7*7 }}" in owner.get("/admin/settings/mail").text


def test_two_owners_saving_different_settings_are_told_of_each_other(owner: TestClient, runtime: Runtime) -> None:
    first = inputs(owner.get("/admin/settings").text) | form_of(owner)
    save(owner, phone="111")
    answer = owner.post("/admin/settings", data={**first, "practice": "Other"})
    assert answer.status_code == 409
    assert "Not saved" in answer.text
    assert 'value="Other"' in answer.text
    assert runtime.site.settings.phone == "111"
    again = inputs(answer.text) | form_of(owner)
    assert owner.post("/admin/settings", data=again).status_code == 303  # whoever was told may replace it
    assert runtime.site.settings.practice == "Other"


def test_setting_of_the_environment_wins_and_is_shown_as_fixed(runtime: Runtime, clock: VirtualClock) -> None:
    settings = runtime.settings.__class__(**{**runtime.settings.model_dump(exclude_unset=True), "practice": "Fixed"})
    fixed = replace(runtime, settings=settings)
    with TestClient(create_app(fixed), base_url="http://courses.example", follow_redirects=False) as browser:
        make_admin(fixed.database, clock)
        log_in(browser)
        page = browser.get("/admin/settings").text
        assert "RUGCOURSE_PRACTICE" in page
        assert 'name="practice"' not in page
        save(browser, practice="Mine", phone="123")
        assert fixed.site.settings.practice == "Fixed"
        assert fixed.site.settings.phone == "123"


def test_only_owners_change_settings(editor: TestClient) -> None:
    assert editor.get("/admin/settings").status_code == 404
    assert editor.post("/admin/settings", data=form_of(editor) | {"practice": "Mine"}).status_code == 404


def test_chart_and_page_keep_the_design_that_ships_without_a_choice(runtime: Runtime) -> None:
    assert runtime.site.tokens == design_tokens()


def test_what_another_release_stored_and_this_one_can_not_read_is_left_out(
    owner: TestClient, browser: TestClient, runtime: Runtime
) -> None:
    save(owner, practice="Harbour")
    with runtime.database.write() as session:
        row = session.scalars(select(SiteSettingsRow)).one()
        row.document = {**row.document, "font": "of next year", "seal": "new", "author_lines": {"xx": "?"}}
        row.revision += 1
    runtime.current.refresh(runtime.database, now=True)
    assert browser.get("/en").status_code == 200
    assert runtime.site.settings.practice == "Harbour"
    assert runtime.site.tokens == design_tokens()
    save(owner, practice="Quay")
    with runtime.database.read() as session:
        kept = session.scalars(select(SiteSettingsRow)).one().document
    assert (kept["practice"], kept["seal"], kept["author_lines"]) == ("Quay", "new", {"xx": "?"})


def test_transaction_that_began_earlier_puts_no_older_settings_back(owner: TestClient, runtime: Runtime) -> None:
    save(owner, practice="First")
    with runtime.database.read() as session:
        before = store.load(session)
    save(owner, practice="Second")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "revision", lambda _session: before.revision)
        patch.setattr(store, "load", lambda _session: before)
        runtime.current.refresh(runtime.database, now=True)
    assert runtime.site.settings.practice == "Second"


def test_style_sheet_with_colours_that_this_process_does_not_have_is_not_kept(
    owner: TestClient, browser: TestClient, runtime: Runtime
) -> None:
    page = browser.get("/en").text
    found = re.search(r'href="(/static/[0-9a-f]+/style\.css)"', page)
    assert found
    assert "immutable" in browser.get(found[1]).headers["cache-control"]
    save(owner, accent=NIGHT)
    old = browser.get(found[1])
    assert old.headers["cache-control"] == "no-cache"
    assert NIGHT in old.text


def test_two_owners_who_save_the_first_settings_at_once_are_told_of_each_other(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_as(name: str) -> None:
        runtime.database.run(store.save, runtime.clock.now(), None, SiteSettings(practice=name), 0)

    told: list[Exception] = []
    with meanwhile(monkeypatch, store, "_first_row", lambda: save_as("One")) as errors:
        try:
            save_as("Two")
        except SettingsChangedMeanwhile as error:
            told.append(error)
    assert [type(one) for one in (*told, *errors)] == [SettingsChangedMeanwhile]
    runtime.current.refresh(runtime.database, now=True)
    assert runtime.site.revision == 1


def test_admin_pages_show_times_in_the_zone_of_the_practice_with_the_year_of_another_one(
    owner: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    save(owner, time_zone="America/New_York")
    page = owner.get("/admin/settings").text
    assert "All times are in America/New_York." in page
    assert "Last saved: " in page
    utc = clock.now()
    local = utc.astimezone(ZoneInfo("America/New_York"))
    assert f"{local:%H:%M}, owner@x.example" in page
    assert local.hour != utc.hour
    assert str(utc.year) not in page.partition("Last saved: ")[2].partition("<")[0]
    clock.advance(days=366)
    log_in(owner)
    assert str(utc.year) in owner.get("/admin/settings").text.partition("Last saved: ")[2].partition("<")[0]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd"])
def test_zone_that_is_none_is_refused(owner: TestClient, runtime: Runtime, zone: str) -> None:
    assert save(owner, time_zone=zone).status_code == 400
    assert runtime.site.settings.time_zone == "Europe/Amsterdam"


def test_reader_whose_browser_says_no_zone_is_offered_that_of_the_practice(
    owner: TestClient, browser: TestClient
) -> None:
    save(owner, time_zone="Europe/London")
    assert '<option value="Europe/London" selected' in browser.get(f"/en/{COURSE}/signup").text
