"""One file has the colours and fonts of everything, and its colours can be read."""

from __future__ import annotations

import re

import pytest

from rugcourse import paths
from rugcourse.design import DesignError, design_tokens, parse

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b(?=[\"';) ])")
_AA = 4.5  # WCAG 2.2, 1.4.3: of text
_AA_EDGE = 3.0  # WCAG 2.2, 1.4.11: of borders and graphs

_TEXT_ON = [
    *((text, back) for text in ("ink", "quiet", "accent", "error") for back in ("paper", "card")),
    *(("ink", back) for back in ("accent_soft", "sand", "urgent", "soon", "later", "error_soft", "avatar")),
    ("on_accent", "accent"),
    ("option_ink", "option"),
    ("accent_ink", "accent_soft"),
    ("urgent_ink", "urgent"),
    ("soon_ink", "soon"),
    ("later_ink", "later"),
]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("text", "back"), _TEXT_ON)
def test_text_can_be_read_on_its_background(mode: str, text: str, back: str) -> None:
    colours = getattr(design_tokens(), mode)
    assert contrast(colours[text], colours[back]) >= _AA


def test_series_of_a_chart_stand_out_from_the_page() -> None:
    tokens = design_tokens()
    assert [one for one in tokens.chart if contrast(one, tokens.light["card"]) < _AA_EDGE] == []


def test_no_other_file_has_a_colour_of_its_own() -> None:
    templates = paths.folder("templates")
    endings = {".mjml", ".html", ".css", ".typ", ".xhtml", ".txt"}
    files = [file for file in templates.rglob("*") if file.suffix in endings]
    assert len(files) > 50
    files += (templates.parent / "src").rglob("*.py")
    found = {
        str(file.relative_to(templates.parent)): colours
        for file in files
        if (colours := _COLOUR.findall(file.read_text(encoding="utf-8")))
    }
    # A QR code has to be black on white, and the docstrings of the tokens show what a colour looks like.
    assert set(found) == {"src/rugcourse/web/admin/account.py", "src/rugcourse/design.py"}


def test_pages_get_every_colour_as_a_variable() -> None:
    css = design_tokens().css
    for name, colour in design_tokens().light.items():
        assert f"--{name.replace('_', '-')}: {colour};" in css
    assert css.count("--accent:") == 2


WHOLE = (paths.folder("templates") / "design.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (WHOLE.replace('paper = "#f4efe8"', 'paper = "cream"'), "paper"),
        (WHOLE.replace('paper = "#f4efe8"', 'paper = "#f4efe8;} body{display:none"'), "paper"),
        (WHOLE.replace('paper = "#f4efe8"', ""), "paper"),
        (WHOLE.replace("[font]", "[fonts]"), "font"),
        (WHOLE + "[", "design.toml"),
    ],
)
def test_a_wrong_token_is_told_by_its_name(broken: str, told: str) -> None:
    assert broken != WHOLE
    with pytest.raises(DesignError, match=told):
        parse(broken)
