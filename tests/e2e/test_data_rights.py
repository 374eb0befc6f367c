"""Rights of those who are no ordinary readers, end to end: imported, complaining, forwarded to, visiting, admins."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from tests.e2e.accessibility import assert_accessible
from tests.e2e.clicks import press
from tests.e2e.reader import all_rows_as_text, own_page
from tests.e2e.site import Site
from tests.support.admins import PASSWORD, make_admin
from tests.support.bounces import RAW_SAMPLES
from tests.support.builders import COURSE, at_eight, lessons_to, make_reader, ref
from tests.support.jobs import checked_import, run_jobs
from tests.support.rows import everything as rows

from rugcourse.clock import VirtualClock
from rugcourse.db.models import EmailEventRow, FeedbackRow, Role, SubscriberStatus
from rugcourse.db.queries import subscribers
from rugcourse.links import TokenPurpose
from rugcourse.picture_library.files import make_renditions
from rugcourse.privacy.retention import forget
from rugcourse.subscribers import background_jobs

EMAIL = "ann@example.org"
LINK = "De link naar je pagina"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"


@pytest.fixture
def page(browser: Browser, site: Site) -> Page:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, timezone_id="Europe/Amsterdam", base_url=site.address
    )
    return context.new_page()


def get_a_lesson(site: Site) -> None:
    at_eight(site.runtime)
    site.deliver()


def link_to(site: Site, email: str, purpose: TokenPurpose, letter: str) -> str:
    """A link of the first lesson that was sent to somebody."""
    mail = lessons_to(site.runtime, email)[0]
    return f"/{letter}/{site.runtime.signer.sign_mail(purpose, ref(site.runtime, mail.id))}"


def mailed_to(site: Site, email: str) -> list[str]:
    """The texts of the mails to somebody, in order."""
    site.wait_for_notices()
    return [
        str(one.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        for one in site.mails
        if one["To"].addresses[0].addr_spec == email
    ]


def by_a_mailed_link(page: Page, site: Site, own: str) -> None:
    """To the own page by a link that is mailed for what can't be undone."""
    page.goto(f"{own}/data")
    press(page, "button[value=renew]")
    site.deliver()
    own_page(page, site, LINK)


def test_imported_reader_views_corrects_exports_and_erases_their_data(page: Page, site: Site) -> None:
    job_id = checked_import(site.runtime, f"E-mail,Naam\n{EMAIL},An\n")
    site.runtime.database.run(background_jobs.start, site.clock.now(), job_id, None)
    run_jobs(site.runtime)
    get_a_lesson(site)
    own = link_to(site, EMAIL, TokenPurpose.PREFERENCES, "p")
    page.goto(own)
    expect(page.locator("h1")).to_contain_text("An")
    page.fill("input[name=name]", "Anna")
    press(page, "button[value=name]")
    expect(page.locator("h1")).to_contain_text("Anna")

    by_a_mailed_link(page, site, own)
    press(page, "a[href$='/address']")
    assert_accessible(page)
    page.fill("input[name=email]", "anna@home.example")
    press(page, "button.button")
    expect(page.locator("main")).to_contain_text("anna@home.example")
    [asked] = mailed_to(site, "anna@home.example")
    page.goto(re.search(r"http\S+/n/\S+", asked)[0])  # type: ignore[index]
    assert_accessible(page)
    press(page, "button.button")
    expect(page.locator("h1")).to_contain_text("Vanaf nu komen onze mails hier")
    assert_accessible(page)
    assert "anna@home.example" not in mailed_to(site, EMAIL)[-1]
    assert page.request.get(own).status == 404

    own = link_to(site, "anna@home.example", TokenPurpose.PREFERENCES, "p")
    site.clock.advance(hours=1)  # a link comes once an hour
    by_a_mailed_link(page, site, own)
    press(page, "a[href$='/data']")
    press(page, "button[value=page]")
    for known in ("anna@home.example", "Anna", "intake"):
        expect(page.locator("main")).to_contain_text(known)
    page.goto(page.url.replace("/data", "/erase"))
    page.check("input[name=sure]")
    press(page, "button.danger")
    for trace in (EMAIL, "anna@home.example", "Anna"):
        assert trace not in all_rows_as_text(site)


def test_reader_who_complained_can_still_export_and_erase(page: Page, site: Site) -> None:
    make_reader(site.runtime, EMAIL)
    get_a_lesson(site)
    own, leave = (
        link_to(site, EMAIL, *one) for one in ((TokenPurpose.PREFERENCES, "p"), (TokenPurpose.UNSUBSCRIBE, "u"))
    )
    quoted = (lessons_to(site.runtime, EMAIL)[0].message_id or "").encode()
    complaint = RAW_SAMPLES["complaint of yahoo"].replace(b"<AbCd-1234@courses.example>", quoted)
    site.runtime.bounce_handler.handle_message("abuse@elsewhere.example", complaint)
    with site.runtime.database.read() as session:
        person = subscribers.by_email(session, EMAIL)
        assert person is not None
        assert (person.status, person.tracking_consent) == (SubscriberStatus.SUPPRESSED, False)
    had = len(mailed_to(site, EMAIL))
    site.next_day()
    picture = f"{link_to(site, EMAIL, TokenPurpose.OPEN, 'o')}.gif"
    assert page.request.get(picture, headers={"User-Agent": FIREFOX}).ok
    with site.runtime.database.read() as session:
        assert session.scalars(select(EmailEventRow.kind)).all() == ["complaint"]
    assert page.request.post(leave, form={"List-Unsubscribe": "One-Click"}).text() == "unsubscribed"
    page.goto("/nl/my-page")  # no mail, not even this one: their own link does what takes a mailed one of others
    page.fill("input[name=email]", EMAIL)
    site.read_forms()
    press(page, "button.button")
    site.deliver()
    assert len(mailed_to(site, EMAIL)) == had
    page.goto(leave)
    press(page, "a[href$='/data']")
    press(page, "button[value=page]")
    expect(page.locator("main")).to_contain_text(EMAIL)
    page.goto(f"{own}/erase")
    page.check("input[name=sure]")
    press(page, "button.danger")
    assert EMAIL not in all_rows_as_text(site)
    assert len(mailed_to(site, EMAIL)) == had
    assert page.request.post(leave, form={"List-Unsubscribe": "One-Click"}).ok


def test_a_mail_that_was_forwarded_weeks_later_opens_a_lesson_and_nothing_of_its_readers(
    page: Page, site: Site
) -> None:
    make_reader(site.runtime, EMAIL)
    get_a_lesson(site)
    links = {letter: link_to(site, EMAIL, purpose, letter) for purpose, letter in (
        (TokenPurpose.PREFERENCES, "p"), (TokenPurpose.LESSON, "w"), (TokenPurpose.UNSUBSCRIBE, "u"),
    )}  # fmt: skip
    for _ in range(6):
        site.next_day()
    site.clock.advance(days=42)
    make_renditions(site.runtime.database)
    before = rows(site.runtime, "lesson")
    page.goto(links["w"])
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("a[rel=next]")).to_have_count(0)
    for beyond in ("", "/data", "/erase", "/address"):
        page.goto(links["p"] + beyond)
        assert EMAIL not in page.content()
        assert "/n/" not in page.content()
    for beyond, form in (
        ("", {"action": "name", "name": "Eve"}), ("", {"action": "close"}), ("/data", {"kind": "file"}),
        ("/erase", {"sure": "yes"}), ("/address", {"email": "eve@example.org"}),
    ):  # fmt: skip
        answer = page.request.post(links["p"] + beyond, form=form)
        assert EMAIL not in answer.text()
    assert rows(site.runtime, "lesson") == before  # how often a lesson is read is counted, not by whom
    assert mailed_to(site, "eve@example.org") == []
    page.goto(links["u"])
    press(page, "button[value=yes]")  # leaving works at any age, and can be undone within the hour
    site.clock.advance(minutes=61)
    page.goto(links["u"])
    expect(page.locator("button[value=undo]")).to_have_count(0)
    page.request.post(links["u"], form={"leave": "undo"})
    with site.runtime.database.read() as session:
        person = subscribers.by_email(session, EMAIL)
        assert person is not None
        assert person.status == SubscriberStatus.LEFT


def test_feedback_of_a_visitor_is_anonymous_and_expires(page: Page, site: Site) -> None:
    page.goto(f"/nl/{COURSE}/lessons/welkom")
    page.check("input[name=helped][value=yes]")
    page.click(".helped summary")
    page.fill("textarea", "Ik ben Jan de Boer")
    site.read_forms()
    press(page, ".helped button")
    with site.runtime.database.read() as session:
        [row] = session.scalars(select(FeedbackRow))
    assert (row.remark, row.delivery_id) == ("Ik ben Jan de Boer", None)
    site.clock.advance(days=181)
    forget(site.runtime.database, site.clock, site.runtime.signer, site.runtime.retention)
    assert "Jan de Boer" not in all_rows_as_text(site)


def test_an_admin_sees_their_own_data_and_nobody_elses(page: Page, site: Site, clock: VirtualClock) -> None:
    make_admin(site.runtime.database, clock, "lee@practice.example", Role.EDITOR)
    make_admin(site.runtime.database, clock, "kim@practice.example", Role.EDITOR)
    page.goto("/admin/login")
    page.fill("input[name=email]", "lee@practice.example")
    page.fill("input[name=password]", PASSWORD)
    press(page, "button.button")
    page.goto("/admin/account")
    expect(page.locator("main")).to_contain_text("lee@practice.example")
    expect(page.locator("main")).to_contain_text("Chrome")
    assert "kim@practice.example" not in page.content()
    assert page.request.get("/admin/team").status == 404
