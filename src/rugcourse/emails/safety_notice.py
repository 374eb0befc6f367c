"""Prepares the notice signs of a course for display, the same way on pages, in mails and in e-books."""

from __future__ import annotations

from dataclasses import dataclass

from rugcourse.content import SafetyNotice
from rugcourse.content.model import Level, PhoneNumber, Source, Urgency
from rugcourse.i18n import country_name, full_date, translations


@dataclass(frozen=True, slots=True)
class Call:
    """A number to call. `address` is its `tel:` URI (RFC 3966).

    `label` says whose number it is, and for which country if the course has numbers for several.
    """

    number: str
    address: str
    label: str


@dataclass(frozen=True, slots=True)
class ShownLevel:
    """What to do, whom to call, and the signs that call for it."""

    urgency: str
    title: str
    action: str
    calls: tuple[Call, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownSource:
    """A source of the notice signs. `link` may be empty."""

    title: str
    link: str


@dataclass(frozen=True, slots=True)
class SafetyNoticeText:
    """The notice signs to show. `state` says when the text was reviewed and by whom; may be empty."""

    title: str
    levels: tuple[ShownLevel, ...]
    good_to_know: tuple[str, ...]
    state: str
    sources: tuple[ShownSource, ...]


def safety_notice_text(notice: SafetyNotice, language: str) -> SafetyNoticeText:
    """Prepare the notice signs from their file, with labels in `language`."""
    return SafetyNoticeText(
        title=notice.title,
        levels=tuple(_level(notice, level, language) for level in notice.levels),
        good_to_know=notice.good_to_know,
        state=_state(notice, language),
        sources=tuple(_source(one) for one in notice.sources),
    )


def _level(notice: SafetyNotice, level: Level, language: str) -> ShownLevel:
    calls = _calls(notice, level.urgency, language)
    return ShownLevel(level.urgency, level.title, level.action or "", calls, level.signs)


def _calls(notice: SafetyNotice, urgency: Urgency, language: str) -> tuple[Call, ...]:
    return tuple(
        Call(one.number, _address(one), _label(one, country_name(country, language) if len(notice.numbers) > 1 else ""))
        for country, numbers in notice.numbers.items()
        for one in numbers
        if urgency in one.levels
    )


def _address(number: PhoneNumber) -> str:
    return "tel:" + number.number.replace(" ", "").replace("-", "")


def _label(number: PhoneNumber, country: str) -> str:
    return f"{number.label} ({country})" if country else number.label


def _state(notice: SafetyNotice, language: str) -> str:
    _ = translations(language).gettext
    if notice.reviewed is None:
        return ""
    date = full_date(notice.reviewed, language)
    if notice.reviewed_by is None:
        return _("This page was last updated on %(date)s.") % {"date": date}
    who = ", ".join(filter(None, (notice.reviewed_by.name, notice.reviewed_by.role)))
    return _("Last reviewed on %(date)s by %(who)s.") % {"date": date, "who": who}


def _source(source: Source) -> ShownSource:
    return ShownSource(f"{source.title} ({source.year})" if source.year else source.title, source.link or "")
