"""Converts Markdown to HTML and plain text, with the few merge tags that authors may use.

A merge tag is replaced by a placeholder of letters before Markdown parses it (Markdown would curl its quotes and
percent-encode it in links). Afterwards the placeholder is replaced by the caller's value.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from textwrap import indent

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from rugcourse.content.lesson_tags import without_lesson_tags
from rugcourse.content.picture_tags import alt_of, picture_in
from rugcourse.content.safety_notice_tag import SAFETY_NOTICE_TAG, split_at_notice
from rugcourse.errors import InvalidInput
from rugcourse.pictures.markup import ImageAttributes, page_attributes
from rugcourse.pictures.reference import parse_reference

_PICTURE_LINE = re.compile(r"^!\[.*\]\(.*\)[ \t]*$", re.MULTILINE)  # a picture stands alone
MERGE_TAGS = frozenset({"first_name", "practice"})

_CODE = "    "  # indent of a line of code
_TAG = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
# In the address of a link, in all three notations: `[…](…)`, `<https://…>` and `[…]: …`.
_TAG_IN_ADDRESS = re.compile(
    r"\]\(\s{0,9}<?[^)>\n]{0,500}\{\{|<[a-z]{1,9}:[^>\n]{0,500}\{\{|^ {0,3}\[[^\]]{1,200}\]:[^\n]{0,500}\{\{"
)
_TEMPLATE_MARK = re.compile(r"\{\{|\{%|\{#|\}\}|%\}|#\}")
# Letters, which Markdown leaves alone. Random and different in each process, so an author can't type them.
_PLACEHOLDER_MARK = "".join(secrets.choice(string.ascii_uppercase) for _ in range(16))
_PLACEHOLDER = re.compile(rf"{_PLACEHOLDER_MARK}([A-Z]+)X")


class UnknownTag(InvalidInput):
    """A text has `{{ … }}` or similar that is not a merge tag. `line` counts from 0 within the text."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        self.text = text
        known = ", ".join(f"{{{{ {name} }}}}" for name in sorted(MERGE_TAGS))
        super().__init__(
            f"{text} can't be used here; use {known}, and in a lesson {SAFETY_NOTICE_TAG} on a line of its own"
        )


def check_tags(text: str) -> None:
    """Raise UnknownTag for double braces or template code that are not a merge tag, and for one in an address."""
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
    """Return the first merge tag in a field of one line, where none is filled in: readers would see the braces."""
    found = _TAG.search(text)
    return found[0] if found else None


def to_html(
    text: str,
    styles: Mapping[str, str],
    tags: Mapping[str, str],
    link: Callable[[str], str] = lambda target: target,
    picture: ImageAttributes = page_attributes,
) -> str:
    """Convert `text` to HTML. Raw HTML in it is escaped, and a picture that is none of ours is its alt text.

    `styles` maps element names to a `style` attribute (mail clients need inline styles). `tags` maps each merge tag
    to the HTML that replaces it. `link` maps the target of a link to its `href`, before escaping. `picture` gives the
    attributes of a picture, besides its alt text.
    """
    tokens = parse(text)
    for token in walk(tokens):
        _show_picture(token, picture)
        if token.nesting == -1:
            continue
        if style := styles.get(token.tag):
            token.attrSet("style", style)
        if token.tag == "a":
            token.attrSet("href", link(address_of(token.attrs)))
    html: str = _markdown().renderer.render(tokens, _markdown().options, {})
    return show_tags(html, tags)


def _show_picture(token: Token, attributes: ImageAttributes) -> None:
    """Prepare a picture, or a card, for the renderer, which writes the alt text itself."""
    if token.type == "image":
        ref = parse_reference(str(token.attrs["src"]))
        if ref is None:
            token.type, token.tag, token.content = "text", "", alt_of(token)
        else:
            token.attrs = {"alt": "", **attributes(ref)}
    elif token.type == "inline" and (found := picture_in(token.children or [])) and found.title:
        *opened, closing = token.children or []
        opened[0].attrs.pop("title")
        caption = Token("text", "", 0, content=found.title)
        token.children = [*opened, Token("hardbreak", "br", 0), caption, closing]


def to_text(text: str, tags: Mapping[str, str]) -> str:
    """Convert `text` to plain text for the text part of a mail.

    Paragraphs are not wrapped, lists and code are indented, links are written out.
    """
    return show_tags(_text_of(SyntaxTreeNode(parse(text)).children).strip("\n"), tags)


def link_targets(text: str) -> list[str]:
    """Return the targets of the links in a lesson, in the order in which `to_html` finds them."""
    tokens = [token for piece in split_at_notice(without_lesson_tags(text)) for token in walk(parse(piece))]
    return [address_of(token.attrs) for token in tokens if token.type == "link_open"]


def count_words(text: str) -> int:
    """Count the author's own words, without the safety notice, which are a list to look things up in."""
    return len(words_of(own_text(text)))


def own_text(text: str) -> str:
    """Return a lesson as plain text, without merge tags, and without what its pictures show."""
    pieces = split_at_notice(_PICTURE_LINE.sub("", without_lesson_tags(text)))
    return "\n\n".join(to_text(piece, dict.fromkeys(MERGE_TAGS, "")) for piece in pieces).strip()


def words_of(plain: str) -> list[str]:
    """Split a plain text into words."""
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", plain)


def parse(text: str) -> list[Token]:
    """Parse `text` into tokens, with placeholders for merge tags."""
    return _markdown().parse(_hide_tags(text))


def parse_blocks(text: str) -> list[Token]:
    """Parse `text` into tokens with the lines that they stand on. Merge tags are text."""
    return _markdown().parse(text)


def same_when_shown(text: str, other: str) -> bool:
    """Return whether two texts become the same HTML, but for line breaks that are spaces."""
    first, second = (_markdown().render(one).replace("\n", " ") for one in (text, other))
    return bool(first == second)


def show_tags(text: str, tags: Mapping[str, str]) -> str:
    """Replace the placeholders by the values in `tags`."""
    return _PLACEHOLDER.sub(lambda match: tags.get(match[1].replace("Q", "_").lower(), ""), text)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def walk(tokens: Sequence[Token]) -> list[Token]:
    """Return tokens with all that they hold, in the order of the text."""
    return [one for token in tokens for one in (token, *walk(token.children or []))]


def _text_of(nodes: Sequence[SyntaxTreeNode]) -> str:
    return "\n\n".join(text for node in nodes if (text := _block_text(node)))


def _block_text(node: SyntaxTreeNode) -> str:
    match node.type:
        case "bullet_list":
            return "\n".join(_item("- ", item) for item in node.children)
        case "ordered_list":
            sign, first = node.markup, list_start(node)
            return "\n".join(_item(f"{number}{sign} ", item) for number, item in enumerate(node.children, first))
        case "fence" | "code_block":
            return indent(node.content.strip("\n"), _CODE)
        case "inline":
            return _inline_text(node.children)
        case _:
            return _text_of(node.children)


def list_start(node: SyntaxTreeNode) -> int:
    """Return the number of the first item of an ordered list."""
    return int(node.attrs.get("start", 1))


def _item(marker: str, node: SyntaxTreeNode) -> str:
    """Format a list item: its content is indented to its first word; a nested list follows without an empty line."""
    text = ""
    for child in node.children:
        text += ("\n" if child.type.endswith("_list") else "\n\n") * bool(text) + _block_text(child)
    return marker + indent(text, " " * len(marker)).lstrip(" ")


def _inline_text(nodes: Sequence[SyntaxTreeNode]) -> str:
    return "".join(_run_text(node) for node in nodes)


def _run_text(node: SyntaxTreeNode) -> str:
    match node.type:
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "image":
            return f"[{alt}]" if (alt := _inline_text(node.children)) else ""
        case "link":
            text, target = _inline_text(node.children), address_of(node.attrs)
            if node.children[0].type == "image" and (title := node.attrs.get("title")):
                return f"{text}\n{title} ({target})"
            return text if node.markup == "autolink" or text == target else f"{text} ({target})"
        case _:
            return node.content if not node.children else _inline_text(node.children)


def _hide_tags(text: str) -> str:
    check_tags(text)
    return _TAG.sub(lambda match: f"{_PLACEHOLDER_MARK}{match[1].replace('_', 'Q').upper()}X", text)


def address_of(attributes: Mapping[str, object]) -> str:
    """Return the target of a link, without any placeholders that `check_tags` did not find."""
    return _PLACEHOLDER.sub("", str(attributes["href"]))
