"""Markdown as data, for books: everything an author can write is there, and nothing becomes markup."""

from __future__ import annotations

from rugcourse.content.blocks import to_blocks

TAGS = {"first_name": "", "practice": "Fysio & Zn"}


def texts(runs: list[dict[str, object]]) -> str:
    return "".join(str(one["text"]) for one in runs)


def test_blocks_keep_the_structure_of_their_markdown() -> None:
    text = (
        "## Kop\n\nEen **vet** en *schuin* [woord](https://x.example).\n\n- a\n- b\n\n1. c\n\n> q\n\n---\n\n    code\n"
    )
    blocks = to_blocks(text, TAGS)
    assert [one["kind"] for one in blocks] == ["heading", "paragraph", "list", "list", "quote", "rule", "code"]
    assert [one["ordered"] for one in blocks[2:4]] == [False, True]
    runs = blocks[1]["runs"]
    assert texts(runs) == "Een vet en schuin woord."
    assert [one["text"] for one in runs if one["strong"]] == ["vet"]
    assert [one["text"] for one in runs if one["emphasis"]] == ["schuin"]
    assert [one["link"] for one in runs if one["link"]] == ["https://x.example"]
    assert texts(blocks[2]["items"][1][0]["runs"]) == "b"
    assert blocks[6]["text"] == "code\n"


def test_merge_tags_become_what_stands_for_them_and_html_stays_text() -> None:
    [block] = to_blocks("Van {{ practice }}: <script>alert(1)</script>\nen verder", TAGS)
    assert texts(block["runs"]) == "Van Fysio & Zn: <script>alert(1)</script> en verder"
