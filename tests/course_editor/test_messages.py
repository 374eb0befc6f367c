"""A message needs a subject and a text; the rest follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugcourse.content.model import PREHEADER_LIMIT
from rugcourse.course_editor.messages import InvalidMessage, lenient_message, message_of

LONG = "Come to our evening about knees. " * 10


def written(**parts: str) -> dict[str, str]:
    return {f"en.{part}": text for part, text in parts.items()}


def test_subject_and_text_are_enough() -> None:
    text = message_of(written(subject="Welcome", body=f"Hi {{{{ first_name }}}}!\n\n{LONG}"), ["nl", "en"]).texts["en"]
    assert text.title == "Welcome"
    assert text.preheader.startswith("Hi! Come to")  # the name of a reader leaves no gap
    assert text.preheader.endswith("evening")  # whole words
    assert 60 < len(text.preheader) <= PREHEADER_LIMIT


def test_what_is_written_stays() -> None:
    text = message_of(written(subject="S", title="T", preheader="P", body="B"), ["en"]).texts["en"]
    assert (text.title, text.preheader) == ("T", "P")


def test_only_what_is_needed_is_missing() -> None:
    with pytest.raises(InvalidMessage) as refused:
        message_of(written(title="T"), ["en"])
    assert {one.where for one in refused.value.findings} == {"en.subject", "en.body"}
    with pytest.raises(InvalidMessage) as refused:
        message_of(written(body="B"), ["en"])
    assert {one.where for one in refused.value.findings} == {"en.subject"}


def test_a_text_of_one_endless_word_has_the_subject_as_its_preview() -> None:
    assert message_of(written(subject="S", body="x" * 200), ["en"]).texts["en"].preheader == "S"


@given(st.text(max_size=400))
def test_the_beginning_of_a_text_is_never_a_mistake_of_its_own(body: str) -> None:
    wrong: set[str] = set()
    try:
        message_of(written(subject="Welcome", body=body), ["en"])
    except InvalidMessage as refused:
        wrong = {one.where for one in refused.findings}
    assert wrong <= {"en.body"}


def test_a_preview_is_there_before_a_word_is_written() -> None:
    assert lenient_message({}, "en").texts["en"].subject == "…"
