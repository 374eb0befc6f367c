"""The libraries that write Markdown are not trusted: whatever they write, lessons show the text and accept it."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence

import pytest

from rugcourse.articles import conversion
from rugcourse.articles.conversion import is_faithful, with_markdown
from rugcourse.articles.rich_text import BlockKind, Item, RichBlock, Run, plain, tidied
from rugcourse.content.markdown import own_text

LINK = "https://example.org/"
SIGNS = string.punctuation.replace("{", "").replace("}", "")

BLOCKS = [
    RichBlock(BlockKind.HEADING, plain(f"Kop {SIGNS}"), 2),
    RichBlock(BlockKind.PARAGRAPH, (Run("Een "), Run("twee:", strong=True), Run("drie "), Run("vier", link=LINK))),
    RichBlock(BlockKind.PARAGRAPH, (Run("Een\n# twee\n"), Run("> drie\n", emphasis=True), Run("1. vier\n\t- vijf"))),
    RichBlock(BlockKind.QUOTE, plain(f"{SIGNS} {SIGNS[::-1]}")),
    RichBlock(
        BlockKind.LIST, items=(Item(plain("Een\n- twee")), Item(plain(SIGNS), 1, ordered=True), Item(plain("3."), 2))
    ),
]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_each_kind_of_block_keeps_its_kind_and_its_text(block: RichBlock) -> None:
    [tidy] = tidied([block])
    [(written, markdown)] = with_markdown([tidy])
    assert written.kind == block.kind
    assert written.text == tidy.text
    assert is_faithful(written, markdown)


def test_links_stay_where_bold_can_not() -> None:
    """`**twee:**drie` is no bold in CommonMark, which wants a space or a sign behind it."""
    [(_, markdown)] = with_markdown(list(tidied([BLOCKS[1]])))
    assert markdown == f"Een twee:drie [vier]({LINK})"


WRONG: list[Callable[[str], str]] = [
    lambda _: "",
    lambda text: f"<b>{text}</b>",
    lambda text: f"![x]({LINK}) {text}",
    lambda text: f"{text} and more",
    lambda text: text[:5],
    lambda text: f"# {text}",
    lambda text: f"{text}\n\n{text}",
    lambda text: f"{text}\x00",
    lambda text: f"{{{{ first_name }}}} {text}",
    lambda text: f"{{% {text}",
]


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_what_a_library_writes_wrongly_is_written_again_sign_by_sign(
    block: RichBlock, wrong: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def converted(blocks: Sequence[RichBlock]) -> list[str]:
        return [wrong(one.text) for one in blocks]

    monkeypatch.setattr(conversion, "_converted", converted)
    [tidy] = tidied([block])
    written = list(with_markdown([tidy]))
    assert [one.kind for one, _ in written] == [BlockKind.PARAGRAPH] * len(written)
    assert all(is_faithful(one, markdown) for one, markdown in written)
    assert [own_text(markdown) for _, markdown in written] == [line.strip() for line in tidy.text.split("\n")]


def test_a_sanitiser_that_loses_an_element_loses_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    import nh3

    monkeypatch.setattr(nh3, "clean", lambda *_, **__: "<p>Een</p>")
    written = list(with_markdown(list(tidied(BLOCKS[:2]))))
    assert own_text(written[-1][1]) == "Een twee:drie vier"


def test_a_paragraph_that_is_too_long_is_divided_at_a_space() -> None:
    pieces = list(tidied([RichBlock(BlockKind.PARAGRAPH, plain("woord " * 2_000))]))
    assert len(pieces) > 1
    assert " ".join(one.text for one in pieces).split() == ["woord"] * 2_000
    assert max(len(one.text) for one in tidied([RichBlock(BlockKind.PARAGRAPH, plain("a" * 10_000))])) <= 3_000


def test_a_list_that_is_too_long_is_divided_and_starts_on_the_first_level() -> None:
    items = tuple(Item(plain(f"item {number}"), 3 if number else 0) for number in range(250))
    pieces = list(tidied([RichBlock(BlockKind.LIST, items=items)]))
    assert [len(one.items) for one in pieces] == [100, 100, 50]
    assert [one.items[0].depth for one in pieces] == [0, 0, 0]
    assert all(is_faithful(block, markdown) for block, markdown in with_markdown(pieces))
