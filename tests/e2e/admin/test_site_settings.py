"""An owner makes the product theirs in a browser: name, logo, two colours, an author with a photo, and words of theirs.

The logo is an awkward one, wide and white on transparent; the photo is a portrait as a phone takes it.
"""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import log_in
from tests.e2e.clicks import press
from tests.e2e.site import Site
from tests.support.admins import OWNER, PASSWORD
from tests.support.builders import COURSE, course_of

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.db.models import Role

PLUM, CREAM = "#7a1f6b", "#fff8ec"
_ORIENTATION, _TURNED = 0x0112, 6  # the camera was held upright


def white_logo() -> bytes:
    logo = Image.new("RGBA", (960, 110), (255, 255, 255, 0))
    ImageDraw.Draw(logo).text((10, 5), "HARBOUR", fill="white", font_size=90)
    written = io.BytesIO()
    logo.save(written, "PNG")
    return written.getvalue()


def phone_photo() -> bytes:
    photo = Image.effect_noise((1600, 1200), 60).convert("RGB")
    exif = Image.Exif()
    exif[_ORIENTATION] = _TURNED
    written = io.BytesIO()
    photo.save(written, "JPEG", exif=exif)
    return written.getvalue()


@pytest.mark.parametrize("page", ["en-GB"], indirect=True)
def test_an_owner_makes_the_product_theirs(page: Page, site: Site) -> None:
    runtime = site.runtime
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    press(page, "a[href='/admin/settings']")
    assert_good_for_everybody(page)
    page.fill("input[name=practice]", "Harbour Physio")
    page.fill("input[name=postal_address]", "Quay 2, Ghent")
    page.set_input_files("input[name=logo_file]", {"name": "Logo.png", "mimeType": "image/png", "buffer": white_logo()})
    page.select_option("select[name=logo_background]", "accent")
    page.fill("input[name=accent]", "#ffe600")
    press(page, "#site button.button")
    expect(page.locator("section.problems")).to_contain_text("hard to read")
    assert_good_for_everybody(page)
    page.fill("input[name=accent]", PLUM)
    page.fill("input[name=paper]", CREAM)
    page.select_option("select[name=font]", "serif")
    shown = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')")
    assert shown == PLUM  # before anything is saved
    press(page, "#site button.button")
    expect(page.locator(".saved")).to_be_visible()
    expect(page.locator("header .brand img.logo")).to_have_attribute("alt", "Harbour Physio")
    press(page, "nav.tabs a[href='/admin/settings/authors']")
    assert_good_for_everybody(page)
    page.fill("input[name='author.main.name']", "Ada Jansen")
    page.fill("input[name='author.main.line.en']", "Physiotherapist. Knows a strong back when she sees one.")
    page.set_input_files(
        "input[name='author.main.photo_file']", {"name": "ada.jpg", "mimeType": "image/jpeg", "buffer": phone_photo()}
    )
    press(page, "#site button.button")
    expect(page.locator(".saved")).to_be_visible()
    press(page, "nav.tabs a[href='/admin/settings']")
    mail = page.frame_locator("iframe.mail")
    expect(mail.locator("body")).to_contain_text("Ada Jansen")
    expect(mail.locator("img[alt='Harbour Physio']")).to_be_visible()
    assert mail.locator("img[alt='Harbour Physio']").evaluate("image => image.naturalWidth") > 0
    expect(mail.locator("body")).to_contain_text("Quay 2, Ghent")
    assert_good_for_everybody(page)
    for path in (f"/en/{COURSE}", f"/en/{COURSE}/test", f"/en/{COURSE}/signup", "/en/imprint", "/admin"):
        page.goto(path)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 248, 236)"
        assert_good_for_everybody(page)
    page.goto(f"/en/{COURSE}")
    expect(page.locator(".byline img")).to_be_visible()
    assert page.locator(".byline img").evaluate("image => [image.naturalWidth, image.naturalHeight]") == [160, 160]


@pytest.mark.parametrize("page", ["en-GB"], indirect=True)
def test_an_owner_writes_the_words_of_mails_and_of_the_end(page: Page, site: Site) -> None:
    runtime = site.runtime
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    page.goto("/admin/settings/words")
    assert_good_for_everybody(page)
    for summary in page.locator("details.row-of summary").all():
        summary.click()
    assert_good_for_everybody(page)
    page.fill("textarea[name='mail.confirm.en.opening']", "One press, and **we begin**.")
    page.fill("textarea[name='end.en.text']", "Would you like a therapist to look along?")
    page.fill("input[name='end.en.label']", "Make an appointment")
    press(page, "#site button.button")
    expect(page.locator("section.problems")).to_contain_text("a button needs both a text and a link.")
    expect(page.locator("textarea[name='mail.confirm.en.opening']")).to_have_value("One press, and **we begin**.")
    assert_good_for_everybody(page)
    page.fill("input[name='end.en.link']", "https://harbour.example/appointment")
    press(page, "#site button.button")
    expect(page.locator(".saved")).to_be_visible()
    press(page, "a[href='/admin/settings/mail?kind=confirm&language=en']")
    expect(page.locator("body")).to_contain_text("we begin")
    last = course_of(runtime).course.lessons[-1].slug
    page.goto(f"/en/{COURSE}/lessons/{last}")
    expect(page.locator(".next-step a.button")).to_have_attribute("href", "https://harbour.example/appointment")
    assert_good_for_everybody(page)
