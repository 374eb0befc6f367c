"""Mails to readers about what was done with their data, in plain text."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from rugcourse.emails.mime import Sender
from rugcourse.emails.plain import plain_message
from rugcourse.i18n import translations


class ReaderNotice(StrEnum):
    """The event that a mail reports."""

    COPIED = "copied"
    ERASED = "erased"
    NEW_ADDRESS = "new address"  # to the requested address; it has to confirm
    ADDRESS_IN_USE = "address in use"  # to the reader who has the requested address
    ADDRESS_CHANGED = "address changed"  # to the old address
    ERASED_SOON = "erased soon"  # to an inactive reader, in advance


def compose(notice: ReaderNotice, email: str, language: str, sender: Sender, privacy: str, link: str = "") -> bytes:
    """Return the message. `privacy`: the URL of the privacy page; `link`: where to act, for notices that refer to it.

    For an erased reader, and for an old address, it is the last mail.
    """
    _ = translations(language).gettext
    subject, body = _words(notice, _, sender)
    parts = [body, link, f"{_('Privacy')}: {privacy}"]
    return plain_message(subject, "\n\n".join(filter(None, parts)), email, language, sender)


def _words(notice: ReaderNotice, _: Callable[[str], str], sender: Sender) -> tuple[str, str]:
    """(subject, body)"""
    match notice:
        case ReaderNotice.COPIED:
            return _("A copy of your data was taken"), _(
                "Someone, probably you, has just opened a copy of everything we know about you, using the link we "
                "emailed to you. If it was not you, someone else can read your email. Close all old links on your "
                "own page, and reply to this email."
            )
        case ReaderNotice.ERASED:
            return _("Everything about you is erased"), _(
                "We have erased your address, your answers and all your emails, and your course has ended. You get "
                "no more email from us unless someone signs this address up again. Our privacy page says what we "
                "keep a little longer, for example in backups. If you did not ask for this, someone else can read "
                "your email. You can sign up again whenever you like."
            )
        case ReaderNotice.NEW_ADDRESS:
            return _("Do you want our emails at this address?"), _(
                "Someone, probably you, wants to get the emails of %(practice)s at this address instead of another "
                "one. To confirm, open the page below within 24 hours and press the button there. If it was not you, "
                "do nothing: nothing changes, and you get at most three of these emails in thirty days."
            ) % {"practice": sender.name}
        case ReaderNotice.ADDRESS_IN_USE:
            return _("This address is known to us already"), _(
                "Someone, probably you, asked us to send a reader’s emails to this address. But we already know this "
                "address, and we never merge two readers, so nothing has changed. If it was you, first erase what we "
                "know about this address on the page below, and then ask again. If it was not you, do nothing. To "
                "your page:"
            )
        case ReaderNotice.ADDRESS_CHANGED:
            return _("Your address was changed"), _(
                "From now on our emails go to another address, which was confirmed there. This is the last email to "
                "this address, and the links in earlier emails no longer work. We do not name the new address here, "
                "because someone else may be reading this. If you did not ask for this, reply to this email straight "
                "away: someone else can read your email."
            )
        case ReaderNotice.ERASED_SOON:
            return _("Your course and your answers are erased soon"), _(
                "You have not had any lessons from %(practice)s for a long time. So within two weeks we will erase "
                "everything we know about you: your address, your course and your answers. If that is fine with "
                "you, you don’t need to do anything. If you want to keep it all, open this page and ask for a "
                "link. Then we won’t erase anything."
            ) % {"practice": sender.name}
