"""Somebody who knows the field's words finds the code by them."""

from __future__ import annotations

import re

import pytest
from tests.support.documented_commands import ROOT

_ROW = re.compile(r"^\| ([^|`]+) \| `([a-z0-9_/]+\.py)` \|$", re.MULTILINE)
_WHERE = _ROW.findall((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))


def test_the_glossary_says_of_twenty_words_where_to_look() -> None:
    assert len(_WHERE) >= 20


@pytest.mark.parametrize(("word", "file"), _WHERE, ids=[word for word, _ in _WHERE])
def test_a_standard_term_leads_to_its_file(word: str, file: str) -> None:
    text = (ROOT / "src" / "rugcourse" / file).read_text(encoding="utf-8")
    assert re.search(re.escape(word), " ".join(text.split()), re.IGNORECASE)
