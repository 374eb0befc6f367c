"""Mails that tell a person what was done with what is known of them, in plain text."""

from __future__ import annotations

from enum import StrEnum

from rugcourse.rendering.languages import translations
from rugcourse.rendering.messages import Sender
from rugcourse.rendering.plain import plain_message


class ReaderNotice(StrEnum):
    """What happened."""

    COPIED = "copied"
    ERASED = "erased"


def compose(notice: ReaderNotice, email: str, language: str, sender: Sender) -> bytes:
    """The message. It is the last one to somebody who was erased."""
    _ = translations(language).gettext
    match notice:
        case ReaderNotice.COPIED:
            subject = _("A copy of your data was taken")
            body = _(
                "Somebody, probably you, just opened a copy of everything that we know of you, by the link that we "
                "mailed to you. Was it not you? Then somebody else can read your mail. Close all old links on your own "
                "page, and answer this mail."
            )
        case ReaderNotice.ERASED:
            subject = _("Everything about you is erased")
            body = _(
                "Your address, your answers and all your mails are gone from our books, and your course has ended. "
                "This is the last mail that you get from us. Was it not you who asked for this? Then somebody else can "
                "read your mail. You can sign up again whenever you like."
            )
    return plain_message(subject, body, email, language, sender)
