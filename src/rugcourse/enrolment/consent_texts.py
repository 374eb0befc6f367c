"""The exact texts that people agree to.

English is the source of the translations (gettext). A consent stores the text as it was shown, in its language (see
`rugcourse.enrolment.consents`), so that a text or translation can change without changing earlier consents.
"""

from __future__ import annotations

from rugcourse.i18n import translations

# Explicit consent (GDPR, Art. 9(2)(a)): following a course about back pain allows inferences about health.
LESSONS = (
    "Yes, email me the lessons of this course and messages about it. Taking this course, my answers "
    "and my comments may reveal something about my health. I explicitly consent to you keeping this "
    "information for the course. I can stop at any time with the link in each lesson."
)
MEASURING = (
    "You may also record whether I open emails and follow links, to improve the course and to see that "
    "emails arrive. This is not needed for the course. I can withdraw this consent at any time."
)
NEWS = (
    "You may also email me other news from %(practice)s, such as another course. You may choose what "
    "to send based on how far I have got and how I answered. That may reveal something about my "
    "health, and so may my answers in another course. I explicitly consent to this. It is not needed "
    "for the course. I can withdraw this consent at any time."
)
CONFIRM = "Yes, start my course"
UNSUBSCRIBE = "Yes, unsubscribe me"
LEAVE_COURSE = "Only leave “%(title)s”"
COME_BACK = "Undo: I want to keep reading"
NEVER = "This wasn’t me. Don’t email this address again"

ALL = (LESSONS, MEASURING, NEWS, CONFIRM, UNSUBSCRIBE, LEAVE_COURSE, COME_BACK, NEVER)


def as_shown(text: str, language: str, practice: str, title: str) -> str:
    """Return one of these texts as a page shows it, in a language and for a course."""
    gettext = translations(language).gettext
    return gettext(text) % {"practice": practice, "title": title}
