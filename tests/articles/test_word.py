"""Word files: what a reader of the printed page would read stays, and what else is left out is counted."""

from __future__ import annotations

import pytest
from tests.support import articles as made
from tests.support.articles import docx, heading, paragraph, run

from rugcourse.articles import ArticleError, LeftOutCounts, draft_lessons, propose_cuts, read_article

TEXT = "De knie is een gewricht dat veel kan hebben, als je het de tijd geeft om te wennen. " * 5

KNEES = docx(
    paragraph("Knieën die pijn doen", style="Titel"),
    paragraph("Wat een knie kan\t3", style="Inhopg1"),
    paragraph(TEXT),
    heading("Wat een knie kan"),
    paragraph("Een knie ", run("buigt en strekt", "<w:b/>"), " elke ", run("dag", "<w:i/>"), " duizenden keren."),
    heading("Kraakbeen", 2),
    paragraph(TEXT),
    paragraph("Trappen", numbered=1),
    paragraph("Vooral omlaag", numbered=1, level=1),
    paragraph("Hurken", numbered=1),
    heading("Wat een knie stoort"),
    paragraph(
        made.inserted("Dit is erbij gekomen. "), made.deleted("Dit is geschrapt. "), made.commented("Klopt dit?")
    ),
    paragraph("Zie ook", made.FOOTNOTE, " ", made.link("de richtlijn"), made.PICTURE),
    paragraph("Een knie van binnen", style="Bijschrift"),
    made.table(("Leeftijd", "Kans"), ("30 jaar", "1 op 20")),
    paragraph(made.TEXT_BOX),
    heading("Wat je zelf kunt doen"),
    paragraph("Beweeg elke dag een beetje meer dan gisteren, zei iemand ooit.", style="Citaat"),
    paragraph(TEXT),
    heading("Bronnen"),
    paragraph("Jansen, Over knieën (2020)", numbered=2),
)


def test_headings_of_the_first_level_are_lessons_below_a_title() -> None:
    article = read_article(KNEES, "knieën.docx")
    lessons = draft_lessons(article, propose_cuts(article), "nl")
    assert article.title == "Knieën die pijn doen"
    assert [one.title for one in lessons] == [
        "Inleiding",
        "Wat een knie kan",
        "Wat een knie stoort",
        "Wat je zelf kunt doen",
    ]


def test_looks_lists_quotes_and_inner_headings_become_markdown() -> None:
    article = read_article(KNEES, "knieën.docx")
    _, can, disturbs, own = (one.section for one in draft_lessons(article, propose_cuts(article), "nl"))
    assert can.startswith("Een knie **buigt en strekt** elke *dag* duizenden keren.\n\n## Kraakbeen\n\n")
    assert can.endswith("- Trappen\n  - Vooral omlaag\n- Hurken")
    assert "[de richtlijn](https://example.org/)" in disturbs
    assert "- Leeftijd · Kans\n- 30 jaar · 1 op 20" in disturbs
    assert own.startswith("> Beweeg elke dag")


def test_tracked_changes_are_accepted_and_comments_are_left_out() -> None:
    article = read_article(KNEES, "knieën.docx")
    text = "\n".join(block.text for block in article.blocks)
    assert "Dit is erbij gekomen." in text
    assert "geschrapt" not in text
    assert "Klopt dit?" in text  # the words that the comment is about


def test_what_is_left_out_is_counted() -> None:
    article = read_article(KNEES, "knieën.docx")
    assert article.left_out == LeftOutCounts(pictures=1, tables=1, footnotes=1, comments=1, deletions=1, text_boxes=1)
    assert dict(article.left_out.counted())["pictures"] == 1


def test_a_table_of_contents_and_captions_are_not_text() -> None:
    text = [block.text for block in read_article(KNEES, "knieën.docx").blocks]
    assert not any("Een knie van binnen" in one for one in text)
    assert text.count("Wat een knie kan") == 1


def test_bold_paragraphs_are_headings_where_there_are_no_others() -> None:
    bold = [paragraph(run(title, "<w:b/>")) for title in ("Eten en pijn", "Suiker", "Vet")]
    article = read_article(docx(bold[0], paragraph(TEXT), bold[1], paragraph(TEXT), bold[2], paragraph(TEXT)), "a.docx")
    assert article.title == "Eten en pijn"
    assert [block.markdown for block in article.headings] == ["## Suiker", "## Vet"]


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "file:///etc/passwd", "\\\\host\\share", "data:text/html,x", "ftp://example.org/", "#here"],
)
def test_a_link_that_is_no_page_or_mailbox_is_only_text(target: str) -> None:
    article = read_article(docx(heading("Kop"), paragraph(TEXT, made.link("hier")), target=target), "a.docx")
    assert all("](" not in block.markdown for block in article.blocks)
    assert article.blocks[-1].text.endswith("hier")


def test_pictures_and_templates_by_address_are_not_fetched() -> None:
    relations = b"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
    <Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"
     Target="http://example.org/t.dotm" TargetMode="External"/>
    <Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
     Target="http://example.org/p.png" TargetMode="External"/></Relationships>"""
    picture = """<w:r><w:drawing><a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"
     r:link="rId2"/></w:drawing></w:r>"""
    file = docx(paragraph(TEXT, picture), extra={"word/_rels/document.xml.rels": relations})
    assert read_article(file, "a.docx").left_out.pictures == 1  # conftest fails for any connection


def test_macros_are_left_out_with_a_word() -> None:
    file = docx(paragraph(TEXT), extra={"word/vbaProject.bin": b"\xd0\xcf"})
    assert read_article(file, "a.docx").left_out.macros == 1
    with pytest.raises(ArticleError, match=r"Save it as \.docx"):
        read_article(file, "a.docm")


def test_word_for_the_web_names_its_main_part_otherwise() -> None:
    rels = b"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r"
     Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
     Target="/word/document2.xml"/></Relationships>"""
    file = docx(extra={"_rels/.rels": rels, "word/document2.xml": made.document_xml(paragraph(TEXT))})
    assert read_article(file, "a.docx").words == len(TEXT.split())


def test_a_long_file_is_read_in_pieces_without_a_loss() -> None:
    body = [paragraph(f"Alinea {number} van een lange tekst over knieën.") for number in range(9_000)]
    article = read_article(docx(heading("Kop"), *body), "a.docx")
    assert [block.text.split()[1] for block in article.blocks[1:]] == [str(number) for number in range(9_000)]
