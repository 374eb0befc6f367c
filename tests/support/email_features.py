"""Which features of HTML and CSS a mail uses, by the names of caniemail.com.

What stands in conditional comments is for Outlook for Windows alone, and does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag
from bs4.element import Doctype

_TAGS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "li"), "html-lists"),
    **dict.fromkeys(("b", "strong"), "html-strong"),
    **dict.fromkeys(("table", "tbody", "tr", "td", "th"), "html-table"),
}
_FAMILIES = ("border-radius", "margin", "padding", "border", "font", "background", "text-decoration", "list-style")
_VALUES = {
    r"linear-gradient\(": "css-linear-gradient",
    r"(?<=\d)px\b": "css-unit-px",
    r"(?<=\d)%": "css-unit-percent",
    r"(?<=\d)em\b": "css-unit-em",
    r"(?<=\d)rem\b": "css-unit-rem",
    r"(?<=\d)v[hw]\b": "css-unit-vw",
    r"\bcalc\(": "css-unit-calc",
    r"\bvar\(": "css-variables",
    r"\brgba\(": "css-rgba",
    r"\bflex\b": "css-display-flex",
    r"\bgrid\b": "css-display-grid",
    r"!important": "css-important",
}
_SELECTORS = {
    r"\.[\w-]+": "css-selector-class",
    r"#[\w-]+": "css-selector-id",
    r"\[": "css-selector-attribute",
    r">": "css-selector-child",
    r",": "css-selector-grouping",
    r"[\w\]]\s+[\w.\[#]": "css-selector-descendant",
    r"(?:^|[\s,>])[a-z]\w*": "css-selector-type",
    r"[\w\]][.\[]": "css-selector-chaining",
}


def features_of(html: str, listed: frozenset[str]) -> dict[str, str]:
    """Return feature → the first place where it is used. `listed`: the names in the data; others are as in the mail."""
    page = BeautifulSoup(html, "html.parser")
    found: dict[str, str] = {}
    for name, place in [*_of_elements(page), *_of_styles(page)]:
        found.setdefault(_as_listed(name, listed), place[:100])
    return found


def style_bytes(html: str) -> int:
    """Return the size of the style sheets of a mail."""
    return sum(len(one.get_text().encode()) for one in BeautifulSoup(html, "html.parser").find_all("style"))


def _as_listed(name: str, listed: frozenset[str]) -> str:
    if name in listed or not name.startswith("css-"):
        return name
    return next((f"css-{one}" for one in _FAMILIES if name.startswith(f"css-{one}")), name)


def _of_elements(page: BeautifulSoup) -> Iterator[tuple[str, str]]:
    yield from (("html-doctype", str(one)) for one in page.contents if isinstance(one, Doctype))
    for one in page.find_all(True):
        place = str(one)
        yield _TAGS.get(one.name, f"html-{one.name}"), place
        for attribute in one.attrs:
            yield f"html-{attribute}", place
        yield from _of_values(one, place)


def _of_values(one: Tag, place: str) -> Iterator[tuple[str, str]]:
    if one.name == "meta" and one.get("name"):
        yield f"html-meta-{one['name']}", place
    target = str(one.get("href", ""))
    if (scheme := target.partition(":")[0]) in {"mailto", "tel"}:
        yield f"html-{scheme}-links", place
    if target.startswith("#"):
        yield "html-anchor-links", place
    if one.name == "img":
        yield f"image-{str(one['src']).rpartition('.')[2]}", place


def _of_styles(page: BeautifulSoup) -> Iterator[tuple[str, str]]:
    for one in page.find_all(style=True):
        yield from _of_declarations(str(one["style"]))
    for sheet in page.find_all("style"):
        text = re.sub(r"/\*.*?\*/", "", sheet.get_text(), flags=re.DOTALL)
        for before in re.findall(r"([^{};]+)\{", text):
            yield from _of_prelude(" ".join(before.split()))
        for block in re.findall(r"\{([^{}]*)\}", text):
            yield from _of_declarations(block)


def _of_prelude(before: str) -> Iterator[tuple[str, str]]:
    if before.startswith("@"):
        yield f"css-at-{before[1:].split(maxsplit=1)[0]}", before
        yield from ((f"css-at-media-{one}", before) for one in re.findall(r"\((prefers-[\w-]+)", before))
        return
    yield from ((f"css-pseudo-class-{one[1:]}", before) for one in re.findall(r"(?<!:):[a-z-]+", before))
    for pattern, name in _SELECTORS.items():
        if re.search(pattern, before):
            yield name, before


def _of_declarations(block: str) -> Iterator[tuple[str, str]]:
    for name, value in re.findall(r"([\w-]+)\s*:\s*([^;]+)", block):
        place = f"{name}: {value}"
        yield f"css-{name}", place
        if place == "display: none":
            yield "css-display-none", place
        if name != "font-family":
            yield from ((feature, place) for pattern, feature in _VALUES.items() if re.search(pattern, value))
