"""Paragraphs on one line in a text box, and on many in a file: what readers see is the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.support.builders import LESSONS

from rugcourse.content import load_course
from rugcourse.content.wrapping import rewrapped, unwrapped

_CODE = re.compile(r"<code.*?</code>", re.DOTALL)
BODIES = [
    text.body
    for course in (load_course(folder) for folder in sorted(LESSONS.iterdir()) if folder.is_dir())
    for texts in (course.texts, *(one.texts for one in course.lessons))
    for text in texts.values()
]


def shown(text: str) -> tuple[str, list[str]]:
    """The HTML without code, where a line break is a space; and the code as it is."""
    html = MarkdownIt("commonmark", {"html": False}).render(text)
    return " ".join(_CODE.sub("", html).split()), _CODE.findall(html)


def test_paragraphs_of_a_file_come_on_one_line_and_go_back_as_they_were() -> None:
    assert len(BODIES) > 20
    assert any("\n" in paragraph for body in BODIES for paragraph in body.split("\n\n"))
    for body in BODIES:
        box = unwrapped(body)
        assert shown(box) == shown(body)
        assert not [one for one in box.split("\n\n") if "\n" in one and not re.match(r"[-{]|\d+\.", one.lstrip())]
        assert rewrapped(box, body) == body


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("one\ntwo\n\nthree", "one two\n\nthree"),
        ("- one\n  two\n- three", "- one two\n- three"),
        ("1. one\n   two\n   three", "1. one two three"),
        ("> one\n> two\nlazy", "> one two lazy"),
        ("one  \ntwo\nthree", "one  \ntwo three"),
        ("one\\\ntwo\nthree", "one\\\ntwo three"),
        ("```\na\nb\n```\none\ntwo", "```\na\nb\n```\none two"),
        ("    a\n    b\n\none\ntwo", "    a\n    b\n\none two"),
        ("# one\ntwo\nthree", "# one\ntwo three"),
        ("one\ntwo\n===\nthree\nfour", "one\ntwo\n===\nthree four"),
        ("| a | b |\n|---|---|", "| a | b | |---|---|"),  # no table: readers see one paragraph of it
        ("[a]: https://x.example/\n[b]: https://y.example/\n\n[a] [b]", "[a]: https://x.example/\n[b]: https://y.example/\n\n[a] [b]"),
        ("one\n{{ safety_notice }}\ntwo\nthree", "one\n{{ safety_notice }}\ntwo three"),
        ("`a\nb` c", "`a b` c"),
        ("", ""),
    ],
)  # fmt: skip
def test_only_lines_of_a_paragraph_are_joined(text: str, box: str) -> None:
    assert unwrapped(text) == box


def test_a_changed_paragraph_is_wrapped_like_the_others_which_stay() -> None:
    before = "One two three four five six seven eight nine ten eleven twelve thirteen\nfourteen.\n\n- short\n  item"
    box = unwrapped(before) + "\n\n" + "word " * 30 + "- 1. # end"
    after = rewrapped(box, before)
    assert after.startswith(before)
    added = after.removeprefix(before).strip().split("\n")
    assert len(added) > 1
    assert all(len(one) <= 71 for one in added)
    assert unwrapped(after) == unwrapped(box)


def test_a_text_that_never_was_wrapped_stays_on_one_line() -> None:
    long = "word " * 100 + "end"
    assert rewrapped(long) == rewrapped(long, "short") == long


def test_a_tag_is_not_divided() -> None:
    before = "word " * 14 + "\nend"
    line = "Dear {{ first_name }} and {{ practice }} " * 8
    assert all(one.count("{{") == one.count("}}") for one in rewrapped(line.strip(), before).split("\n"))


_LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["- ", "1. ", "> ", "    ", "# ", "```", "===", "---", "", "  ", "\\", "{{ safety_notice }}", "[a]: b", "`", "**", "<b>", "|"]
        ),
        st.text(alphabet="ab*_`[]()\\>#-+.1 ~<&!|:\"'{}\t", max_size=12),
        st.lists(st.sampled_from(["word", "*soft*", "`code`", "[link](https://x.example/)", "- a", "1) b", "{{ practice }}"]), min_size=1, max_size=30).map(" ".join),
    ),
    max_size=12,
)  # fmt: skip
_TEXTS = _LINES.map("\n".join)


@given(_TEXTS, _TEXTS)
@settings(max_examples=400, deadline=None)
def test_any_text_is_shown_the_same_on_one_line_and_wrapped(text: str, before: str) -> None:
    box = unwrapped(text)
    assert shown(box) == shown(text)
    assert unwrapped(box) == box
    file = rewrapped(box, before)
    assert shown(file) == shown(text)
    assert unwrapped(file) == box or unwrapped(file).split() == box.split()
    assert rewrapped(unwrapped(text), text) == text or shown(rewrapped(unwrapped(text), text)) == shown(text)
