"""Splits HTML into tags and text, in linear time and without nesting.

Parsers that build a tree take quadratic time for tags that are never closed, and some call themselves for each level.
What a person pastes may have 100,000 levels. This reader knows no tree at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape

_NAME = re.compile(r"[a-zA-Z][^\s/>]{0,60}")
_QUOTE_OR_END = re.compile(r"=[ \t\r\n]{0,20}[\"']|>")
_ATTRIBUTE = re.compile(
    r"([^\s=/>\"']{1,100})\s{0,20}=\s{0,20}(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))|([^\s=/>\"']{1,100})"
)
_LONGEST_TAG = 20_000  # characters in which attributes are looked for: a picture in an address may have millions
_LONGEST_TEXT = 50_000  # characters
# Elements in which tags don't count: they reach to their end tag.
RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag. `text`: what stands in an element such as `<title>`, in which tags don't count."""

    name: str
    is_end: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


def tokens(html: str) -> Iterator[Tag | str]:
    """Yield tags and pieces of text in order, without comments and declarations."""
    at = 0
    while at < len(html):
        opening = html.find("<", at)
        if opening < 0:
            opening = len(html)
        while at < opening:
            end = _text_end(html, at, opening)
            yield unescape(html[at:end])
            at = end
        if opening == len(html):
            return
        token, at = _markup(html, opening)
        if token is not None:
            yield token


def _text_end(html: str, at: int, most: int) -> int:
    """Return where a piece of text ends that is short enough to be looked at before the next one is read."""
    if most - at <= _LONGEST_TEXT:
        return most
    return html.rfind(" ", at + 1, at + _LONGEST_TEXT) + 1 or at + _LONGEST_TEXT


def _markup(html: str, at: int) -> tuple[Tag | str | None, int]:
    """Return what begins with the `<` at `at`, and where it ends."""
    if html.startswith("<!--", at):
        return None, _after(html, "-->", at + 2)
    if html[at + 1 : at + 2] in {"!", "?"}:
        return None, _after(html, ">", at)
    is_end = html.startswith("</", at)
    name = _NAME.match(html, at + 1 + is_end)
    if name is None:
        return "<", at + 1
    end = _tag_end(html, name.end())
    if end < 0:
        return html[at:], len(html)
    inside = html[name.end() : min(end, name.end() + _LONGEST_TAG)]
    tag = name[0].lower()
    if is_end or tag not in RAW:
        return Tag(tag, is_end, {} if is_end else _attributes(inside)), end + 1
    closing = _closing(html, tag, end)
    return Tag(tag, text=unescape(html[end + 1 : closing])), _after(html, ">", closing)


def _after(html: str, mark: str, at: int) -> int:
    found = html.find(mark, at)
    return len(html) if found < 0 else found + len(mark)


def _tag_end(html: str, at: int) -> int:
    """Return where the `>` of a tag stands, or -1. One in a value between quotes does not count."""
    while (found := _QUOTE_OR_END.search(html, at)) is not None:
        if found[0] == ">":
            return found.start()
        closing = html.find(found[0][-1], found.end())
        at = found.end() if closing < 0 else closing + 1
    return -1


def _closing(html: str, name: str, at: int) -> int:
    """Return where `</name` stands, in any case, or the end."""
    found = re.compile(rf"</{name}\b", re.IGNORECASE).search(html, at)
    return len(html) if found is None else found.start()


def _attributes(inside: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in _ATTRIBUTE.finditer(inside) if inside.strip("/ \n") else ():
        name = one[1] or one[5]
        found.setdefault(name.lower(), unescape(one[2] or one[3] or one[4] or ""))
    return found
