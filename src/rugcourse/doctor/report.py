"""The doctor's findings, with advice for the admin.

The sentences are English; pages translate them when they show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


def _(text: str) -> str:
    """Mark a sentence for translation."""
    return text


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"  # it works, but could be better
    ERROR = "error"
    UNKNOWN = "unknown"  # it could not be checked


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a check. `check` is a key of `CHECKS`.

    `found` and `fix` are sentences with placeholders for `values`. `fix` is empty if there is nothing to do.
    """

    check: str
    state: State
    found: str
    fix: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def ok(check: str, found: str, **values: object) -> Finding:
    return Finding(check, State.OK, found, "", values)


def warning(check: str, found: str, fix: str, **values: object) -> Finding:
    return Finding(check, State.WARNING, found, fix, values)


def failure(check: str, found: str, fix: str, **values: object) -> Finding:
    return Finding(check, State.ERROR, found, fix, values)


def unknown(check: str, found: str, fix: str = "", **values: object) -> Finding:
    return Finding(check, State.UNKNOWN, found, fix, values)


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """The title of a check, and why it matters."""

    title: str
    why: str


CHECKS = {
    "settings": CheckInfo(
        _("Settings"),
        _("Email from an address that is made up is refused, and links signed with a known key can be forged."),
    ),
    "address": CheckInfo(
        _("Postal address"), _("The law asks commercial email to say who sends it and where they are.")
    ),
    "database": CheckInfo(_("Database"), _("It holds every reader, every lesson and what was sent.")),
    "broker": CheckInfo(_("Broker"), _("It wakes the workers. Without it lessons go out later, at the next look.")),
    "processes": CheckInfo(
        _("Processes"), _("Without a worker nothing is sent; without a beat nobody looks for what is due.")
    ),
    "clock": CheckInfo(_("Clock"), _("Readers get their lessons at a time of their own, by this machine’s clock.")),
    "journal": CheckInfo(
        _("Journal"), _("What was handed over is written there first, so that nothing goes out twice after a crash.")
    ),
    "privacy": CheckInfo(
        _("Privacy page"),
        _("The law asks to tell readers who else gets their data, and whether that is outside Europe."),
    ),
    "withdrawals": CheckInfo(
        _("Withdrawals"),
        _("Who left or was erased is remembered there, so that a backup that is put back can't undo it."),
    ),
    "safety-notice": CheckInfo(
        _("Safety notice"), _("Readers decide by it whether to get help, so an expert has to check it.")
    ),
    "books": CheckInfo(
        _("Books"), _("Readers are offered each course as a book; the picture stands beside its address.")
    ),
    "pictures": CheckInfo(
        _("Pictures"), _("Without their folder or bucket, readers see a gap where a picture should be.")
    ),
    "files": CheckInfo(
        _("Files"), _("The database, keys and passwords stand in them, and other users have no business there.")
    ),
    "admins": CheckInfo(_("Admins"), _("A password alone can be stolen or guessed, and opens every address.")),
    "search": CheckInfo(
        _("Search for subscribers"), _("Who calls you gives a surname or half an address, not how it begins.")
    ),
    "smtp": CheckInfo(_("Mail server"), _("All email goes out through it.")),
    "website": CheckInfo(_("Web address"), _("The links in all emails begin with it.")),
    "client": CheckInfo(
        _("Addresses of visitors"),
        _("Limits on signups and on logging in count per network, by the address that a request comes from."),
    ),
    "unsubscribe": CheckInfo(
        _("Unsubscribing"),
        _("Gmail and Yahoo ask for a link that works with one press, or email goes to the spam folder."),
    ),
    "spf": CheckInfo(
        _("SPF"), _("It says in the DNS which servers may send for your domain. Without it email is refused.")
    ),
    "dkim": CheckInfo(
        _("DKIM"), _("A signature by which others see that an email is yours and was not changed on its way.")
    ),
    "dmarc": CheckInfo(
        _("DMARC"),
        _("It says in the DNS what others do with email that only pretends to be yours. Gmail asks for it."),
    ),
    "mx": CheckInfo(_("Incoming email"), _("Email that no one can reply to is trusted less.")),
    "bounces": CheckInfo(_("Bounces"), _("Who writes on to mailboxes that are gone is soon taken for a spammer.")),
    "ptr": CheckInfo(_("Name of the server"), _("Many servers refuse email from a machine whose address has no name.")),
    "spamassassin": CheckInfo(
        _("SpamAssassin"), _("With it you see before an email goes out what a spam filter makes of it.")
    ),
}
