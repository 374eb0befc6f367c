"""Whatever colours are chosen, everything can be read, in light and in dark; or they are refused with one that works."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugcourse.design import BrandColours, branded, colour_problems, design_tokens
from rugcourse.design.contrast import contrast, low_contrasts, luminance, mix

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
TOKENS = design_tokens()


@given(COLOURS, COLOURS)
def test_every_choice_can_be_read_or_is_refused_with_one_that_can(accent: str, paper: str) -> None:
    chosen = BrandColours(accent, paper)
    nearest = {one.field: one.nearest for one in colour_problems(TOKENS, chosen)}
    better = BrandColours(nearest.get("accent", accent), nearest.get("paper", paper))
    assert colour_problems(TOKENS, better) == []
    tokens = branded(TOKENS, better)
    assert list(low_contrasts(tokens.light)) == []
    assert list(low_contrasts(tokens.dark)) == []
    assert tokens.light["accent"] == better.accent


def test_colours_that_ship_are_accepted() -> None:
    assert colour_problems(TOKENS, BrandColours(TOKENS.light["accent"], TOKENS.light["paper"])) == []


def test_colour_that_is_too_light_is_named_with_its_contrast() -> None:
    [problem] = colour_problems(TOKENS, BrandColours("#ffee00", "#ffffff"))
    assert (problem.field, problem.least) == ("accent", 4.5)
    assert problem.ratio == pytest.approx(contrast("#ffee00", "#ffffff"))
    assert contrast(problem.nearest, "#ffffff") >= 4.5


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48)])
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


def test_mixture_is_between_its_colours() -> None:
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
    assert mix("#102030", "#ffffff", 0.0) == "#102030"
    assert luminance("#ffffff") == 1.0
