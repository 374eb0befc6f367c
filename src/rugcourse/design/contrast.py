"""How well a colour can be read on another: WCAG 2.2, success criteria 1.4.3 (text) and 1.4.11 (edges and graphs)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

AA_TEXT = 4.5
AA_EDGE = 3.0

# Each pair of (text, background) of the design tokens that occurs.
TEXT_ON = (
    *((text, back) for text in ("ink", "quiet", "accent", "error") for back in ("paper", "card")),
    *(("ink", back) for back in ("accent_soft", "sand", "urgent", "soon", "later", "error_soft", "avatar")),
    ("on_accent", "accent"),
    ("option_ink", "option"),
    ("accent_ink", "accent_soft"),
    ("accent_ink", "avatar"),
    ("urgent_ink", "urgent"),
    ("soon_ink", "soon"),
    ("later_ink", "later"),
)
EDGE_ON = (
    *(("control", back) for back in ("card", "paper")),
    *(("option_edge", back) for back in ("card", "option", "sand")),
    ("accent", "track"),
)


class LowContrast(NamedTuple):
    """Two colours that are too alike: their contrast ratio, and what it must be at least."""

    front: str
    back: str
    ratio: float
    least: float


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour `#rrggbb`, from 0 (black) to 1 (WCAG 2.2)."""
    parts = [channel / 255 for channel in channels(colour)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def channels(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of a colour `#rrggbb`, each from 0 to 255."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def mix(one: str, other: str, share: float) -> str:
    """Return a colour between two. `share`: of the second one, from 0 to 1."""
    pairs = zip(channels(one), channels(other), strict=True)
    return "#" + "".join(f"{round(first + (second - first) * share):02x}" for first, second in pairs)


def low_contrasts(colours: Mapping[str, str]) -> Iterator[LowContrast]:
    """Yield the pairs of tokens whose contrast is too low. `colours`: those of light or of dark."""
    for pairs, least in ((TEXT_ON, AA_TEXT), (EDGE_ON, AA_EDGE)):
        for front, back in pairs:
            ratio = contrast(colours[front], colours[back])
            if ratio < least:
                yield LowContrast(front, back, ratio, least)
