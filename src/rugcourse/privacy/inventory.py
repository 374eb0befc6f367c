"""What is kept, column by column: whose it is, what for, until when, how it is erased, and where the copy shows it.

The one place that says so: the copy, the record of processing and the privacy page are checked against it or made from
it. A column that is not declared here fails a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rugcourse.db.models import EventKind


class Whose(StrEnum):
    NOBODY = "nobody"
    READER = "reader"  # somebody who signed up, or was imported, or a visitor without a name
    ADMIN = "admin"


class Basis(StrEnum):
    """GDPR articles 6 and 9; Tw: the Dutch Telecommunicatiewet."""

    NONE = "-"
    EXPLICIT_CONSENT = "6(1)(a), 9(2)(a)"
    MEASURING_CONSENT = "6(1)(a), 9(2)(a), Tw 11.7a"
    NEWS_CONSENT = "6(1)(a), 9(2)(a), Tw 11.7"
    OBLIGATION = "6(1)(c), 7(1)"
    REQUEST = "6(1)(b), 6(1)(f)"
    INTEREST = "6(1)(f)"


class ProcessingPurpose(StrEnum):
    """What something is kept for; the value is its name in the record of processing."""

    CONTENT = "content"  # courses and messages, figures of many: about nobody
    SIGNUP = "signup"  # what stands before somebody confirms, and agrees
    COURSE = "course"  # sending lessons, answers, repetition, the test
    LABELS = "labels"  # tags: words on people, for choosing an audience
    MEASURING = "measuring"  # opens and clicks
    NEWS = "news"  # other news of the practice
    CONSENT = "consent"  # being able to show what was agreed to
    STOP = "stop"  # not writing to who does not want it, or can't be reached
    DELIVERY = "delivery"  # mail that arrives once, and is not taken for spam
    REMARKS = "remarks"  # better lessons
    VISITORS = "visitors"  # the same, from visitors without a name
    LOG = "log"  # being able to show who did what for whom
    ACCESS = "access"  # only those come in who may


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
    """Until when something is kept. The days stand in `Retention`, under the names in `DAYS`."""

    NEVER = "never"  # it is about nobody
    PERSON = "person"  # as long as the person is known
    MEASURED = "measured"
    ANSWERED = "answered"  # that a button of a question was used; what was answered is the person's
    RETURNED = "returned"  # that a mail came back, or what else was said of it
    UNCLAIMED = "unclaimed"  # a test that nobody signed up after
    REMARK = "remark"  # a visitor's
    SUPPRESSION = "suppression"
    ASKED = "asked"  # that another address was asked for
    LOG = "log"
    JOB = "job"
    DOMAIN = "domain"  # as long as somebody at the domain is known
    ACCOUNT = "account"  # after it was disabled
    SECURITY = "security"
    SESSION = "session"
    PROCESS = "process"
    LIST = "list"  # until a list that is read in is done with, at most a week
    LINK = "link"  # as long as the link works that confirms it
    WORKING = "working"  # minutes: as long as a worker is at it
    CHALLENGE = "challenge"  # minutes: as long as an admin takes to log in


DAYS: Mapping[End, tuple[str, ...]] = {
    End.NEVER: (),
    End.PERSON: ("unconfirmed_days", "left_days", "finished_days", "idle_days", "bounced_days"),
    End.MEASURED: ("measured_days",),
    End.ANSWERED: ("measured_days",),
    End.RETURNED: ("measured_days",),
    End.UNCLAIMED: ("unconfirmed_days",),
    End.REMARK: ("remark_days",),
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
    """What becomes of it when the person is erased."""

    NOTHING = "nothing"  # it is not about a reader
    DELETED = "deleted"  # the row goes, in the same transaction
    STAYS = "stays"  # until its end: declared, with the reason, where it stands


class LeftOut(StrEnum):
    """Why something is not in the copy."""

    NUMBER = "number"  # of ours, which only says which row belongs to which
    PART = "part"  # it follows from what is in the copy
    WORKING = "working"  # a mark of a program while it works; it tells nothing of a person
    HASH = "hash"  # a fingerprint made with a secret key, which only serves to recognise
    OF_ADMINS = "of admins"  # about those who use the admin pages; they see it there
    NAMELESS = "nameless"  # nobody can tell whose it is
    BRIEF = "brief"  # gone when it is done with, at most after a week; what became of it is in the copy
    OF_NOBODY = "of nobody"


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of one table that are kept alike.

    `shown`: column → where it stands in the copy, as `section.name`; `left_out`: column → why it does not.
    `rows`: which rows it is about, where those of one table are kept in more than one way.
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


def _of_a_reader(
    table: str,
    section: str,
    shown: str,
    left_out: str,
    purpose: ProcessingPurpose = ProcessingPurpose.COURSE,
    end: End = End.PERSON,
    erasure: Erasure = Erasure.DELETED,
) -> Group:
    """`shown`: columns, as `column=name` where the copy calls it otherwise. `left_out`: `column=reason`."""
    named = (one.partition("=") for one in shown.split())
    places = {column: f"{section}.{name or column}" for column, _, name in named}
    reasons = (one.partition("=") for one in left_out.split())
    why = {column: LeftOut(reason) for column, _, reason in reasons}
    return Group(table, Whose.READER, purpose, end, erasure, places, why)


def _some(rows: tuple[str, ...], group: Group) -> Group:
    """The same, of some rows only."""
    return replace(group, rows=rows)


_PENDING, _CONFIRMED = ("until they confirm",), ("once they have",)
_ASKING, _OTHER_MAILS = ("that ask to confirm",), ("all other",)


def _before_and_after(
    table: str,
    section: str,
    shown: str,
    left_out: str,
    purpose: ProcessingPurpose = ProcessingPurpose.COURSE,
    before: tuple[str, ...] = _PENDING,
    after: tuple[str, ...] = _CONFIRMED,
) -> tuple[Group, Group]:
    """What is kept without a consent until somebody confirms, and for a purpose from then on."""
    first = _of_a_reader(table, section, shown, left_out, ProcessingPurpose.SIGNUP)
    return _some(before, first), _some(after, _of_a_reader(table, section, shown, left_out, purpose))


def _events(kinds: tuple[EventKind, ...], purpose: ProcessingPurpose, end: End) -> Group:
    shown, left_out = "delivery_id=mail kind link verdict at", "id=number first=part report=hash"
    return _some(kinds, _of_a_reader("event", "opens_and_clicks", shown, left_out, purpose, end))


def _of_nobody(table: str, columns: str) -> Group:
    return _left_out(table, columns, Whose.NOBODY, ProcessingPurpose.CONTENT, End.NEVER, LeftOut.OF_NOBODY)


def _of_admins(table: str, columns: str, end: End, purpose: ProcessingPurpose = ProcessingPurpose.ACCESS) -> Group:
    return _left_out(table, columns, Whose.ADMIN, purpose, end, LeftOut.OF_ADMINS)


def _left_out(table: str, columns: str, whose: Whose, purpose: ProcessingPurpose, end: End, why: LeftOut) -> Group:
    return Group(table, whose, purpose, end, Erasure.NOTHING, left_out=dict.fromkeys(columns.split(), why))


INVENTORY: tuple[Group, ...] = (
    _of_a_reader(
        "subscriber", "person",
        "status measuring created_at=signed_up confirmed_at=confirmed left_at=left "
        "address_since=address_changed links_closed_at=links_closed "
        "objected_at=left_out_since untagged_at=no_labels_since warned_at=told_of_erasing",
        "id=number former_address=hash security_stamp=number",
    ),
    *_before_and_after("subscriber", "person", "email name language", "domain=part"),
    _of_a_reader("subscriber", "person", "signup=signed_up_again", "", ProcessingPurpose.SIGNUP),
    _of_a_reader("subscriber", "person", "news=other_news", "", ProcessingPurpose.NEWS),
    # The address itself goes with the link that confirms it: it may be a stranger's.
    _of_a_reader("address_change", "addresses_asked_for", "email=new_address", "", ProcessingPurpose.SIGNUP, End.LINK),
    _of_a_reader(
        "address_change", "addresses_asked_for", "asked_at=asked_for confirmed_at=confirmed",
        "id=number subscriber_id=number secret=number address_hash=hash",
        ProcessingPurpose.SIGNUP, End.ASKED, Erasure.STAYS,
    ),
    *_before_and_after(
        "schedule", "schedule", "zone hour weekdays every_days paused paused_until", "subscriber_id=number"
    ),
    _of_a_reader(
        "consent", "consents",
        "purpose given wording notice=privacy_notice source=where course_id=course delivery_id=mail at",
        "id=number subscriber_id=number",
        ProcessingPurpose.CONSENT,
    ),
    _of_a_reader(
        "enrolment", "courses",
        "campaign_id=campaign status next_position=next_lesson_number lessons_planned=lessons next_due_at=next_lesson "
        "last_local_date=last_day started_at=started completed_at=completed left_at=left",
        "id=number subscriber_id=number",
    ),
    *_before_and_after(
        "delivery", "mails",
        "id=mail kind state campaign_id=campaign lesson_id=lesson lesson_version_id=version local_date=day "
        "planned_at=planned not_before send_by attempts language recap_question message_id settled_at=settled "
        "reply=server_said",
        "queue=part subscriber_id=number enrolment_id=number once_key=number lease=working",
        ProcessingPurpose.DELIVERY, _ASKING, _OTHER_MAILS,
    ),
    _events((EventKind.OPEN, EventKind.CLICK), ProcessingPurpose.MEASURING, End.MEASURED),
    _events((EventKind.ANSWER,), ProcessingPurpose.COURSE, End.ANSWERED),
    _events(
        (EventKind.UNSUBSCRIBE, EventKind.COMPLAINT, EventKind.BOUNCE, EventKind.RESEND),
        ProcessingPurpose.DELIVERY, End.RETURNED,
    ),
    _of_a_reader(
        "answer", "answers",
        "course_id=course question delivery_id=mail lesson_version_id=version first_option=first_answer first_right "
        "first_at last_option=last_answer last_right last_at verdict left_out",
        "id=number subscriber_id=number",
    ),
    _of_a_reader(
        "card", "repetition",
        "course_id=course question due_at=comes_back missed asked_in=asked_in_mail reviewed_at=last_asked "
        "state=memory",
        "id=number subscriber_id=number",
    ),
    _some(("of readers",), _of_a_reader(
        "attempt", "tests", "course_id=course stage options=answers right asked at",
        "id=number subscriber_id=number",
    )),
    _some(("of visitors",), _of_a_reader(
        "attempt", "", "",
        "id=nameless subscriber_id=nameless course_id=nameless stage=nameless options=nameless right=nameless "
        "asked=nameless at=nameless",
        ProcessingPurpose.SIGNUP, End.UNCLAIMED, Erasure.STAYS,
    )),
    _some(("of readers",), _of_a_reader(
        "feedback", "remarks", "lesson_id=lesson delivery_id=mail language helped at remark", "id=number",
        ProcessingPurpose.REMARKS,
    )),
    # Of a visitor's, whether the lesson helped is left.
    _some(("of visitors",), _of_nobody("feedback", "id lesson_id delivery_id language helped at")),
    _some(("of visitors",), _of_a_reader(
        "feedback", "", "", "remark=nameless", ProcessingPurpose.VISITORS, End.REMARK, Erasure.STAYS
    )),
    _of_a_reader("tag", "tags", "tag", "subscriber_id=number", ProcessingPurpose.LABELS),
    _of_a_reader(
        "change", "done_by_us", "at admin_id=by action before after", "id=number subject=number",
        ProcessingPurpose.LOG, End.LOG,
    ),
    # It has to outlive the person: an import would bring them back.
    _of_a_reader(
        "suppression", "not_written_to", "reason at=since", "address_hash=hash",
        ProcessingPurpose.STOP, End.SUPPRESSION, Erasure.STAYS,
    ),
    # A domain can be a family's. None of these is left when nobody there is known any more.
    _of_a_reader(
        "hold", "", "", "key=part reason=part since=part until=part times=part", ProcessingPurpose.DELIVERY, End.DOMAIN
    ),
    _of_a_reader("bucket", "", "", "key=part tokens=part filled_at=part", ProcessingPurpose.DELIVERY, End.DOMAIN),
    _of_a_reader("installation", "", "", "key=part value=part", ProcessingPurpose.DELIVERY, End.DOMAIN),
    _of_a_reader(
        "lease", "", "", "token=working until=working deliveries=working",
        ProcessingPurpose.DELIVERY, End.WORKING, Erasure.STAYS,
    ),
    # Whoever stands on a list that is being read: the first lines as they are, addresses that come twice, wrong values.
    _of_a_reader(
        "job_chunk", "", "", "job_id=brief number=brief lines=brief", end=End.LIST, erasure=Erasure.STAYS
    ),
    _some(("while a list is read",), _of_a_reader(
        "job", "", "", "about=brief problems=brief", end=End.LIST, erasure=Erasure.STAYS
    )),
    # Where a list came from, what was said of it, and which lines were wrong.
    _some(("done with",), _left_out(
        "job", "about problems", Whose.ADMIN, ProcessingPurpose.LOG, End.JOB, LeftOut.OF_ADMINS
    )),
    _left_out(
        "job", "id kind state mark total counts admin_id created_at ended_at",
        Whose.ADMIN, ProcessingPurpose.LOG, End.JOB, LeftOut.OF_ADMINS,
    ),
    _of_admins(
        "admin",
        "id email name role password_hash totp_secret totp_step invited invited_until created_at disabled_at "
        "first_login_at reset_token reset_until",
        End.ACCOUNT,
    ),
    _of_admins(
        "admin_session", "id token_hash admin_id second_factor_due code_attempts browser created_at seen_at",
        End.SESSION,
    ),
    _of_admins("admin_passkey", "id admin_id credential public_key uses name created_at used_at", End.ACCOUNT),
    _of_admins("admin_recovery_code", "code_hash admin_id", End.ACCOUNT),
    _of_admins("admin_challenge", "challenge bound_to until", End.CHALLENGE),
    _of_admins("security_event", "id at kind admin_id network browser", End.SECURITY),
    _of_admins("lesson_draft", "admin_id saved_at", End.ACCOUNT, ProcessingPurpose.LOG),
    _of_admins("discarded_draft", "admin_id discarded_at", End.ACCOUNT, ProcessingPurpose.LOG),
    _of_nobody("lesson_draft", "course_id slug fields saved began_from"),
    _of_nobody("discarded_draft", "id course_id slug fields began_from"),
    _of_nobody("process", "id kind host pid started_at seen_at"),
    _of_nobody("course", "id slug content_hash document published_at drafts_kept in_files"),
    _of_nobody("lesson", "id course_id campaign_id slug position current_version_id read_count"),
    _of_nobody("lesson_version", "id lesson_id content_hash document published_at"),
    _of_nobody("lesson_keep", "lesson_id up_to_enrolment version_id"),
    _of_nobody(
        "trial",
        "id lesson_id version_a version_b minimum started_at looked_at decided_at winner multiplier shift found",
    ),
    _of_nobody(
        "campaign",
        "id course_id kind name created_at per_minute ground status because audience timing estimate go_from "
        "enrol_up_to enrolled_up_to again_before started_at archived_at discarded_at",
    ),
    _of_nobody("wording", "name language text"),
    _of_nobody("edition", "course_id language kind fingerprint content made_at"),
    _of_nobody("tally", "campaign_id lesson_id day what n"),
    _of_nobody("tally_change", "id campaign_id lesson_id day what n"),
)  # fmt: skip


def declared() -> Iterator[tuple[str, str, str]]:
    """(table, column, which rows) of each that is declared, as often as it is; no rows: all of them."""
    for group in INVENTORY:
        for column in group.columns:
            for rows in group.rows or ("",):
                yield group.table, column, rows


def of_readers() -> Iterator[Group]:
    """The groups that are about readers."""
    return (group for group in INVENTORY if group.whose == Whose.READER)
