"""No mail relies on HTML or CSS that a mail program of our readers lacks.

`email_support.json` says what each program supports; `tools/email_support.py` says which and where it is from. What a
program supports partly or not is allowed with a reason: what readers get there instead, or why the part is enough.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from tests.support.email_features import features_of, style_bytes
from tests.support.emails import HOUSE
from tests.support.every_email import write_email

from rugcourse.content import Course
from rugcourse.db.models import DeliveryKind
from rugcourse.emails.branding import Logo
from rugcourse.pictures.reference import PictureRef

_TABLE = json.loads((Path(__file__).parent / "email_support.json").read_text(encoding="utf-8"))
_SUPPORT: dict[str, str] = _TABLE["support"]
_LISTED = frozenset(_SUPPORT)
_GMAIL_STYLE_BYTES = 16_000  # Gmail drops a longer style sheet: https://github.com/hteumeuleu/email-bugs/issues/90

_LOOKS = "a decoration: without it, corners are square and all else is the same"
_SHEET = "the style sheet is for dark mode and narrow windows only; everything else is in the style of each element"
_CELLS = "in the style of cells, where Outlook for Windows has it; test_email_layout.py checks that"
_USED_PART = "the values that are used are supported; those that are not are never used"
_MJML = "MJML writes it to undo what browsers do; the programs without it don't do that"
_FALLBACKS = {
    "css-at-media": _SHEET,
    "css-at-media-prefers-color-scheme": "programs without it show the light colours, or darken them by themselves",
    "css-background": "one colour only, and its bgcolor beside it where text would be hard to read without",
    "css-background-color": "cells whose text would be hard to read without it have a bgcolor as well",
    "css-background-image": "of the logo's background: a colour beneath it is the same",
    "css-border": "1 to 8 pixels, around cells",
    "css-border-radius": _LOOKS,
    "css-color-scheme": "without it, the light colours",
    "css-display": "block, inline-block and none only; a link in a cell has its room from mso-padding-alt in Outlook",
    "css-display-none": "of the preview text, which holds no table; mso-hide does it in Outlook",
    "css-font-size": "in pixels only",
    "css-font-weight": "600 only, which is bold where weights between are not known",
    "css-height": "of cells, whose attribute says the same",
    "css-important": _SHEET,
    "css-line-height": "without a unit in text, and in pixels only in cells that are empty",
    "css-linear-gradient": "of the logo's background: a colour beneath it is the same",
    "css-margin": "positive, on paragraphs, headings and lists; Outlook centres the mail by its own table",
    "css-max-height": "of the preview text, which is hidden by display and mso-hide too",
    "css-max-width": "Outlook for Windows gets the width by its own table and by the attribute of pictures",
    "css-outline": _MJML,
    "css-overflow": _LOOKS,
    "css-padding": _CELLS,
    "css-selector-attribute": "for Outlook's own dark mode only, which has it",
    "css-selector-chaining": _SHEET,
    "css-selector-child": _SHEET,
    "css-selector-class": _SHEET,
    "css-selector-descendant": _SHEET,
    "css-selector-grouping": _SHEET,
    "css-selector-id": _MJML,
    "css-selector-type": _SHEET,
    "css-table-layout": "its usual value",
    "css-text-align": _USED_PART,
    "css-text-decoration": _USED_PART,
    "css-width": "of cells and tables; pictures and blocks have the attribute as well, or Outlook's own table",
    "css-word-break": "words that are longer than a line are rare",
    "css-word-spacing": "its usual value",
    "html-align": "of the table around all and of cells; Outlook on a Mac centres by margin",
    "html-aria-label": "the subject, which programs read out by themselves",
    "html-body": "the block inside of it has the same colour and language",
    "html-dir": "from left to right is what programs do without it",
    "html-doctype": "nothing depends on it: widths and line heights are given",
    "html-height": "in pixels only",
    "html-lang": "also on the block inside of the body",
    "html-lists": "without `reversed` and `value`",
    "html-meta-color-scheme": "without it, the light colours",
    "html-role": "tables for layout have one cell a row, which reads the same without it",
    "html-srcset": "a sharper picture; the usual one is in `src`",
    "html-style": _SHEET,
    "html-width": "in pixels, and in per cent only on cells and tables",
    "image-gif": "the measuring picture, of one pixel, for readers who agreed to measuring",
}
# What caniemail.com does not list: as old as HTML mail, or for one program by its own name.
_AS_OLD_AS_MAIL = (
    "css-color html-a html-alt html-bgcolor html-border html-br html-class html-content html-em html-head html-href html-html "
    "html-http-equiv html-media html-meta html-name html-src html-start html-tel-links html-title html-type html-xmlns"
)
_FOR_ONE_PROGRAM = (
    "css-pseudo-class-root css--ms-interpolation-mode css--ms-text-size-adjust css--webkit-text-size-adjust css-mso-hide css-mso-padding-alt "
    "css-mso-table-lspace css-mso-table-rspace html-aria-roledescription html-meta-supported-color-schemes html-meta-viewport "
    "html-xmlns:o html-xmlns:v"
)
_NOT_LISTED = {*_AS_OLD_AS_MAIL.split(), *_FOR_ONE_PROGRAM.split()}


@pytest.fixture(scope="module")
def used(course: Course) -> dict[str, str]:
    """The features that all mails use, with a place of each."""
    logo = Logo(PictureRef("logo", "a" * 32, 960, 120, "png"), background="#1c6a5e", text="#ffffff")
    branding = replace(HOUSE, logo=logo)
    found: dict[str, str] = {}
    for kind in DeliveryKind:
        for lesson in course.lessons if kind == DeliveryKind.LESSON else (None,):
            found |= features_of(write_email(kind, course, "nl", branding, lesson)[0], _LISTED)
    return found


def lacking(feature: str) -> list[str]:
    """The programs that support a feature partly or not."""
    letters = zip(_TABLE["programs"], _SUPPORT.get(feature, ""), strict=False)
    return [f"{program} ({letter})" for program, letter in letters if letter in "na"]


def test_what_a_mail_program_lacks_is_used_only_with_something_to_fall_back_on(used: dict[str, str]) -> None:
    problems = [
        f"{feature} is not supported by {', '.join(lacking(feature))}: {place}"
        for feature, place in used.items()
        if lacking(feature) and feature not in _FALLBACKS
    ]
    assert problems == []


def test_whatever_mails_use_is_in_the_data_or_known_to_be_harmless(used: dict[str, str]) -> None:
    assert {name: place for name, place in used.items() if name not in _LISTED | _NOT_LISTED} == {}


def test_no_exception_is_left_over(used: dict[str, str]) -> None:
    assert [feature for feature in _FALLBACKS if feature not in used or not lacking(feature)] == []
    assert _NOT_LISTED - used.keys() == set()
    assert not _NOT_LISTED & _LISTED


@pytest.mark.parametrize(
    ("added", "feature"),
    [
        ('<p style="display:flex">x</p>', "css-display-flex"),
        ('<td style="width:calc(100% - 4px)">x</td>', "css-unit-calc"),
        ('<p style="position:absolute">x</p>', "css-position"),
        ("<button>x</button>", "html-button"),
        ("<style>p:hover { color: red }</style>", "css-pseudo-class-hover"),
        ('<img src="https://c.example/a.svg">', "image-svg"),
    ],
)
def test_a_new_feature_is_noticed(added: str, feature: str) -> None:
    assert feature in features_of(f"<html><body>{added}</body></html>", _LISTED)
    assert feature not in _FALLBACKS
    assert lacking(feature) or feature not in _LISTED | _NOT_LISTED


@pytest.mark.parametrize("kind", DeliveryKind)
def test_gmail_keeps_the_style_sheets(course: Course, kind: DeliveryKind) -> None:
    size = style_bytes(write_email(kind, course, "nl")[0])
    assert 1000 < size < _GMAIL_STYLE_BYTES


@pytest.mark.parametrize("kind", DeliveryKind)
@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_light_text_keeps_its_background_where_styles_of_backgrounds_are_dropped(
    course: Course, kind: DeliveryKind, language: str
) -> None:
    page = BeautifulSoup(write_email(kind, course, language)[0], "html.parser")
    light = HOUSE.tokens.light["on_accent"]
    for one in page.find_all("a", style=lambda style: style is not None and f"color:{light}" in style):
        cell = one.find_parent("td")
        assert cell is not None
        assert cell["bgcolor"] == HOUSE.tokens.light["accent"]
