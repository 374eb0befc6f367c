"""What people are told about what is kept of them (GDPR articles 13 to 15): made from the settings and the inventory.

The privacy page, the copy's introduction and `rugcourse privacy notice` all show these chapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rugcourse.i18n import full_date, translations
from rugcourse.privacy.declarations import End, ProcessingPurpose, Whose
from rugcourse.privacy.inventory import INVENTORY, WORDS_OF, of_readers
from rugcourse.privacy.retention import Retention
from rugcourse.privacy.terms import Terms
from rugcourse.settings import SUPERVISOR, Settings

# The page of the default supervisor, in the languages that it writes. Others find their own supervisor in the list.
_SUPERVISOR_PAGES = {"nl": "https://www.autoriteitpersoonsgegevens.nl"}
_SUPERVISORS = "https://www.edpb.europa.eu/about-edpb/about-edpb/members_en"
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Chapter:
    title: str
    lines: tuple[str, ...]


def terms(settings: Settings, language: str) -> Terms:
    return Terms(language, Retention.of(settings))


def notice(settings: Settings, language: str) -> tuple[Chapter, ...]:
    """All chapters, in the order of the page."""
    return tuple(Chapter(title, tuple(lines)) for title, lines in _chapters(settings, language))


def summary(language: str) -> str:
    """What stands above all of them."""
    _ = translations(language).gettext
    return _(
        "We do not ask about your health. But the fact that you follow this course can say "
        "something about it, and so can your answers. So we treat all of it as health data: we "
        "ask for your explicit consent, use it only for the purposes on this page, and keep it no "
        "longer than this page says."
    )


def purposes_of_readers() -> list[ProcessingPurpose]:
    """What things about readers are kept for."""
    theirs = {group.purpose for group in of_readers()}
    return [one for one in ProcessingPurpose if one in theirs]


def ends_of(purpose: ProcessingPurpose) -> list[End]:
    """The ends of what is kept for a purpose, that of the most first."""
    return list(dict.fromkeys(group.end for group in INVENTORY if group.purpose == purpose))


def _chapters(settings: Settings, language: str) -> Iterator[tuple[str, list[str]]]:
    _ = translations(language).gettext
    words = terms(settings, language)
    yield _("Without signing up"), _without_signup(settings, words)
    yield (
        _("What we keep, why, and our legal basis"),
        [_purpose(words, one) for one in purposes_of_readers()],
    )
    yield _("How long we keep it"), list(_ends(words))
    yield _("Where it comes from"), _sources(settings, language)
    yield _("Who sees it"), list(_recipients(settings, language))
    yield _("Automated decisions"), _decisions(language)
    yield _("What you can ask"), list(_rights(settings, language))
    yield (
        _("Age"),
        [
            _("You can sign up if you are 16 or over."),
            _("Some courses are for adults only. Their pages say so."),
        ],
    )
    yield _("For those who run the courses"), list(_admins(words))
    yield _("Who is responsible"), list(controller(settings, language))
    yield _("This page"), _this_page(language)


def _without_signup(settings: Settings, words: Terms) -> list[str]:
    """What holds for visitors who do not sign up."""
    _ = translations(words.language).gettext
    return [
        _("These pages set no cookies and load nothing from other sites."),
        _("The answers of a test are kept without any name, and forgotten after %(days)s unless you sign up.")
        % {"days": words.days(settings.keep_unconfirmed_days)},
        _("We count how often a lesson is read, not by whom."),
        _(
            "We do not keep which device or program you read with. To prevent misuse, we count how often an IP "
            "address makes a request, and how many emails go to an address that someone enters. We count for at "
            "most a day, and delete the count within an hour after that. Preventing misuse is our legitimate "
            "interest (GDPR, article 6(1)(f))."
        ),
    ]


def _sources(settings: Settings, language: str) -> list[str]:
    """Where personal data comes from (GDPR, article 14(2)(f))."""
    _ = translations(language).gettext
    return [
        _("From you: the form that you filled in, and what you press and write in emails and on pages."),
        _("Or from a list of %(practice)s, to which you gave your address. The copy of your data says which list.")
        % {"practice": settings.practice},
        _(
            "Only your address and your consent are needed: without them we can’t send you lessons. The rest "
            "is up to you."
        ),
    ]


def _decisions(language: str) -> list[str]:
    """What is decided by programs, and what by people (GDPR, articles 13(2)(f) and 21)."""
    _ = translations(language).gettext
    return [
        _(
            "Your answers determine which question comes back, and when. No program makes decisions "
            "about you that have legal or similarly significant effects."
        ),
        _(
            "People choose who gets a message: by course, how far you are, how long you have been reading, "
            "language, tags, answers and test score. They never choose someone who did not agree to that kind of "
            "message."
        ),
        _("Your tags are in the copy of your data, and are deleted when we erase everything about you."),
        _(
            "Sometimes we compare two versions of a text: half of the readers get one, half the "
            "other. We count how many answer or, among those who allow measuring, follow a link. If "
            "you object, you still get one of the two, but you are not counted."
        ),
    ]


def _this_page(language: str) -> list[str]:
    """The date of this text, and that the reader's own version of it is kept."""
    _ = translations(language).gettext
    return [
        _("This text dates from %(date)s.") % {"date": full_date(WORDS_OF, language)},
        _(
            "When you agree on our pages, we keep this page as it was at that moment. It is in the copy of "
            "your data. If you were on a list, we keep the words that the list says you agreed to."
        ),
    ]


def _purpose(words: Terms, purpose: ProcessingPurpose) -> str:
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
    yield _("If you stop with only one of your courses, we keep what belongs to it until we erase everything.")
    yield _("If you reported our email as spam, or we may not write to you, we erase everything %(days)s later.") % {
        "days": words.days(kept.left_days)
    }
    ends = dict.fromkeys(group.end for group in of_readers())
    yield from (words.end(end) for end in ends if end != End.PERSON)
    yield withdrawals(words)
    yield _("What we erase can remain in backups for at most %(days)s.") % {"days": words.days(kept.withdrawal_days)}
    if kept.bounce_mail_days:
        yield _("An email that came back to us can remain in our mailbox for %(days)s.") % {
            "days": words.days(kept.bounce_mail_days)
        }
    else:
        yield _("An email that came back to us remains in our mailbox until someone deletes it there.")


def withdrawals(words: Terms) -> str:
    """Of the file that is kept beside the database."""
    _ = translations(words.language).gettext
    return _(
        "For %(days)s we also keep a separate list of people who opted out: people who stopped all emails, "
        "complained, were erased or may not be emailed, people who want no measuring, news, tags or "
        "comparisons, and people who closed old links. It also says who came back, and who allowed tags or "
        "comparisons again. If we have to restore a backup, we use this list to make sure we keep to your "
        "choice. Leaving one of several courses is not on the list. The list contains a code instead of "
        "your address. Without our key, no one can work out the address from that code. Keeping to your "
        "choice is our legitimate interest (GDPR, article 6(1)(f))."
    ) % {"days": words.days(words.retention.withdrawal_days)}


def _admins(words: Terms) -> Iterator[str]:
    """What is kept of admins (GDPR, article 13)."""
    _ = translations(words.language).gettext
    yield _purpose(words, ProcessingPurpose.ACCESS)
    yield _(
        "What they change about readers is kept in a log, with who did it, when and why: "
        "%(days)s. What they change in lessons and campaigns is kept; their name is removed "
        "%(days)s after their account is closed. The legal basis is the same."
    ) % {"days": words.days(words.retention.log_days)}
    ends = dict.fromkeys(group.end for group in INVENTORY if group.whose == Whose.ADMIN)
    yield from (words.end(end) for end in ends)
    yield _("They have the same rights as readers, and find their own logins and keys under “My account”.")


def _recipients(settings: Settings, language: str) -> Iterator[str]:
    _ = translations(language).gettext
    yield _("The people at %(practice)s who run the courses. Each of them has their own account.") % {
        "practice": settings.practice
    }
    if settings.smtp.host in _THIS_MACHINE:
        yield _("We send emails from the same server as this website, to your email provider.")
    else:
        yield _("Your emails go by way of %(host)s to your email provider.") % {"host": settings.smtp.host}
    if settings.processors:
        yield _("These work for us, under a contract: %(processors)s.") % {
            "processors": settings.processors.rstrip(".")
        }
    else:
        yield _(
            "The companies that host these pages, send our email and keep our backups. They work for us under a "
            "contract. You can ask us who they are."
        )
    yield _transfers(settings, language)
    yield _(
        "For some time, anyone who has one of your emails can open your page with its links. So please do "
        "not forward your emails."
    )


def _transfers(settings: Settings, language: str) -> str:
    """To countries outside of the European Economic Area (GDPR, article 13(1)(f))."""
    _ = translations(language).gettext
    if settings.transfers.strip().lower() == "none":
        return _("Nobody who works for us receives it outside the European Economic Area.")
    if settings.transfers:
        return _("Outside of the European Economic Area: %(transfers)s.") % {
            "transfers": settings.transfers.rstrip(".")
        }
    return _("Ask us whether any of them works outside the European Economic Area, and how you are protected there.")


def _rights(settings: Settings, language: str) -> Iterator[str]:
    _ = translations(language).gettext
    yield _("See everything that we know about you, on a page.")
    yield _("Take it with you as a file, for example to another organisation (portability).")
    yield _("Have it corrected: your name, your address, the time, days and language on your own page.")
    yield _("Have all of it erased, at once, on your own page.")
    yield _("Take a break, or ask us not to use your data for a while (restriction).")
    yield _(
        "Withdraw your consent at any time: to the course, or only to measuring or other news. "
        "What we did before that remains lawful."
    )
    yield _(
        "Object to what we do for a legitimate interest: write to us. We then stop, unless we can "
        "show that our reasons are more important."
    )
    yield _(
        "Stay out of comparisons and statistics: tick a box on your own page. We then leave your answers and "
        "test scores out of all figures, including earlier ones, and do not use what you do with an email to "
        "choose between two versions of a text. We still count, without names, how many emails were opened, "
        "links followed, tests taken and lessons rated helpful. Your answers can still decide which messages "
        "you get."
    )
    yield _("Ask us anything about this: %(address)s. We will answer within one month.") % {
        "address": settings.reply_to or settings.sender_address
    }
    yield _("Complain to the data protection authority: %(supervisor)s. See %(page)s") % {
        "supervisor": settings.supervisor, "page": supervisor_page(settings, language),
    }  # fmt: skip


def supervisor_page(settings: Settings, language: str) -> str:
    """Where to complain (GDPR, article 77); in Europe everybody can do so where they live."""
    pages = _SUPERVISOR_PAGES if settings.supervisor == SUPERVISOR else {}
    return pages.get(language, _SUPERVISORS)


def controller(settings: Settings, language: str) -> Iterator[str]:
    """Who runs this installation: name, address and what else the law wants to be found easily."""
    _ = translations(language).gettext
    yield f"{settings.practice}, {settings.postal_address}"
    yield _("Email: %(address)s") % {"address": settings.reply_to or settings.sender_address}
    if settings.phone:
        yield _("Telephone: %(number)s") % {"number": settings.phone}
    if settings.kvk:
        yield _("Chamber of Commerce (KvK): %(number)s") % {"number": settings.kvk}
    if settings.big:
        yield _("BIG register: %(number)s") % {"number": settings.big}
    if settings.dpo:
        yield _("Data protection officer: %(dpo)s") % {"dpo": settings.dpo}
