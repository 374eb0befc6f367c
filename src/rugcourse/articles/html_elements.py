"""What the elements and attributes of HTML mean for an article: which are text, and which only stand around it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rugcourse.articles.html_tokens import RAW

SKIPPED = {
    "nav", "aside", "footer", "form", "button", "select", "dialog", "template", "svg", "math", "object", "canvas",
    "audio", "video", "figcaption", "caption", "menu", "del", "s", "strike", *RAW,
}  # fmt: skip
PICTURES = {"svg", "object", "canvas", "audio", "video", "iframe"}
DELETIONS = {"del", "s", "strike"}
VOID = {"img", "br", "hr", "input", "link", "meta", "wbr", "source", "col", "embed", "area", "base", "track", "param"}
BLOCKS = {
    "p", "div", "section", "article", "main", "header", "address", "details", "summary", "dl", "dt", "dd", "figure",
    "hr", "center", "fieldset", "body", "html", "pre", "blockquote", "hgroup", "search", "label",
}  # fmt: skip
CLOSED_BY_NEXT = {"p", "li", "td", "th", "tr", "dt", "dd"}  # elements whose end tag may be left out
HEADING = re.compile(r"h[1-6]")
_SKIPPED_ROLES = {"navigation", "banner", "contentinfo", "complementary", "search", "dialog", "menu", "toolbar"}
_SKIPPED_CLASSES = {
    "breadcrumb", "breadcrumbs", "skip-link", "sr-only", "screen-reader-text", "visually-hidden", "cookie-banner",
    "msocommentreference", "msocommenttext", "msofootnotereference", "msoendnotereference", "msocaption",
    "msotoc1", "msotoc2", "msotoc3", "msotoc4", "msotocheading",
}  # fmt: skip
_SKIPPED_STYLE = re.compile(
    r"(?<![\w-])display\s?:\s?none|visibility\s?:\s?hidden|mso-hide\s?:\s?all|mso-element\s?:\s?(?:foot|end)note|"
    r"mso-element\s?:\s?comment|mso-special-character\s?:\s?comment"
)
WORD_ITEM = re.compile(r"mso-list\s?:[^;]{0,60}level(\d)")
WORD_MARKER = re.compile(r"mso-list\s?:\s?ignore")
NUMBERED = re.compile(r"\s*(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]", re.IGNORECASE)
STRONG_STYLE = re.compile(r"(?<![\w-])font-weight\s?:\s?(?:bold|[6-9]00)")
WEAK_STYLE = re.compile(r"(?<![\w-])font-weight\s?:\s?(?:normal|[1-4]00)")
EMPHASIS_STYLE = re.compile(r"(?<![\w-])font-style\s?:\s?(?:italic|oblique)")
INLINE = {"b", "strong", "i", "em", "cite", "a", "span", "font", "u", "q", "code", "kbd", "sup", "sub", "mark", "ins"}
FOOTNOTE = re.compile(r"#_?(?:ftn|edn|footnote|endnote|fn)\b|#_?(?:ftn|edn|fn|footnote-|endnote-)\d")
COMMENT = re.compile(r"#_?msocom")


def is_around(attributes: Mapping[str, str]) -> bool:
    """Whether an element is hidden, or stands around an article, by what its attributes say."""
    style = attributes.get("style", "").lower()
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or attributes.get("role", "").lower() in _SKIPPED_ROLES
        or not _SKIPPED_CLASSES.isdisjoint(attributes.get("class", "").lower().split())
        or bool(style and _SKIPPED_STYLE.search(style))
    )
