"""Checks that the pages see the visitor's IP address, not the proxy's and not one that a visitor can forge."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from rugcourse.clock import Clock
from rugcourse.doctor.report import Finding, _, failure, ok, unknown, warning
from rugcourse.links import Links
from rugcourse.settings import Settings

MADE_UP = "203.0.113.77"  # reserved for documentation (RFC 5737)
_SECONDS = 10.0
_LONGEST = 10_000  # bytes


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """What the pages saw. `client`: the client address they assume; `forwarded`: X-Forwarded-For."""

    client: str
    forwarded: tuple[str, ...]


def check_client_address(settings: Settings, links: Links, clock: Clock) -> Iterator[Finding]:
    """Send a request with a forged address in X-Forwarded-For."""
    try:
        told = _ask(links.client_address(int(clock.now().timestamp())))
    except (OSError, ValueError, KeyError, TypeError):
        yield unknown(
            "client",
            _("The pages did not tell which address they see."),
            _("See to the web address first."),
        )
        return
    yield compare(told, has_proxy=urlsplit(settings.base_url).scheme == "https")


def compare(told: ReceivedRequest, *, has_proxy: bool) -> Finding:
    """Evaluate what the pages saw. `has_proxy`: there must be a proxy, as the web server itself has no TLS."""
    if told.client == MADE_UP:
        return failure(
            "client",
            _("The pages accept a visitor address that this check made up, so rate limits slow no one down."),
            _(
                "Let the proxy set X-Forwarded-For to the address it sees (deploy/ has examples), and let "
                "RUGCOURSE_TRUSTED_PROXIES name the proxy alone."
            ),
        )
    theirs = [one for one in told.forwarded if one != MADE_UP]
    if theirs and told.client not in theirs:
        return warning(
            "client",
            _("Everyone seems to come from %(client)s, the proxy, so that all share the limits of one."),
            _("Set RUGCOURSE_TRUSTED_PROXIES to the proxy's address or network, here: %(client)s"),
            client=told.client,
        )
    if not theirs and (has_proxy or not told.forwarded):
        return warning(
            "client",
            _("The proxy does not tell who asks, so that everyone seems to come from %(client)s."),
            _(
                "Let it set X-Forwarded-For to the address it sees (deploy/ has examples), and set "
                "RUGCOURSE_TRUSTED_PROXIES to the proxy's address or network, here: %(client)s"
            ),
            client=told.client,
        )
    return ok("client", _("They arrive as they are; a made-up one is not believed."))


def _ask(url: str) -> ReceivedRequest:
    """Ask the pages. Raises OSError if they don't respond; ValueError, KeyError or TypeError if another server does."""
    headers = {"User-Agent": "rugcourse doctor", "X-Forwarded-For": MADE_UP}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - URL from the settings
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        told = json.loads(answer.read(_LONGEST))
    return ReceivedRequest(str(told["client"]), tuple(map(str, told["forwarded"])))
