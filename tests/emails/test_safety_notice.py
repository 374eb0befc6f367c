"""The notice signs as they are shown: whom to call where, and never a word of a review that nobody did."""

from __future__ import annotations

from datetime import date

import pytest
from tests.support.builders import COURSE, LESSONS

from rugcourse.content import SafetyNotice, load_course
from rugcourse.content.model import Level, PhoneNumber, Reviewer, Urgency
from rugcourse.emails.safety_notice import safety_notice_text


@pytest.fixture
def notice() -> SafetyNotice:
    return SafetyNotice(
        title="Signs",
        line="Call.",
        levels=(
            Level(urgency=Urgency.EMERGENCY, title="Call", signs=("Pain",)),
            Level(urgency=Urgency.SUPPORT, title="Talk"),
        ),
        numbers={
            "nl": (PhoneNumber(label="Emergency", number="110 1", levels=(Urgency.EMERGENCY,)),),
            "gb": (PhoneNumber(label="Line", number="+44 20-7946 0000", levels=(Urgency.SUPPORT,)),),
        },
        body="Text.",
    )


def test_a_number_stands_with_its_levels_and_can_be_dialled(notice: SafetyNotice) -> None:
    emergency, support = safety_notice_text(notice, "en").levels
    assert [(one.number, one.address) for one in emergency.calls] == [("110 1", "tel:1101")]
    assert [(one.number, one.address) for one in support.calls] == [("+44 20-7946 0000", "tel:+442079460000")]


def test_countries_are_named_in_the_readers_language_where_there_are_several(notice: SafetyNotice) -> None:
    assert safety_notice_text(notice, "nl").levels[1].calls[0].label == "Line (Verenigd Koninkrijk)"
    assert safety_notice_text(notice, "en").levels[0].calls[0].label == "Emergency (Netherlands)"
    one_country = notice.model_copy(update={"numbers": {"nl": notice.numbers["nl"]}})
    assert safety_notice_text(one_country, "en").levels[0].calls[0].label == "Emergency"


def test_safety_notice_name_their_reviewer_or_only_the_date_when_unsigned(notice: SafetyNotice) -> None:
    assert safety_notice_text(notice, "en").state == ""
    dated = notice.model_copy(update={"reviewed": date(2026, 3, 2)})
    assert safety_notice_text(dated, "en").state == "This page was last updated on 2 March 2026."
    signed = dated.model_copy(update={"reviewed_by": Reviewer(name="A. Arts", role="huisarts")})
    assert safety_notice_text(signed, "nl").state == "Voor het laatst nagekeken op 2 maart 2026 door A. Arts, huisarts."


def test_the_shipped_signs_name_no_reviewer() -> None:
    course = load_course(LESSONS / COURSE)
    assert course.unsigned_notices == tuple(course.languages)
    for language, notice in course.safety_notices.items():
        assert notice.reviewed_by is None
        assert safety_notice_text(notice, language).sources
