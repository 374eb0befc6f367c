"""The pictures of an article stand in its lessons where they stood in its file, and nothing else can be put there."""

from __future__ import annotations

import base64

import pytest
from tests.support.articles import docx, frame, heading, link, odt, paragraph, picture, run, table
from tests.support.pictures import png

from rugcourse.articles import (
    Article,
    article_pictures,
    draft_lessons,
    markdown_from_html,
    propose_cuts,
    read_article,
    with_pictures,
)
from rugcourse.articles.conversion import picture_markdown
from rugcourse.articles.rich_text import BlockKind
from rugcourse.content.picture_search import pictures_in
from rugcourse.content.unsupported import UnsupportedKind, unsupported
from rugcourse.pictures.reference import PictureRef, digest_of

WALK, CHAIR = png(400, 300), png(300, 400)
TEXT = "A back that moves is a back that heals, as far as anybody knows it. " * 5
IMAGES = {"rId7": "media/image1.png", "rId8": "/word/media/image2.png"}
MEDIA = {"word/media/image1.png": WALK, "word/media/image2.png": CHAIR}


def ref_of(content: bytes) -> PictureRef:
    return PictureRef("", digest_of(content), 400, 300, "png")


def placed(data: bytes, name: str) -> Article:
    made = {one.source: ref_of(one.content) for one in article_pictures(data, name)}
    return with_pictures(read_article(data, name), made)


def shown(article: Article) -> list[str]:
    """What each block is: the beginning of its text, or the Markdown of a picture."""
    return [block.markdown if block.kind is BlockKind.PICTURE else block.text[:9] for block in article.blocks]


def word_file(*more: str) -> bytes:
    return docx(
        paragraph("Backs", style="Titel"),
        heading("Walking"),
        paragraph(TEXT),
        paragraph(picture("rId7", "A woman walks")),
        paragraph("After it. " * 10),
        heading("Sitting"),
        paragraph(run("Before "), picture("rId8"), run("and behind. " * 30)),
        *more,
        extra=MEDIA,
        images=IMAGES,
    )


def test_pictures_of_word_stand_where_they_stood_and_those_within_a_paragraph_behind_it() -> None:
    article = placed(word_file(), "a.docx")
    walk, chair = ref_of(WALK).address, ref_of(CHAIR).address
    assert shown(article) == [
        "Backs", "Walking", TEXT[:9], f"![A woman walks]({walk})", "After it.", "Sitting", "Before an", f"![]({chair})",
    ]  # fmt: skip
    assert [block.index for block in article.blocks] == list(range(8))
    assert article.left_out.pictures == 0


def test_each_lesson_gets_the_pictures_of_its_section_and_no_words_from_them() -> None:
    article = placed(word_file(), "a.docx")
    first, second = draft_lessons(article, propose_cuts(article), "en", own_text=True)[:2]
    assert [ref.digest for ref in pictures_in(first.body)] == [ref_of(WALK).digest]
    assert [ref.digest for ref in pictures_in(second.body)] == [ref_of(CHAIR).digest]
    assert "woman" not in " ".join((*first.facts, first.highlight, first.preheader))
    without = with_pictures(read_article(word_file(), "a.docx"), {})
    assert first.words == draft_lessons(without, propose_cuts(without), "en")[0].words


def test_a_picture_without_a_description_is_one_the_editor_asks_about() -> None:
    article = placed(word_file(), "a.docx")
    [finding] = unsupported(article.blocks[-1].markdown)
    assert finding.kind is UnsupportedKind.PICTURE_ALT


def test_pictures_of_opendocument_and_of_a_page_stand_where_they_stood() -> None:
    body = (
        "<text:h>One</text:h>",
        f"<text:p>{TEXT}{frame('Pictures/1.png', 'A hill')}</text:p>",
        f"<text:p>{TEXT}</text:p>",
    )
    article = placed(odt(*body, extra={"Pictures/1.png": WALK}), "a.odt")
    assert shown(article) == ["One", TEXT[:9], f"![A hill]({ref_of(WALK).address})", TEXT[:9]]
    uri = f"data:image/png;base64,{base64.b64encode(CHAIR).decode()}"
    page = f"<h1>One</h1><p>{TEXT}</p><figure><img alt='A &amp; B' src='{uri}'></figure><p>{TEXT}</p>"
    assert shown(placed(page.encode(), "a.html")) == ["One", TEXT[:9], f"![A & B]({ref_of(CHAIR).address})", TEXT[:9]]


def test_a_picture_in_a_list_or_table_follows_it() -> None:
    rows = table(("Day", "Steps"), ("Monday", "800")).replace("<w:p>", f"<w:p>{picture('rId7')}", 1)
    article = placed(
        word_file(paragraph(run("One"), picture("rId7"), numbered=1), paragraph("Two", numbered=1), rows), "a.docx"
    )
    tail = [block.kind for block in article.blocks[-4:]]
    assert tail == [BlockKind.LIST, BlockKind.PICTURE, BlockKind.LIST, BlockKind.PICTURE]


def test_pictures_that_were_not_made_are_counted_and_leave_no_gap() -> None:
    article = with_pictures(read_article(word_file(), "a.docx"), {})
    assert shown(article) == ["Backs", "Walking", TEXT[:9], "After it.", "Sitting", "Before an"]
    assert [block.index for block in article.blocks] == list(range(6))
    assert article.left_out.pictures == 2


@pytest.mark.parametrize(
    "target",
    ["../../etc/passwd", "media/none.png", "https://example.org/a.png", "//example.org/a.png", "", "styles.xml\x00"],
)
def test_a_picture_can_only_be_a_part_of_its_own_archive(target: str) -> None:
    escaped = target.replace("\x00", "")
    file = docx(paragraph(TEXT), paragraph(picture("rId9")), extra=MEDIA, images={"rId9": escaped})
    article = placed(file, "a.docx")
    assert [block.kind for block in article.blocks] == [BlockKind.PARAGRAPH]
    assert article.left_out.pictures == 1


def test_another_part_of_the_archive_is_no_picture() -> None:
    file = docx(paragraph(TEXT), paragraph(picture("rId9")), images={"rId9": "styles.xml"})
    assert placed(file, "a.docx").left_out.pictures == 1


def test_marks_and_sources_that_a_document_writes_itself_show_nothing_of_others() -> None:
    file = docx(paragraph(f"\ue0000\ue001\ue00099\ue001 {TEXT}"), paragraph(link("A")), extra=MEDIA, images=IMAGES)
    assert all(block.kind is BlockKind.PARAGRAPH for block in placed(file, "a.docx").blocks)
    page = f"<p>{TEXT}</p><img src='article:word/media/image1.png'><img src='article:data-1'>".encode()
    article = placed(page, "a.html")
    assert [block.kind for block in article.blocks] == [BlockKind.PARAGRAPH]
    assert article.left_out.pictures == 2


def test_no_text_of_a_document_can_become_a_picture_or_grow_by_it() -> None:
    typed = "\ue0000\ue001" * 50_000 + "0-" * 50_000
    shown_one = paragraph(picture("rId7", '"' * 1000))
    file = docx(paragraph(TEXT), shown_one, paragraph(f"{typed} {TEXT}"), extra=MEDIA, images=IMAGES)
    article = placed(file, "a.docx")
    assert sum(block.kind is BlockKind.PICTURE for block in article.blocks) == 1


def test_two_thousand_places_of_one_picture_are_a_thousand() -> None:
    file = docx(paragraph(TEXT), *[paragraph(picture("rId7"))] * 2000, extra=MEDIA, images=IMAGES)
    article = placed(file, "a.docx")
    assert sum(block.kind is BlockKind.PICTURE for block in article.blocks) == 1000
    assert article.left_out.pictures == 1000


def test_what_is_pasted_into_the_editor_brings_no_picture() -> None:
    assert markdown_from_html("<p>One</p><img src='article:data-1'><p>Two</p>") == "One\n\nTwo"


@pytest.mark.parametrize(
    "alt",
    [
        "A [link](https://example.org) here", "]( javascript:alert(1) )", "`code` *bold* _it_ <b>", "{{ first_name }}",
        "{% safety %}", "\\", "![", "a]b[c", '" onerror="alert(1)', "Ünï 🙂 & ©", "&lt;script&gt;",
    ],
)  # fmt: skip
def test_any_description_is_one_picture_with_that_text_or_with_its_words(alt: str) -> None:
    address = ref_of(WALK).address
    markdown = picture_markdown(alt, address)
    assert [one.address for one in pictures_in(f"Before.\n\n{markdown}\n\nAfter.")] == [address]
    assert not [one for one in unsupported(markdown) if one.kind is not UnsupportedKind.PICTURE_ALT]
