"""An admin schedules a cohort in a real browser: audience, next Monday at eight local time, forecast, start, pause."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import go_to_next_step, log_in
from tests.e2e.clicks import press
from tests.e2e.site import Site
from tests.support.admins import OWNER, PASSWORD
from tests.support.builders import make_reader

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.campaigns import lifecycle
from rugcourse.db.models import Role
from rugcourse.subscribers import background_jobs


@pytest.mark.parametrize("page", ["nl-NL", "de-DE"], indirect=True)
def test_a_cohort_from_the_first_idea_to_its_results(page: Page, site: Site) -> None:
    runtime = site.runtime
    emails = [make_reader(runtime, zone=zone) for zone in ("Europe/Amsterdam", "Pacific/Auckland")]
    site.deliver()
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    assert_good_for_everybody(page)
    press(page, "a[href='/admin/campaigns']")
    assert_good_for_everybody(page)

    press(page, "a[href='/admin/campaigns/new']")
    assert_good_for_everybody(page)
    page.fill("input[name=name]", "Winter cohort")
    page.check("input[name=kind][value=cohort]")
    press(page, "form.form button.button")
    page.check("input[name=languages][value=nl]")
    expect(page.locator("#count b")).to_have_text("0")  # both follow the course already
    page.select_option("select[name=following]", "")
    expect(page.locator("#count b")).to_have_text("2")  # counted while it is put together
    assert_good_for_everybody(page)
    go_to_next_step(page)
    page.check("input[name=way][value=local]")
    press(page, "form.form button.button")
    expect(page.locator(".problems")).to_be_focused()
    assert_good_for_everybody(page)
    page.click(".problems a")
    expect(page.locator("input[name=local_day]")).to_be_focused()
    page.fill("input[name=local_day]", "2026-11-30")
    page.select_option("select[name=hour]", "8")
    go_to_next_step(page)
    go_to_next_step(page)
    for email in emails:
        expect(page.locator("main")).to_contain_text(email)
    expect(page.frame_locator("iframe").first.locator("h1")).to_be_visible()
    press(page, "#start button")
    expect(page.locator("#again-wrong")).to_be_visible()  # nothing started: both would get lessons twice
    expect(page.locator("#f-again")).to_be_focused()
    assert_good_for_everybody(page)
    page.check("#f-again")
    press(page, "#start button")
    expect(page.locator(".saved")).to_be_visible()
    assert_good_for_everybody(page)

    while runtime.database.run(lifecycle.enrol_batch, site.clock.now(), runtime.send_window.quiet):
        pass
    for hour in (datetime(2026, 11, 29, 19, tzinfo=UTC), datetime(2026, 11, 30, 7, tzinfo=UTC)):
        site.clock.move_to(hour)  # eight o'clock in Auckland, and in Amsterdam
        site.deliver()
    log_in(page)
    press(page, "a[href='/admin/campaigns']")
    press(page, "text=Winter cohort")
    press(page, "button[value=pause]")
    expect(page.locator(".status.paused")).to_be_visible()
    assert_good_for_everybody(page)
    press(page, "button[value=resume]")
    expect(page.locator(".status.running")).to_be_visible()
    press(page, "tbody td a >> nth=0")
    for email in emails:
        expect(page.locator("main")).to_contain_text(email)
    assert_good_for_everybody(page)
    page.go_back()
    press(page, "a[href$='/results']")
    assert_good_for_everybody(page)


@pytest.mark.parametrize("page", ["nl-NL", "en-GB"], indirect=True)
def test_a_campaigns_draft_is_discarded_after_a_question_and_comes_back(page: Page, site: Site) -> None:
    runtime = site.runtime
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    press(page, "a[href='/admin/campaigns']")
    press(page, "a[href='/admin/campaigns/new']")
    page.fill("input[name=name]", "Winter cohort")
    page.check("input[name=kind][value=cohort]")
    press(page, "form.form button.button")
    page.goto(page.url.replace("/who", "/review"))
    expect(page.locator("button[value=discard]")).to_be_hidden()  # behind a question
    page.click("main details summary >> nth=-1")
    assert_good_for_everybody(page)
    press(page, "button[value=discard]")
    expect(page.locator(".saved")).to_contain_text("Winter cohort")
    assert_good_for_everybody(page)
    press(page, ".saved button")
    expect(page.locator(".saved[role]")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Winter cohort")


@pytest.mark.parametrize("page", ["en-GB", "de-DE"], indirect=True)
def test_a_list_is_imported_and_something_done_for_many(page: Page, site: Site) -> None:
    runtime = site.runtime
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    press(page, "a[href='/admin/subscribers']")
    assert_good_for_everybody(page)
    press(page, "a[href='/admin/imports']")
    assert_good_for_everybody(page)
    content = b"Naam;E-mail\nAnn;ann@x.example\nBo;nobody\n"
    page.set_input_files("input[type=file]", {"name": "people.csv", "mimeType": "text/csv", "buffer": content})
    press(page, "form.form button.button")
    assert_good_for_everybody(page)
    page.fill("input[name=agreed_at]", "2026-03-31")
    page.fill("input[name=agreed_where]", "paper form")
    page.fill("textarea[name=agreed_text]", "Yes, send me the course by e-mail")
    press(page, "form[action^='/admin/imports'] button.button")
    while background_jobs.run_next_batch(runtime.database, site.clock, runtime.signer):
        pass
    page.reload()
    expect(page.locator("main")).to_contain_text("nobody")
    assert_good_for_everybody(page)
    press(page, "button[value=start]")
    while background_jobs.run_next_batch(runtime.database, site.clock, runtime.signer):
        pass
    page.goto("/admin/subscribers")
    expect(page.locator("tbody")).to_contain_text("ann@x.example")
    press(page, "a[href='/admin/bulk-actions']")
    expect(page.locator("#count b")).to_have_text("1")
    page.select_option("select[name=act]", "tag")
    page.fill("input[name=tag]", "winter")
    page.fill("input[name=reason]", "a try")
    assert_good_for_everybody(page)
    press(page, "form.form button.button")
    assert_good_for_everybody(page)
