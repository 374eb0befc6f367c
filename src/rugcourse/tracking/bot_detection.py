"""Tells humans from machines by the method and user agent of a request. Neither is stored."""

from __future__ import annotations

import re

from rugcourse.db.models import Verdict

# Clients that identify themselves: image proxies of mail providers, and scanners that follow every link.
_MACHINES = re.compile(
    r"GoogleImageProxy|YahooMailProxy|ggpht|bot\b|crawler|spider|preview|scanner|proofpoint|mimecast|barracuda|"
    r"safelinks|python-|curl/|wget/|go-http-client|java/|okhttp|headless",
    re.IGNORECASE,
)
_BROWSERS = re.compile(r"Mozilla/5\.0 .*(Firefox|Chrome|Safari|Edg)/", re.IGNORECASE)

_LONGEST = 400  # characters of a user agent; longer ones are not real, and slow for the regular expressions

BURST_SECONDS = 2.0
BURST_LINKS = 3  # no human opens so many links of one mail within BURST_SECONDS


def classify_request(method: str, user_agent: str) -> Verdict:
    """Classify a single request. It is unknown if the user agent does not identify the client."""
    if method != "GET" or not user_agent or len(user_agent) > _LONGEST or _MACHINES.search(user_agent):
        return Verdict.MACHINE
    if user_agent == "Mozilla/5.0":  # all that Apple's and other prefetching proxies send
        return Verdict.MACHINE
    return Verdict.HUMAN if _BROWSERS.search(user_agent) else Verdict.UNKNOWN
