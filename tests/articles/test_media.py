"""The pictures in the file of an article are found there, and nothing else is taken for one."""

from __future__ import annotations

import base64

import pytest
from tests.support.articles import docx, odt, packed, paragraph
from tests.support.pictures import png

from rugcourse.articles import ArticleError, article_pictures, media

LARGE = png(400, 300)
OTHER = png(300, 400)


def data_uri(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def test_pictures_of_word_come_in_the_order_of_their_numbers() -> None:
    media_of = {f"word/media/image{number}.png": png(400, 300 + number) for number in (10, 2, 1)}
    found = article_pictures(docx(paragraph("Text"), extra=media_of), "a.docx")
    assert [one.name for one in found] == ["image1.png", "image2.png", "image10.png"]
    assert found[0].content == png(400, 301)


def test_pictures_of_opendocument_and_of_a_page_are_found() -> None:
    assert [one.content for one in article_pictures(odt(extra={"Pictures/1000.png": LARGE}), "a.odt")] == [LARGE]
    page = f"<p><img src='{data_uri(LARGE)}'> and <img src=\"{data_uri(OTHER)}\"></p>".encode()
    assert [one.content for one in article_pictures(page, "a.html")] == [LARGE, OTHER]


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x01\x00\x00\x00 EMF",
        b"<script>alert(1)</script>",
        png(99, 300),
        png(1, 1),
        png(9000, 9000)[:99],
        b"",
    ],
)
def test_what_is_no_picture_or_a_small_or_huge_one_is_passed_over(content: bytes) -> None:
    file = docx(extra={"word/media/image1.png": content, "word/media/image2.png": LARGE})
    assert [one.content for one in article_pictures(file, "a.docx")] == [LARGE]
    page = f"<img src='{data_uri(content, 'svg+xml')}'><img src='{data_uri(LARGE)}'>".encode()
    assert [one.content for one in article_pictures(page, "a.html")] == [LARGE]


def test_a_picture_that_is_there_twice_has_both_places_and_weighs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MOST_PICTURE_BYTES", len(LARGE) + 10)
    file = docx(extra={"word/media/image1.png": LARGE, "word/media/image2.png": LARGE})
    sources = [one.source for one in article_pictures(file, "a.docx")]
    assert sources == ["word/media/image1.png", "word/media/image2.png"]


def test_remote_pictures_are_not_fetched_and_text_has_none() -> None:
    assert (
        article_pictures(b"<img src='https://example.org/x.png'>", "a.html") == []
    )  # conftest fails for any connection
    assert article_pictures(f"![A]({data_uri(LARGE)})".encode(), "a.md") == []


def test_there_are_only_so_many_and_so_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"word/media/image{number}.png": png(400, 300 + number) for number in range(1, 41)}
    assert len(article_pictures(docx(extra=many), "a.docx")) == media.MOST_PICTURES
    monkeypatch.setattr(media, "MOST_PICTURE_BYTES", len(LARGE) + 10)
    two = {"word/media/image1.png": LARGE, "word/media/image2.png": OTHER}
    assert len(article_pictures(docx(extra=two), "a.docx")) == 1


def test_a_bomb_is_refused_and_broken_base64_passed_over() -> None:
    with pytest.raises(ArticleError):
        article_pictures(packed({"word/media/image1.png": bytes(30_000_000)}), "a.docx")
    page = f"<img src='data:image/png;base64,A'><img src='{data_uri(LARGE)}'>".encode()
    assert [one.content for one in article_pictures(page, "a.html")] == [LARGE]
