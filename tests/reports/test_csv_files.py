"""No cell of a file runs as a formula, whatever delimiter it is opened with."""

from __future__ import annotations

import pytest

from rugcourse.reports.csv_files import escape_formula


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("ok;=1+1;x", "ok;'=1+1;x"),
        ("ok,=1+1", "ok,'=1+1"),
        ("one\n=1+1", "one\n'=1+1"),
        ("\t=1+1", "'\t=1+1"),
        (";=1+1", ";'=1+1"),
        ("a;;=1+1", "a;;'=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("kim@x.example", "kim@x.example"),
        ("up by 2 - or 3, -ish", "up by 2 - or 3, -ish"),
        ("2026-11-28", "2026-11-28"),
    ],
)
def test_a_text_that_could_run_gets_an_apostrophe(text: str, safe: str) -> None:
    assert escape_formula(text) == safe


def test_numbers_stay_numbers() -> None:
    assert escape_formula(-5) == -5
