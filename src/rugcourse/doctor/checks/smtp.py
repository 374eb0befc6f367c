"""Checks the connection to the mail server. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator

from rugcourse.delivery.smtp import Connection, ServerUnavailable
from rugcourse.doctor.checks.dns_records import LOCAL
from rugcourse.doctor.report import Finding, _, failure, ok, warning
from rugcourse.settings import Settings

_SECONDS = 10.0
_LARGEST_MAIL = 1_000_000


def check_smtp(settings: Settings) -> Iterator[Finding]:
    server = settings.smtp
    where = f"{server.host}:{server.port}"
    try:
        connection = Connection(server, settings.ehlo_name or None, _SECONDS)
    except ServerUnavailable as error:
        yield failure("smtp", _("%(error)s"), _("Correct RUGCOURSE_SMTP_URL, or fix the server."), error=error)
        return
    try:
        offers = connection.capabilities()
    finally:
        connection.quit()
    remote = server.host not in LOCAL
    if remote and not offers.encrypted:
        fix = _("Use smtps://, or ?starttls=always, in RUGCOURSE_SMTP_URL.")
        if server.user is not None:
            yield failure("smtp", _("%(where)s gets the password in the clear."), fix, where=where)
        else:
            yield warning("smtp", _("%(where)s gets email in the clear."), fix, where=where)
    if offers.largest is not None and offers.largest < _LARGEST_MAIL:
        yield warning(
            "smtp",
            _("%(where)s takes no email of more than %(size)s bytes."),
            _("Lessons have 40,000 bytes; let it take a megabyte."),
            where=where,
            size=offers.largest,
        )
    if not offers.pipelining:
        yield warning(
            "smtp",
            _("%(where)s takes one command at a time (no PIPELINING), which is slow from afar."),
            _("Nothing is broken; another relay would be faster."),
            where=where,
        )
    yield ok(
        "smtp",
        _("%(where)s answers: %(offers)s."),
        where=where,
        offers=", ".join(
            name
            for name, there in (
                ("TLS", offers.encrypted),
                ("AUTH", server.user is not None),
                ("PIPELINING", offers.pipelining),
                ("8BITMIME", offers.eight_bit),
            )
            if there
        )
        or "SMTP",
    )
