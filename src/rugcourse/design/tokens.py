"""The design tokens of `templates/design.toml`: the colours and fonts of mails, pages and e-books.

Mails get them as the values `light`, `dark` and `font` of their templates, pages as CSS variables; e-books read
them. To change a colour everywhere, change it there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from rugcourse import paths
from rugcourse.errors import ConfigError

# Fonts that need no download, from the most to the least likely one on a device. The design's own one comes first.
FONTS = {
    "humanist": "Seravek, 'Gill Sans Nova', Ubuntu, Calibri, 'DejaVu Sans', sans-serif",
    "geometric": "Avenir, Montserrat, Corbel, 'URW Gothic', sans-serif",
    "rounded": "ui-rounded, 'Hiragino Maru Gothic ProN', Quicksand, Comfortaa, Manjari, Calibri, sans-serif",
    "classic": "Optima, Candara, 'Noto Sans', sans-serif",
    "serif": "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, Georgia, serif",
    "old-style": "'Iowan Old Style', 'Palatino Linotype', 'URW Palladio L', P052, Georgia, serif",
}
COLOUR = re.compile(r"#[0-9a-f]{6}")


class DesignError(ConfigError):
    """The file of design tokens is wrong. The message says where."""


@dataclass(frozen=True, slots=True)
class DesignTokens:
    """Colours as `#rrggbb` by name. `dark` has the names of `light`.

    `sans`: the fonts of mails and pages, as CSS names them. `serif`: the font of the PDF. `space`: distances in
    mails by name, in pixels.
    """

    light: Mapping[str, str]
    dark: Mapping[str, str]
    sans: str
    serif: str
    space: Mapping[str, int]

    def __hash__(self) -> int:
        return hash((tuple(self.light.items()), tuple(self.dark.items()), self.sans, self.serif))

    @property
    def css(self) -> str:
        """The colours as CSS variables (`--on-accent`), for light and for dark."""
        light, dark = (
            " ".join(f"--{name.replace('_', '-')}: {colour};" for name, colour in colours.items())
            for colours in (self.light, self.dark)
        )
        root = f":root {{ color-scheme: light dark; --sans: {self.sans}; {light} }}"
        return f"{root}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"

    @property
    def email_values(self) -> dict[str, object]:
        """The values for the templates of mails."""
        outlook = "Segoe UI, Arial, sans-serif" if self.sans.endswith("sans-serif") else "Georgia, serif"
        return {
            "light": self.light,
            "dark": self.dark,
            "font": self.sans,
            "outlook_font": outlook,  # for Windows, which has to know the first font of a list
            "space": self.space,
        }


@cache
def design_tokens() -> DesignTokens:
    """Read the tokens. Raises DesignError."""
    return parse((paths.folder("templates") / "design.toml").read_text(encoding="utf-8"))


def parse(text: str) -> DesignTokens:
    """Read tokens from TOML. Raises DesignError for other keys, and for colours that are not `#rrggbb`."""
    try:
        found = tomllib.loads(text)
        tokens = DesignTokens(
            light=found["light"],
            dark=found["dark"],
            sans=found["font"]["sans"],
            serif=found["font"]["serif"],
            space={name: int(pixels) for name, pixels in found["space"].items()},
        )
    except (tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise DesignError(f"design.toml: {error}") from None
    if tokens.light.keys() != tokens.dark.keys():
        only_one = ", ".join(sorted(tokens.light.keys() ^ tokens.dark.keys()))
        raise DesignError(f"design.toml: {only_one}: give it a light and a dark colour")
    for name, colour in [*tokens.light.items(), *tokens.dark.items()]:
        if not COLOUR.fullmatch(str(colour)):
            raise DesignError(f"design.toml: {name}: write a colour like #1c6a5e, not {colour!r}")
    return tokens
