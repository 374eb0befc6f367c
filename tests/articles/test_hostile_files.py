"""Every file is hostile: it gets a clear refusal, or is read in memory and time that its size bounds."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable

import pytest
from tests.support.articles import document_xml, docx, heading, odt, packed, paragraph, styles_xml

from rugcourse.articles import ArticleError, article_from_html, article_from_markdown, article_from_text, read_article
from rugcourse.articles.limits import MOST_BYTES
from rugcourse.articles.reading import EXTENSIONS

TEXT = "Wie veel zit, staat beter elk half uur even op om te lopen. " * 3
WORD = docx(paragraph(TEXT))


def broken(data: bytes, part: bytes) -> bytes:
    """The same archive with a part that can't be unpacked."""
    at = data.index(part) + len(part)
    return data[:at] + bytes(one ^ 255 for one in data[at : at + 40]) + data[at + 40 :]


def refusal(data: bytes, name: str = "a.docx") -> str:
    with pytest.raises(ArticleError) as refused:
        read_article(data, name)
    return refused.value.message


@pytest.mark.parametrize("name", [f"a{extension}" for extension in EXTENSIONS])
def test_a_file_that_is_too_large_is_refused_before_anything_reads_it(name: str) -> None:
    data = bytes(MOST_BYTES + 1)
    tracemalloc.start()
    said = refusal(data, name)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "larger than 50 MB" in said
    assert peak < MOST_BYTES / 5


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "a.doc", r"Save it as .docx without a password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "a.docx", r"Save it as .docx without a password"),
        (b"{\\rtf1 hallo}", "a.doc", "Old Word files"),
        (b"%PDF-1.7 hallo", "a.pdf", "save that as .docx"),
        (b"hallo daar", "a.pages", "Files of this kind"),
        (b"hallo daar", "a", "Files of this kind"),
        (b"hallo daar", "a.docx", "name ends in .docx"),
        (WORD, "a.txt", "name ends in .txt"),
        (WORD, "a.odt", "no OpenDocument text"),
        (odt("<text:p>hallo</text:p>"), "a.docx", "no Word document"),
        (packed({"a.txt": b"hallo"}), "a.docx", "no Word document"),
        (WORD[:-30], "a.docx", "damaged"),
        (broken(WORD, b"word/document.xml"), "a.docx", "damaged"),
        (bytes(range(256)) * 20, "a.txt", "not text"),
        (b"woord", "a.txt", "nothing to make lessons of"),
        (b"", "a.txt", "nothing to make lessons of"),
        (b"<p></p>", "a.html", "nothing to make lessons of"),
        (docx(), "a.docx", "nothing to make lessons of"),
    ],
)
def test_what_is_no_article_is_refused_with_what_to_do(data: bytes, name: str, says: str) -> None:
    assert says in refusal(data, name)


def test_a_refusal_is_told_in_the_language_of_the_page() -> None:
    with pytest.raises(ArticleError) as refused:
        read_article(b"%PDF-1.7", "a.pdf")
    assert "pdf" in refused.value.message_in("nl")
    assert ArticleError("").message_in("nl") == ""
    with pytest.raises(ArticleError) as refused:
        article_from_text("woord " * 1_000_001)
    assert "1.000.000 woorden" in refused.value.message_in("nl")
    assert "1,000,000 words" in refused.value.message


def zip_with(entries: int = 1, unpacked: int = 10, flags: int = 0, method: int = 8) -> bytes:
    """An archive whose directory says what it is told to; nothing stands behind it."""
    names = [f"word/{number}.xml".encode() for number in range(entries)]
    rows = [
        struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, flags, method, 0, 0, 0, 10, unpacked, len(name), 0, 0, 0, 0, 0, 0
        )
        + name
        for name in names
    ]
    directory = b"".join(rows)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, entries % 65536, entries % 65536, len(directory), 4, 0)
    return b"PK\x03\x04" + directory + end


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (zip_with(entries=4_000), "unpacks to far more"),
        (zip_with(entries=65_537), "unpacks to far more"),
        (zip_with(unpacked=300_000_000), "unpacks to far more"),
        (zip_with(entries=30, unpacked=9_000_000), "unpacks to far more"),
        (zip_with(flags=1), "protected with a password"),
        (zip_with(method=14), "damaged"),
        (docx(paragraph("woord " * 1_000_000)), "unpacks to far more"),
        (docx(paragraph(TEXT), extra={"word/styles.xml": b"<a>" + b" " * 4_900_000 + b"</b>"}), "damaged"),
        (docx(paragraph(TEXT), extra={"word/styles.xml": b"<a>" + b" " * 5_100_000 + b"</a>"}), "unpacks to far more"),
    ],
)  # fmt: skip
def test_an_archive_that_unpacks_to_too_much_is_refused(data: bytes, says: str) -> None:
    assert says in refusal(data)


def test_a_directory_for_more_than_four_gigabytes_is_refused() -> None:
    end = WORD.rindex(b"PK\x05\x06")
    locator = struct.pack("<IIQI", 0x07064B50, 0, 0, 1)
    assert "unpacks to far more" in refusal(WORD[:end] + locator + WORD[end:])


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>"""


@pytest.mark.parametrize("part", ["word/document.xml", "word/styles.xml", "word/numbering.xml", "_rels/.rels"])
@pytest.mark.parametrize("definition", [LAUGHS, b'<!doctype x SYSTEM "file:///etc/passwd">', b'<!ENTITY a "x">'])
def test_a_part_of_word_that_defines_anything_is_refused(part: str, definition: bytes) -> None:
    assert "definitions" in refusal(docx(paragraph(TEXT), extra={part: definition + document_xml(paragraph("&b;"))}))


@pytest.mark.parametrize("part", ["content.xml", "styles.xml", "META-INF/manifest.xml"])
def test_a_part_of_opendocument_that_defines_anything_is_refused(part: str) -> None:
    assert "definitions" in refusal(odt("<text:p>hallo</text:p>", extra={part: LAUGHS + b"<a>&b;</a>"}), "a.odt")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "cp037"])
def test_a_definition_can_not_hide_in_another_encoding(encoding: str) -> None:
    xml = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY a "x">]><a/>'.encode(encoding)
    assert refusal(docx(extra={"word/document.xml": xml}))


def test_an_encrypted_opendocument_is_refused() -> None:
    manifest = b"<manifest><file-entry><encryption-data/></file-entry></manifest>"
    said = refusal(odt("<text:p>hallo</text:p>", extra={"META-INF/manifest.xml": manifest}), "a.odt")
    assert "protected with a password" in said


def test_empty_paragraphs_cost_nothing() -> None:
    article = read_article(docx(paragraph("") * 50_000, paragraph(TEXT)), "a.docx")
    assert [block.text for block in article.blocks] == [TEXT.strip()]


@pytest.mark.parametrize("part", ["word/styles.xml", "word/numbering.xml", "word/_rels/document.xml.rels"])
def test_parts_with_too_many_elements_are_refused(part: str) -> None:
    assert "unpacks to far more" in refusal(docx(paragraph(TEXT), extra={part: b"<a>" + b"<b/>" * 200_000 + b"</a>"}))
    assert "unpacks to far more" in refusal(odt("<text:p/>" * 1_000_001), "a.odt")


@pytest.mark.parametrize("tag", ["<b>", "</b>", "<br>", "<i>.</i>"])
def test_a_page_that_is_all_tags_is_refused(tag: str) -> None:
    with pytest.raises(ArticleError, match=r"more tags than text|more than 1,000,000 words"):
        article_from_html(tag * 1_600_000)


def test_styles_of_word_are_read_without_what_they_look_like() -> None:
    looks = b"<w:rPr><w:b/><w:i/></w:rPr>" * 20_000
    styles = styles_xml().replace(b"</w:style>", looks + b"</w:style>", 1)
    article = read_article(docx(heading("Kop"), paragraph(TEXT), extra={"word/styles.xml": styles}), "a.docx")
    assert article.blocks[0].level == 1


def nested(opening: str, closing: str, times: int) -> str:
    return opening * times + paragraph("diep") + closing * times


@pytest.mark.parametrize("times", [30, 200, 20_000])
def test_deep_tables_of_word_are_refused(times: int) -> None:
    body = nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", times)
    assert any(one in refusal(docx(body)) for one in ("too deep", "damaged"))


@pytest.mark.parametrize("times", [70, 2_000])
def test_deep_sections_of_opendocument_are_refused(times: int) -> None:
    body = "<text:section>" * times + "<text:p>diep</text:p>" + "</text:section>" * times
    assert any(one in refusal(odt(body), "a.odt") for one in ("too deep", "damaged"))


def test_tables_within_tables_that_people_make_are_read() -> None:
    body = nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", 6)
    assert "diep" in read_article(docx(paragraph(TEXT), body), "a.docx").blocks[-1].text


@pytest.mark.parametrize(
    "xml",
    [
        b"<a/>",
        b"",
        b"no xml",
        document_xml("<w:p><w:r><w:t>open"),
        document_xml(paragraph(TEXT, style='"/><x')),
        document_xml("<w:p><w:hyperlink r:id='none'/></w:p>"),
        document_xml("<w:tbl/><w:tbl><w:tr/></w:tbl><w:p><w:fldChar/></w:p>"),
        document_xml("<w:p><w:pPr><w:numPr><w:ilvl w:val='x'/><w:numId w:val='99'/></w:numPr></w:pPr></w:p>"),
        document_xml("<w:p><w:r><w:sym/></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r></w:p>"),
        document_xml("<w:sdt/><w:p><w:sdt><w:sdtContent/></w:sdt></w:p>"),
        document_xml("<w:p><w:r><w:t>tekst hier</w:t></w:r></w:p>").replace(b"xmlns:w=", b"xmlns:v="),
    ],
)
def test_strange_xml_is_refused_and_nothing_else_goes_wrong(xml: bytes) -> None:
    assert refusal(docx(extra={"word/document.xml": xml}))


@pytest.mark.parametrize(
    "body",
    [
        "<text:h/>",
        '<text:h text:outline-level="99999999999"/>',
        '<text:p text:style-name="P1"/>',
        "<text:list/><table:table/><text:a/>",
        "<text:tracked-changes/><text:note/>",
        """<text:p text:style-name='x"]|//*[@y="'/><text:list text:style-name="'"/>""",
    ],
)
def test_strange_opendocument_is_refused_and_nothing_else_goes_wrong(body: str) -> None:
    circle = '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="P1"/>'
    assert refusal(odt(body, styles=circle), "a.odt")


HEADINGS = ["<h2>kop</h2><p>tekst</p>" * 5_000, "## kop\n\ntekst\n\n" * 5_000]


def test_thousands_of_headings_are_refused() -> None:
    for read, text in (
        (article_from_html, HEADINGS[0]),
        (article_from_markdown, HEADINGS[1]),
        (article_from_text, HEADINGS[1]),
    ):
        with pytest.raises(ArticleError, match="more than 500 headings"):
            read(text)
    assert "more than 500 headings" in refusal(docx(*(heading(f"Kop {number}") for number in range(5_000))))


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (article_from_html, "<p>woord</p>" * 30_000),
        (article_from_html, "<ul>" + "<li>woord" * 30_000),
        (article_from_text, "woord\n\n" * 30_000),
        (article_from_text, "- woord\n" * 30_000),
        (article_from_markdown, "- woord\n" * 30_000),
        (article_from_markdown, "woord\n" * 250_000),
        (article_from_html, "<table><tr>" + "<td>" * 30_000),
        (lambda text: read_article(docx(paragraph(text) * 20_001), "a.docx"), "woord"),
    ],
)
def test_tens_of_thousands_of_paragraphs_are_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ArticleError, match="more than 20,000 paragraphs"):
        read(text)


DEEP = [
    "<div>" * 100_000 + "tekst hier",
    "<b>" * 100_000 + "tekst hier",
    "<ul><li>" * 50_000 + "tekst hier",
    "<blockquote>" * 50_000 + "tekst hier",
    "<table><tr><td>" * 50_000 + "tekst hier",
    "<span style='font-weight:bold'>" * 50_000 + "tekst hier",
    "".join(f"<b class={number}>" for number in range(50_000)) + "<p>tekst hier" * 100,
    "<a href='https://example.org/'>" * 50_000 + "tekst hier",
    "</div>" * 100_000 + "tekst hier",
    "<p>tekst hier" + "<svg>" * 100_000,
    "<h2>" * 100_000 + "tekst hier",
    '<a ="' * 40_000 + "tekst hier",
    "<!-- " * 100_000 + "--> tekst hier",
    "<" * 40_000 + "tekst hier",
    "tekst hier <p " + "a " * 100_000,
    "tekst hier" + "<script>" * 100_000,
    "tekst hier" + " " * 200_000,
    "&amp;" * 40_000 + "tekst hier",
    "<br>" * 100_000 + "tekst hier",
    "<table>" + "<tr>" * 100_000 + "tekst hier",
    "<article></article>" * 50_000 + "tekst hier",
    "<i> </i>" * 50_000 + "tekst hier",
    "a" * 200_000 + " tekst hier",
]


@pytest.mark.parametrize("html", DEEP, ids=range(len(DEEP)))
def test_any_nesting_is_read(html: str) -> None:
    assert "tekst hier" in "".join(block.text for block in article_from_html(html).blocks)


LONG = [
    "*",
    "[",
    "![",
    "](",
    "_",
    "`",
    "> ",
    "- ",
    "1. ",
    "<",
    "&",
    "#",
    "\\",
    "*a ",
    "[a](",
    "**a__",
    "<a",
    "\n>",
    "|-",
    "|",
    "~~a",
    "\n|-|-\n",
]


@pytest.mark.parametrize("sign", LONG)
def test_any_repetition_of_what_markdown_means_is_read_or_refused(sign: str) -> None:
    for read in (article_from_html, article_from_text, article_from_markdown):
        assert read(sign * 4_000 + " \n\n twee woorden").blocks[-1].text.endswith("twee woorden")
        if set(sign) & set("*_[<>&`!\\#"):
            with pytest.raises(ArticleError, match="more than 50,000 signs"):
                read(sign * 300_000)
