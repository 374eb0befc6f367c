"""What a reader does in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy import select
from tests.e2e.clicks import press
from tests.e2e.site import Site
from tests.support.builders import COURSE
from tests.support.languages import GERMAN_COURSE

from rugcourse.db.models import Base

COURSES = {"nl": COURSE, "en": COURSE, "de": GERMAN_COURSE}
WORDS = {
    "nl": {
        "confirm": "Bevestig", "welcome": "Je doet mee", "lesson": r"\(les {}\)", "link": "De link naar je pagina",
        "saved": "Je keuze is bewaard", "break": "Je hebt pauze tot", "right": "Dat klopt", "left": "Je bent uitgeschreven",
        "back": "Fijn dat je er weer bent", "erased": "Alles is gewist", "gone": "Alles over jou is gewist", "weekly": "maandag 30 november",
    },
    "en": {
        "confirm": "[Cc]onfirm", "welcome": "You have signed up", "lesson": r"\({}/", "link": "The link to your page",
        "saved": "Your choice is saved", "break": "You are taking a break until", "right": "That is right", "left": "You have unsubscribed",
        "back": "Welcome back", "erased": "Everything is erased", "gone": "Everything about you is erased", "weekly": "Monday 30 November",
    },
    "de": {
        "confirm": "bestätigen", "welcome": "Sie sind dabei", "lesson": r"\({}/", "link": "Der Link zu Ihrer Seite",
        "saved": "Ihre Wahl ist gespeichert", "break": "Sie haben Pause bis", "right": "Das ist richtig", "left": "Sie sind abgemeldet",
        "back": "Schön, dass Sie wieder da sind", "erased": "Alles ist gelöscht", "gone": "Alles über Sie ist gelöscht", "weekly": "Montag, 30. November",
    },
}  # fmt: skip


def answer_all(page: Page, options: list[int]) -> None:
    for option in options:
        page.locator("input[name=o]").nth(option).check()
        press(page, "button.button")


def follow(page: Page, selector: str, number: int = 0) -> None:
    """Open a link of a mail that is shown."""
    address = page.locator(selector).nth(number).get_attribute("href")
    assert address is not None
    page.goto(address)


def sign_up(page: Page, site: Site, language: str, course: str = "") -> None:
    page.goto(f"/{language}/{course or COURSES[language]}/signup")
    page.fill("input[name=email]", "sam@example.org")
    page.fill("input[name=name]", "Sam Vos")
    page.check("input[name=consent]")
    site.read_forms()
    press(page, "button.button")
    expect(page.locator(".address")).to_have_text("sam@example.org")
    site.deliver()


def confirm(page: Page, site: Site, words: dict[str, str]) -> None:
    site.open_mail(page, words["confirm"])
    follow(page, "a.button")
    for box in page.locator("input[name=measuring]").all():  # nobody is asked twice
        box.check()
    press(page, "button.button")
    expect(page.locator("h1")).to_contain_text(words["welcome"])
    site.deliver()


def own_page(page: Page, site: Site, mail: str) -> None:
    site.open_mail(page, mail)
    follow(page, "a[href*='/p/']")


def all_rows_as_text(site: Site) -> str:
    """All rows of all tables, as text."""
    with site.runtime.database.read() as session:
        tables = [
            [tuple(row) for row in session.execute(select(table))]
            for table in Base.metadata.sorted_tables
            if table.name != "ebook"
        ]
    return repr(tables)
