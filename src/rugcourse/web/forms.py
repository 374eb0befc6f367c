"""Shared by public forms: signed timestamp, honeypot, and the choices of a schedule."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from rugcourse.clock import Clock
from rugcourse.links import BadToken, Signer, TokenPurpose
from rugcourse.scheduling import EVERY_DAY, zone_names

MIN_SECONDS = 2.0  # people do not fill in a form faster
_MIN_RESPONSE_SECONDS = 0.25
MAX_SECONDS = 24 * 3600.0
_SHORTEST_REASON, _LONGEST_REASON = 3, 500  # characters
DEFAULT_HOUR = 8


class RemarkFields(BaseModel):
    """The feedback form of a lesson. `website`: a honeypot that is invisible to people."""

    helped: str = ""
    remark: str = ""
    website: str = ""
    shown: str = ""

    @property
    def answered(self) -> bool:
        return self.helped in {"yes", "no"}

    @property
    def has_helped(self) -> bool:
        return self.helped == "yes"


def whole_number(text: str, digits: int = 17) -> int:
    """Parse an id; 0, which no row has, for anything else."""
    return int(text) if text.isdecimal() and len(text) <= digits else 0


def shown_at_token(signer: Signer, clock: Clock, before: str = "") -> str:
    """Return a signed timestamp (milliseconds).

    `before`: that of the form that was sent, and is shown again. If it still counts it stays, so that nobody is too
    quick who only mends one field, or presses the button once more.
    """
    age = _form_age(signer, clock, before)
    if age is not None and timedelta() <= age <= clock.span(MAX_SECONDS):
        return before
    return signer.sign(TokenPurpose.FORM, int(clock.now().timestamp() * 1000))


def form_age_ok(signer: Signer, clock: Clock, token: str) -> bool:
    """Return whether a form's timestamp is ours, not too recent for a human and not older than a day."""
    age = _form_age(signer, clock, token)
    return age is not None and clock.span(MIN_SECONDS) <= age <= clock.span(MAX_SECONDS)


def _form_age(signer: Signer, clock: Clock, token: str) -> timedelta | None:
    """Return for how long a form has been shown, None if its timestamp is not ours."""
    try:
        (milliseconds,) = signer.read(TokenPurpose.FORM, token, 1)
    except BadToken:
        return None
    return clock.now() - datetime.fromtimestamp(milliseconds / 1000, UTC)


def pad_response_time(begun: float) -> None:
    """Wait until a minimum time since `begun` (`time.monotonic`), so that the time does not reveal who is known."""
    time.sleep(max(0.0, _MIN_RESPONSE_SECONDS - (time.monotonic() - begun)))


def parse_reason(text: str) -> str:
    """Return the reason for an action, empty if it is too short."""
    reason = text.strip()[:_LONGEST_REASON]
    return reason if len(reason) >= _SHORTEST_REASON else ""


def schedule_choices(
    zone: str,
    hour: str,
    days: Sequence[str] | None,
    offered: Collection[int] = EVERY_DAY,
    default_zone: str = "UTC",
) -> dict[str, object]:
    """Return the template values of the fields hour, days and zone. `guess`: the browser may preselect its zone.

    `offered`: the days that can be chosen; 0 is Monday. `default_zone`: where `zone` is none.
    """
    return {
        "zone": zone if zone in zone_names() else default_zone,
        "guess": not zone,
        "hours": range(24),
        "hour": hour if hour.isdecimal() else str(DEFAULT_HOUR),
        "weekdays": sorted(offered),
        "days": {str(day) for day in offered} if days is None else set(days),
    }
