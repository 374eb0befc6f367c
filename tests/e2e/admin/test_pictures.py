"""An editor puts pictures into a lesson in a real browser: by the button, by drop and by paste."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import Dialog, Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import log_in
from tests.e2e.clicks import press
from tests.e2e.site import Site
from tests.support.admins import OWNER, PASSWORD
from tests.support.builders import COURSE
from tests.support.pictures import png

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.db.models import Role

BODY = "[id='f-nl.body']"
SHADES = ((20, 120, 90), (120, 20, 90), (90, 20, 120))
# A drop and a paste carry a file that the page itself makes, as no file system is at hand.
GIVE = """([selector, kind, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], "photo.png", { type: "image/png" }));
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""
IS_SHOWN = "one => one.complete && one.naturalWidth > 0"


def file_of(shade: tuple[int, int, int]) -> bytes:
    return png(1200, 675, shade)


@pytest.mark.parametrize("page", ["nl-NL"], indirect=True)
def test_pictures_come_into_a_lesson_by_button_drop_and_paste(page: Page, site: Site) -> None:
    runtime = site.runtime
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    press(page, "a[href='/admin/lessons']")
    press(page, "a[href='/admin/pictures']")
    site.clock.advance(minutes=1)  # after those that came with the courses
    assert_good_for_everybody(page)
    page.set_input_files(
        "input[name=file]", {"name": "Balans.png", "mimeType": "image/png", "buffer": file_of(SHADES[0])}
    )
    press(page, "main button.button")
    expect(page.locator(".saved")).to_be_visible()
    expect(page.locator(".pictures li b").first).to_have_text("balans")
    assert_good_for_everybody(page)

    page.goto(f"/admin/lessons/{COURSE}/overbelasting")
    page.check("#shown-nl")
    answers = ["Een weegschaal [in] balans", "", "Iemand tilt een doos"]
    page.on("dialog", lambda dialog: _answer(dialog, answers))
    page.fill(BODY, "Kijk maar eens.")
    with page.expect_file_chooser() as chosen:
        page.locator("[data-picture]:visible").click()
    chosen.value.set_files({"name": "Balans.png", "mimeType": "image/png", "buffer": file_of(SHADES[0])})
    expect(page.locator(BODY)).to_have_value(_text("Een weegschaal  in  balans"), timeout=30_000)
    for kind, shade in (("drop", SHADES[1]), ("paste", SHADES[2])):
        data = base64.b64encode(file_of(shade)).decode()
        page.evaluate(GIVE, [BODY, kind, data])
        expect(page.locator(BODY)).to_have_value(
            _text('"decorative"' if kind == "drop" else "Iemand tilt een doos"), timeout=30_000
        )
    assert answers == []

    shown = page.frame_locator(".mail:not(.next)").locator("img[src*='/pictures/']")
    expect(shown).to_have_count(3)
    assert shown.evaluate_all(f"all => all.every({IS_SHOWN})")
    press(page, "button[value=publish]")
    expect(page.locator("ins").first).to_be_visible()
    press(page, "form.form button.button")
    page.goto(f"/nl/{COURSE}/lessons/overbelasting")
    for image in page.locator(".prose img").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
    assert page.locator(".prose img").evaluate_all(f"all => all.length === 3 && all.every({IS_SHOWN})")
    assert_good_for_everybody(page)


def _answer(dialog: Dialog, answers: list[str]) -> None:
    dialog.accept(answers.pop(0))


def _text(part: str) -> re.Pattern[str]:
    return re.compile(re.escape(part))
