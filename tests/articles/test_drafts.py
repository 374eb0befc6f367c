"""What a part of an article proposes for a lesson: valid or empty, and nobody else's sentences."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from rugcourse.articles import (
    Article,
    ProposedLesson,
    article_from_html,
    article_from_text,
    draft_lessons,
    overlap,
    propose_cuts,
    proposed_page,
    reading_minutes,
)
from rugcourse.content.model import Body, Line, Preheader, Slug, Subject
from rugcourse.course_editor.form_fields import PLAIN

SLEEP = article_from_html("""
<h1>Sleep and pain</h1>
<p>Whoever sleeps badly feels more pain the next day, and whoever has pain sleeps badly. It is a circle!</p>
<h3>In short</h3><ul><li>Pain and sleep keep each other going.</li><li>A fixed hour helps.</li></ul>
<h2>1. Why does sleep matter so much for people who have had pain for years and years on end?</h2>
<p>At night the body repairs what the day has worn out, as prof. Smith says. <b>Seven hours are enough for nearly
everybody.</b> Is more better? No.</p>
<h3>Deep sleep</h3><p>Deep sleep comes first.</p><h4>Dreams</h4><p>Dreams come later in the night, most of all.</p>
<h2>🛏️ What you can do yourself!</h2><p>Get up at the same time every day, in the weekend too, whatever the night was
like, if you can.</p>
<h2>When to see a doctor</h2><p>Call if you stop breathing in your sleep. Or if it lasts.</p>
<h2>Sources</h2><ul><li>Jones, Sleep (2019)</li><li>A guideline</li></ul>
""")


def lessons(article: Article = SLEEP, *, own_text: bool = True) -> tuple[ProposedLesson, ...]:
    return draft_lessons(article, propose_cuts(article), "en", own_text=own_text)


def test_whoever_owns_the_text_gets_it_as_the_body() -> None:
    first, why, do, _ = lessons()
    assert why.body == why.section
    assert why.body.startswith("At night the body repairs")
    assert "## Deep sleep\n\nDeep sleep comes first.\n\n### Dreams\n\nDreams" in why.body
    assert first.title == "Introduction"
    assert do.today == ""


def test_titles_subjects_and_slugs_are_short_and_calm() -> None:
    _, why, do, see = lessons()
    assert why.title.startswith("Why does sleep matter so much")
    assert why.subject == "Why does sleep matter so much for people who have"
    assert why.slug == "why-does-sleep-matter"
    assert do.title == "🛏️ What you can do yourself!".replace("\ufe0f", "")
    assert do.subject == "What you can do yourself"
    assert see.slug == "when-see-doctor"


def test_a_german_heading_gets_a_slug_of_its_telling_words() -> None:
    text = "Bewegen Sie sich jeden Tag ein wenig, auch wenn es am Anfang noch etwas schmerzt. Dann wird es besser."
    article = article_from_html(
        f"<h1>Rücken</h1><h2>Was ist gut für die Rückenmuskeln?</h2><p>{text}</p><h2>Spaß mit der Bewegung</h2><p>{text}</p>"
    )
    assert [one.slug for one in lessons(article)] == ["gut-ruckenmuskeln", "spass-bewegung"]


def test_the_sentence_to_remember_is_the_stressed_one_or_else_a_short_one() -> None:
    first, why, do, see = lessons()
    assert why.highlight == "Seven hours are enough for nearly everybody."
    assert first.highlight == "It is a circle!"
    assert do.highlight.startswith("Get up at the same time")
    assert see.highlight == "Or if it lasts."


def test_the_preheader_is_the_first_sentence_cut_at_a_word() -> None:
    _, why, do, _ = lessons()
    assert why.preheader == "At night the body repairs what the day has worn out, as prof. Smith says."
    assert do.preheader == "Get up at the same time every day, in the weekend too, whatever the night was like, if…"


def test_a_question_asks_itself() -> None:
    _, why, do, _ = lessons()
    assert why.question == why.title
    assert do.question == ""
    assert "Is more better?" in why.facts


def test_the_text_of_somebody_else_proposes_facts_and_no_sentences() -> None:
    for lesson in lessons(own_text=False):
        assert (lesson.body, lesson.preheader, lesson.highlight, lesson.question) == ("", "", "", "")
        assert lesson.section
        assert lesson.facts
        assert lesson.title


def test_the_front_page_gets_the_short_list_and_the_sources() -> None:
    own = proposed_page(SLEEP, propose_cuts(SLEEP), own_text=True)
    assert own.title == "Sleep and pain"
    assert own.tagline.startswith("Whoever sleeps badly")
    assert own.summary == ("Pain and sleep keep each other going.", "A fixed hour helps.")
    assert own.sources == ("Jones, Sleep (2019)", "A guideline")
    others = proposed_page(SLEEP, propose_cuts(SLEEP))
    assert others.tagline == ""
    assert len(others.summary) == 3
    assert others.summary[-1] == "When to see a doctor"


class Valid(BaseModel):
    slug: Slug
    title: Line
    subject: Subject | None
    preheader: Preheader | None
    highlight: Line | None
    question: Line | None
    body: Body | None
    facts: tuple[Line, ...]


LONG_WORD = "a" * 200
AWKWARD = [
    f"<h2>{LONG_WORD}</h2><p>{LONG_WORD} {LONG_WORD}.</p>",
    "<h2>!!! ???</h2><p>!!! ??? 😀 een</p>",
    "<h2>😀😀😀</h2><p>Een twee drie 😀</p>",
    f"<h2>Kop</h2><p>{'Een zin van zes woorden hier. ' * 1500}</p>",
    f"<h2>{'Kop ' * 200}?</h2><p>tekst hier</p>",
    "<h2>日本語の見出し</h2><p>日本語の文章です。とても短い。</p>",
    "<h2>ßüéø</h2><p>{{ first_name }} en {% if %}</p>",
]


@pytest.mark.parametrize("own_text", [True, False])
@pytest.mark.parametrize("html", AWKWARD, ids=range(len(AWKWARD)))
def test_every_proposed_value_is_valid_in_a_lesson_or_empty(html: str, own_text: bool) -> None:
    article = article_from_html(html * 3)
    found = lessons(article, own_text=own_text)
    assert len({one.slug for one in found}) == len(found)
    for one in found:
        names = ("subject", "preheader", "highlight", "question", "body")
        Valid.model_validate(
            {"slug": one.slug, "title": one.title, "facts": one.facts}
            | {name: getattr(one, name) or None for name in names}
        )


def test_the_fields_are_called_as_in_the_form() -> None:
    assert all(hasattr(lessons()[0], name) for name in PLAIN)


def test_cuts_by_length_have_titles_in_the_language_of_the_course() -> None:
    article = article_from_text(
        "\n\n".join([f"Wandelen op dag {day} is goed voor je hart, je hoofd en je humeur. " * 8 for day in range(9)])
    )
    found = draft_lessons(article, propose_cuts(article), "nl")
    assert [one.title for one in found] == ["Inleiding", "Deel 2", "Deel 3"]


def test_reading_takes_at_least_a_minute() -> None:
    assert [reading_minutes(words) for words in (0, 238, 239, 1000)] == [1, 1, 2, 5]


SOURCE = "De rug is **gemaakt** om dit soort belasting aan te kunnen, en hoe vaker je hem belast, hoe beter."


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("Zijn rug is gemaakt om dit soort dingen", ()),
        ("Rug is gemaakt om dit soort belasting!", ("Rug is gemaakt om dit soort belasting",)),
        ("Ja: RUG IS *GEMAAKT*, om dit\nsoort belasting. Of niet.", ("RUG IS *GEMAAKT*, om dit\nsoort belasting",)),
        (SOURCE, (SOURCE.rstrip("."),)),
        (
            "is gemaakt om dit soort belasting aan, maar dan: hoe vaker je hem belast hoe beter",
            ("is gemaakt om dit soort belasting aan", "hoe vaker je hem belast hoe beter"),
        ),
        ("", ()),
        ("…", ()),
    ],
)
def test_more_than_six_words_in_a_row_are_found(text: str, shared: tuple[str, ...]) -> None:
    assert overlap(SOURCE, text) == shared


def test_how_many_words_may_be_shared_can_be_chosen() -> None:
    assert overlap("een twee drie", "een twee", longest=1) == ("een twee",)
    assert overlap("een twee drie", "een twee", longest=2) == ()
    assert overlap("it’s one", "it's one", longest=1) == ("it's one",)
