"""Inventory of all stored data by column: data subject, purpose, retention, erasure, and place in the data export.

The data export, the record of processing and the privacy page are generated from it or tested against it. A test fails
for each column that is not declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def _of_a_reader(
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


def _some(rows: tuple[str, ...], group: Group) -> Group:
    """Return the same group, for some rows only."""
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
    """Declare columns that are stored without consent until somebody confirms, and for a purpose after that."""
    first = _of_a_reader(table, section, shown, left_out, ProcessingPurpose.SIGNUP)
    return _some(before, first), _some(after, _of_a_reader(table, section, shown, left_out, purpose))


def _events(kinds: tuple[EventKind, ...], purpose: ProcessingPurpose, end: End) -> Group:
    shown, left_out = "delivery_id=mail kind link verdict at", "id=number is_first=part report_hash=hash"
    return _some(kinds, _of_a_reader("email_event", "opens_and_clicks", shown, left_out, purpose, end))


def _of_nobody(table: str, columns: str) -> Group:
    return _left_out(table, columns, Whose.NOBODY, ProcessingPurpose.CONTENT, End.NEVER, LeftOut.OF_NOBODY)


def _of_admins(table: str, columns: str, end: End, purpose: ProcessingPurpose = ProcessingPurpose.ACCESS) -> Group:
    return _left_out(table, columns, Whose.ADMIN, purpose, end, LeftOut.OF_ADMINS)


def _left_out(table: str, columns: str, whose: Whose, purpose: ProcessingPurpose, end: End, why: LeftOut) -> Group:
    return Group(table, whose, purpose, end, Erasure.NOTHING, left_out=dict.fromkeys(columns.split(), why))


INVENTORY: tuple[Group, ...] = (
    _of_a_reader(
        "subscriber", "person",
        "status tracking_consent=measuring created_at=signed_up confirmed_at=confirmed left_at=left "
        "address_corrected_at=address_changed links_revoked_at=links_closed "
        "statistics_objected_at=left_out_since tags_objected_at=no_labels_since warned_at=told_of_erasing",
        "id=number former_address_hash=hash security_stamp=number",
    ),
    *_before_and_after("subscriber", "person", "email name language", "domain=part"),
    _of_a_reader("subscriber", "person", "pending_signup=signed_up_again", "", ProcessingPurpose.SIGNUP),
    _of_a_reader("subscriber", "person", "news_consent=other_news", "", ProcessingPurpose.NEWS),
    # The address is deleted when its link expires, as it may be a stranger's.
    _of_a_reader("address_change", "addresses_asked_for", "email=new_address", "", ProcessingPurpose.SIGNUP, End.LINK),
    _of_a_reader(
        "address_change", "addresses_asked_for", "requested_at=asked_for confirmed_at=confirmed",
        "id=number subscriber_id=number secret=number address_hash=hash",
        ProcessingPurpose.SIGNUP, End.ASKED, Erasure.STAYS,
    ),
    *_before_and_after(
        "schedule", "schedule", "zone hour weekdays every_days paused paused_until", "subscriber_id=number"
    ),
    _of_a_reader(
        "consent", "consents",
        "purpose granted=given text_name=wording notice_name=privacy_notice source=where "
        "course_id=course delivery_id=mail at",
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
        "smtp_response=server_said",
        "queue=part subscriber_id=number enrolment_id=number idempotency_key=number lease=working",
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
        "course_id=course question delivery_id=mail lesson_version_id=version "
        "first_option=first_answer first_correct=first_right "
        "first_at last_option=last_answer last_correct=last_right last_at verdict is_excluded=left_out",
        "id=number subscriber_id=number",
    ),
    _of_a_reader(
        "review_card", "repetition",
        "course_id=course question due_at=comes_back missed last_delivery_id=asked_in_mail reviewed_at=last_asked "
        "state=memory",
        "id=number subscriber_id=number",
    ),
    _some(("of readers",), _of_a_reader(
        "assessment_attempt", "tests", "course_id=course stage options=answers correct=right total=asked at",
        "id=number subscriber_id=number",
    )),
    _some(("of visitors",), _of_a_reader(
        "assessment_attempt", "", "",
        "id=nameless subscriber_id=nameless course_id=nameless stage=nameless options=nameless correct=nameless "
        "total=nameless at=nameless",
        ProcessingPurpose.SIGNUP, End.UNCLAIMED, Erasure.STAYS,
    )),
    _some(("of readers",), _of_a_reader(
        "feedback", "remarks", "lesson_id=lesson delivery_id=mail language helped at remark", "id=number",
        ProcessingPurpose.REMARKS,
    )),
    # When a visitor's remark is deleted, the rating stays, as it is anonymous.
    _some(("of visitors",), _of_nobody("feedback", "id lesson_id delivery_id language helped at")),
    _some(("of visitors",), _of_a_reader(
        "feedback", "", "", "remark=nameless", ProcessingPurpose.VISITORS, End.REMARK, Erasure.STAYS
    )),
    _of_a_reader("subscriber_tag", "tags", "tag", "subscriber_id=number", ProcessingPurpose.LABELS),
    _of_a_reader(
        "audit_log", "done_by_us", "at admin_id=by action before after", "id=number subject=number",
        ProcessingPurpose.LOG, End.LOG,
    ),
    # It has to outlast the erasure: else an import could add the person again.
    _of_a_reader(
        "suppression", "not_written_to", "reason created_at=since", "address_hash=hash",
        ProcessingPurpose.STOP, End.SUPPRESSION, Erasure.STAYS,
    ),
    # A domain can identify a family. These rows are deleted with the domain's last subscriber.
    _of_a_reader(
        "hold", "", "", "key=part reason=part since=part until=part consecutive=part",
        ProcessingPurpose.DELIVERY, End.DOMAIN,
    ),
    _of_a_reader(
        "rate_limit_bucket", "", "", "key=part tokens=part filled_at=part", ProcessingPurpose.DELIVERY, End.DOMAIN
    ),
    _of_a_reader("key_value", "", "", "key=part value=part", ProcessingPurpose.DELIVERY, End.DOMAIN),
    _of_a_reader(
        "lease", "", "", "token=working expires_at=working delivery_ids=working",
        ProcessingPurpose.DELIVERY, End.WORKING, Erasure.STAYS,
    ),
    # People on a list during its import: sample lines, duplicate addresses and invalid values.
    _of_a_reader(
        "job_chunk", "", "", "job_id=brief number=brief lines=brief", end=End.LIST, erasure=Erasure.STAYS
    ),
    _some(("while a list is read",), _of_a_reader(
        "job", "", "", "params=brief problems=brief", end=End.LIST, erasure=Erasure.STAYS
    )),
    # The source of a list, the admin's statement about it, and the numbers of wrong lines.
    _some(("done with",), _left_out(
        "job", "params problems", Whose.ADMIN, ProcessingPurpose.LOG, End.JOB, LeftOut.OF_ADMINS
    )),
    _left_out(
        "job", "id kind state cursor total counts admin_id created_at ended_at",
        Whose.ADMIN, ProcessingPurpose.LOG, End.JOB, LeftOut.OF_ADMINS,
    ),
    _of_admins(
        "admin",
        "id email name role password_hash totp_secret totp_step "
        "invite_token_hash invite_expires_at created_at disabled_at "
        "first_login_at reset_token_hash reset_expires_at",
        End.ACCOUNT,
    ),
    _of_admins(
        "admin_session", "id token_hash admin_id second_factor_due code_attempts user_agent created_at seen_at",
        End.SESSION,
    ),
    _of_admins("admin_passkey", "id admin_id credential_id public_key sign_count name created_at used_at", End.ACCOUNT),
    _of_admins("admin_recovery_code", "code_hash admin_id", End.ACCOUNT),
    _of_admins("admin_challenge", "challenge bound_to expires_at", End.CHALLENGE),
    _of_admins("security_event", "id at kind admin_id network user_agent", End.SECURITY),
    _of_admins("lesson_draft", "admin_id saved_at", End.ACCOUNT, ProcessingPurpose.LOG),
    _of_admins("discarded_draft", "admin_id discarded_at", End.ACCOUNT, ProcessingPurpose.LOG),
    _of_nobody("lesson_draft", "course_id slug fields revision base_version_id"),
    _of_nobody("discarded_draft", "id course_id slug fields base_version_id"),
    _of_nobody("heartbeat", "id kind host pid started_at seen_at"),
    _of_nobody("course", "id slug content_hash document published_at draft_revision synced_hashes"),
    _of_nobody("lesson", "id course_id campaign_id slug position current_version_id read_count"),
    _of_nobody("lesson_version", "id lesson_id content_hash document published_at"),
    _of_nobody("lesson_version_pin", "lesson_id up_to_enrolment version_id"),
    _of_nobody(
        "ab_test",
        "id lesson_id version_a_id version_b_id min_sample started_at evaluated_at decided_at "
        "winner multiplier shift result",
    ),
    _of_nobody(
        "campaign",
        "id course_id kind name created_at rate_per_minute ground status "
        "pause_reason audience timing estimate resumed_at "
        "enrol_up_to enrolled_up_to again_before started_at archived_at discarded_at",
    ),
    _of_nobody("consent_text", "name language text"),
    _of_nobody("ebook", "course_id language kind fingerprint content made_at"),
    _of_nobody("counter", "campaign_id lesson_id day metric count"),
    _of_nobody("counter_delta", "id campaign_id lesson_id day metric count"),
)  # fmt: skip


def declared() -> Iterator[tuple[str, str, str]]:
    """Yield (table, column, rows) for each declaration. `rows`: empty for all rows."""
    for group in INVENTORY:
        for column in group.columns:
            for rows in group.rows or ("",):
                yield group.table, column, rows


def of_readers() -> Iterator[Group]:
    """Return the groups about readers."""
    return (group for group in INVENTORY if group.whose == Whose.READER)
