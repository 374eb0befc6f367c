"""What people agree to, word for word. A consent keeps which of these somebody saw.

The texts are gettext's (English is the source); their names are made from the texts, so that a text can't change and
keep its name. A text that is no longer shown moves to `_FORMER`, for the consents that were given to it.
"""

from __future__ import annotations

import hashlib

# Explicit, as GDPR, Art. 9(2)(a), asks: following a course about back pain allows inferences about health.
LESSONS = (
    "Yes, send me the lessons of this course by e-mail. That I follow it, and how I answer, can say something about my "
    "health: I explicitly agree that this is kept for the course. I can stop at any time with one tap."
)
MEASURING = (
    "You may also measure whether I open mails and follow links, to make the course better. Not needed for the course. "
    "I can withdraw this at any time."
)
CONFIRM = "Yes, start my course"
UNSUBSCRIBE = "Yes, unsubscribe me"
COME_BACK = "Undo: I want to keep reading"
NEVER = "It was not me: never write to this address"

_FORMER = (
    "Yes, send me the lessons of this course by e-mail. I can stop at any time with one tap.",
    "You may also measure whether I open mails and follow links, to make the course better. Not needed for the course.",
)


def name_of(text: str) -> str:
    """The name of a wording: it says nothing, and is the same for the same words."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def text_of(name: str) -> str | None:
    """The words behind a name, or None for one from before this list was kept."""
    return _TEXTS.get(name)


def all_texts() -> set[str]:
    """Every text that anybody ever agreed to, as far as this list goes back."""
    return set(_TEXTS.values())


_TEXTS = {name_of(text): text for text in (LESSONS, MEASURING, CONFIRM, UNSUBSCRIBE, COME_BACK, NEVER, *_FORMER)}
