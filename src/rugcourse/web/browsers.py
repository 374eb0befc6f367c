"""Names a browser from its user agent, so that admins recognise their own sessions."""

from __future__ import annotations

# The first that is found: each of these also says that it is those after it.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
_LONGEST = 60


def browser_name(user_agent: str) -> str:
    """Such as "Firefox, Windows"; the beginning of what it says where nothing is known in it."""
    known = [next((name for mark, name in names.items() if mark in user_agent), "") for names in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, known)) or user_agent[:_LONGEST]
