"""What people are told about what is kept of them (GDPR articles 13 to 15): made from the settings and the inventory.

The privacy page, the copy's introduction and `rugcourse privacy notice` all show these chapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from babel.dates import format_date, format_timedelta

from rugcourse.privacy.inventory import BASES, INVENTORY, Basis, End, Purpose, Whose, of_readers
from rugcourse.privacy.retention import Retention
from rugcourse.rendering.languages import translations
from rugcourse.settings import SUPERVISOR, Settings

WORDS_OF = date(2026, 11, 26)  # the day on which words of this page changed last: a test keeps to it

_YEAR = 365
_DUTCH_SUPERVISOR = "https://www.autoriteitpersoonsgegevens.nl"
_SUPERVISORS = "https://www.edpb.europa.eu/about-edpb/about-edpb/members_en"
_NEVER_LARGER = 1e9  # no unit above the wanted one
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Chapter:
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What purposes, bases and ends are called in a language."""

    language: str
    retention: Retention

    def days(self, days: int) -> str:
        """`77 days`; `5 years` for whole years beyond one."""
        if days > _YEAR and days % _YEAR == 0:
            return format_timedelta(timedelta(days=days), granularity="year", locale=self.language)
        return format_timedelta(timedelta(days=days), granularity="day", threshold=_NEVER_LARGER, locale=self.language)

    def purpose(self, purpose: Purpose) -> tuple[str, str]:
        """(name, what is kept for it)."""
        _ = translations(self.language).gettext
        return {
            Purpose.CONTENT: (_("Lessons"), _("Courses and messages, and figures of many people together.")),
            Purpose.SIGNUP: (
                _("Before you confirm"),
                _(
                    "What was typed in the form, a test without a name, and which address was asked whether it is "
                    "right. Nobody has agreed to anything until the button in our mail is pressed."
                ),
            ),
            Purpose.COURSE: (
                _("Your course"),
                _(
                    "Your e-mail address, your first name if you give one, your language, time zone, hour and days; "
                    "which lessons you got; what you answered, your tests, and the questions that come back."
                ),
            ),
            Purpose.LABELS: (
                _("Labels"),
                _(
                    "Words that we give you, by which we choose who gets a message. They may not be about your health. "
                    "Do you object? Write to us, and we take them off."
                ),
            ),
            Purpose.MEASURING: (
                _("Measuring"),
                _(
                    "Whether you open a mail or follow a link. Only if you allow it: without it, your mails hold no "
                    "invisible picture and only plain links."
                ),
            ),
            Purpose.NEWS: (
                _("Other news"),
                _(
                    "Whether you want other news of ours by e-mail, beside the lessons. Only if you asked for it. "
                    "Which of it you get can depend on how far you are and what you answered."
                ),
            ),
            Purpose.CONSENT: (
                _("What you agreed to"),
                _(
                    "The words and the privacy page that you saw, the moment and the place at which you agreed, or "
                    "stopped agreeing."
                ),
            ),
            Purpose.STOP: (
                _("Not writing to you"),
                _(
                    "A code made from your address with a secret key, why, and since when. Nobody can get your address "
                    "out of it without that key."
                ),
            ),
            Purpose.DELIVERY: (
                _("Mail that arrives"),
                _(
                    "When a mail went out, its number, what your mail provider said of it, and whether it came back, "
                    "was called spam, or made you unsubscribe."
                ),
            ),
            Purpose.REMARKS: (_("Better lessons"), _("Whether a lesson helped you, and what you wrote about it.")),
            Purpose.VISITORS: (
                _("Remarks of visitors"),
                _("What somebody without a name wrote about a lesson. We can't see who that was."),
            ),
            Purpose.LOG: (_("What we did"), _("What we changed for you or for many, when, and why.")),
            Purpose.ACCESS: (
                _("Who may come in"),
                _(
                    "Of those who run the courses: address, name, keys, logins, and the browser and a part of the IP "
                    "address that they came from."
                ),
            ),
        }[purpose]

    def basis(self, purpose: Purpose) -> str:
        """What gives the right to it; of a legitimate interest, which one."""
        _ = translations(self.language).gettext
        return {
            Basis.NONE: _("it is about nobody"),
            Basis.REQUEST: _(
                "you ask us to sign you up or to mail you elsewhere (GDPR, article 6(1)(b)), and our legitimate "
                "interest that nobody does that for somebody else (article 6(1)(f))"
            ),
            Basis.EXPLICIT_CONSENT: _("your explicit consent (GDPR, articles 6(1)(a) and 9(2)(a))"),
            Basis.MEASURING_CONSENT: _(
                "your consent to measuring, apart from the course (the same articles, and article 11.7a of the Dutch "
                "Telecommunications Act)"
            ),
            Basis.NEWS_CONSENT: _(
                "your consent to other news, apart from the course (GDPR, articles 6(1)(a) and 9(2)(a), and article "
                "11.7 of the Dutch Telecommunications Act)"
            ),
            Basis.OBLIGATION: _("we have to be able to show it (GDPR, articles 6(1)(c) and 7(1))"),
            Basis.INTEREST: _("our legitimate interest, which is %(interest)s (GDPR, article 6(1)(f))")
            % {"interest": self._interest(purpose)},
        }[BASES[purpose]]

    def _interest(self, purpose: Purpose) -> str:
        _ = translations(self.language).gettext
        return {
            Purpose.LABELS: _("that a message reaches those whom it is for"),
            Purpose.STOP: _("to keep writing no more to who does not want it, or to a mailbox that is gone"),
            Purpose.VISITORS: _("to make the lessons better"),
            Purpose.LOG: _("to be able to tell what was done, and to put it right"),
            Purpose.ACCESS: _("that nobody comes in who may not"),
        }.get(purpose, "")

    def end(self, end: End) -> str:
        """Until when something is kept, as a sentence."""
        _ = translations(self.language).gettext
        kept = self.retention
        return {
            End.NEVER: _("As long as the course."),
            End.PERSON: _(
                "We erase all that we know of you %(left)s after you stop with everything; %(finished)s after the last "
                "mail that you got from us, when your courses are over; %(idle)s after it when you get nothing any "
                "more, as in a pause without an end; %(unconfirmed)s after a signup that is not confirmed; "
                "%(bounced)s after your mailbox turned out to be gone."
            )
            % {
                "left": self.days(kept.left_days),
                "finished": self.days(kept.finished_days),
                "idle": self.days(kept.idle_days),
                "unconfirmed": self.days(kept.unconfirmed_days),
                "bounced": self.days(kept.bounced_days),
            },
            End.MEASURED: _("That you opened a mail or followed a link: %(days)s.")
            % {"days": self.days(kept.measured_days)},
            End.PRESSED: _("That you pressed an answer: %(days)s. What you answered: as long as we know you.")
            % {"days": self.days(kept.measured_days)},
            End.RETURNED: _("That a mail came back, was called spam, or made you unsubscribe: %(days)s.")
            % {"days": self.days(kept.measured_days)},
            End.UNCLAIMED: _("The test of somebody who does not sign up: %(days)s.")
            % {"days": self.days(kept.unconfirmed_days)},
            End.REMARK: _("What visitors wrote about a lesson: %(days)s.") % {"days": self.days(kept.remark_days)},
            End.SUPPRESSION: _(
                "That we do not write to an address: %(days)s, also when the rest is erased; %(bounced)s when its "
                "mailbox was gone."
            )
            % {"days": self.days(kept.suppressed_days), "bounced": self.days(kept.bounced_days)},
            End.ASKED: _("That an address was asked to confirm something: %(days)s, as a code.")
            % {"days": self.days(kept.asked_days)},
            End.LINK: _("A new address that you asked us to write to: at most two days, unless it is confirmed."),
            End.LOG: _("What we changed for you: %(days)s, or until you are erased.")
            % {"days": self.days(kept.log_days)},
            End.JOB: _("Where a list came from, and acts for many: %(days)s.") % {"days": self.days(kept.job_days)},
            End.DOMAIN: _(
                "That we hold back mail to all addresses that end in, say, @mail.example: as long as we know somebody "
                "there."
            ),
            End.ACCOUNT: _("Of those who run the courses: %(days)s after their account was closed.")
            % {"days": self.days(kept.log_days)},
            End.SECURITY: _("Logins of those who run the courses: %(days)s.") % {"days": self.days(kept.security_days)},
            End.SESSION: _("That they are logged in: until they log out, at most %(days)s.")
            % {"days": self.days(kept.session_days)},
            End.PROCESS: f"{self.days(kept.process_days)}.",
            End.LIST: _("A list with you on it that we read in: until that is done, at most a week."),
            End.WORKING: _("Which mails are being handed over right now: until that is done, mostly minutes."),
            End.CHALLENGE: _("What a browser is asked while they log in: minutes."),
        }[end]


def terms(settings: Settings, language: str) -> Terms:
    return Terms(language, Retention.of(settings))


def notice(settings: Settings, language: str) -> tuple[Chapter, ...]:
    """All chapters, in the order of the page."""
    return tuple(Chapter(title, tuple(lines)) for title, lines in _chapters(settings, language))


def summary(language: str) -> str:
    """What stands above all of them."""
    _ = translations(language).gettext
    return _(
        "We do not ask about your health. That you follow this course can say something about it, and so can your "
        "answers. That is why we treat all of it as health data: we ask for your explicit consent, use it only for "
        "what stands here, and keep it no longer than this page says."
    )


def purposes_of_readers() -> list[Purpose]:
    """What things about readers are kept for."""
    theirs = {group.purpose for group in of_readers()}
    return [one for one in Purpose if one in theirs]


def ends_of(purpose: Purpose) -> list[End]:
    """The ends of what is kept for a purpose, that of the most first."""
    return list(dict.fromkeys(group.end for group in INVENTORY if group.purpose == purpose))


def _chapters(settings: Settings, language: str) -> Iterator[tuple[str, list[str]]]:
    _ = translations(language).gettext
    words = terms(settings, language)
    yield (
        _("Without signing up"),
        [
            _("These pages set no cookies, and ask nothing of other sites."),
            _("The answers of a test are kept without any name, and forgotten after %(days)s unless you sign up.")
            % {"days": words.days(settings.keep_unconfirmed_days)},
            _("We count how often a lesson is read, not by whom."),
            _(
                "Not kept: which device or program you read with. So that nobody misuses these pages, we count for at "
                "most a day how often an IP address asks something, and how many mails an address is sent that was "
                "typed; within an hour after that it is forgotten. That is our legitimate interest (GDPR, article "
                "6(1)(f))."
            ),
        ],
    )
    yield (
        _("What we keep, what for, and what gives us the right to"),
        [_purpose(words, one) for one in purposes_of_readers()],
    )
    yield _("How long we keep it"), list(_ends(words))
    yield (
        _("Where it comes from"),
        [
            _("From you: the form that you filled in, and what you press and write in mails and on pages."),
            _("Or from a list of %(practice)s, to which you gave your address. Your copy says which list.")
            % {"practice": settings.practice},
            _(
                "Only your address and your consent are needed: without them no lesson can come. Your name is up "
                "to you."
            ),
        ],
    )
    yield _("Who sees it"), list(_recipients(settings, language))
    yield (
        _("What programs decide"),
        [
            _(
                "Which question comes back, and when, follows from your answers. No program decides anything "
                "about you that has legal or other large effects."
            ),
            _(
                "Who gets a message, people choose: by course, how far you are, since when you read, language, labels, "
                "answers and test score. Never somebody who did not agree to that kind of message."
            ),
            _("The labels that you have stand in your copy, and are gone when you are erased."),
            _(
                "Sometimes we try two wordings: half of the readers get each. We count how many answer or, among "
                "those who allow measuring, follow a link. Who objects gets one of them, too, and is not counted."
            ),
        ],
    )
    yield _("What you can ask"), list(_rights(settings, language))
    yield _("Age"), [_("The courses are for people of 16 years and older.")]
    yield _("For those who run the courses"), list(_admins(words))
    yield _("Who is responsible"), list(controller(settings, language))
    yield (
        _("This page"),
        [
            _("These words are of %(date)s. The numbers and names in them follow our settings.")
            % {"date": format_date(WORDS_OF, "d MMMM y", locale=language)},
            _("When you agree to something, we keep the page as it was at that moment. It is in your copy."),
        ],
    )


def _purpose(words: Terms, purpose: Purpose) -> str:
    _ = translations(words.language).gettext
    name, what = words.purpose(purpose)
    return _("%(name)s: %(what)s Legal basis: %(basis)s.") % {
        "name": name, "what": what, "basis": words.basis(purpose),
    }  # fmt: skip


def _ends(words: Terms) -> Iterator[str]:
    """Each end once; that of most things first."""
    _ = translations(words.language).gettext
    kept = words.retention
    yield words.end(End.PERSON)
    yield _("If you stop with one of your courses, what belongs to it stays until all is erased.")
    yield _("Who called our mail spam, or must not be written to, is erased %(days)s after that.") % {
        "days": words.days(kept.left_days)
    }
    ends = dict.fromkeys(group.end for group in of_readers())
    yield from (words.end(end) for end in ends if end != End.PERSON)
    yield withdrawals(words)
    yield _("What is erased can still stand in backups, for at most %(days)s.") % {
        "days": words.days(kept.withdrawal_days)
    }
    if kept.bounce_mail_days:
        yield _("A mail that came back to us can lie in our mailbox for %(days)s.") % {
            "days": words.days(kept.bounce_mail_days)
        }
    else:
        yield _("A mail that came back to us lies in our mailbox until somebody deletes it there.")


def withdrawals(words: Terms) -> str:
    """Of the file that is kept beside the database."""
    _ = translations(words.language).gettext
    return _(
        "That you stopped, want no measuring or no news, complained, are not written to or were erased: also in a file "
        "beside the database, for %(days)s, so that a backup that is put back does not undo it. Instead of your "
        "address it holds a code, and nobody can get the address out of that without our key. That your no stays a no "
        "is our legitimate interest (GDPR, article 6(1)(f))."
    ) % {"days": words.days(words.retention.withdrawal_days)}


def _admins(words: Terms) -> Iterator[str]:
    """What is kept of admins (GDPR, article 13)."""
    _ = translations(words.language).gettext
    yield _purpose(words, Purpose.ACCESS)
    yield _(
        "What they change stands in a log, with who it was, when and why: %(days)s. What they change in lessons and "
        "campaigns stays, without their name from %(days)s after their account was closed. We have the same right to "
        "that."
    ) % {"days": words.days(words.retention.log_days)}
    ends = dict.fromkeys(group.end for group in INVENTORY if group.whose == Whose.ADMIN)
    yield from (words.end(end) for end in ends)
    yield _("They have the same rights as readers, and find their own logins and keys under “My account”.")


def _recipients(settings: Settings, language: str) -> Iterator[str]:
    _ = translations(language).gettext
    yield _("Those at %(practice)s who run the courses; each with an account of their own.") % {
        "practice": settings.practice
    }
    if settings.smtp.host in _THIS_MACHINE:
        yield _("Your mails go out from the machine that these pages are on, to your mail provider.")
    else:
        yield _("Your mails go by way of %(host)s to your mail provider.") % {"host": settings.smtp.host}
    if settings.processors:
        yield _("These work for us, under a contract: %(processors)s.") % {
            "processors": settings.processors.rstrip(".")
        }
    else:
        yield _(
            "Also whoever hosts these pages, carries our mail and keeps our backups: they work for us, under a "
            "contract. Ask us who they are."
        )
    yield _transfers(settings, language)
    yield _("Whoever has a mail of yours can open your page with its links, for some time. Do not forward your mails.")


def _transfers(settings: Settings, language: str) -> str:
    """To countries outside of the European Economic Area (GDPR, article 13(1)(f))."""
    _ = translations(language).gettext
    if settings.transfers.strip().lower() == "none":
        return _("Nobody who works for us gets it outside of the European Economic Area.")
    if settings.transfers:
        return _("Outside of the European Economic Area: %(transfers)s.") % {
            "transfers": settings.transfers.rstrip(".")
        }
    return _("Ask us whether one of them works outside of the European Economic Area, and what protects you there.")


def _rights(settings: Settings, language: str) -> Iterator[str]:
    _ = translations(language).gettext
    yield _("See everything that we know of you, as a page.")
    yield _("Take it with you as a file, also to somebody else (portability).")
    yield _("Have it corrected: your name, your address, the hour, days and language on your own page.")
    yield _("Have all of it erased, at once, on your own page.")
    yield _("Pause, or ask us not to use what we know of you for a while (restriction).")
    yield _(
        "Stop agreeing, to the course or only to measuring or to other news, at any time. What was done before stays "
        "lawful."
    )
    yield _(
        "Object to what we do for a legitimate interest: write to us. Then we stop, unless we can show that a reason "
        "weighs more."
    )
    yield _(
        "Stay out of comparisons and statistics: a switch on your own page. From then on your answers and tests are "
        "not counted, and what you do with a mail is not used to choose between two wordings. What was counted before "
        "stays in the totals; they hold no name."
    )
    yield _("Ask us anything about this: %(address)s. You have an answer within a month.") % {
        "address": settings.reply_to or settings.sender_address
    }
    yield _("Complain to the supervisor: %(supervisor)s. See %(page)s") % {
        "supervisor": settings.supervisor, "page": supervisor_page(settings, language),
    }  # fmt: skip


def supervisor_page(settings: Settings, language: str) -> str:
    """Where to complain (GDPR, article 77); in Europe everybody can do so where they live."""
    return _DUTCH_SUPERVISOR if language == "nl" and settings.supervisor == SUPERVISOR else _SUPERVISORS


def controller(settings: Settings, language: str) -> Iterator[str]:
    """Who runs this installation: name, address and what else the law wants to be found easily."""
    _ = translations(language).gettext
    yield f"{settings.practice}, {settings.postal_address}"
    yield _("E-mail: %(address)s") % {"address": settings.reply_to or settings.sender_address}
    if settings.phone:
        yield _("Telephone: %(number)s") % {"number": settings.phone}
    if settings.kvk:
        yield _("Chamber of Commerce (KvK): %(number)s") % {"number": settings.kvk}
    if settings.big:
        yield _("BIG register: %(number)s") % {"number": settings.big}
    if settings.dpo:
        yield _("Data protection officer: %(dpo)s") % {"dpo": settings.dpo}
