"""The colours and fonts of everything that is shown: design tokens, and an installation's own colours over them."""

from rugcourse.design.brand import BLACK, WHITE, BrandColours, ColourProblem, branded, colour_problems
from rugcourse.design.tokens import FONTS, DesignError, DesignTokens, design_tokens, parse

__all__ = [
    "BLACK",
    "FONTS",
    "WHITE",
    "BrandColours",
    "ColourProblem",
    "DesignError",
    "DesignTokens",
    "branded",
    "colour_problems",
    "design_tokens",
    "parse",
]
