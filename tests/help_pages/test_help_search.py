"""Searching in help, whatever somebody types."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugcourse.help_pages.help_search import MAX_QUERY, search_help


def words_of(parts: tuple[tuple[str, bool], ...]) -> str:
    return "".join(text for text, _ in parts)


def test_a_heading_comes_before_a_paragraph() -> None:
    assert search_help("import list", "en")[0].url == "/admin/help/admin#import-a-list"


def test_all_words_have_to_stand_in_a_section_in_any_case() -> None:
    found = search_help("QUIET hours", "en")
    assert found
    assert all("quiet" in f"{words_of(one.title)} {words_of(one.excerpt)}".lower() for one in found[:1])
    assert search_help("quiet hours zebra", "en") == []


def test_what_was_searched_for_is_marked_in_the_excerpt() -> None:
    [first, *_] = search_help("recalled", "en")
    assert [text for text, is_hit in first.excerpt if is_hit] == ["recalled"]


def test_dutch_help_is_found_in_dutch() -> None:
    assert search_help("uitgeschreven", "nl")[0].url == "/admin/help/admin#import-a-list"


def test_pages_in_the_language_of_the_admin_come_first() -> None:
    found = [one.language for one in search_help("label", "nl")]
    assert found == sorted(found, reverse=True)
    assert set(found) == {"nl", "en"}


@pytest.mark.parametrize("query", ["", " ", "…", "<>", "%()[", "\x00"])
def test_a_query_without_words_finds_nothing(query: str) -> None:
    assert search_help(query, "en") == []


@given(st.text(max_size=3 * MAX_QUERY))
def test_no_query_breaks_the_search_or_changes_a_text(query: str) -> None:
    for one in search_help(query, "en"):
        assert len(words_of(one.excerpt)) < 300
        assert all(text for text, _ in (*one.title, *one.excerpt))


def test_long_queries_are_cut() -> None:
    assert search_help("campaign " + "x" * 10_000, "en") == []
    assert search_help("campaign" + " " * 200 + "zebra", "en") != []
