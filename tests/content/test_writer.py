"""What is written to a file is what is read from it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.builders import COURSE, LESSONS

from rugcourse.content import load_course
from rugcourse.content.front_matter import read_document
from rugcourse.content.model import AlarmSigns, Reviewer
from rugcourse.content.writer import to_file


def test_signed_alarm_signs_come_back_as_they_were(tmp_path: Path) -> None:
    shipped = load_course(LESSONS / COURSE).alarm_signs["en"]
    signed = shipped.model_copy(
        update={"reviewed": date(2026, 12, 1), "reviewed_by": Reviewer(name="A. Doctor", role="GP")}
    )
    file = tmp_path / "alarm-signs.en.md"
    for notice in (shipped, signed):
        file.write_text(to_file(notice), encoding="utf-8")
        assert read_document(file).parse(AlarmSigns) == notice
