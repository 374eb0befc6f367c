"""Pictures of other sites and HTML are found wherever Markdown lets them stand, at their line, and nothing else is taken for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import LESSONS

from rugcourse.content import load_courses
from rugcourse.content.unsupported import UnsupportedKind, unsupported

PICTURES = (
    "![A back](https://example.org/back.png)",
    '![A back](https://example.org/back.png "With a title")',
    "![](back.png)",
    "![A back](data:image/png;base64,AAAA)",
    "[![A back](https://example.org/back.png)](https://example.org/)",
    "**![A back](<https://example.org/a b.png>)**",
)
HTML = (
    "<video src='https://example.org/x.mp4' controls></video>",
    '<img src="x">',
    "<!-- a comment -->",
    "a word <b>bold</b>",
    "a word <br/> and another",
    "a word <!-- a comment --> and another",
    "<script>alert(1)</script>",
    "<details>\n\nText\n\n</details>",
    "<?php echo 1 ?>",
    "<![CDATA[x]]>",
    "<!DOCTYPE html>",
)
FINE = (
    "Nothing",
    "a < b, and c > d",
    "a <3 and 3 < 4 <",
    "<https://example.org/>",
    "<somebody@example.org>",
    "[words](https://example.org/) and ![no picture",
    "\\![escaped](https://example.org/x.png)",
    "\\<b>escaped\\</b>",
    "`![code](x.png)` and `<b>`",
    "```\n<video>\n![code](x.png)\n```",
    "    <b>code</b>",
    "Hello {{ first_name }}, &lt;b&gt; &copy;",
    "really! [yes](https://example.org/)",
)
AROUND = (
    "{}",
    "- a list\n  - in a list\n    - {}",
    "1. {}",
    "> a quote\n> {}",
    "> - {}",
    "## {}",
    "| a | b |\n|---|---|\n| {} | c |",
    "*{}*",
)


def found(text: str) -> list[tuple[UnsupportedKind, int]]:
    return [(one.kind, one.line) for one in unsupported(text)]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_is_found_wherever_it_stands(around: str, picture: str) -> None:
    text = "First\n\n" + around.format(picture)
    line = text[: text.index(picture)].count("\n")
    assert found(text) == [(UnsupportedKind.PICTURE, line)]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("html", [one for one in HTML if "\n" not in one])
def test_html_is_found_wherever_it_stands(around: str, html: str) -> None:
    text = "First\n\n" + around.format(html)
    line = text[: text.index(html)].count("\n")
    assert set(found(text)) == {(UnsupportedKind.HTML, line)}


def test_html_that_spans_blocks_is_found_at_both_ends() -> None:
    assert found(HTML[7]) == [(UnsupportedKind.HTML, 0), (UnsupportedKind.HTML, 4)]


@pytest.mark.parametrize("text", FINE)
def test_text_that_only_looks_like_html_or_pictures_is_accepted(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    ["![A back][pic]\n\n[pic]: https://example.org/x.png", "![pic][]\n\n[pic]: x.png 'T'", "![pic]\n\n[PIC]: x.png"],
)
def test_a_picture_by_reference_is_a_picture(text: str) -> None:
    assert found(text) == [(UnsupportedKind.PICTURE, 0)]


def test_pictures_and_html_are_reported_at_their_line_with_what_to_remove() -> None:
    text = "One `<b>`\n<b>two</b>\nthree ![Four](x.png) ![Four](x.png)\n\n- a\n- so <i>\n  ![Five][r]\n\n[r]: x.png"
    assert [(one.kind, one.line, one.text) for one in unsupported(text)] == [
        (UnsupportedKind.HTML, 1, "<b>"),
        (UnsupportedKind.HTML, 1, "</b>"),
        (UnsupportedKind.PICTURE, 2, "![Four](x.png)"),
        (UnsupportedKind.PICTURE, 2, "![Four](x.png)"),
        (UnsupportedKind.HTML, 5, "<i>"),
        (UnsupportedKind.PICTURE, 6, "![Five][r]"),
    ]
    assert unsupported("![A](x.png)")[0].message.endswith("or remove ![A](x.png)")
    assert len(unsupported(f"![{'a' * 500}](x.png)")[0].text) < 80


@given(st.lists(st.sampled_from([*PICTURES, *HTML, *FINE]), min_size=1, max_size=6))
def test_paragraphs_beside_each_other_hide_nothing(parts: list[str]) -> None:
    alone = [kind for part in parts for kind, _ in found(part)]
    assert [kind for kind, _ in found("\n\n***\n\n".join(parts))] == alone


@given(st.text(alphabet="ab<>!-[](){}`*\\\n /\"'&;:#|=", max_size=60))
def test_any_text_is_read_and_a_line_is_one_of_its_own(text: str) -> None:
    assert all(0 <= one.line <= text.count("\n") for one in unsupported(text))


def test_the_shipped_courses_have_neither() -> None:
    for course in load_courses(LESSONS):
        bodies = [
            text.body
            for texts in (course.texts, course.tests, course.safety_notices, *(one.texts for one in course.lessons))
            for text in texts.values()
        ]
        assert [one for body in bodies for one in unsupported(body)] == []
