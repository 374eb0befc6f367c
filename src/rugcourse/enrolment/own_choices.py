"""What a reader chooses on their own page, as its form sends it: merged with what was chosen since, and saved whole."""

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
    """What was chosen can't be done. `args[0]` names it for the page."""


@dataclass(frozen=True, slots=True)
class SentChoices:
    """A form: the values it sent, and those it showed before anything was chosen."""

    sent: Mapping[str, list[str]]
    shown: Mapping[str, list[str]]


def choices_of(person: SubscriberRow, schedule: Schedule) -> Choices:
    """What somebody has chosen, as the form shows it."""
    boxes = {
        "measuring": person.measuring,
        "news": person.news,
        "left_out": person.objected_at is not None,
        "untagged": person.untagged_at is not None,
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
    """Keep all that a form changes, or nothing. `languages`: those of the course; `shown`: see `preferences`.

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
    preferences.set_left_out(session, now, subscriber_id, left_out=any(chosen["left_out"]))
    preferences.set_untagged(session, now, subscriber_id, untagged=any(chosen["untagged"]))
    language = chosen["language"][0]
    if language != language_before and language in languages:
        preferences.set_language(session, subscriber_id, language)


def pause_until(session: Session, now: datetime, subscriber_id: int, day: str) -> None:
    """Pause until the beginning of a day (ISO 8601) in the reader's zone; without an end where it is empty.

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
    """What is to be saved of a form: what differs from what it showed. All else stays as it is by now, as a page that
    was left open knows nothing of what was chosen since. But a no is always a no: a browser that goes back shows the
    page as it was before.
    """
    sent, shown = form.sent, form.shown
    return {
        name: now if name in shown and sent[name] == shown[name] and sent[name] != _NOES.get(name) else sent[name]
        for name, now in current.items()
    }
