"""When a reader gets the next lesson: pure rules over local hours, weekdays and time zones."""

from rugcourse.scheduling.cadence import DAILY, WEEKDAYS, Cadence, Weekday
from rugcourse.scheduling.campaign_timing import Missed, Timing, decide_for, next_mail
from rugcourse.scheduling.schedule import (
    EVERY_DAY,
    Decision,
    QuietHours,
    Schedule,
    SendNow,
    SendWindow,
    ShiftTo,
    decide,
    next_due,
)
from rugcourse.scheduling.timezones import is_zone, zone_names

__all__ = [
    "DAILY",
    "EVERY_DAY",
    "WEEKDAYS",
    "Cadence",
    "Decision",
    "Missed",
    "QuietHours",
    "Schedule",
    "SendNow",
    "SendWindow",
    "ShiftTo",
    "Timing",
    "Weekday",
    "decide",
    "decide_for",
    "is_zone",
    "next_due",
    "next_mail",
    "zone_names",
]
