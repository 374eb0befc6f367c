"""Translations of the interface (gettext, with English as the source language), and dates, numbers and names in words.

A language without a catalogue gets English. So a person whose language is no longer offered still gets their mails.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO

from babel import Locale
from babel.core import get_global
from babel.dates import (
    format_date,
    format_skeleton,
    match_skeleton,
    tokenize_pattern,
    untokenize_pattern,
)
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, get_decimal_symbol

from rugcourse import paths
from rugcourse.locales import SOURCE_LANGUAGE, known_language
from rugcourse.scheduling import EVERY_DAY, Cadence

_REGIONS = {SOURCE_LANGUAGE: "GB"}  # English as in Britain: the day before the month, and hours up to 24
_WEEK = 7
_WORKING_DAYS = frozenset(range(5))
_ABBREVIATED, _IN_FULL = 3, 4  # letters of a field that ask for such a name (UTS 35)


def N_(message: str) -> str:  # noqa: N802 - the name that gettext tools know
    """Mark a message for translation where it is defined; it is translated where it is used."""
    return message


def translations(language: str) -> NullTranslations:
    """Return the catalogue of a language; of English and unknown ones, that which leaves messages as they are."""
    return _catalogue(known_language(language, SOURCE_LANGUAGE))


def locale_of(language: str) -> Locale:
    """Return what Unicode's CLDR knows of a language: its dates, numbers and names."""
    return _locale(known_language(language, SOURCE_LANGUAGE))


def day_and_hour(instant: datetime, language: str) -> str:
    """Format a local time: `maandag 23 november, 08:00`. `instant` has the reader's time zone."""
    return f"{day_name(instant, language)}, {time_of_day(instant, language)}"


def moment(instant: datetime, now: datetime, language: str) -> str:
    """Format a local time, with the year if it is another one than now: `23 november 2025, 08:00`.

    `instant` has the time zone in which it is read.
    """
    if instant.year == now.year:
        return day_and_hour(instant, language)
    return f"{full_date(instant, language)}, {time_of_day(instant, language)}"


def time_of_day(instant: datetime, language: str) -> str:
    """Format the time of a moment: `08:00`."""
    return format_skeleton("Hm", instant, locale=locale_of(language))


def day_name(day: date, language: str) -> str:
    """Format a day: `maandag 23 november`. A `datetime` has the reader's time zone."""
    locale = locale_of(language)
    return format_date(day, _day_pattern(locale), locale=locale)


def full_date(day: date, language: str) -> str:
    """Format a day with its year: `23 november 2026`."""
    return format_date(day, "long", locale=locale_of(language))


def short_date(day: date, language: str) -> str:
    """Format a day in digits, without its year: `23-11`."""
    return format_skeleton("Md", day, locale=locale_of(language))


def decimal(number: float, language: str) -> str:
    """Format a number: `1.234,5`."""
    return format_decimal(number, locale=locale_of(language))


def has_decimal_comma(language: str) -> bool:
    return get_decimal_symbol(locale_of(language)) == ","


def country_name(code: str, language: str) -> str:
    """Return the name of a country in a language: `Nederland` for `nl`; its code if there is no name."""
    return str(locale_of(language).territories.get(code.upper(), code.upper()))


def language_name(code: str) -> str:
    """Return the name of a language in that language: `Nederlands`."""
    return (Locale(code).get_language_name(code) or code).capitalize()


def language_name_in(code: str, language: str) -> str:
    """Return the name of a language in another one: `Engels` for `en` in `nl`."""
    return str(locale_of(language).languages.get(code, code))


def locale_name(language: str) -> str:
    """Return a language with the country where most people speak it: `nl_NL`, or `en_GB`, as this English is."""
    locale = locale_of(language)
    territory = locale.territory or str(get_global("likely_subtags").get(language, "")).rpartition("_")[2]
    return f"{locale.language}_{territory}" if territory else locale.language


def weekday_name(weekday: int, language: str) -> str:
    """Return the short name of a weekday; 0 is Monday."""
    return format_date(date(2024, 1, 1 + weekday), "EEE", locale=locale_of(language)).rstrip(".")


def cadence_phrase(cadence: Cadence, language: str) -> str:
    """Say how often lessons come, to stand after "lessons": `one a day`."""
    texts = translations(language)
    days = ", ".join(weekday_name(day, language) for day in sorted(cadence.days))
    if cadence.waits_for_answer:
        return texts.gettext("one after each quiz you answer")
    if cadence.every_days == _WEEK:
        return texts.gettext("one a week")
    if cadence.every_days > 1:
        return texts.ngettext("one a day", "one every %(num)s days", cadence.every_days) % {"num": cadence.every_days}
    if cadence.days == EVERY_DAY:
        return texts.gettext("one a day")
    if cadence.days == _WORKING_DAYS:
        return texts.gettext("one a day from Monday to Friday")
    return texts.gettext("one a day on %(days)s") % {"days": days}


@cache
def _catalogue(language: str) -> NullTranslations:
    """Compile a catalogue from its .po file in memory, without generated files."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    with (paths.folder("locales") / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def _locale(language: str) -> Locale:
    return Locale(language, _REGIONS.get(language))


@cache
def _day_pattern(locale: Locale) -> str:
    """Return the pattern of a weekday, day and month, with both names in full.

    CLDR has patterns for some lengths only, and says to lengthen the fields of the nearest one (UTS 35, part 4).
    """
    patterns = locale.datetime_skeletons
    nearest = match_skeleton("MMMMEEEEd", patterns) or "MMMEd"
    return untokenize_pattern([_in_full(*token) for token in tokenize_pattern(patterns[nearest].pattern)])


def _in_full(kind: str, value: str | tuple[str, int]) -> tuple[str, str | tuple[str, int]]:
    """Lengthen a weekday, and a month if it is a name and not a number, in a token of a pattern."""
    if isinstance(value, tuple):
        letter, length = value
        if letter in "Ec":
            return kind, ("E", _IN_FULL)  # `c`, for a day on its own, is one of which Babel has no names
        if letter in "ML" and length >= _ABBREVIATED:
            return kind, (letter, _IN_FULL)
    return kind, value
