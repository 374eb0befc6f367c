"""The words around the lessons, in the reader's language (gettext; English is the language of the source)."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from rugcourse import paths

_SOURCE_LANGUAGE = "en"


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language, compiled from its .po file in memory: no generated files to forget."""
    if language == _SOURCE_LANGUAGE:
        return NullTranslations()
    with (paths.folder("locales") / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def day_and_hour(instant: datetime, language: str) -> str:
    """A local time as people say it: `maandag 23 november, 08:00`. `instant` carries the reader's zone."""
    pattern = {"nl": "EEEE d MMMM, HH:mm", "en": "EEEE d MMMM, HH:mm"}[language]
    return format_datetime(instant, pattern, locale=language)


def day_and_year(day: date, language: str) -> str:
    """A day long ago as people say it: `23 november 2025`."""
    return format_date(day, "d MMMM yyyy", locale=language)


def day_name(day: date, language: str) -> str:
    """A day as people say it: `maandag 23 november`. A `datetime` carries the reader's zone."""
    return format_date(day, "EEEE d MMMM", locale=language)


def full_date(day: date, language: str) -> str:
    """A day with its year: `23 november 2026`."""
    return format_date(day, "d MMMM y", locale=language)


def country_name(code: str, language: str) -> str:
    """What a country is called in a language: `Nederland` for `nl`; its code where it has no name."""
    return str(Locale(language).territories.get(code.upper(), code.upper()))


def language_name(code: str) -> str:
    """A language in its own words: `Nederlands`."""
    return Locale(code).get_display_name(code).capitalize()  # type: ignore[union-attr]


def weekday_name(weekday: int, language: str) -> str:
    """The short name of a weekday; 0 is Monday."""
    return format_date(date(2024, 1, 1 + weekday), "EEE", locale=language).rstrip(".")
