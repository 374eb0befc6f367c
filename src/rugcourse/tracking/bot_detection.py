"""Tells humans from machines, from what a request shows of itself. The address and the user agent are not kept."""

from __future__ import annotations

import re

from rugcourse.db.models import Verdict

# Fetchers that say so themselves: image proxies of mail providers, and scanners that look behind every link.
_MACHINES = re.compile(
    r"GoogleImageProxy|YahooMailProxy|ggpht|bot\b|crawler|spider|preview|scanner|proofpoint|mimecast|barracuda|"
    r"safelinks|python-|curl/|wget/|go-http-client|java/|okhttp|headless",
    re.IGNORECASE,
)
_BROWSERS = re.compile(r"Mozilla/5\.0 .*(Firefox|Chrome|Safari|Edg)/", re.IGNORECASE)

_LONGEST = 400  # characters of a user agent: what is longer is none, and the expressions take long over it

BURST_SECONDS = 2.0
BURST_LINKS = 3  # nobody opens so many links of one mail in so short a time


def classify_request(method: str, user_agent: str) -> Verdict:
    """What a single request looks like. A request that hides what it is stays unknown."""
    if method != "GET" or not user_agent or len(user_agent) > _LONGEST or _MACHINES.search(user_agent):
        return Verdict.MACHINE
    if user_agent == "Mozilla/5.0":  # Apple's and other prefetching proxies send no more than this
        return Verdict.MACHINE
    return Verdict.HUMAN if _BROWSERS.search(user_agent) else Verdict.UNKNOWN
