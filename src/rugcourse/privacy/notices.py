"""Mails that tell a person what was done with what is known of them, in plain text."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from rugcourse.emails.mime import Sender
from rugcourse.emails.plain import plain_message
from rugcourse.i18n import translations


class ReaderNotice(StrEnum):
    """What happened."""

    COPIED = "copied"
    ERASED = "erased"
    NEW_ADDRESS = "new address"  # to an address that was asked for: nothing happens before they press a button
    ADDRESS_IN_USE = "address in use"  # to a reader whose address was asked for
    ADDRESS_CHANGED = "address changed"  # to the address before
    ERASED_SOON = "erased soon"  # to a reader who reads no more


def compose(notice: ReaderNotice, email: str, language: str, sender: Sender, privacy: str, link: str = "") -> bytes:
    """The message. It is the last one to somebody who was erased, and to an address that is theirs no more.

    `privacy`: where the privacy page is. `link`: where they can act on it, for notices that say so.
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
                "Somebody, probably you, just opened a copy of everything that we know of you, by the link that we "
                "mailed to you. Was it not you? Then somebody else can read your mail. Close all old links on your own "
                "page, and answer this mail."
            )
        case ReaderNotice.ERASED:
            return _("Everything about you is erased"), _(
                "We have erased your address, your answers and all your mails, and your course has ended. You get no "
                "more mail from us, unless somebody signs this address up again. Our privacy page says what we keep a "
                "little longer, for example in backups. Was it not you who asked for this? Then somebody else can read "
                "your mail. You can sign up again whenever you like."
            )
        case ReaderNotice.NEW_ADDRESS:
            return _("Do you want our mails at this address?"), _(
                "Somebody, probably you, wants to get the mails of %(practice)s at this address instead of at another "
                "one. Open the page below within 24 hours and press the button there; then they come here. Was it not "
                "you? Then do nothing: nothing changes, and at most three of these mails come in thirty days."
            ) % {"practice": sender.name}
        case ReaderNotice.ADDRESS_IN_USE:
            return _("This address is known to us already"), _(
                "Somebody, probably you, asked us to send the mails of a reader to this address. But we "
                "know this address already, and we never put two readers together, so nothing has "
                "changed. Was it you? First erase what we know about this address, on the page below. "
                "Then ask again. Was it not you? Then do nothing. To your page:"
            )
        case ReaderNotice.ADDRESS_CHANGED:
            return _("Your address was changed"), _(
                "From now on our mails go to another address, which was confirmed there. This is the last mail to this "
                "one, and the links in earlier mails no longer work. We do not name the other address here, as others "
                "may read along. Was it not you who asked for this? Then answer this mail at once: somebody else can "
                "read your mail."
            )
        case ReaderNotice.ERASED_SOON:
            return _("Your course and your answers are erased soon"), _(
                "You have had no lessons of %(practice)s for a long time. So within two weeks we erase "
                "everything that we know of you: your address, your course and your answers. Is that fine "
                "with you? Then do nothing. Do you want to keep it all? Then open this page and ask for a "
                "link; we erase nothing then."
            ) % {"practice": sender.name}
