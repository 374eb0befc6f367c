"""What people are told about what is kept of them (GDPR articles 13 to 15): made from the settings and the inventory.

The privacy page, the copy's introduction and `rugcourse privacy notice` all show these chapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from babel.dates import format_timedelta

from rugcourse.privacy.inventory import BASES, INVENTORY, Basis, End, Purpose, Whose
from rugcourse.privacy.retention import Retention
from rugcourse.rendering.languages import translations
from rugcourse.settings import Settings

_YEAR = 365
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
            Purpose.COURSE: (
                _("Your course"),
                _(
                    "Your e-mail address, your first name if you give one, your language, time zone, hour and days; "
                    "which lessons you got; what you answered, your tests, and the questions that come back."
                ),
            ),
            Purpose.LABELS: (
                _("Labels"),
                _("Words that we give you, by which we choose who gets a message. You can object to that."),
            ),
            Purpose.MEASURING: (
                _("Measuring"),
                _(
                    "Whether you open a mail or follow a link. Only if you allow it: without it, your mails hold no "
                    "pixel and only plain links."
                ),
            ),
            Purpose.NEWS: (
                _("Other news"),
                _("Whether you want other news of ours by e-mail, beside the lessons. Only if you asked for it."),
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
                    "A code made from your address with a secret key, why, and since when. Only who has that key can "
                    "find out whether an address is among them."
                ),
            ),
            Purpose.DELIVERY: (
                _("Mail that arrives"),
                _(
                    "When a mail went out, its number, what mail servers said of it, and that it came back, was "
                    "answered "
                    "or was called spam."
                ),
            ),
            Purpose.REMARKS: (_("Better lessons"), _("Whether a lesson helped you, and what you wrote about it.")),
            Purpose.LOG: (_("What we did"), _("What we changed for you or for many, when, and why.")),
            Purpose.ACCESS: (
                _("Who may come in"),
                _("Of those who run the courses: address, name, logins, and the browsers that they used."),
            ),
        }[purpose]

    def basis(self, basis: Basis) -> str:
        _ = translations(self.language).gettext
        return {
            Basis.NONE: _("it is about nobody"),
            Basis.EXPLICIT_CONSENT: _("your explicit consent (GDPR, articles 6(1)(a) and 9(2)(a))"),
            Basis.MEASURING_CONSENT: _(
                "your consent to measuring, apart from the course (the same articles, and article 11.7a of the Dutch "
                "Telecommunications Act)"
            ),
            Basis.NEWS_CONSENT: _(
                "your consent to other news, apart from the course (GDPR, article 6(1)(a), and article 11.7 of the "
                "Dutch Telecommunications Act)"
            ),
            Basis.OBLIGATION: _("we have to be able to show it (GDPR, articles 6(1)(c) and 7(1))"),
            Basis.INTEREST: _("our legitimate interest in doing this well and safely (GDPR, article 6(1)(f))"),
        }[basis]

    def end(self, end: End) -> str:
        _ = translations(self.language).gettext
        kept = self.retention
        return {
            End.NEVER: _("as long as the course"),
            End.PERSON: _(
                "until you are erased: %(left)s after you leave; %(finished)s after the last mail of a finished "
                "course; "
                "%(idle)s after the last mail when you pause and do not come back; %(unconfirmed)s after a signup "
                "that "
                "is not confirmed; %(bounced)s after your mailbox turned out to be gone"
            )
            % {
                "left": self.days(kept.left_days),
                "finished": self.days(kept.finished_days),
                "idle": self.days(kept.idle_days),
                "unconfirmed": self.days(kept.unconfirmed_days),
                "bounced": self.days(kept.bounced_days),
            },
            End.MEASURED: _("%(days)s, or until you are erased") % {"days": self.days(kept.measured_days)},
            End.UNCLAIMED: _("tests go with you; if you do not sign up, after %(days)s")
            % {"days": self.days(kept.unconfirmed_days)},
            End.REMARK: _("with you; what visitors without a name wrote, %(days)s")
            % {"days": self.days(kept.remark_days)},
            End.SUPPRESSION: _("%(days)s; after a mailbox that was gone, %(bounced)s")
            % {"days": self.days(kept.suppressed_days), "bounced": self.days(kept.bounced_days)},
            End.ASKED: _("that you asked us to write to another address, %(days)s; which one, at most two days")
            % {"days": self.days(kept.asked_days)},
            End.LOG: _("%(days)s, or until you are erased") % {"days": self.days(kept.log_days)},
            End.JOB: self.days(kept.job_days),
            End.DOMAIN: _("that mail to a domain is held back: as long as somebody with an address there is known"),
            End.ACCOUNT: _("%(days)s after an account was closed") % {"days": self.days(kept.log_days)},
            End.SECURITY: self.days(kept.security_days),
            End.SESSION: _("until logging out, at most %(days)s") % {"days": self.days(kept.session_days)},
            End.PROCESS: self.days(kept.process_days),
            End.DONE: _("a list that is being read in: until that is done, at most a week"),
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
        "answers. That is why we treat all of it as health data: we ask for your explicit consent, use it for the "
        "course, and keep it no longer than this page says."
    )


def purposes_of_readers() -> list[Purpose]:
    """What things about readers are kept for, in the order of the inventory."""
    return list(dict.fromkeys(group.purpose for group in INVENTORY if group.whose == Whose.READER))


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
                "Not kept: which device or program you read with. To stop misuse, requests are counted per IP address, "
                "and mails per address that is typed, for at most a day, and then forgotten."
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
            _("Or from a list of %(practice)s; then what you agreed to says which.") % {"practice": settings.practice},
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
                "about you that has legal or similar effects."
            ),
            _(
                "We may choose who gets a message by course, language, words, answers and test score; never somebody "
                "who did not agree to that kind of message."
            ),
            _(
                "Words that we put on you can say something about you, even about your health: they are in the copy, "
                "and gone when you are erased."
            ),
            _(
                "Sometimes we try two wordings: half of the readers get each. We count how many answer or, among "
                "those who allow measuring, follow a link. Who objects gets one of them, too, and is not counted."
            ),
        ],
    )
    yield _("What you can ask"), list(_rights(settings, language))
    yield _("Age"), [_("The courses are for people of 16 years and older.")]
    yield _("Who is responsible"), list(controller(settings, language))


def _purpose(words: Terms, purpose: Purpose) -> str:
    _ = translations(words.language).gettext
    name, what = words.purpose(purpose)
    return _("%(name)s: %(what)s Legal basis: %(basis)s.") % {
        "name": name, "what": what, "basis": words.basis(BASES[purpose]),
    }  # fmt: skip


def _ends(words: Terms) -> Iterator[str]:
    """Each end once; that of most things first."""
    _ = translations(words.language).gettext
    yield _("All that is known of you: %(until)s.") % {"until": words.end(End.PERSON)}
    yield _(
        "Who called our mail spam, or must not be written to, is erased after %(left)s too. What is erased can stand "
        "in backups until these end, and for %(mails)s in messages that came back to us."
    ) % {"left": words.days(words.retention.left_days), "mails": words.days(words.retention.bounce_mail_days)}
    ends = {group.end: group.purpose for group in INVENTORY if group.whose == Whose.READER and group.end != End.PERSON}
    for end, purpose in ends.items():
        name, _what = words.purpose(purpose)
        yield f"{name}: {words.end(end)}."
    yield withdrawals(words)


def withdrawals(words: Terms) -> str:
    """Of the file that is kept beside the database."""
    _ = translations(words.language).gettext
    return _(
        "That you stopped, want no measuring or no news, complained, are not written to or were erased: also in a file "
        "that names nobody, only a fingerprint of your address, for %(days)s, so that a backup that is put back does "
        "not undo it."
    ) % {"days": words.days(words.retention.withdrawal_days)}


def _recipients(settings: Settings, language: str) -> Iterator[str]:
    _ = translations(language).gettext
    yield _("Those at %(practice)s who run the courses; each with an account of their own.") % {
        "practice": settings.practice
    }
    if settings.smtp.host in _THIS_MACHINE:
        yield _("Your mails are handed to a mail server on our own machine, and by it to yours.")
    else:
        yield _("Your mails go through the mail server %(host)s to yours.") % {"host": settings.smtp.host}
    if settings.processors:
        yield _("These work for us, under a contract: %(processors)s.") % {
            "processors": settings.processors.rstrip(".")
        }
    else:
        yield _("Ask us who hosts these pages and carries the mail for us.")
    yield _("Whoever has a mail of yours can open your page with its links, for some time. Do not forward your mails.")


def _rights(settings: Settings, language: str) -> Iterator[str]:
    _ = translations(language).gettext
    yield _("See and keep everything that is known of you, as a page and as a file that programs can read.")
    yield _("Have it corrected: your name, your address, the hour, days and language on your own page.")
    yield _("Have all of it erased, at once, on your own page.")
    yield _("Pause, or ask us to use less of it.")
    yield _(
        "Stop agreeing, to the course or only to measuring or to other news, at any time. What was done before stays "
        "lawful."
    )
    yield _("Object to what we do for a legitimate interest.")
    yield _(
        "Stay out of comparisons and statistics: a switch on your own page. From then on your answers and tests are "
        "not counted, and what you do with a mail is not used to choose between two wordings. In counters, what was "
        "counted before stays; they hold no name."
    )
    yield _("Ask us anything about this: %(address)s. You have an answer within a month.") % {
        "address": settings.reply_to or settings.sender_address
    }
    yield _("Complain to the supervisor: %(supervisor)s.") % {"supervisor": settings.supervisor}


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
