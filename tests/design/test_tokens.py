"""One file has the colours and fonts of everything, and its colours can be read."""

from __future__ import annotations

import re

import pytest

from rugcourse import paths
from rugcourse.design import DesignError, design_tokens, parse
from rugcourse.design.contrast import AA_EDGE, contrast, low_contrasts

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b(?=[\"';) ])")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_edges_can_be_read_on_their_background(mode: str) -> None:
    assert list(low_contrasts(getattr(design_tokens(), mode))) == []


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_bars_of_a_chart_stand_out_from_the_page_and_from_what_is_behind_them(mode: str) -> None:
    colours = getattr(design_tokens(), mode)
    assert min(contrast(colours["accent"], colours[name]) for name in ("card", "track")) >= AA_EDGE


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
    # A QR code has to be black on white, a colour becomes readable on its way to black or white, and the message about a
    # wrong token shows what a colour looks like.
    assert set(found) == {
        "src/rugcourse/web/admin/account.py",
        "src/rugcourse/design/brand.py",
        "src/rugcourse/design/tokens.py",
    }


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
