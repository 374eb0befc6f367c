"""Converts Markdown to plain data, for output that is not HTML: a list of blocks, whose text is a list of runs.

block   {"kind": "paragraph" | "heading", "runs": [run, …]}
        {"kind": "list", "ordered": bool, "start": int, "items": [[block, …], …]}
        {"kind": "quote", "blocks": [block, …]}
        {"kind": "code", "text": str}
        {"kind": "picture", "file": str, "width": int, "height": int, "alt": str, "link": str, "title": str}
            `file`: its name, empty for a picture that is none of ours; width and height in pixels
        {"kind": "rule"}
run     {"text": str, "strong": bool, "emphasis": bool, "link": str}    `link` is empty if there is none
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from rugcourse.content.markdown import address_of, list_start, parse, show_tags
from rugcourse.content.picture_tags import picture_in

Block = dict[str, Any]


def to_blocks(text: str, tags: Mapping[str, str]) -> list[Block]:
    """Return the blocks of a Markdown text. `tags` maps each merge tag to the text that replaces it."""
    return _blocks(SyntaxTreeNode(parse(text)).children, tags)


def _blocks(nodes: Sequence[SyntaxTreeNode], tags: Mapping[str, str]) -> list[Block]:
    return [_block(node, tags) for node in nodes]


def _block(node: SyntaxTreeNode, tags: Mapping[str, str]) -> Block:
    match node.type:
        case "bullet_list" | "ordered_list":
            items = [_blocks(item.children, tags) for item in node.children]
            return {"kind": "list", "ordered": node.type == "ordered_list", "start": list_start(node), "items": items}
        case "blockquote":
            return {"kind": "quote", "blocks": _blocks(node.children, tags)}
        case "fence" | "code_block":
            return {"kind": "code", "text": node.content}
        case "hr":
            return {"kind": "rule"}
        case "heading":
            return {"kind": "heading", "runs": _runs(node, tags)}
        case _:
            return _picture(node, tags) or {"kind": "paragraph", "runs": _runs(node, tags)}


def _picture(paragraph: SyntaxTreeNode, tags: Mapping[str, str]) -> Block | None:
    found = picture_in(_inline_tokens(paragraph))
    if found is None:
        return None
    ref = found.ref
    texts = {"alt": show_tags(found.alt, tags), "link": found.link, "title": show_tags(found.title, tags)}
    file, width, height = (ref.file_name, ref.width, ref.height) if ref else ("", 0, 0)
    return {"kind": "picture", "file": file, "width": width, "height": height, **texts}


def _inline_tokens(node: SyntaxTreeNode) -> list[Token]:
    return [token for child in node.children if child.type == "inline" for token in child.token.children or []]  # type: ignore[union-attr]


def _runs(node: SyntaxTreeNode, tags: Mapping[str, str]) -> list[dict[str, object]]:
    tokens = _inline_tokens(node)
    if not node.children and node.content:
        return [_run(node.content, [], "", tags)]
    return _runs_of(tokens, tags)


def _runs_of(tokens: Sequence[Token], tags: Mapping[str, str]) -> list[dict[str, object]]:
    runs: list[dict[str, object]] = []
    around: list[str] = []
    link = ""
    for token in tokens:
        match token.type:
            case "text" | "code_inline":
                runs.append(_run(token.content, around, link, tags))
            case "softbreak":
                runs.append(_run(" ", around, link, tags))
            case "hardbreak":
                runs.append(_run("\n", around, link, tags))
            case "link_open":
                link = address_of(token.attrs)
            case "link_close":
                link = ""
            case "strong_open" | "em_open":
                around.append(token.tag)
            case "strong_close" | "em_close":
                around.pop()
            case _:
                pass
    return runs


def _run(text: str, around: Sequence[str], link: str, tags: Mapping[str, str]) -> dict[str, object]:
    return {
        "text": show_tags(text, tags),
        "strong": "strong" in around,
        "emphasis": "em" in around,
        "link": link,
    }
