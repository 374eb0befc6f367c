"""For any text and any HTML: an error that says why, or blocks that lessons accept, and cuts that use each block once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rugcourse.articles import (
    Article,
    ArticleError,
    article_from_html,
    article_from_markdown,
    article_from_text,
    cuts_at_level,
    cuts_from_json,
    draft_lessons,
    markdown_from_html,
    parts,
    propose_cuts,
    read_article,
)
from rugcourse.content.markdown import check_tags
from rugcourse.content.model import has_invisible
from rugcourse.content.unsupported import unsupported

_SIGNS = st.sampled_from(
    [*"*_[]()<>#&`!~=|{}\\-+.1 \n\t\"'", "{{", "}}", "{%", "](", "![", "<b", "](https://a.bc/)", "\u200b", "\x00", "😀"]
)
_WORDS = st.sampled_from(["slaap", "Rust", "een", "BRONNEN", "Inleiding", "1. Kop", "word word", "é", "ʼ"])
_TEXT = st.lists(st.one_of(_SIGNS, _WORDS, st.text(max_size=5)), max_size=40).map("".join)
_TAGS = st.sampled_from(
    [
        "p",
        "h1",
        "h2",
        "h3",
        "ul",
        "ol",
        "li",
        "b",
        "i",
        "em",
        "strong",
        "a",
        "br",
        "blockquote",
        "table",
        "tr",
        "td",
        "th",
        "div",
        "article",
        "main",
        "nav",
        "del",
        "img",
        "script",
        "pre",
        "span",
        "q",
    ]
)
_STYLE = st.sampled_from(["", " style='mso-list:l0 level2'", " style='font-weight:bold'", " href='https://a.bc/{{x}}(_*'", " hidden", " class='title'", ' href="'])  # fmt: skip


@st.composite
def _html(draw: st.DrawFn) -> str:
    pieces = []
    for _ in range(draw(st.integers(0, 25))):
        closing = draw(st.booleans())
        tag = draw(_TAGS)
        pieces += [f"</{tag}>" if closing else f"<{tag}{draw(_STYLE)}>", draw(_TEXT)]
    return "".join(pieces)


def accepted(markdown: str) -> bool:
    check_tags(markdown)
    return not unsupported(markdown) and not has_invisible(markdown)


def read(reader: Callable[[str], Article], text: str) -> Article | None:
    with contextlib.suppress(ArticleError):
        return reader(text)
    return None


def check(article: Article) -> None:
    assert [block.index for block in article.blocks] == list(range(len(article.blocks)))
    for block in article.blocks:
        assert accepted(block.markdown)
        assert block.text.strip()
    assert accepted("\n\n".join(block.markdown for block in article.blocks))
    with contextlib.suppress(ArticleError):
        _check_cuts(article)


def _check_cuts(article: Article) -> None:
    levels = [cuts_at_level(article, level) for level in article.levels]
    for cuts in (propose_cuts(article), *levels):
        assert cuts_from_json(article, cuts.as_json()) == cuts
        used = [block.index for part in parts(article, cuts) for block in part.blocks]
        unused = [block.index for block in article.blocks if cuts.is_unused(block.index)]
        assert sorted(used + unused) == list(range(len(article.blocks)))
        for lesson in draft_lessons(article, cuts, "nl", own_text=True):
            assert accepted(lesson.section)


_SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_SETTINGS
@given(_TEXT)
def test_any_text_is_refused_or_accepted_in_lessons(text: str) -> None:
    for reader in (article_from_text, article_from_markdown):
        article = read(reader, text)
        if article is not None:
            check(article)


@_SETTINGS
@given(_html())
def test_any_html_is_refused_or_accepted_in_lessons(html: str) -> None:
    article = read(article_from_html, html)
    if article is not None:
        check(article)
    assert accepted(markdown_from_html(html))


@_SETTINGS
@given(
    st.binary(max_size=300),
    st.sampled_from([".txt", ".html", ".md", ".docx", ".odt"]),
    st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe"]),
)
def test_any_bytes_are_refused_or_accepted_in_lessons(data: bytes, extension: str, beginning: bytes) -> None:
    article = read(lambda name: read_article(beginning + data, name), f"a{extension}")
    if article is not None:
        check(article)


@_SETTINGS
@given(st.lists(st.one_of(_WORDS, st.sampled_from([".", "!", "\\", "*", "_", "<", "a*b"])), min_size=2, max_size=20))
def test_no_word_of_a_paragraph_is_lost_or_changed(words: list[str]) -> None:
    text = " ".join(words)
    article = read(article_from_html, f"<p>{text.replace('&', '&amp;').replace('<', '&lt;')}</p>")
    if article is not None:
        assert "".join(block.text for block in article.blocks).split() == text.split()
