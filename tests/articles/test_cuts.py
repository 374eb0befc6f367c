"""Cuts: what is proposed, what a person may do with it, and what comes back from a form."""

from __future__ import annotations

import json

import pytest

from rugcourse.articles import (
    Article,
    ArticleError,
    Cuts,
    InvalidCuts,
    article_from_html,
    article_from_text,
    cuts_at_level,
    cuts_from_json,
    draft_lessons,
    leave_out,
    merge_lesson,
    parts,
    propose_cuts,
    start_lesson,
    use,
)

SENTENCE = "Wandelen is goed voor je hart, je hoofd en je humeur. "


def words(count: int) -> str:
    return SENTENCE * (count // 10)


def page(*pieces: str) -> Article:
    return article_from_html("".join(pieces))


def section(title: str, level: int = 2, count: int = 100) -> str:
    return f"<h{level}>{title}</h{level}><p>{words(count)}</p>"


def titles(article: Article, cuts: Cuts | None = None) -> list[str]:
    return [one.title for one in draft_lessons(article, cuts or propose_cuts(article), "en")]


WALKING = page(
    "<h1>Wandelen</h1>",
    f"<p>{words(60)}</p>",
    section("Schoenen"),
    section("Zolen", 3),
    section("Veters", 3),
    section("Paden"),
    section("Weer"),
    section("Regen", 3),
    section("References", count=20),
)


def test_nested_headings_stay_in_their_lesson() -> None:
    assert titles(WALKING) == ["Introduction", "Schoenen", "Paden", "Weer"]
    assert "## Zolen" in draft_lessons(WALKING, propose_cuts(WALKING), "en")[1].section


def test_a_person_may_choose_another_level() -> None:
    assert titles(WALKING, cuts_at_level(WALKING, 3)) == [
        "Introduction", "Schoenen", "Zolen", "Veters", "Paden", "Weer", "Regen",
    ]  # fmt: skip
    with pytest.raises(InvalidCuts, match=r"no headings of level 5. Choose one of these levels: 2, 3"):
        cuts_at_level(WALKING, 5)


def test_the_level_is_the_one_that_gives_lessons_of_a_sensible_number_and_length() -> None:
    chapters = (
        section(f"Hoofdstuk {one}", 1, 20) + "".join(section(f"{one}.{two}", 2, 300) for two in range(8))
        for one in range(2)
    )
    assert propose_cuts(page(*chapters)).level == 2
    tips = (
        section(f"Deel {one}", 2, 30) + "".join(section(f"Tip {one}-{two}", 3, 30) for two in range(12))
        for one in range(5)
    )
    assert propose_cuts(page("<h1>Tips</h1>", *tips)).level == 2


def test_an_article_without_headings_is_cut_by_its_length_and_says_so() -> None:
    article = page(*(f"<p>{words(100)}</p>" for _ in range(14)))
    cuts = propose_cuts(article)
    lengths = [part.words for part in parts(article, cuts)]
    assert cuts.level is None
    assert cuts.by_length == cuts.starts[1:]
    assert len(lengths) == 4
    assert all(250 <= one <= 450 for one in lengths)


def test_one_huge_section_is_cut_by_its_length_near_headings() -> None:
    small = "".join(f"<h3>Kopje {number}</h3><p>{words(90)}</p><p>{words(90)}</p>" for number in range(10))
    article = page("<h1>Wandelen</h1><h2>Alles over wandelen</h2>", *(f"<p>{words(90)}</p>" for _ in range(20)))
    assert 4 <= len(propose_cuts(article).by_length) <= 6
    mixed = page("<h1>Wandelen</h1>", section("Een"), section("Twee"), f"<h2>Drie</h2>{small}", section("Vier"))
    cuts = propose_cuts(mixed)
    assert cuts.level == 2
    assert cuts.by_length
    assert all(mixed.blocks[start].is_heading for start in cuts.by_length)


def test_a_short_text_without_headings_is_one_lesson() -> None:
    article = article_from_text(words(120))
    assert len(propose_cuts(article).starts) == 1
    assert propose_cuts(article).by_length == ()


def test_headings_with_nothing_below_them_are_not_used() -> None:
    article = page("<h1>W</h1><h2>Leeg</h2>", section("Een"), section("Twee"), section("Drie"), "<h2>Ook leeg</h2>")
    assert titles(article) == ["Een", "Twee", "Drie"]


@pytest.mark.parametrize("name", ["Bronnen", "LITERATUUR", "References:", "8. Quellen", "Deel dit artikel", "Inhoud"])
def test_what_is_no_lesson_is_left_out(name: str) -> None:
    article = page(
        "<h1>W</h1>", section("Een"), section("Twee"), section("Drie"), f"<h2>{name}</h2><ul><li>x</li></ul>"
    )
    assert titles(article) == ["Een", "Twee", "Drie"]


def test_contents_end_where_text_begins() -> None:
    article = page(
        "<h1>W</h1><h2>Inhoud</h2><ul><li>Een</li><li>Twee</li></ul>", f"<p>{words(50)}</p>",
        section("Een"), section("Twee"), section("Drie"),
    )  # fmt: skip
    assert titles(article) == ["Introduction", "Een", "Twee", "Drie"]


def test_a_list_that_repeats_the_headings_is_left_out_without_a_name() -> None:
    article = page(
        f"<h1>W</h1><p>{words(50)}</p><ul><li>Een</li><li>Twee</li><li>Drie</li></ul>",
        section("Een"), section("Twee"), section("Drie"),
    )  # fmt: skip
    assert "- Een" not in draft_lessons(article, propose_cuts(article), "en")[0].section


def test_nothing_but_sources_is_refused() -> None:
    with pytest.raises(ArticleError, match="nothing but a title"):
        propose_cuts(page("<h1>W</h1><h2>Bronnen</h2><p>Jansen en De Vries</p>"))


def test_hundreds_of_headings_do_not_become_hundreds_of_lessons() -> None:
    article = page(*(section(f"Kop {number}", 2, 20) for number in range(300)))
    assert len(propose_cuts(article).starts) <= 99
    with pytest.raises(InvalidCuts, match="300 lessons"):
        cuts_at_level(article, 2)


def test_cuts_come_back_from_a_form_as_they_were() -> None:
    for cuts in (propose_cuts(WALKING), cuts_at_level(WALKING, 3)):
        assert cuts_from_json(WALKING, json.loads(json.dumps(cuts.as_json()))) == cuts


COUNT = len(WALKING.blocks)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"starts": []},
        {"starts": [0, 0]},
        {"starts": [3, 1]},
        {"starts": [2]},  # what stands before it is neither used nor left out
        {"starts": [0, COUNT]},
        {"starts": [-1, 0]},
        {"starts": [0], "unused": [[0, 1]]},
        {"starts": [0], "unused": [[2, 2]]},
        {"starts": [0], "unused": [[4, 2]]},
        {"starts": [0], "unused": [[2, 4], [3, 5]]},
        {"starts": [0], "unused": [[2, COUNT + 1]]},
        {"starts": [0], "unused": [[2]]},
        {"starts": [0], "unused": [3]},
        {"starts": [0], "by_length": [2]},
        {"starts": ["0"]},
        {"starts": [0.0]},
        {"starts": [True]},
        {"starts": "0"},
        {"starts": [0], "level": "2"},
        {"starts": None},
        {"starts": [10**30]},
        {"starts": list(range(200))},
    ],
)
def test_cuts_that_do_not_fit_the_article_are_refused(value: dict[str, object]) -> None:
    with pytest.raises(InvalidCuts):
        cuts_from_json(WALKING, value)


def test_a_lesson_is_split_and_merged_by_hand() -> None:
    cuts = propose_cuts(WALKING)
    inner = next(block.index for block in WALKING.headings if block.text == "Zolen")
    split = start_lesson(WALKING, cuts, inner)
    assert titles(WALKING, split) == ["Introduction", "Schoenen", "Zolen", "Paden", "Weer"]
    assert merge_lesson(WALKING, split, inner) == cuts
    with pytest.raises(InvalidCuts):
        merge_lesson(WALKING, cuts, cuts.starts[0])
    with pytest.raises(InvalidCuts):
        start_lesson(WALKING, cuts, COUNT)


def test_blocks_are_left_out_and_used_again_by_hand() -> None:
    cuts = propose_cuts(WALKING)
    first, after = cuts.starts[1], cuts.starts[2]
    without = leave_out(WALKING, cuts, first, after)
    assert titles(WALKING, without) == ["Introduction", "Paden", "Weer"]
    assert titles(WALKING, leave_out(WALKING, cuts, first, first + 2)) == ["Introduction", "Zolen", "Paden", "Weer"]
    again = use(WALKING, without, first)
    assert WALKING.blocks[first] in parts(WALKING, again)[0].blocks
    assert titles(WALKING, start_lesson(WALKING, without, first)) == ["Introduction", "Schoenen", "Paden", "Weer"]
    title = use(WALKING, cuts, 0)
    assert parts(WALKING, title)[0].blocks == (WALKING.blocks[0],)


def test_everything_can_not_be_left_out() -> None:
    with pytest.raises(InvalidCuts, match="Nothing of the article is used"):
        leave_out(WALKING, propose_cuts(WALKING), 0, COUNT)
