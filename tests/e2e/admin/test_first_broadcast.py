"""Somebody who has never seen the admin pages sends a message to one tag, by the words that they see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.site import Site
from tests.support.admins import OWNER, PASSWORD
from tests.support.builders import make_reader

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.campaigns import lifecycle
from rugcourse.db.models import Role
from rugcourse.db.queries import subscribers


@dataclass(frozen=True, slots=True)
class Words:
    """What stands on the pages."""

    email: str
    password: str
    log_in: str
    write: str
    name: str
    make: str
    subject: str
    text: str
    to_who: str
    language: str
    to_when: str
    go_on: str
    send_to_me: str
    sent_to_me: str
    send: str
    started: str


ENGLISH = Words(
    "Email address", "Password", "Log in", "Write a message", "Name (only admins see it)", "Create draft", "Subject", "Text (Markdown)",
    "Save and go on to who gets it", "English", "Save and go on to when", "Save and continue", "Send it to me (English)", "A test email is on its way",
    "Send to 2 people", "Started.",
)  # fmt: skip
DUTCH = Words(
    "E-mailadres", "Wachtwoord", "Inloggen", "Schrijf een bericht", "Naam, voor jezelf", "Maak een concept", "Onderwerp", "Tekst (Markdown)",
    "Bewaar en kies wie het krijgt", "Nederlands", "Bewaar en kies wanneer", "Bewaar en ga verder", "Stuur een testmail naar mij (Nederlands)", "Hij is onderweg naar",
    "Verstuur naar 2 mensen", "Hij is gestart.",
)  # fmt: skip


def with_tag(site: Site, tag: str) -> list[str]:
    """Two readers with a tag, among others without it."""
    emails = [make_reader(site.runtime) for _ in range(4)]
    with site.runtime.database.write() as session:
        found = [subscribers.by_email(session, one) for one in emails[:2]]
        subscribers.add_tags(session, [one.id for one in found if one], tag)
        subscribers.add_tags(session, [one.id for one in found[:1] if one], "another")
    return emails[:2]


def button(page: Page, name: str) -> None:
    with page.expect_event("load"):
        page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize(("page", "words"), [("nl-NL", DUTCH), ("en-GB", ENGLISH)], indirect=["page"])
def test_a_message_to_one_tag_by_visible_words_alone(page: Page, site: Site, words: Words) -> None:
    emails = with_tag(site, "knee")
    site.deliver()
    site.clock.move_to(datetime(2026, 11, 24, 10, tzinfo=UTC))  # in nobody's quiet hours
    invitation = site.runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(site.runtime.database, site.clock, invitation.token, PASSWORD)
    page.goto("/admin")
    page.get_by_label(words.email).fill(OWNER)
    page.get_by_label(words.password).fill(PASSWORD)
    button(page, words.log_in)
    with page.expect_event("load"):
        page.get_by_role("link", name=words.write).click()

    page.get_by_label(words.name).fill("Knee evening")
    assert_good_for_everybody(page)
    button(page, words.make)
    page.get_by_label(words.language, exact=True).check()  # the tab
    page.get_by_label(re.compile(f"^{words.subject}")).locator("visible=true").fill("An evening about knees")
    page.get_by_label(words.text).locator("visible=true").fill("Come on **Thursday**, {{ first_name }}.")
    shown = page.frame_locator("iframe.mail:not(.next)")
    expect(shown.locator("h1")).to_have_text("An evening about knees")  # beside it, while it is written
    expect(shown.locator("strong")).to_have_text("Thursday")
    assert_good_for_everybody(page)
    button(page, words.to_who)

    page.get_by_label("knee", exact=True).check()
    expect(page.get_by_role("status").locator("b")).to_have_text("2")
    assert_good_for_everybody(page)
    button(page, words.to_when)
    button(page, words.go_on)  # as soon as it is started
    button(page, words.send_to_me)
    expect(page.get_by_role("status")).to_contain_text(words.sent_to_me)
    assert_good_for_everybody(page)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("button", name=words.send, exact=True)).to_be_in_viewport()  # without scrolling
    button(page, words.send)
    expect(page.get_by_role("status").first).to_contain_text(words.started)

    while site.runtime.database.run(lifecycle.enrol_batch, site.clock.now(), site.runtime.send_window.quiet):
        pass
    site.deliver()
    got = [str(one["To"]) for one in site.mails if one["Subject"] == "An evening about knees"]
    assert sorted(got) == sorted([OWNER, *emails])
