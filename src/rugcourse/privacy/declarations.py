"""What is declared of stored data: data subject, purpose, legal basis, retention, erasure, and name in the data export.

`rugcourse.privacy.inventory` declares each column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rugcourse.db.models import EventKind


class Whose(StrEnum):
    NOBODY = "nobody"
    READER = "reader"  # somebody who signed up or was imported, or an anonymous visitor
    ADMIN = "admin"


class Basis(StrEnum):
    """Legal bases: articles 6 and 9 of the GDPR. Tw: the Dutch Telecommunicatiewet."""

    NONE = "-"
    EXPLICIT_CONSENT = "6(1)(a), 9(2)(a)"
    MEASURING_CONSENT = "6(1)(a), 9(2)(a), Tw 11.7a"
    NEWS_CONSENT = "6(1)(a), 9(2)(a), Tw 11.7"
    OBLIGATION = "6(1)(c), 7(1)"
    REQUEST = "6(1)(b), 6(1)(f)"
    INTEREST = "6(1)(f)"


class ProcessingPurpose(StrEnum):
    """What data is stored for. The value identifies the purpose in the record of processing."""

    CONTENT = "content"  # courses, messages and aggregated figures: not personal
    SIGNUP = "signup"  # until somebody confirms and consents
    COURSE = "course"  # sending lessons, answers, repetition, the test
    LABELS = "labels"  # tags, to choose an audience
    MEASURING = "measuring"  # opens and clicks
    NEWS = "news"  # other news of the practice
    CONSENT = "consent"  # evidence of consent
    STOP = "stop"  # not writing to people who object or can't be reached
    DELIVERY = "delivery"  # delivering each mail once, and not as spam
    REMARKS = "remarks"  # better lessons
    VISITORS = "visitors"  # the same, from anonymous visitors
    LOG = "log"  # accountability for actions of admins
    ACCESS = "access"  # access control of the admin pages


BASES: Mapping[ProcessingPurpose, Basis] = {
    ProcessingPurpose.CONTENT: Basis.NONE,
    ProcessingPurpose.SIGNUP: Basis.REQUEST,
    ProcessingPurpose.COURSE: Basis.EXPLICIT_CONSENT,
    ProcessingPurpose.LABELS: Basis.INTEREST,
    ProcessingPurpose.MEASURING: Basis.MEASURING_CONSENT,
    ProcessingPurpose.NEWS: Basis.NEWS_CONSENT,
    ProcessingPurpose.CONSENT: Basis.OBLIGATION,
    ProcessingPurpose.STOP: Basis.INTEREST,
    ProcessingPurpose.DELIVERY: Basis.EXPLICIT_CONSENT,
    ProcessingPurpose.REMARKS: Basis.EXPLICIT_CONSENT,
    ProcessingPurpose.VISITORS: Basis.INTEREST,
    ProcessingPurpose.LOG: Basis.INTEREST,
    ProcessingPurpose.ACCESS: Basis.INTEREST,
}


class End(StrEnum):
    """When data is deleted. `DAYS` names the fields of `Retention` with the number of days."""

    NEVER = "never"  # not personal
    PERSON = "person"  # with the person
    MEASURED = "measured"
    ANSWERED = "answered"  # the event of an answer; the answer itself is kept with the person
    RETURNED = "returned"  # bounces, complaints and other reports about a mail
    UNCLAIMED = "unclaimed"  # a knowledge test without a signup
    REMARK = "remark"  # a visitor's
    TOLD = "told"  # what other systems are told by webhooks
    SUPPRESSION = "suppression"
    ASKED = "asked"  # a request to change the address
    LOG = "log"
    JOB = "job"
    DOMAIN = "domain"  # as long as somebody at the domain is known
    ACCOUNT = "account"  # after it was disabled
    SECURITY = "security"
    SESSION = "session"
    PROCESS = "process"
    LIST = "list"  # until an import has ended, at most a week
    LINK = "link"  # while the link that confirms it is valid
    WORKING = "working"  # minutes: while a worker uses it
    CHALLENGE = "challenge"  # minutes: during a login


DAYS: Mapping[End, tuple[str, ...]] = {
    End.NEVER: (),
    End.PERSON: ("unconfirmed_days", "left_days", "finished_days", "idle_days", "bounced_days"),
    End.MEASURED: ("measured_days",),
    End.ANSWERED: ("measured_days",),
    End.RETURNED: ("measured_days",),
    End.UNCLAIMED: ("unconfirmed_days",),
    End.REMARK: ("remark_days",),
    End.TOLD: ("webhook_days",),
    End.SUPPRESSION: ("bounced_days", "suppressed_days"),
    End.ASKED: ("asked_days",),
    End.LOG: ("log_days",),
    End.JOB: ("job_days",),
    End.DOMAIN: (),
    End.ACCOUNT: ("log_days",),
    End.SECURITY: ("security_days",),
    End.SESSION: ("session_days",),
    End.PROCESS: ("process_days",),
    End.LIST: (),
    End.LINK: (),
    End.WORKING: (),
    End.CHALLENGE: (),
}


class Erasure(StrEnum):
    """What happens to data when the person is erased."""

    NOTHING = "nothing"  # it is not about a reader
    DELETED = "deleted"  # deleted in the same transaction
    STAYS = "stays"  # until its end; the declaration has the reason


class LeftOut(StrEnum):
    """Why data is not in the export."""

    NUMBER = "number"  # an internal key
    PART = "part"  # derived from exported data
    WORKING = "working"  # technical state of a process
    HASH = "hash"  # a keyed hash, only for comparison
    OF_ADMINS = "of admins"  # about admins, who see it on the admin pages
    NAMELESS = "nameless"  # anonymous
    BRIEF = "brief"  # deleted after use, at the latest after a week; the result is exported
    OF_NOBODY = "of nobody"


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of one table with the same handling.

    `shown`: column → place in the export, as `section.name`. `left_out`: column → reason. `rows`: the rows it applies
    to, if those of a table are handled in different ways; empty for all.
    """

    table: str
    whose: Whose
    purpose: ProcessingPurpose
    end: End
    erasure: Erasure
    shown: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    rows: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.shown, *self.left_out)


def of_a_reader(
    table: str,
    section: str,
    shown: str,
    left_out: str,
    purpose: ProcessingPurpose = ProcessingPurpose.COURSE,
    end: End = End.PERSON,
    erasure: Erasure = Erasure.DELETED,
) -> Group:
    """Declare columns about readers. `shown`: "column" or "column=name in the export". `left_out`: "column=reason"."""
    named = (one.partition("=") for one in shown.split())
    places = {column: f"{section}.{name or column}" for column, _, name in named}
    reasons = (one.partition("=") for one in left_out.split())
    why = {column: LeftOut(reason) for column, _, reason in reasons}
    return Group(table, Whose.READER, purpose, end, erasure, places, why)


def some_rows(rows: tuple[str, ...], group: Group) -> Group:
    """Return the same group, for some rows only."""
    return replace(group, rows=rows)


PENDING, CONFIRMED = ("until they confirm",), ("once they have",)
ASKING, OTHER_MAILS = ("that ask to confirm",), ("all other",)


def before_and_after(
    table: str,
    section: str,
    shown: str,
    left_out: str,
    purpose: ProcessingPurpose = ProcessingPurpose.COURSE,
    before: tuple[str, ...] = PENDING,
    after: tuple[str, ...] = CONFIRMED,
) -> tuple[Group, Group]:
    """Declare columns that are stored without consent until somebody confirms, and for a purpose after that."""
    first = of_a_reader(table, section, shown, left_out, ProcessingPurpose.SIGNUP)
    return some_rows(before, first), some_rows(after, of_a_reader(table, section, shown, left_out, purpose))


def events(kinds: tuple[EventKind, ...], purpose: ProcessingPurpose, end: End) -> Group:
    shown, left_out = "delivery_id=mail kind link verdict at", "id=number is_first=part report_hash=hash"
    return some_rows(kinds, of_a_reader("email_event", "opens_and_clicks", shown, left_out, purpose, end))


def of_nobody(table: str, columns: str) -> Group:
    return not_exported(table, columns, Whose.NOBODY, ProcessingPurpose.CONTENT, End.NEVER, LeftOut.OF_NOBODY)


def of_admins(table: str, columns: str, end: End, purpose: ProcessingPurpose = ProcessingPurpose.ACCESS) -> Group:
    return not_exported(table, columns, Whose.ADMIN, purpose, end, LeftOut.OF_ADMINS)


def not_exported(table: str, columns: str, whose: Whose, purpose: ProcessingPurpose, end: End, why: LeftOut) -> Group:
    return Group(table, whose, purpose, end, Erasure.NOTHING, left_out=dict.fromkeys(columns.split(), why))
