"""What public forms share: a signed time stamp, a honeypot, the choices of a schedule."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel

from rugcourse.clock import Clock
from rugcourse.links import BadToken, Signer, TokenPurpose
from rugcourse.scheduling import DEFAULT_ZONE, EVERY_DAY, zone_names

MIN_SECONDS = 2.0  # nobody fills a form in faster
_SAME_SECONDS = 0.25
MAX_SECONDS = 24 * 3600.0
_SHORTEST_REASON, _LONGEST_REASON = 3, 500  # characters
DEFAULT_HOUR = 8


class RemarkFields(BaseModel):
    """Whether a lesson helped, as a browser sends it. `website` is the field that only machines fill in."""

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
    """An id as it was typed or sent; 0, which is nobody's, for what is none or has more digits than ids can have."""
    return int(text) if text.isdecimal() and len(text) <= digits else 0


def form_token(signer: Signer, clock: Clock) -> str:
    return signer.sign(TokenPurpose.FORM, int(clock.now().timestamp() * 1000))


def form_age_ok(signer: Signer, clock: Clock, token: str) -> bool:
    """Whether a form was shown by us, neither a moment ago nor days ago."""
    try:
        (milliseconds,) = signer.read(TokenPurpose.FORM, token, 1)
    except BadToken:
        return False
    age = clock.now() - datetime.fromtimestamp(milliseconds / 1000, UTC)
    return clock.span(MIN_SECONDS) <= age <= clock.span(MAX_SECONDS)


def pad_response_time(begun: float) -> None:
    """Wait until what asks for a mail took its time, whatever is known about the address. `begun`: `time.monotonic`."""
    time.sleep(max(0.0, _SAME_SECONDS - (time.monotonic() - begun)))


def parse_reason(text: str) -> str:
    """Why an admin does something, for the log; empty where no reason can be read in it."""
    reason = text.strip()[:_LONGEST_REASON]
    return reason if len(reason) >= _SHORTEST_REASON else ""


def schedule_choices(zone: str = "", hour: str = "", days: Sequence[str] | None = None) -> dict[str, object]:
    """The values of the fields hour, days and zone in a template. `guess`: the browser may say where it is."""
    return {
        "zones": zone_names(),
        "zone": zone if zone in zone_names() else DEFAULT_ZONE,
        "guess": not zone,
        "hours": range(24),
        "hour": hour if hour.isdecimal() else str(DEFAULT_HOUR),
        "weekdays": range(7),
        "days": {str(day) for day in EVERY_DAY} if days is None else set(days),
    }
