"""Plain text has no headings, and yet its lessons are found without a cut that has to be moved."""

from __future__ import annotations

import pytest

from rugcourse.articles import Article, article_from_text, draft_lessons, parts, propose_cuts, read_article

SENTENCE = "Wie een tijd slecht slaapt, merkt dat overdag aan alles wat hij doet. "
TEXT = SENTENCE * 5


def titles(article: Article) -> list[str]:
    return [lesson.title for lesson in draft_lessons(article, propose_cuts(article), "nl")]


# As text looks that was copied from a page: a menu above the title, a byline, other articles below.
COPIED = f"""Waarom
WaaromSLAAP
Hoeveel
HoeveelSLAAP
Naar alle cursussen
AlleCURSUSSEN

Hoe slaap je beter met pijn?

Geschreven door

Anna de Boer

Fysiotherapeut en docent
1,234 x bekeken

Inleiding

{TEXT}

Rustig aan!

In het kort:

  • Slaap helpt bij herstel.
  • Een vaste tijd werkt beter dan vroeg naar bed gaan.

Waarom is ‘slaap’ zo belangrijk?

{TEXT}

Een zin zonder punt die lang genoeg is om geen kop te kunnen zijn want hij telt meer dan veertien woorden

{TEXT}

Hoeveel uur slaap heb je nodig?

{TEXT}

  • Kinderen slapen langer.
  • Ouderen slapen korter.
En dat is heel gewoon, ook al merk je het pas als je erop let.

Kan ik slaap inhalen?

{TEXT}

Review
Heeft dit artikel je geholpen?

Andere artikelen over dit onderwerp

Andere artikelen over dit onderwerp

Beter slapen in de zomer
Beter slapen in de zomer

Zo slaap je koel

{SENTENCE}
1K x

Alles over dutjes

{SENTENCE}
286 x

Ik slaap slecht: wanneer bel ik de huisarts?

{SENTENCE}
23K x
"""


def test_text_from_a_page_is_cut_at_its_sections_and_nowhere_else() -> None:
    article = article_from_text(COPIED)
    assert article.title == "Hoe slaap je beter met pijn?"
    assert titles(article) == [
        "Inleiding",
        "Waarom is ‘slaap’ zo belangrijk?",
        "Hoeveel uur slaap heb je nodig?",
        "Kan ik slaap inhalen?",
        "Andere artikelen over dit onderwerp",
    ]


def test_menu_byline_and_request_for_an_opinion_are_in_no_lesson() -> None:
    article = article_from_text(COPIED)
    used = "\n".join(lesson.section for lesson in draft_lessons(article, propose_cuts(article), "nl"))
    assert "CURSUSSEN" not in used
    assert "Anna de Boer" not in used
    assert "geholpen" not in used
    assert used.count("Beter slapen in de zomer") == 1  # the page had it twice


def test_a_line_below_a_list_without_an_empty_line_is_a_paragraph() -> None:
    article = article_from_text(COPIED)
    assert "- Ouderen slapen korter." in [block.markdown.split("\n")[-1] for block in article.blocks]
    assert any(block.markdown.startswith("En dat is heel gewoon") for block in article.blocks)


@pytest.mark.parametrize(
    ("headings", "levels"),
    [
        (["1. Slaap", "2. Rust", "3. Licht"], [2, 2, 2]),
        (["1 Slaap", "1.1 Diepe slaap", "2 Rust"], [2, 3, 2]),
        (["SLAAP EN RUST", "LICHT EN DONKER", "Een kop binnen een deel"], [2, 2, 3]),
        (["Hoofdstuk 1: slaap", "Hoofdstuk 2: rust"], [2, 2]),
        (["## Slaap", "### Diepe slaap"], [2, 3]),
        (["Slaap\n-----", "Rust\n-----"], [2, 2]),
    ],
)
def test_what_looks_like_a_heading_counts_as_one(headings: list[str], levels: list[int]) -> None:
    article = article_from_text("Beter slapen\n\n" + "\n\n".join(f"{one}\n\n{TEXT}" for one in headings))
    assert [block.level for block in article.headings] == levels


@pytest.mark.parametrize(
    "line",
    [
        "Een korte zin met een punt.",
        "en dan nog iets kleins",
        "Nu let op:",
        "Kijk op https://example.org/",
        "Rustig aan!",
        "Een lange regel die nergens op een punt eindigt maar toch echt veel te lang is voor een kop",
    ],
)
def test_what_does_not_look_like_a_heading_stays_text(line: str) -> None:
    article = article_from_text(f"Beter slapen\n\n{TEXT}\n\n{line}\n\n{TEXT}")
    assert [block.text for block in article.headings] == []


def test_numbered_lines_below_each_other_are_a_list() -> None:
    article = article_from_text(f"Beter slapen\n\n{TEXT}\n1. Sta op tijd op.\n2. Ga naar buiten.\n\n{TEXT}")
    assert [block.markdown for block in article.blocks if block.kind == "list"] == [
        "1. Sta op tijd op.\n2. Ga naar buiten."
    ]


def test_items_that_are_indented_are_nested() -> None:
    article = article_from_text(f"{TEXT}\n\n- Een\n  - Twee\n    - Drie\n- Vier\n")
    assert article.blocks[-1].markdown == "- Een\n  - Twee\n    - Drie\n- Vier"


def test_wrapped_lines_are_one_paragraph() -> None:
    wrapped = "Wie een tijd slecht slaapt, merkt dat overdag aan alles\nwat hij doet, en soms ook aan de mensen om hem heen\nen dat is jammer."
    assert article_from_text(wrapped).blocks[0].markdown == wrapped.replace("\n", " ")


def test_a_text_file_is_read_by_its_name() -> None:
    assert read_article(COPIED.encode(), "Slaap.TXT").title == "Hoe slaap je beter met pijn?"


def test_sections_of_a_sensible_number_are_all_used() -> None:
    article = article_from_text(COPIED)
    cuts = propose_cuts(article)
    assert sum(part.words for part in parts(article, cuts)) > 0.9 * article.words
