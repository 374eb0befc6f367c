"""Checks that the website is reachable at its public address."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from rugcourse.doctor.checks.dns_records import LOCAL
from rugcourse.doctor.report import Finding, _, failure, ok, warning
from rugcourse.links import Links, MailRef
from rugcourse.settings import Settings

_SECONDS = 10.0
_NOBODY = MailRef(0, 0)  # no delivery has this id, so the link has no effect


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The response of a web server. `at`: its Date header (UTC), if any."""

    status: int
    body: str
    at: datetime | None


def check_website(settings: Settings, links: Links) -> Iterator[Finding]:
    address = settings.base_url
    parts = urlsplit(address)
    if parts.hostname in LOCAL:
        yield failure(
            "website",
            _("Links in emails begin with %(address)s, which readers can't reach."),
            _("Set RUGCOURSE_BASE_URL to the address that readers see."),
            address=address,
        )
    elif parts.scheme != "https":
        yield failure(
            "website",
            _("%(address)s is not encrypted."),
            _("Put a web server with a certificate before it, and set RUGCOURSE_BASE_URL to https://."),
            address=address,
        )
    try:
        health = _get(f"{address}/health/ready")
    except OSError as error:
        yield failure(
            "website",
            _("%(address)s can't be reached from here: %(error)s"),
            _("Start rugcourse web, and let the address lead to it."),
            address=address,
            error=getattr(error, "reason", error),
        )
        return
    if health.body != "ok":
        yield failure(
            "website",
            _("Something else than rugcourse answers at %(address)s (%(status)s)."),
            _("Let all its paths lead to rugcourse web."),
            address=address,
            status=health.status,
        )
        return
    yield ok("website", _("%(address)s answers."), address=address)
    yield _unsubscribing(links)
    yield from _clock(health)


def _unsubscribing(links: Links) -> Finding:
    """Check unsubscribe links with one that belongs to no delivery: our own 404 page has to come."""
    try:
        answer = _get(links.unsubscribe(_NOBODY))
    except OSError as error:
        return failure(
            "unsubscribe", _("Its links can't be reached: %(error)s"), _("Let /u/ lead to rugcourse web."), error=error
        )
    if answer.status != 404:
        return failure(
            "unsubscribe",
            _("Something else answers there (%(status)s)."),
            _("Let /u/ lead to rugcourse web, without a login or a cache before it."),
            status=answer.status,
        )
    return ok("unsubscribe", _("The links work; pressing one is enough (RFC 8058)."))


def _clock(answer: HttpAnswer) -> Iterator[Finding]:
    if answer.at is not None:
        seconds = abs(round((datetime.now(UTC) - answer.at).total_seconds()))
        if seconds > 60:
            yield warning(
                "clock",
                _("This machine's clock and that of the web server differ by %(seconds)s seconds."),
                _("Let both follow the time of the network (NTP)."),
                seconds=seconds,
            )


def _get(url: str) -> HttpAnswer:
    """Fetch a URL. Raises OSError."""
    request = urllib.request.Request(url, headers={"User-Agent": "rugcourse doctor"})  # noqa: S310 - URL from settings
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return HttpAnswer(
                answer.status, answer.read(100).decode("utf-8", "replace"), _at(answer.headers.get("Date"))
            )
    except urllib.error.HTTPError as error:
        with error:
            return HttpAnswer(error.code, "", _at(error.headers.get("Date")))


def _at(date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC) if date else None
    except ValueError:
        return None
