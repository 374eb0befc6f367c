"""What is typed in the steps of a campaign, as typed values; and back, for the form that shows it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from rugcourse.content import Message
from rugcourse.rendering.languages import LANGUAGES
from rugcourse.schedule import DEFAULT_ZONE, EVERY_DAY, Timing
from rugcourse.store.audiences import Audience, Following
from rugcourse.web.forms import whole_number

MESSAGE_PARTS = ("title", "subject", "preheader", "body")
STEPS = ("what", "who", "when", "pace", "review")


class Unreadable(Exception):
    """Something that was typed can't be used; the argument names what the page says about it."""


class WhoFields(BaseModel):
    """The audience, as a browser sends it."""

    form: str = ""
    languages: list[str] = []
    course: str = ""
    following: str = ""
    from_lesson: str = ""
    up_to_lesson: str = ""
    test_from: str = ""
    test_up_to: str = ""
    answered_within: str = ""
    silent_for: str = ""
    tags: str = ""
    confirmed_from: str = ""
    confirmed_up_to: str = ""

    def audience(self) -> Audience:
        """Raises Unreadable."""
        about_course = (self.following, self.from_lesson, self.up_to_lesson, self.test_from, self.test_up_to)
        if any(about_course) and not self.course:
            raise Unreadable("no-course")
        return Audience(
            languages=tuple(one for one in LANGUAGES if one in self.languages),
            course_id=whole_number(self.course) or None,
            following=Following(self.following) if self.following in {*Following} else None,
            from_lesson=_number(self.from_lesson, 0, 999),
            up_to_lesson=_number(self.up_to_lesson, 0, 999),
            test_from=_number(self.test_from, 0, 100),
            test_up_to=_number(self.test_up_to, 0, 100),
            answered_within=_number(self.answered_within, 1, 3650),
            silent_for=_number(self.silent_for, 1, 3650),
            tags=tuple(sorted({tag.strip().lower()[:40] for tag in self.tags.split(",") if tag.strip()}))[:20],
            confirmed_from=date_from(self.confirmed_from),
            confirmed_up_to=date_from(self.confirmed_up_to),
        )


class WhenFields(BaseModel):
    """The moment, as a browser sends it. `way`: now, instant or local."""

    form: str = ""
    way: str = ""
    instant_day: str = ""
    instant_time: str = ""
    local_day: str = ""
    hour: str = ""
    days: list[str] = []

    def timing(self, before: Timing, now: datetime) -> Timing:
        """The pace stays as it was `before`. Raises Unreadable."""
        days = frozenset(int(day) for day in self.days if day in set("0123456"))
        weekdays = days if days and days != EVERY_DAY else None
        hour = _number(self.hour, 0, 23)
        match self.way:
            case "now":
                return Timing(hour=hour, weekdays=weekdays, every_days=before.every_days)
            case "instant":
                at = _instant(self.instant_day, self.instant_time)
                if at < now:
                    raise Unreadable("past")
                return Timing(every_days=before.every_days, at=at)
            case "local":
                day = date_from(self.local_day)
                if day is None:
                    raise Unreadable("no-day")
                if day < now.date():
                    raise Unreadable("past")
                return Timing(day=day, hour=hour, weekdays=weekdays, every_days=before.every_days)
            case _:
                raise Unreadable("no-way")


def when_values(timing: Timing) -> dict[str, object]:
    """How the form shows a timing."""
    at = timing.at.astimezone(ZoneInfo(DEFAULT_ZONE)) if timing.at else None
    return {
        "way": "instant" if at else "local" if timing.day else "now",
        "instant_day": at.date().isoformat() if at else "",
        "instant_time": at.strftime("%H:%M") if at else "09:00",
        "local_day": timing.day.isoformat() if timing.day else "",
        "hour": "" if timing.hour is None else str(timing.hour),
        "days": {str(day) for day in timing.weekdays or EVERY_DAY},
    }


def message_from(fields: dict[str, str]) -> Message:
    """The message, from fields `<part>.<language>`; a language that is left empty is left out. Raises Unreadable."""
    texts = {}
    for language in LANGUAGES:
        parts = {part: fields.get(f"{part}.{language}", "").strip() for part in MESSAGE_PARTS}
        if any(parts.values()):
            texts[language] = {**parts, "body": parts["body"].replace("\r\n", "\n")}
    if not texts:
        raise Unreadable("no-message")
    try:
        return Message.model_validate({"texts": texts})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"][1:])
        raise Unreadable(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


def pace_from(per_minute: str, every_days: str) -> tuple[int | None, int | None]:
    """Raises Unreadable."""
    return _number(per_minute, 1, 1_000_000), _number(every_days, 1, 30)


def _number(text: str, least: int, most: int) -> int | None:
    if not text.strip():
        return None
    number = int(text) if text.strip().isdecimal() and len(text) <= 9 else -1
    if not least <= number <= most:
        raise Unreadable("number")
    return number


def date_from(text: str) -> date | None:
    """A day as a browser sends it, None for none. Raises Unreadable."""
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Unreadable("date") from None


def _instant(day: str, clock: str) -> datetime:
    try:
        local = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), tzinfo=ZoneInfo(DEFAULT_ZONE))
    except ValueError:
        raise Unreadable("date") from None
    return local.astimezone(UTC)
