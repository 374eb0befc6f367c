"""Mails to admins about their own account, in plain text."""

from __future__ import annotations

from enum import StrEnum

from rugcourse.emails.mime import Sender
from rugcourse.emails.plain import plain_message
from rugcourse.i18n import translations


class AccountNotice(StrEnum):
    """The event that a mail reports."""

    RESET_LINK = "reset link"
    PASSWORD_CHANGED = "password changed"  # noqa: S105 - a label
    FACTOR_CHANGED = "second factor changed"
    FACTOR_REMOVED = "second factor removed"
    ROLE_CHANGED = "role changed"
    CODES_GUESSED = "codes guessed"


def compose(notice: AccountNotice, email: str, language: str, sender: Sender, link: str) -> bytes:
    """Return the message. `link`: to reset the password, or else to the login page."""
    subject, body = _texts(notice, language)
    return plain_message(subject, f"{body}\n\n{link}", email, language, sender)


def _texts(notice: AccountNotice, language: str) -> tuple[str, str]:
    _ = translations(language).gettext
    not_me = _("Was it not you? Choose another password now, and tell an owner.")
    match notice:
        case AccountNotice.RESET_LINK:
            return _("Choose a new password"), _(
                "Someone, probably you, asked for a new password for the admin pages. This link works once, for one "
                "hour. If it was not you, do nothing: your password stays as it is."
            )
        case AccountNotice.PASSWORD_CHANGED:
            return _("Your password was changed"), _("The password of your admin account was changed.") + f" {not_me}"
        case AccountNotice.FACTOR_CHANGED:
            return _("The way you log in was changed"), _(
                "An authenticator, a passkey or recovery codes were added to your admin account, or removed from it."
            ) + f" {not_me}"
        case AccountNotice.FACTOR_REMOVED:
            return _("Your two-step verification was removed"), _(
                "An owner removed the authenticator, passkeys and recovery codes of your admin account. Log in with "
                "your password and set up a new one. Did you not ask for this? Tell another owner."
            )
        case AccountNotice.ROLE_CHANGED:
            return _("Your access was changed"), _(
                "An owner changed what you may do in the admin pages, or ended your access."
            )
        case AccountNotice.CODES_GUESSED:
            return _("Someone knows your password"), _(
                "Someone entered your password and then several wrong codes. They did not get in. If it was not you, "
                "choose a new password now."
            )
