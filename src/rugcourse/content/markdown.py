"""Markdown to HTML and to plain text, with the few merge tags that an author may use.

A merge tag is swapped for a placeholder of letters before Markdown sees it (Markdown would curl its quotes and
percent-encode it in links), and back afterwards, to whatever the caller wants in its place.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rugcourse.content.notice_tag import NOTICE_TAG, split_at_notice

MERGE_TAGS = frozenset({"first_name", "practice"})

_TAG = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
# In the address of a link, in each way to write one: `[…](…)`, `<https://…>` and `[…]: …`.
_TAG_IN_ADDRESS = re.compile(
    r"\]\(\s{0,9}<?[^)>\n]{0,500}\{\{|<[a-z]{1,9}:[^>\n]{0,500}\{\{|^ {0,3}\[[^\]]{1,200}\]:[^\n]{0,500}\{\{"
)
_TEMPLATE_MARK = re.compile(r"\{\{|\{%|\{#|\}\}|%\}|#\}")
# Letters, which Markdown leaves alone. Random, in each process others: an author can't type them.
_PLACEHOLDER_MARK = "".join(secrets.choice(string.ascii_uppercase) for _ in range(16))
_PLACEHOLDER = re.compile(rf"{_PLACEHOLDER_MARK}([A-Z]+)X")


class UnknownTag(Exception):
    """Something like `{{ … }}` that is no merge tag. `line` counts from 0 within the text."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        self.text = text
        known = ", ".join(f"{{{{ {name} }}}}" for name in sorted(MERGE_TAGS))
        super().__init__(
            f"{text} can't be used here; the merge tags are {known}, and {NOTICE_TAG} in a lesson, on a line of its own"
        )


def check_tags(text: str) -> None:
    """Raise UnknownTag for anything in double braces, or for template code, that is no merge tag."""
    for number, line in enumerate(text.split("\n")):
        for name in _TAG.findall(line):
            if name not in MERGE_TAGS:
                raise UnknownTag(number, f"{{{{ {name} }}}}")
        if match := _TAG_IN_ADDRESS.search(line):
            raise UnknownTag(number, f"{match.group()[-40:]}…")
        rest = _TAG.sub("", line)
        if match := _TEMPLATE_MARK.search(rest):
            raise UnknownTag(number, match.group() + rest[match.end() : match.end() + 20])


def tag_in_line(text: str) -> str | None:
    """What looks like a merge tag in a text that is one line, where none is filled in: readers would get the braces."""
    found = _TAG.search(text)
    return found[0] if found else None


def to_html(
    text: str, styles: Mapping[str, str], tags: Mapping[str, str], link: Callable[[str], str] = lambda target: target
) -> str:
    """HTML of `text`, where raw HTML is shown as text.

    `styles`: the `style` attribute per element name (mail clients want it on the element). `tags`: what stands in the
    place of each merge tag, as HTML. `link` maps a link's target to what is written in `href`, before escaping.
    """
    tokens = parse(text)
    for token in _walk(tokens):
        if token.nesting == -1:
            continue
        if style := styles.get(token.tag):
            token.attrSet("style", style)
        if token.tag == "a":
            token.attrSet("href", link(_address(token)))
    html: str = _markdown().renderer.render(tokens, _markdown().options, {})
    return show_tags(html, tags)


def to_text(text: str, tags: Mapping[str, str]) -> str:
    """Plain text of `text`, for the text part of a mail: unwrapped paragraphs, lists with dashes, links written out."""
    blocks: list[str] = []
    markers: list[str] = []
    for token in parse(text):
        match token.type:
            case "list_item_open":
                markers.append(f"{token.info}{token.markup} " if token.info else "- ")
            case "list_item_close":
                markers.pop()
            case "inline":
                line = _inline_text(token.children or [])
                blocks.append(f"\n{markers[-1]}{line}" if markers else f"\n\n{line}")
            case "bullet_list_open" | "ordered_list_open" if not markers:
                blocks.append("\n")
            case _:
                pass
    return show_tags("".join(blocks).strip(), tags)


def link_targets(text: str) -> list[str]:
    """Where the links of `text` lead, in the order in which `to_html` meets them."""
    tokens = [token for piece in split_at_notice(text) for token in _walk(parse(piece))]
    return [_address(token) for token in tokens if token.type == "link_open"]


def count_words(text: str) -> int:
    """The author's own words: the alarm signs are a list to look things up in, and not counted."""
    return len(words_of(own_text(text)))


def own_text(text: str) -> str:
    """A lesson as plain text, without what merge tags stand for."""
    return "\n\n".join(to_text(piece, dict.fromkeys(MERGE_TAGS, "")) for piece in split_at_notice(text)).strip()


def words_of(plain: str) -> list[str]:
    """The words of a plain text."""
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", plain)


def parse(text: str) -> list[Token]:
    """The tokens of `text`, with placeholders where merge tags stood."""
    return _markdown().parse(_hide_tags(text))


def show_tags(text: str, tags: Mapping[str, str]) -> str:
    """Put `tags` in the place of the placeholders."""
    return _PLACEHOLDER.sub(lambda match: tags.get(match[1].replace("Q", "_").lower(), ""), text)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def _walk(tokens: Sequence[Token]) -> list[Token]:
    return [one for token in tokens for one in (token, *_walk(token.children or []))]


def _inline_text(children: Sequence[Token]) -> str:
    parts: list[str] = []
    target = ""
    for token in children:
        match token.type:
            case "text" | "code_inline":
                parts.append(token.content)
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "link_open":
                target = _address(token)
            case "link_close":
                parts.append(f" ({target})")
            case _:
                pass
    return "".join(parts)


def _hide_tags(text: str) -> str:
    check_tags(text)
    return _TAG.sub(lambda match: f"{_PLACEHOLDER_MARK}{match[1].replace('_', 'Q').upper()}X", text)


def _address(token: Token) -> str:
    """Where a link leads, without placeholders that came in by a way that `check_tags` does not know."""
    return _PLACEHOLDER.sub("", str(token.attrs["href"]))
