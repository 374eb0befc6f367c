"""What a mail looks like wherever it is opened: questions apart, one gutter, dark mode, Outlook for Windows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from tests.support.emails import HOUSE
from tests.support.every_email import write_email

from rugcourse.content import Course
from rugcourse.db.models import DeliveryKind
from rugcourse.design import design_tokens
from rugcourse.emails.branding import Logo
from rugcourse.pictures.reference import PictureRef

LOGO = Logo(PictureRef("logo", "a" * 32, 960, 120, "png"), background="#1c6a5e", text="#ffffff")
_EDGES = re.compile(r"(?:^|;)(?:padding|border(?:-left|-top)?):")


def lesson_page(course: Course, number: int) -> BeautifulSoup:
    html, _ = write_email(DeliveryKind.LESSON, course, "en", lesson=course.lessons[number])
    return BeautifulSoup(html, "html.parser")


def test_each_of_two_questions_has_its_number_and_the_second_a_line_above_it(course: Course) -> None:
    page = lesson_page(course, 1)
    quiz = course.lessons[1].texts["en"].quiz
    assert [one.get_text(strip=True) for one in page.select("h3")][-2:] == [one.question for one in quiz]
    shown = page.get_text(" ", strip=True)
    assert 0 < shown.index("Question 1 of 2") < shown.index("Question 2 of 2")
    [line] = page.select("td.rule")
    after = " ".join(line.find_all_next(string=True))
    assert quiz[1].question in after
    assert quiz[0].question not in after


def test_a_single_question_has_no_number(course: Course) -> None:
    page = lesson_page(course, 8)
    assert len(course.lessons[8].texts["en"].quiz) == 1
    assert "Question 1" not in page.get_text()
    assert not page.select("td.rule")


@pytest.mark.parametrize("kind", DeliveryKind)
def test_text_above_on_and_below_the_card_begins_at_the_same_edge(course: Course, kind: DeliveryKind) -> None:
    html, _ = write_email(kind, course, "en")
    page = BeautifulSoup(html, "html.parser")
    sections = page.select("div.card > table > tbody > tr > td, div.page > table > tbody > tr > td")
    sides = {re.search(r"padding:([^;]+)", str(one["style"]))[1].split()[1] for one in sections}  # type: ignore[index]
    assert len(sections) >= 3
    assert sides == {f"{design_tokens().space['xl']}px"}
    narrow = f"padding-left: {design_tokens().space['l']}px !important"
    [rule] = re.findall(r"@media \(max-width: 480px\) \{(.*?)\}", html, re.DOTALL)
    assert ".card >" in rule
    assert ".page >" in rule
    assert narrow in rule


@pytest.mark.parametrize("kind", DeliveryKind)
def test_outlook_for_windows_gets_room_and_borders_in_cells(course: Course, kind: DeliveryKind) -> None:
    """Its engine is that of Word, which gives padding to cells only; what a link has there is named for it apart."""
    page = BeautifulSoup(write_email(kind, course, "en")[0], "html.parser")
    for one in page.select("div[style], p[style], a[style]"):
        if _EDGES.search(str(one["style"])):
            cell = one.find_parent("td")
            assert one.name == "a", one
            assert cell is not None
            assert "mso-padding-alt:" in str(cell["style"])
            assert cell.get("bgcolor")


def test_outlook_gets_a_font_that_it_knows_and_of_the_same_family(course: Course) -> None:
    for fonts, known in ((design_tokens().sans, "Segoe UI, Arial, sans-serif"), ("Charter, serif", "Georgia, serif")):
        branding = replace(HOUSE, tokens=replace(HOUSE.tokens, sans=fonts))
        html, _ = write_email(DeliveryKind.WELCOME, course, "en", branding)
        for_outlook = re.findall(r"<!--\[if mso\]><style>(.*?)</style><!\[endif\]-->", html, re.DOTALL)
        assert f"font-family: {known} !important" in " ".join(for_outlook[0].split())


@pytest.mark.parametrize("kind", DeliveryKind)
def test_outlook_on_the_web_gets_the_same_dark_colours_as_programs_that_ask_for_them(
    course: Course, kind: DeliveryKind
) -> None:
    html, _ = write_email(kind, course, "en")
    sheet = html[html.index("prefers-color-scheme: dark") : html.rindex("</style>")]
    for mark, property_ in (("[data-ogsc]", "color"), ("[data-ogsb]", "background-color")):
        marked = re.findall(rf"{re.escape(mark)} ([^{{]+){{[^}}]*?(?<![-\w]){property_}: (#\w+)", sheet)
        assert len(marked) > 5
        for selectors, colour in marked:
            plain = selectors.replace(f"{mark} ", "").strip()
            assert re.search(rf"^\s*{re.escape(plain)} {{[^}}]*{property_}: {colour}", sheet, re.MULTILINE)
    assert "&gt;" not in sheet


def test_a_logo_keeps_the_colour_it_stands_on_where_programs_turn_colours_over(course: Course) -> None:
    html, _ = write_email(DeliveryKind.CONFIRM, course, "en", replace(HOUSE, logo=LOGO))
    page = BeautifulSoup(html, "html.parser")
    [logo] = page.select("img[alt]")
    cell = logo.find_parent("td")
    assert cell is not None
    assert cell["bgcolor"] == LOGO.background
    assert f"linear-gradient({LOGO.background},{LOGO.background})" in "".join(str(cell["style"]).split())
    assert " ".join(str(logo["alt"]).split()) == HOUSE.practice
    assert (int(str(logo["width"])), int(str(logo["height"]))) == (240, 30)


@pytest.mark.parametrize(("number", "cells"), [(0, 2), (8, 1)])
def test_the_bar_is_full_after_the_last_lesson_only(course: Course, number: int, cells: int) -> None:
    page = lesson_page(course, number)
    assert len(page.select("td.done, td.track")) == cells
