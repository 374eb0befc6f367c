"""The forms of the campaign wizard: converts submitted text to values, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from rugcourse.content import Message
from rugcourse.course_editor.linter import LintFinding
from rugcourse.course_editor.messages import PARTS, InvalidMessage, message_of
from rugcourse.db.audience import Audience, Following
from rugcourse.db.models import CampaignRow, Ground
from rugcourse.errors import InvalidInput
from rugcourse.locales import languages
from rugcourse.scheduling import EVERY_DAY, Timing
from rugcourse.web.forms import whole_number

_YEARS = range(1900, 2200)  # dates near the limits of `datetime` overflow when time zones are applied
STEPS = ("what", "who", "when", "pace", "review")


class FormErrors(InvalidInput):
    """Some fields can't be used. `findings`: the errors, each with its field."""

    def __init__(self, *findings: LintFinding) -> None:
        super().__init__(findings[0].kind)
        self.findings = findings


class WhoFields(BaseModel):
    """The audience form as submitted."""

    seen: str = ""
    languages: list[str] = []
    course: str = ""
    following: str = ""
    from_lesson: str = ""
    up_to_lesson: str = ""
    test_from: str = ""
    test_up_to: str = ""
    answered_within: str = ""
    silent_for: str = ""
    tags: list[str] = []
    confirmed_from: str = ""
    confirmed_up_to: str = ""
    ground: str = ""

    @property
    def chosen_tags(self) -> tuple[str, ...]:
        """The tags that were ticked, or typed with commas between them: at most 20, sorted."""
        typed = {tag.strip().lower()[:40] for tag in ",".join(self.tags).split(",")}
        return tuple(sorted(typed - {""}))[:20]

    @property
    def is_about_course(self) -> bool:
        """Whether a condition on the course is filled in."""
        numbers = (self.from_lesson, self.up_to_lesson, self.test_from, self.test_up_to)
        return any((self.course, self.following, *numbers))

    @property
    def is_about_activity(self) -> bool:
        """Whether a condition on what people did is filled in."""
        return any((self.answered_within, self.silent_for, self.confirmed_from, self.confirmed_up_to))

    def ground_of(self, row: CampaignRow) -> Ground:
        """Return the legal ground: broadcasts choose one, other campaigns keep theirs."""
        chosen = row.type.chooses_ground and self.ground in {*Ground}
        return Ground(self.ground if chosen else row.ground)

    def audience(self) -> Audience:
        """Return the validated audience. Raises FormErrors."""
        about_course = (self.following, self.from_lesson, self.up_to_lesson, self.test_from, self.test_up_to)
        with _Reading() as reading:
            if any(about_course) and not self.course:
                reading.refuse("no-course", "course")
            return Audience(
                languages=tuple(one for one in languages() if one in self.languages),
                course_id=whole_number(self.course) or None,
                following=Following(self.following) if self.following in {*Following} else None,
                from_lesson=reading.number("from_lesson", self.from_lesson, 0, 999),
                up_to_lesson=reading.number("up_to_lesson", self.up_to_lesson, 0, 999),
                test_from=reading.number("test_from", self.test_from, 0, 100),
                test_up_to=reading.number("test_up_to", self.test_up_to, 0, 100),
                answered_within=reading.number("answered_within", self.answered_within, 1, 3650),
                silent_for=reading.number("silent_for", self.silent_for, 1, 3650),
                tags=self.chosen_tags,
                confirmed_from=reading.day("confirmed_from", self.confirmed_from),
                confirmed_up_to=reading.day("confirmed_up_to", self.confirmed_up_to),
            )


def who_values(audience: Audience, ground: str) -> WhoFields:
    """Return the form's values for an audience and a legal ground."""
    numbers = ("from_lesson", "up_to_lesson", "test_from", "test_up_to", "answered_within", "silent_for")
    typed = {name: getattr(audience, name) for name in (*numbers, "confirmed_from", "confirmed_up_to")}
    return WhoFields(
        languages=list(audience.languages),
        course=str(audience.course_id or ""),
        following=audience.following or "",
        tags=list(audience.tags),
        ground=ground,
        **{name: "" if value is None else str(value) for name, value in typed.items()},
    )


class WhenFields(BaseModel):
    """The timing form as submitted. `way`: "now", "instant" or "local"."""

    seen: str = ""
    way: str = ""
    instant_day: str = ""
    instant_time: str = ""
    local_day: str = ""
    hour: str = ""
    days: list[str] = []

    def timing(self, now: datetime, zone: ZoneInfo) -> Timing:
        """Return the validated timing. `zone`: of the moment for everybody. Raises FormErrors."""
        days = frozenset(int(day) for day in self.days if day in set("0123456"))
        weekdays = days if days and days != EVERY_DAY else None
        timing = Timing()
        with _Reading() as reading:
            hour = reading.number("hour", self.hour, 0, 23)
            match self.way:
                case "now":
                    timing = Timing(hour=hour, weekdays=weekdays)
                case "instant":
                    at = self._instant(reading, now, zone)
                    timing = Timing(at=at, hour=hour, weekdays=weekdays)
                case "local":
                    day = self._local_day(reading, now)
                    timing = Timing(day=day, hour=hour, weekdays=weekdays)
                case _:
                    reading.refuse("no-way", "way")
        return timing

    def _instant(self, reading: _Reading, now: datetime, zone: ZoneInfo) -> datetime | None:
        day = reading.needed_day("instant_day", self.instant_day)
        clock = reading.needed_time("instant_time", self.instant_time)
        if day is None or clock is None:
            return None
        at = datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
        if at < now:
            reading.refuse("past", "instant_day")
        return at

    def _local_day(self, reading: _Reading, now: datetime) -> date | None:
        day = reading.needed_day("local_day", self.local_day)
        if day is not None and day < now.date():
            reading.refuse("past", "local_day")
        return day


def when_values(timing: Timing, zone: ZoneInfo) -> dict[str, object]:
    """Return the form's values for a timing. `zone`: of the moment for everybody."""
    at = timing.at.astimezone(zone) if timing.at else None
    return {
        "way": "instant" if at else "local" if timing.day else "now",
        "instant_day": at.date().isoformat() if at else "",
        "instant_time": at.strftime("%H:%M") if at else "09:00",
        "local_day": timing.day.isoformat() if timing.day else "",
        "hour": "" if timing.hour is None else str(timing.hour),
        "days": {str(day) for day in timing.weekdays or EVERY_DAY},
    }


def name_from(text: str) -> str:
    """Return a campaign's name. Raises FormErrors."""
    name = text.strip()[:120]
    if not name:
        raise FormErrors(LintFinding("no-name", "name"))
    return name


def message_from(fields: dict[str, str]) -> Message:
    """Return the message in fields `<part>.<language>`, without languages that are empty. Raises FormErrors."""
    try:
        return message_of(message_input(fields), languages())
    except InvalidMessage as error:
        raise FormErrors(*error.findings) from None


def message_input(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed in fields `<part>.<language>` as `<language>.<part>`."""
    return {f"{language}.{part}": fields.get(f"{part}.{language}", "") for language in languages() for part in PARTS}


def refuse(findings: Iterable[LintFinding]) -> None:
    """Raise FormErrors if there is a finding."""
    if wrong := tuple(findings):
        raise FormErrors(*wrong)


def pace_from(per_minute: str, every_days: str) -> tuple[int | None, int | None]:
    """Return the maximum of mails per minute and the days between lessons; None for empty. Raises FormErrors."""
    with _Reading() as reading:
        return (
            reading.number("per_minute", per_minute, 1, 1_000_000),
            reading.number("every_days", every_days, 1, 30),
        )


def date_from(text: str, field: str = "") -> date | None:
    """Return a date (ISO 8601), or None for an empty text. Raises FormErrors."""
    with _Reading() as reading:
        return reading.day(field, text)


class _Reading:
    """Collects the errors of some fields, and raises FormErrors with all of them when the block ends."""

    def __init__(self) -> None:
        self.wrong: list[LintFinding] = []

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and self.wrong:
            raise FormErrors(*self.wrong)

    def refuse(self, what: str, field: str, **values: object) -> None:
        self.wrong.append(LintFinding(what, field, values=values))

    def number(self, field: str, text: str, least: int, most: int) -> int | None:
        """Return the number, or None if it is empty or invalid."""
        if not text.strip():
            return None
        number = int(text) if text.strip().isdecimal() and len(text) <= 9 else -1
        if least <= number <= most:
            return number
        self.refuse("number", field, least=least, most=most)
        return None

    def day(self, field: str, text: str) -> date | None:
        """Return the date, or None if it is empty or invalid."""
        if not text.strip():
            return None
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            day = date.min
        if day.year in _YEARS:
            return day
        self.refuse("date", field)
        return None

    def needed_day(self, field: str, text: str) -> date | None:
        if not text.strip():
            self.refuse("no-date", field)
        return self.day(field, text)

    def needed_time(self, field: str, text: str) -> time | None:
        try:
            return time.fromisoformat(text.strip())
        except ValueError:
            self.refuse("no-time", field)
            return None
