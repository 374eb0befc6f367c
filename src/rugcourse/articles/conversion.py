"""Turns blocks of runs into Markdown that lessons accept.

markdownify writes the Markdown, from HTML that nh3 has sanitised. Neither is trusted with the result: each block is
read back by the product's own parser, and has to be the same kind of block with the same text. One that is not is
written again without bold, italics and links, and at last with every sign escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from markdown_it.token import Token

from rugcourse.articles.rich_text import BlockKind, Item, RichBlock, Run, plain, text_of, tidy, without_styles
from rugcourse.content.markdown import UnknownTag, parse
from rugcourse.content.model import has_invisible
from rugcourse.content.picture_search import pictures_in
from rugcourse.content.unsupported import unsupported

if TYPE_CHECKING:
    from markdownify import MarkdownConverter

_BATCH = 100  # blocks that nh3 and markdownify get at once
_TAGS = {"a", "strong", "em", "br", "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote"}
_ATTRIBUTES = {"a": {"href"}}
_SCHEMES = {"http", "https", "mailto"}

# Signs that Markdown would take for its own, where they stand.
_ANYWHERE = re.compile(r"[\\`*]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|&(?=#?\w{1,40};)|](?=[(:\[])|!(?=\[)")
_BEFORE_A_RUN = re.compile(r"[<&\]!]$")  # with what comes next, such as a link, it would be more than a sign
_AT_START = re.compile(r"#{1,6}(?=\s|$)|>|[+-](?=\s|$)|=+\s*$|-+\s*$|~{3}|\|")
_NUMBER_AT_START = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_MOST_BRACKETS = 20  # opening ones: for each, markdown-it looks through the rest of a paragraph for a link
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_SPACE = re.compile(r"\s+")
_NO_WORD = re.compile(r"[^\w\s.,;:'-]|[_{}]")

_ELEMENTS = {BlockKind.PARAGRAPH: "p", BlockKind.QUOTE: "blockquote"}
_OPENINGS = {
    BlockKind.HEADING: ("heading_open",),
    BlockKind.PARAGRAPH: ("paragraph_open",),
    BlockKind.LIST: ("bullet_list_open", "ordered_list_open"),
    BlockKind.QUOTE: ("blockquote_open",),
}


def with_markdown(blocks: Sequence[RichBlock]) -> Iterator[tuple[RichBlock, str]]:
    """Yield each block with its Markdown. A block that Markdown can't express comes back as paragraphs.

    A picture has none yet, as its address is not known.
    """
    for first in range(0, len(blocks), _BATCH):
        batch = blocks[first : first + _BATCH]
        converted = iter(_converted([block for block in batch if block.kind is not BlockKind.PICTURE]))
        for block in batch:
            if block.kind is BlockKind.PICTURE:
                yield block, ""
                continue
            markdown = next(converted)
            if is_faithful(block, markdown):
                yield block, markdown
            else:
                yield from _simpler(block)


def is_faithful(block: RichBlock, markdown: str) -> bool:
    """Whether a lesson with this Markdown is accepted, and shows the block and its text and nothing else."""
    try:
        tokens = parse(markdown)
    except UnknownTag:
        return False
    return (
        _has_form(block, tokens)
        and _squeezed("".join(_shown(tokens))) == _squeezed(block.text)
        and not has_invisible(markdown)
        and not (("<" in markdown or "![" in markdown) and unsupported(markdown))
    )


def picture_markdown(alt: str, address: str) -> str:
    """Return the Markdown of a picture. `alt` is plain text; where Markdown can't express it, only its words are left.

    Without words between the square brackets the editor asks for them.
    """
    line = " ".join(alt.replace("[", "(").replace("]", ")").split())
    for written in (_escaped(line, at_start=False), _NO_WORD.sub("", line)):
        markdown = f"![{written}]({address})"
        if not unsupported(markdown) and [one.address for one in pictures_in(markdown)] == [address]:
            return markdown
    return f"![]({address})"


def _has_form(block: RichBlock, tokens: Sequence[Token]) -> bool:
    """Whether Markdown is one block of this kind, with as many items."""
    return (
        bool(tokens)
        and tokens[0].type in _OPENINGS[block.kind]
        and sum(token.level == 0 and token.nesting == 1 for token in tokens) == 1
        and (block.kind is not BlockKind.HEADING or tokens[0].tag == f"h{block.level}")
        and sum(token.type == "list_item_open" for token in tokens) == len(block.items)
    )


def _simpler(block: RichBlock) -> Iterator[tuple[RichBlock, str]]:
    """Yield the block without any styles, or else its lines as paragraphs in which every sign is escaped."""
    for simplify in (without_styles, _without_links):
        simple = replace(
            block,
            runs=simplify(block.runs),
            items=tuple(replace(item, runs=simplify(item.runs)) for item in block.items),
        )
        [markdown] = _converted([simple])
        if is_faithful(simple, markdown):
            yield simple, markdown
            return
    for line in filter(None, (line.strip() for line in block.text.split("\n"))):
        yield RichBlock(BlockKind.PARAGRAPH, plain(line)), _PUNCTUATION.sub(r"\\\g<0>", line)


def _without_links(runs: Iterable[Run]) -> tuple[Run, ...]:
    return tidy(plain(text_of(runs)))


def _converted(blocks: Sequence[RichBlock]) -> list[str]:
    """Return the Markdown of each block, as the libraries write it."""
    import nh3  # noqa: PLC0415 - with bs4 it is 9 MB, and most processes never see an article
    from bs4 import BeautifulSoup  # noqa: PLC0415

    html = "".join(_html_of(block) for block in blocks)
    safe = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel=None)
    elements = BeautifulSoup(safe, "html.parser").find_all(recursive=False)
    if len(elements) != len(blocks):
        return [_PUNCTUATION.sub(r"\\\g<0>", block.text) for block in blocks]  # not faithful unless a paragraph
    return [_converter().process_tag(element, parent_tags=set()).strip("\n") for element in elements]  # type: ignore[attr-defined]


@cache
def _converter() -> MarkdownConverter:
    from markdownify import MarkdownConverter  # noqa: PLC0415 - see above

    return MarkdownConverter(
        heading_style="atx",
        bullets="-",
        newline_style="backslash",
        escape_asterisks=False,  # `_escaped` does it, which knows where a line begins
        escape_underscores=False,
    )


def _html_of(block: RichBlock) -> str:
    if block.kind is BlockKind.LIST:
        return _list_html(block.items)
    element = f"h{block.level}" if block.kind is BlockKind.HEADING else _ELEMENTS[block.kind]
    return f"<{element}>{''.join(_inline_html(block.runs))}</{element}>"


def _list_html(items: Iterable[Item]) -> str:
    """Nest the items by their depth, of which each is at most one more than the last."""
    html: list[str] = []
    open_lists: list[str] = []
    for item in items:
        while len(open_lists) > item.depth + 1:
            html.append(f"</li></{open_lists.pop()}>")
        if len(open_lists) == item.depth + 1:
            html.append("</li>")
        else:
            open_lists.append("ol" if item.ordered else "ul")
            html.append(f"<{open_lists[-1]}>")
        html.append(f"<li>{''.join(_inline_html(item.runs))}")
    html.extend(f"</li></{name}>" for name in reversed(open_lists))
    return "".join(html)


def _inline_html(runs: Sequence[Run]) -> Iterator[str]:
    at_start = True
    for place, run in enumerate(runs, 1):
        lines = [_escaped(line, at_start or number > 0) for number, line in enumerate(run.text.split("\n"))]
        if place < len(runs):
            lines[-1] = _BEFORE_A_RUN.sub(r"\\\g<0>", lines[-1])
        escaped = "<br>".join(escape(line) for line in lines)
        at_start = not lines[-1] and (at_start or len(lines) > 1)
        tags = ["strong"] * run.strong + ["em"] * run.emphasis
        opening = f'<a href="{escape(run.link)}">' * bool(run.link) + "".join(f"<{tag}>" for tag in tags)
        closing = "".join(f"</{tag}>" for tag in reversed(tags)) + "</a>" * bool(run.link)
        yield f"{opening}{escaped}{closing}"


def _escaped(line: str, at_start: bool) -> str:
    """Escape what Markdown would read as its own in a piece of a line."""
    begin = ""
    if at_start and (number := _NUMBER_AT_START.match(line)):
        begin, line = f"{number[1]}\\{number[2]}", line[number.end() :]
    elif at_start and _AT_START.match(line):
        begin, line = f"\\{line[0]}", line[1:]
    escaped = _ANYWHERE.sub(r"\\\g<0>", line)
    return begin + (escaped.replace("[", "\\[") if line.count("[") > _MOST_BRACKETS else escaped)


def _shown(tokens: Iterable[Token]) -> Iterator[str]:
    """Yield the text that readers see."""
    for token in tokens:
        if token.children:
            yield from _shown(token.children)
        elif token.type in {"text", "code_inline", "code_block", "fence"}:
            yield token.content


def _squeezed(text: str) -> str:
    return _SPACE.sub("", text)
