"""The tag for the safety notice: a line of its own between Markdown texts, which changes nothing in them."""

from __future__ import annotations

import pytest

from rugcourse.content.markdown import UnknownTag, check_tags, count_words, link_targets
from rugcourse.content.readability import reading_ease
from rugcourse.content.safety_notice_tag import SAFETY_NOTICE_TAG, notice_line, split_at_notice, without_notice

BODY = f"Een [link](https://a.example).\n\n{SAFETY_NOTICE_TAG}\n\nEn [nog een](https://b.example)."


def test_a_lesson_without_the_tag_is_one_text() -> None:
    assert split_at_notice("Tekst.") == ["Tekst."]
    assert notice_line("Tekst.") is None


@pytest.mark.parametrize("tag", [SAFETY_NOTICE_TAG, "{{safety_notice}}", "{{  safety_notice }}  "])
def test_the_tag_parts_the_texts_around_it_and_its_line_is_known(tag: str) -> None:
    body = BODY.replace(SAFETY_NOTICE_TAG, tag)
    assert [one.strip() for one in split_at_notice(body)] == [
        "Een [link](https://a.example).",
        "En [nog een](https://b.example).",
    ]
    assert notice_line(body) == 2
    assert without_notice(body).count("\n") == body.count("\n")


def test_links_keep_their_order_and_the_signs_count_for_no_words() -> None:
    assert link_targets(BODY) == ["https://a.example", "https://b.example"]
    assert count_words(BODY) == count_words(BODY.replace(SAFETY_NOTICE_TAG, "")) > 0
    long = "De kat zit op de mat. " * 10
    assert reading_ease(f"{long}\n\n{SAFETY_NOTICE_TAG}", "nl") == reading_ease(long, "nl")


@pytest.mark.parametrize(
    "body", [f"  {SAFETY_NOTICE_TAG}", f"- {SAFETY_NOTICE_TAG}", f"{SAFETY_NOTICE_TAG} en meer", "{{ safety_notice"]
)
def test_notice_tag_is_refused_when_it_is_not_on_its_own_line(body: str) -> None:
    assert split_at_notice(body) == [body]
    with pytest.raises(UnknownTag):
        check_tags(without_notice(body))
