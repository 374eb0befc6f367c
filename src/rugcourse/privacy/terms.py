"""What purposes, legal bases and ends of processing are called on the privacy page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from babel.dates import format_timedelta

from rugcourse.i18n import N_, locale_of, translations
from rugcourse.privacy.declarations import BASES, Basis, End, ProcessingPurpose
from rugcourse.privacy.inventory import details_of_readers
from rugcourse.privacy.retention import Retention

_YEAR = 365
_NEVER_LARGER = 1e9  # no unit above the wanted one

# Purpose: its name, and what is kept for it. `details`: what the signup form asks about a person.
_PURPOSES: Mapping[ProcessingPurpose, tuple[str, str]] = {
    ProcessingPurpose.CONTENT: (N_("Lessons"), N_("Courses and messages, and figures of many people together.")),
    ProcessingPurpose.SIGNUP: (
        N_("Before you confirm"),
        N_(
            "What you entered in the form, your test answers, without your name, and the address we asked to "
            "confirm. You have not agreed to anything until you press the button in our email."
        ),
    ),
    ProcessingPurpose.COURSE: (
        N_("Your course"),
        N_(
            "Your %(details)s; the time zone, time and days that you chose; which lessons you got; what you "
            "answered, your tests, and the questions we ask you again."
        ),
    ),
    ProcessingPurpose.LABELS: (
        N_("Tags"),
        N_(
            "Words that we attach to you to choose who gets a message. They must not be about your "
            "health. If you object, tick the box on your own page, or write to us. Then we remove "
            "them and add no new ones."
        ),
    ),
    ProcessingPurpose.MEASURING: (
        N_("Measuring"),
        N_(
            "Whether you open an email or follow a link; a link that you follow also shows that the email "
            "arrived. Only if you allow it. If you do not, your emails contain no invisible picture, and the "
            "links in their text are ordinary ones."
        ),
    ),
    ProcessingPurpose.NEWS: (
        N_("Other news"),
        N_(
            "Whether you want other news from us by email, besides the lessons. Only if you asked for it. Which "
            "news you get can depend on how far you are and how you answered."
        ),
    ),
    ProcessingPurpose.CONSENT: (
        N_("What you agreed to"),
        N_("The words and the privacy page that you saw, and when and where you agreed or withdrew."),
    ),
    ProcessingPurpose.STOP: (
        N_("Addresses we do not email"),
        N_(
            "A code made from your address with a secret key, the reason, and the date. Without that key, no one "
            "can work out your address from the code."
        ),
    ),
    ProcessingPurpose.DELIVERY: (
        N_("Email delivery"),
        N_(
            "When an email was sent, its number, what your email provider said about it, and whether it came "
            "back, was reported as spam, or led you to unsubscribe."
        ),
    ),
    ProcessingPurpose.REMARKS: (
        N_("Better lessons"),
        N_("Whether a lesson helped you, and what you wrote about it."),
    ),
    ProcessingPurpose.VISITORS: (
        N_("Comments from visitors"),
        N_("What someone wrote about a lesson without giving a name. We cannot see who it was."),
    ),
    ProcessingPurpose.LOG: (N_("Changes we made"), N_("What we changed for you or for many, when, and why.")),
    ProcessingPurpose.ACCESS: (
        N_("Access"),
        N_(
            "Of the people who run the courses: address, name, keys, logins, their browser, and part "
            "of their IP address."
        ),
    ),
}
# End: a sentence, and the periods (days) in it.
_ENDS: Mapping[End, tuple[str, Mapping[str, Callable[[Retention], int]]]] = {
    End.NEVER: (N_("As long as the course."), {}),
    End.PERSON: (
        N_(
            "We erase everything that we know about you: %(left)s after you stop all emails; %(finished)s "
            "after our last email to you, if your courses are finished; %(idle)s after our last email to you, "
            "if you get no more emails, for example because you are taking a break without an end date; "
            "%(unconfirmed)s after a signup that is not confirmed; %(bounced)s after we learn that your email "
            "address no longer exists."
        ),
        {
            "left": lambda kept: kept.left_days,
            "finished": lambda kept: kept.finished_days,
            "idle": lambda kept: kept.idle_days,
            "unconfirmed": lambda kept: kept.unconfirmed_days,
            "bounced": lambda kept: kept.bounced_days,
        },
    ),
    End.MEASURED: (
        N_("Emails you opened and links you followed: %(days)s."),
        {"days": lambda kept: kept.measured_days},
    ),
    End.ANSWERED: (
        N_(
            "Answers you selected, each time: %(days)s. Your first and last answers, and when you gave them: "
            "until we erase everything."
        ),
        {"days": lambda kept: kept.measured_days},
    ),
    End.RETURNED: (
        N_(
            "Emails that came back, were reported as spam, or led you to unsubscribe: %(days)s. Whether an "
            "email arrived, and what your provider said about it: until we erase everything."
        ),
        {"days": lambda kept: kept.measured_days},
    ),
    End.UNCLAIMED: (
        N_("The test of someone who does not sign up: %(days)s."),
        {"days": lambda kept: kept.unconfirmed_days},
    ),
    End.REMARK: (N_("What visitors wrote about a lesson: %(days)s."), {"days": lambda kept: kept.remark_days}),
    End.TOLD: (
        N_("What our other systems are told about your course: %(days)s, or until we erase everything."),
        {"days": lambda kept: kept.webhook_days},
    ),
    End.SUPPRESSION: (
        N_(
            "Addresses we do not email: %(days)s, even when the rest is erased; %(bounced)s if the mailbox no "
            "longer existed."
        ),
        {"days": lambda kept: kept.suppressed_days, "bounced": lambda kept: kept.bounced_days},
    ),
    End.ASKED: (
        N_(
            "New addresses, or ones that we have erased since, that we asked to confirm something: %(days)s, as a code."
        ),
        {"days": lambda kept: kept.asked_days},
    ),
    End.LINK: (N_("A new address that you asked us to write to: at most two days, unless it is confirmed."), {}),
    End.LOG: (
        N_("What we changed for you: %(days)s, or until we erase everything."),
        {"days": lambda kept: kept.log_days},
    ),
    End.JOB: (
        N_("Where a list came from, and bulk actions: %(days)s; in our log: %(log)s."),
        {"days": lambda kept: kept.job_days, "log": lambda kept: kept.log_days},
    ),
    End.DOMAIN: (
        N_(
            "Email providers we have stopped sending to, such as @mail.example: for as long as one of our "
            "readers uses that provider, and otherwise at most %(days)s."
        ),
        {"days": lambda kept: kept.log_days},
    ),
    End.ACCOUNT: (N_("Their account: until %(days)s after it is closed."), {"days": lambda kept: kept.log_days}),
    End.SECURITY: (N_("When they logged in: %(days)s."), {"days": lambda kept: kept.security_days}),
    End.SESSION: (
        N_("Their active login: until they log out, at most %(days)s."),
        {"days": lambda kept: kept.session_days},
    ),
    End.PROCESS: ("%(days)s.", {"days": lambda kept: kept.process_days}),
    End.LIST: (N_("A list with you on it that we import: until that is done, at most a week."), {}),
    End.WORKING: (N_("Which emails are being sent right now: until that is done, usually a few minutes."), {}),
    End.CHALLENGE: (N_("Temporary login data in their browser: a few minutes."), {}),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What purposes, bases and ends are called in a language."""

    language: str
    retention: Retention

    def days(self, days: int) -> str:
        """`77 days`; `5 years` for whole years beyond one."""
        if days > _YEAR and days % _YEAR == 0:
            return format_timedelta(timedelta(days=days), granularity="year", locale=locale_of(self.language))
        return format_timedelta(
            timedelta(days=days), granularity="day", threshold=_NEVER_LARGER, locale=locale_of(self.language)
        )

    def purpose(self, purpose: ProcessingPurpose) -> tuple[str, str]:
        """(name, what is kept for it)."""
        _ = translations(self.language).gettext
        name, kept = _PURPOSES[purpose]
        return _(name), _(kept) % {"details": ", ".join(map(_, details_of_readers()))}

    def basis(self, purpose: ProcessingPurpose) -> str:
        """What gives the right to it; of a legitimate interest, which one."""
        _ = translations(self.language).gettext
        return {
            Basis.NONE: _("it is not about a person"),
            Basis.REQUEST: _(
                "you ask us to sign you up, or to email you at another address (GDPR, article 6(1)(b)); and our "
                "legitimate interest in making sure that no one signs up someone else (article 6(1)(f))"
            ),
            Basis.EXPLICIT_CONSENT: _("your explicit consent (GDPR, articles 6(1)(a) and 9(2)(a))"),
            Basis.MEASURING_CONSENT: _(
                "your consent to measuring, apart from the course (GDPR, articles 6(1)(a) and 9(2)(a), "
                "and article 11.7a of the Dutch Telecommunications Act)"
            ),
            Basis.NEWS_CONSENT: _(
                "your consent to other news, apart from the course (GDPR, articles 6(1)(a) and 9(2)(a), and article "
                "11.7 of the Dutch Telecommunications Act)"
            ),
            Basis.OBLIGATION: _("we have to be able to show it (GDPR, articles 6(1)(c) and 7(1))"),
            Basis.INTEREST: _("our legitimate interest: %(interest)s (GDPR, article 6(1)(f))")
            % {"interest": self._interest(purpose)},
        }[BASES[purpose]]

    def _interest(self, purpose: ProcessingPurpose) -> str:
        _ = translations(self.language).gettext
        return {
            ProcessingPurpose.LABELS: _("that a message reaches the people it is meant for"),
            ProcessingPurpose.STOP: _(
                "not to write to people who do not want that, or to mailboxes that no longer exist"
            ),
            ProcessingPurpose.VISITORS: _("to make the lessons better"),
            ProcessingPurpose.LOG: _("to be able to check what was done, and to correct it"),
            ProcessingPurpose.ACCESS: _("that only authorised people get in"),
        }.get(purpose, "")

    def end(self, end: End) -> str:
        """Until when something is kept, as a sentence."""
        sentence, periods = _ENDS[end]
        days = {name: self.days(period(self.retention)) for name, period in periods.items()}
        return translations(self.language).gettext(sentence) % days
