"""An installation's own colours: two that an admin chooses, and all others worked out from them.

The chosen colours have to be readable on what they stand on; every other colour is moved towards black or white until
it is. So no choice makes a page or a mail that can't be read, in light or in dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rugcourse.design.contrast import AA_EDGE, AA_TEXT, contrast, mix
from rugcourse.design.tokens import DesignTokens

WHITE, BLACK = "#ffffff", "#000000"
_STEPS = 100
_DARK_ACCENT = 6.0  # contrast of links and buttons in dark mode: bright enough to be seen as a colour


@dataclass(frozen=True, slots=True)
class BrandColours:
    """The colours that an admin chooses, as `#rrggbb`, for light mode.

    `accent`: links, buttons and headings. `paper`: behind everything.
    """

    accent: str
    paper: str


@dataclass(frozen=True, slots=True)
class ColourProblem:
    """A chosen colour that can't be read well enough.

    `field`: of BrandColours; `nearest`: the most similar colour that can.
    """

    field: str
    ratio: float
    least: float
    nearest: str


def colour_problems(tokens: DesignTokens, colours: BrandColours) -> list[ColourProblem]:
    """Return what is wrong with chosen colours: none, or one for each colour."""
    light = tokens.light
    texts = [light[name] for name in ("ink", "quiet", "error")]
    paper = _first_readable(colours.paper, texts, AA_TEXT, WHITE)
    problems = []
    if paper != colours.paper:
        problems.append(ColourProblem("paper", _worst(colours.paper, texts), AA_TEXT, paper))
    backs = [light["card"], paper]
    accent = _first_readable(colours.accent, backs, AA_TEXT, BLACK)
    if accent != colours.accent:
        problems.append(ColourProblem("accent", _worst(colours.accent, backs), AA_TEXT, accent))
    return problems


def branded(tokens: DesignTokens, colours: BrandColours) -> DesignTokens:
    """Return the design tokens with colours over them that have no problems, see `colour_problems`."""
    light = {**tokens.light, **_light(tokens.light, colours)}
    dark = {**tokens.dark, **_dark(tokens.dark, colours.accent)}
    return replace(tokens, light=light, dark=dark)


def _light(base: Mapping[str, str], colours: BrandColours) -> dict[str, str]:
    card, ink, accent, paper = base["card"], base["ink"], colours.accent, colours.paper
    soft, avatar = mix(card, accent, 0.08), mix(card, accent, 0.15)
    option, sand = mix(card, accent, 0.03), mix(card, paper, 0.7)
    return {
        "paper": paper,
        "line": mix(paper, ink, 0.12),
        "control": _first_readable(mix(paper, ink, 0.45), [card, paper], AA_EDGE, BLACK),
        "accent": accent,
        "on_accent": card,
        "accent_soft": soft,
        "accent_ink": _first_readable(mix(accent, ink, 0.35), [soft, avatar], AA_TEXT, BLACK),
        "option": option,
        "option_edge": _first_readable(mix(card, accent, 0.5), [card, option, sand], AA_EDGE, BLACK),
        "option_ink": ink,
        "track": _first_readable(mix(paper, ink, 0.08), [accent], AA_EDGE, WHITE),
        "avatar": avatar,
        "sand": sand,
    }


def _dark(base: Mapping[str, str], accent: str) -> dict[str, str]:
    card = base["card"]
    bright = _first_readable(accent, [card, base["paper"], base["track"]], _DARK_ACCENT, WHITE)
    soft, avatar = mix(card, bright, 0.12), mix(card, bright, 0.22)
    return {
        "accent": bright,
        "on_accent": _first_readable(mix(accent, BLACK, 0.7), [bright], AA_TEXT, BLACK),
        "accent_soft": soft,
        "accent_ink": WHITE,
        "option_edge": _first_readable(mix(card, bright, 0.35), [card, base["option"], base["sand"]], AA_EDGE, WHITE),
        "avatar": avatar,
    }


def _first_readable(colour: str, others: Sequence[str], least: float, towards: str) -> str:
    """Return the colour nearest to `colour`, on the way `towards` black or white, that stands out from all others."""
    for step in range(_STEPS + 1):
        moved = mix(colour, towards, step / _STEPS)
        if _worst(moved, others) >= least:
            return moved
    return towards


def _worst(colour: str, others: Sequence[str]) -> float:
    return min(contrast(colour, other) for other in others)
