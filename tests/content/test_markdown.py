"""The text part of a mail says what its HTML says, in the same order and at the same level."""

from __future__ import annotations

import pytest

from rugcourse.content.blocks import to_blocks
from rugcourse.content.markdown import to_text

TAGS = {"first_name": "Sam", "practice": "Praktijk"}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("- a\n  - b\n    - c\n- d", "- a\n  - b\n    - c\n- d"),
        ("1. a\n   - b\n2. c", "1. a\n   - b\n2. c"),
        ("3. c\n4. d", "3. c\n4. d"),
        ("- a\n\n  more of a\n\n- b", "- a\n\n  more of a\n- b"),
        ("Before\n\n```\none\n  two\n```\n\nAfter", "Before\n\n    one\n      two\n\nAfter"),
        ("Before\n\n\tone", "Before\n\n    one"),
        ("See <https://x.example/a_b>.", "See https://x.example/a_b."),
        ("[https://x.example](https://x.example)", "https://x.example"),
        ("[**bold** words](https://x.example)", "bold words (https://x.example)"),
        ("> said\n\nafter {{ first_name }}", "said\n\nafter Sam"),
    ],
)
def test_text_part_has_each_block_once_and_at_its_level(text: str, plain: str) -> None:
    assert to_text(text, TAGS) == plain


def test_a_list_goes_on_counting_in_a_book() -> None:
    first, _, second = to_blocks("1. a\n\nBetween\n\n2. b", TAGS)
    assert (first["start"], second["start"]) == (1, 2)


def test_no_placeholder_gets_into_an_address_of_a_book() -> None:
    [block] = to_blocks("[a][b]\n\n[b]:\n  https://x.example/{{ practice }}", TAGS)
    assert block["runs"][0]["link"] == "https://x.example/"
