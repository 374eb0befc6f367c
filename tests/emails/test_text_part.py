"""The text of a mail says what its HTML says: the same words, the same links, in every kind and language."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from tests.support.emails import HOUSE
from tests.support.every_email import write_email

from rugcourse.content import Course
from rugcourse.db.models import DeliveryKind
from rugcourse.emails.branding import Author, Branding, EmailWords, NextStep

_URL = re.compile(r"https?://[^\s)]+")
_WORD = re.compile(r"\w+")
_OWN = {
    language: EmailWords("Our subject", "In our own words: **come in** and [see us](https://us.example/here).")
    for language in ("nl", "en", "de")
}
BRANDING = replace(
    HOUSE,
    author=replace(HOUSE.author, qualifications="MSc, number 1234"),
    next_steps={one: NextStep("Shall we **talk**?", "Make an appointment", "https://us.example/talk") for one in _OWN},
)
OWN_WORDS = replace(BRANDING, email_words=dict.fromkeys(("confirm", "reminder", "welcome"), _OWN))


def seen(html: str) -> BeautifulSoup:
    """The HTML without what nobody sees and the initial in place of a photo, with the words of its pictures."""
    page = BeautifulSoup(html, "html.parser")
    for one in page.select("head, style, td.face, [style*='display:none']"):
        one.decompose()
    for items in page.find_all("ol"):
        for number, item in enumerate(items.find_all("li", recursive=False), int(str(items.get("start", "1")))):
            item.insert(0, f"{number}. ")
    for picture in page.find_all("img"):
        picture.replace_with(str(picture.get("alt", "")))
    for block in page.find_all(["p", "h1", "h2", "h3", "li", "td", "div", "br", "a"]):
        block.insert_after("\n")
    return page


def words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def targets(page: BeautifulSoup) -> set[str]:
    return {target for one in page.find_all("a") if (target := str(one["href"])).startswith("http")}


@pytest.mark.parametrize("branding", [BRANDING, OWN_WORDS], ids=["usual words", "own words"])
@pytest.mark.parametrize("language", ["nl", "en", "de"])
@pytest.mark.parametrize("kind", [one for one in DeliveryKind if one != DeliveryKind.LESSON])
def test_the_text_has_the_words_and_links_of_the_html_and_no_others(
    course: Course, kind: DeliveryKind, language: str, branding: Branding
) -> None:
    assert_same(*write_email(kind, course, language, branding, measuring=False))


@pytest.mark.parametrize("language", ["nl", "en", "de"])
@pytest.mark.parametrize("number", range(9))
def test_the_text_of_a_lesson_has_the_words_and_links_of_its_html_and_no_others(
    course: Course, number: int, language: str
) -> None:
    assert_same(*write_email(DeliveryKind.LESSON, course, language, BRANDING, course.lessons[number], measuring=False))


def test_the_same_without_anything_that_is_optional(course: Course) -> None:
    bare = course.model_copy(update={"safety_notices": {}})
    branding = Branding("Practice", Author("Anna", {"en": "A line"}), "Street 1")
    for kind in DeliveryKind:
        assert_same(*write_email(kind, bare, "en", branding, measuring=False))


def assert_same(html: str, text: str) -> None:
    page = seen(html)
    in_html, in_text = words(page.get_text()), words(_URL.sub(" ", text))
    assert sorted(in_html - in_text) == []
    assert sorted(in_text - in_html) == []
    assert targets(page) == set(_URL.findall(text))
