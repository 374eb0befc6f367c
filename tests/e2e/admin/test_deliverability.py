"""In a browser: an admin sees that a campaign is held, looks why, has the doctor look, and lets it go on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import log_in
from tests.e2e.site import Site
from tests.support.admins import OWNER, PASSWORD
from tests.support.builders import at_eight, make_reader

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.db.models import Role


@pytest.mark.parametrize("page", ["nl-NL"], indirect=True)
def test_an_admin_sees_what_is_wrong_and_mends_it(
    page: Page,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rugcourse.doctor.resolver._SECONDS", 0.3)
    runtime = site.runtime
    readers = [make_reader(runtime) for _ in range(4)]
    at_eight(runtime)
    site.deliver()
    for reader in readers[:3]:
        runtime.bounce_handler.handle_event(
            ProviderEvent(BounceReport(BounceType.COMPLAINT), "", reader, runtime.clock.now())
        )
    runtime.bounce_handler.handle_event(
        ProviderEvent(BounceReport(BounceType.HARD, "5.1.1", "550 no such user"), "", readers[3], runtime.clock.now())
    )
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    expect(page.locator("main")).to_contain_text("meldde dit als spam")
    page.get_by_role("link", name="Bezorging").click()
    expect(page.locator("main")).to_contain_text("te veel lezers melden het als spam")
    expect(page.locator("main")).to_contain_text("550 no such user")
    assert_good_for_everybody(page)
    page.get_by_role("button", name="Controleer nu").click()
    expect(page.get_by_role("status")).to_contain_text("Gecontroleerd", timeout=30_000)
    expect(page.locator("main")).to_contain_text("RUGCOURSE_SENDER_ADDRESS")
    assert_good_for_everybody(page)
    page.get_by_role("button", name="Hervat").first.click()
    expect(page.get_by_role("status")).to_contain_text("Hervat.")
    page.get_by_role("link", name="Adressen die geen mail krijgen").click()
    page.fill("input[name=q]", readers[3])
    page.get_by_role("button", name="Vraag").click()
    expect(page.locator("main")).to_contain_text("de mailbox bestaat niet meer")
    assert_good_for_everybody(page)
    page.fill("form input[name=reason]", "de postbus is er weer")
    page.get_by_role("button", name="Sta mail weer toe").click()
    expect(page.get_by_role("status")).to_contain_text("in het logboek gezet")
    page.goto("/admin/campaigns/1/email-check")
    expect(page.locator("main")).to_contain_text("Geen problemen gevonden.")
    assert_good_for_everybody(page)
