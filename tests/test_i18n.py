"""Dates, numbers and names as each language writes them, without a line of code for it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel import Locale
from babel.localedata import locale_identifiers
from tests.support.languages import MARK, with_french

from rugcourse import i18n

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("nl", "maandag 23 november, 08:00"),
        ("en", "Monday 23 November, 08:00"),
        ("de", "Montag, 23. November, 08:00"),
        ("fr", "lundi 23 novembre, 08:00"),
    ],
)
def test_a_moment_is_written_as_in_its_language(tmp_path: Path, language: str, expected: str) -> None:
    with with_french(tmp_path):
        assert i18n.day_and_hour(MONDAY, language) == expected
        assert i18n.day_name(MONDAY.date(), language) == expected.rpartition(", ")[0]


@pytest.mark.parametrize("hour", [0, 8, 13, 23])
def test_hours_go_up_to_23(hour: int) -> None:
    assert i18n.day_and_hour(MONDAY.replace(hour=hour), "en").endswith(f", {hour:02}:00")


@pytest.mark.parametrize(
    ("language", "expected"),
    [("nl", "5 maart 2026"), ("en", "5 March 2026"), ("de", "5. März 2026"), ("fr", "5 mars 2026")],
)
def test_a_date_has_the_day_before_the_month(tmp_path: Path, language: str, expected: str) -> None:
    with with_french(tmp_path):
        assert i18n.full_date(date(2026, 3, 5), language) == expected


@pytest.mark.parametrize(("language", "expected"), [("nl", "5-3"), ("en", "05/03"), ("de", "5.3.")])
def test_a_date_in_digits_has_the_signs_of_its_language(language: str, expected: str) -> None:
    assert i18n.short_date(date(2026, 3, 5), language) == expected


def test_every_language_that_babel_knows_has_a_weekday_in_full() -> None:
    for code in (one for one in locale_identifiers() if len(one) == 2):
        locale = Locale(code)
        written = i18n.format_date(MONDAY, i18n._day_pattern(locale), locale=locale)
        names = {locale.days[way]["wide"][0] for way in ("format", "stand-alone")}
        assert any(name in written for name in names), (code, written)


def test_a_number_has_the_comma_of_its_language(tmp_path: Path) -> None:
    with with_french(tmp_path):
        assert [i18n.decimal(1234.5, one) for one in ("en", "nl", "de", "fr")] == [
            "1,234.5",
            "1.234,5",
            "1.234,5",
            "1\u202f234,5",
        ]
        assert [i18n.has_decimal_comma(one) for one in ("en", "nl", "de", "fr")] == [False, True, True, True]


def test_a_language_is_named_in_itself_without_a_country() -> None:
    assert [i18n.language_name(code) for code in ("nl", "en", "de", "fr")] == [
        "Nederlands",
        "English",
        "Deutsch",
        "Français",
    ]


def test_weekdays_are_short_and_without_a_dot(tmp_path: Path) -> None:
    with with_french(tmp_path):
        assert [i18n.weekday_name(0, one) for one in ("nl", "en", "de", "fr")] == ["ma", "Mon", "Mo", "lun"]


def test_words_come_from_the_catalogue(tmp_path: Path) -> None:
    with with_french(tmp_path):
        assert i18n.translations("fr").gettext("Unsubscribe") == f"{MARK}Unsubscribe"
    assert i18n.translations("nl").gettext("Unsubscribe") == "Uitschrijven"
    assert i18n.translations("de").gettext("Unsubscribe") == "Abmelden"


@pytest.mark.parametrize("code", ["fr", "../locales/nl", "xx", "n" * 10_000])
def test_a_language_without_a_catalogue_gets_english(code: str) -> None:
    """As for a reader whose language was taken away, whose next mail is due."""
    assert i18n.translations(code).gettext("Unsubscribe") == "Unsubscribe"
    assert i18n.day_and_hour(MONDAY, code) == "Monday 23 November, 08:00"


@pytest.mark.parametrize(("language", "expected"), [("nl", "nl_NL"), ("en", "en_GB"), ("de", "de_DE"), ("xx", "en_GB")])
def test_a_language_is_named_with_the_country_where_most_people_speak_it(language: str, expected: str) -> None:
    assert i18n.locale_name(language) == expected
