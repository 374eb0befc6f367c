"""Names a browser from its user agent, so that admins can recognise their sessions."""

from __future__ import annotations

# In this order: the user agent of each also contains the names after it.
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
    """Return a name such as "Firefox, Windows", or the beginning of an unknown user agent."""
    known = [next((name for mark, name in names.items() if mark in user_agent), "") for names in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, known)) or user_agent[:_LONGEST]
