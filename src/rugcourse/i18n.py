"""Translations of the user interface (gettext, with English as the source language), and dates in words."""

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


def N_(message: str) -> str:  # noqa: N802 - the name that gettext tools know
    """Mark a message for translation where it is defined; it is translated where it is used."""
    return message


@cache
def translations(language: str) -> NullTranslations:
    """Return the catalogue of a language, compiled from its .po file in memory, without generated files."""
    if language == _SOURCE_LANGUAGE:
        return NullTranslations()
    with (paths.folder("locales") / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def day_and_hour(instant: datetime, language: str) -> str:
    """Format a local time: `maandag 23 november, 08:00`. `instant` has the reader's time zone."""
    return format_datetime(instant, "EEEE d MMMM, HH:mm", locale=language)


def day_and_year(day: date, language: str) -> str:
    """Format a past day: `23 november 2025`."""
    return format_date(day, "d MMMM yyyy", locale=language)


def day_name(day: date, language: str) -> str:
    """Format a day: `maandag 23 november`. A `datetime` has the reader's time zone."""
    return format_date(day, "EEEE d MMMM", locale=language)


def full_date(day: date, language: str) -> str:
    """Format a day with its year: `23 november 2026`."""
    return format_date(day, "d MMMM y", locale=language)


def country_name(code: str, language: str) -> str:
    """Return the name of a country in a language: `Nederland` for `nl`; its code if there is no name."""
    return str(Locale(language).territories.get(code.upper(), code.upper()))


def language_name(code: str) -> str:
    """Return the name of a language in that language: `Nederlands`."""
    return Locale(code).get_display_name(code).capitalize()  # type: ignore[union-attr]


def weekday_name(weekday: int, language: str) -> str:
    """Return the short name of a weekday; 0 is Monday."""
    return format_date(date(2024, 1, 1 + weekday), "EEE", locale=language).rstrip(".")
