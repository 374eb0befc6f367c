"""Saves the form of a reader's own page, merged with changes that were made since the page was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import Session

from rugcourse.db.models import SubscriberRow
from rugcourse.db.queries import subscribers
from rugcourse.enrolment import preferences
from rugcourse.enrolment.consents import Shown
from rugcourse.enrolment.signup import read_schedule
from rugcourse.errors import InvalidInput
from rugcourse.scheduling import Schedule

LONGEST_PAUSE = timedelta(days=366)
Choices = dict[str, list[str]]  # each field of the form → its values; [""] for a box that is not ticked
_NOES: Choices = {"measuring": [""], "news": [""], "left_out": ["yes"], "untagged": ["yes"]}


class InvalidChoice(InvalidInput):
    """A value of the form can't be used. `args[0]`: the key of the page's message."""


@dataclass(frozen=True, slots=True)
class SentChoices:
    """The values that a form sent, and those it showed when it was loaded."""

    sent: Mapping[str, list[str]]
    shown: Mapping[str, list[str]]


def choices_of(person: SubscriberRow, schedule: Schedule) -> Choices:
    """Return the stored choices of a reader, as values of the form."""
    boxes = {
        "measuring": person.tracking_consent,
        "news": person.news_consent,
        "left_out": person.statistics_objected_at is not None,
        "untagged": person.tags_objected_at is not None,
    }
    return {
        "zone": [schedule.zone],
        "hour": [str(schedule.hour)],
        "days": [str(day) for day in sorted(schedule.weekdays)],
        "every_days": [str(schedule.every_days)],
        "language": [person.language],
        **{name: ["yes" if ticked else ""] for name, ticked in boxes.items()},
    }


def save(
    session: Session, now: datetime, subscriber_id: int, form: SentChoices, languages: tuple[str, ...], shown: Shown
) -> None:
    """Save all changes of a form, or none. `languages`: of the course; `shown`: see `preferences.set_measuring`.

    Raises InvalidChoice, NotAReader.
    """
    person = preferences.locked_reader(session, subscriber_id)
    current = choices_of(person, subscribers.load_schedule(session, subscriber_id))
    chosen = _merged(form, current)
    schedule, _wrong = read_schedule(chosen["zone"][0], chosen["hour"][0], chosen["days"], chosen["every_days"][0])
    if schedule is None:
        raise InvalidChoice("wrong")
    language_before = person.language
    preferences.change_schedule(session, now, subscriber_id, schedule)
    preferences.set_measuring(session, now, subscriber_id, agreed=any(chosen["measuring"]), shown=shown)
    preferences.set_news(session, now, subscriber_id, agreed=any(chosen["news"]), shown=shown)
    preferences.set_statistics_objection(session, now, subscriber_id, left_out=any(chosen["left_out"]))
    preferences.set_tag_objection(session, now, subscriber_id, untagged=any(chosen["untagged"]))
    language = chosen["language"][0]
    if language != language_before and language in languages:
        preferences.set_language(session, subscriber_id, language)


def pause_until(session: Session, now: datetime, subscriber_id: int, day: str) -> None:
    """Pause until a day (ISO 8601) begins in the reader's time zone; without an end if `day` is empty.

    Raises InvalidChoice, NotAReader.
    """
    schedule = subscribers.load_schedule(session, subscriber_id)
    preferences.pause(session, now, subscriber_id, _pause_end(schedule, now, day) if day else None)


def _pause_end(schedule: Schedule, now: datetime, text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidChoice("wrong-date") from None
    today = schedule.local_date(now)
    if not today < day <= today + LONGEST_PAUSE:
        raise InvalidChoice("wrong-date")
    return datetime.combine(day, time(), tzinfo=schedule.tz)


def _merged(form: SentChoices, current: Choices) -> Choices:
    """Return the values to save. A field that the reader did not change keeps its stored value, as the page may be
    outdated.

    An explicit refusal is always saved: a browser that goes back shows the page as it was loaded first.
    """
    sent, shown = form.sent, form.shown
    return {
        name: now if name in shown and sent[name] == shown[name] and sent[name] != _NOES.get(name) else sent[name]
        for name, now in current.items()
    }
