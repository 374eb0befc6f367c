"""The tables. The life cycle of deliveries is described in `rugcourse.delivery`."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from rugcourse.db.types import UtcDateTime

BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite generates ids only for INTEGER


class SubscriberStatus(StrEnum):
    PENDING = "pending"  # signed up, not confirmed
    ACTIVE = "active"
    LEFT = "left"  # unsubscribed
    SUPPRESSED = "suppressed"  # must not be written to, even if they sign up again


BOUNCE = "bounce"  # a reason for a suppression: mail to the address bounces
COMPLAINT = "complaint"  # a reason for a suppression: its owner called our mail spam
OWNER = "owner"  # a reason for a suppression: somebody else had signed them up, and they objected
ADMIN = "admin"  # a reason for a suppression: an admin decided it
ERASED = "erased"  # a reason for a suppression: its owner was erased, and may sign up again


class EnrolmentStatus(StrEnum):
    ACTIVE = "active"
    COMPLETED = "completed"
    LEFT = "left"
    CANCELLED = "cancelled"  # its campaign was cancelled


class CampaignKind(StrEnum):
    EVERGREEN = "evergreen"  # everyone starts when they sign up
    COHORT = "cohort"  # everyone starts on the same date
    BROADCAST = "broadcast"  # one message


class CampaignStatus(StrEnum):
    DRAFT = "draft"  # nobody gets anything
    RUNNING = "running"
    PAUSED = "paused"  # nothing is planned and nothing is sent, until it is resumed
    CANCELLED = "cancelled"  # nothing more, ever


class Ground(StrEnum):
    """The consent that a campaign relies on, other than for the lessons that people signed up for."""

    COURSE = "course"  # it is about the course of the campaign, which they follow or completed
    NEWS = "news"  # they consented to news


class DeliveryKind(StrEnum):
    LESSON = "lesson"
    BROADCAST = "broadcast"
    CONFIRM = "confirm"
    WELCOME = "welcome"
    ALREADY_SUBSCRIBED = "already"  # somebody signed up again with the address of a reader
    MAGIC_LINK = "link"  # a new link to the reader's own page
    IMPORTED = "imported"  # the first mail to an imported subscriber: where their address is from, and how to stop


class DeliveryQueue(StrEnum):
    TRANSACTIONAL = "waiting"  # a person waits for this mail
    LESSONS = "lessons"


class DeliveryState(StrEnum):
    PLANNED = "planned"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


OPEN_STATES = (DeliveryState.PLANNED, DeliveryState.SUBMITTING)


class EventKind(StrEnum):
    OPEN = "open"
    CLICK = "click"
    ANSWER = "answer"  # an answer, whether or not it counted; `link` is the option
    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"  # the reader called the mail spam
    BOUNCE = "bounce"  # the mail did not arrive after all
    RESEND = "resend"  # an admin had an unknown delivery sent again


class Verdict(StrEnum):
    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """The role of an admin. Each includes the rights of those after it."""

    OWNER = "owner"  # everything, including managing admins
    EDITOR = "editor"  # lessons, campaigns, subscribers
    ANALYST = "analyst"  # read only


class Stage(StrEnum):
    PRETEST = "before"  # the knowledge test before signing up
    POSTTEST = "after"  # the same test in the closing lesson


class JobKind(StrEnum):
    IMPORT = "import"
    BULK_ACTION = "act"


class JobState(StrEnum):
    DRAFT = "draft"  # an admin has still to say what is meant
    CHECKING = "checking"  # looked through, without changing anything
    CHECKED = "checked"  # an admin sees what would happen, and says go
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


ACTIVE_STATES = (JobState.CHECKING, JobState.RUNNING)
FINAL_STATES = (JobState.DONE, JobState.CANCELLED)


class EbookKind(StrEnum):
    PDF = "pdf"
    EPUB = "epub"
    SHARE = "share"  # a picture, PNG


DISCARDED_DAYS = 30  # for so long a discarded draft can be restored


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), date: Date(), dict[str, Any]: JSON(), list[int]: JSON()}  # noqa: RUF012


def _partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


def new_stamp() -> int:
    """Return a security stamp: 35 random bits, five bytes in a token; never 0."""
    return 1 + secrets.randbelow(2**35 - 1)


def _domain_of_email(context: Any) -> str:
    email: str = context.get_current_parameters()["email"]
    return email.rpartition("@")[2]


class CourseRow(Base):
    """A course. `document` is what is not a lesson: landing page, knowledge test, alarm signs."""

    __tablename__ = "course"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]]
    published_at: Mapped[datetime]
    drafts_kept: Mapped[int] = mapped_column(default=0, server_default="0")  # revision counter of its drafts
    # Fingerprints of the files when they were last imported or exported, see `rugcourse.course_editor.merge`.
    in_files: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class LessonRow(Base):
    """A lesson: its position in its course, and its current version.

    The message of a broadcast is stored as one too: it belongs to its campaign, and is not part of the course.
    """

    __tablename__ = "lesson"
    __table_args__ = (UniqueConstraint("course_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    campaign_id: Mapped[int | None] = mapped_column(index=True)
    slug: Mapped[str] = mapped_column(String(60))
    position: Mapped[int | None]  # from 1; None: no longer part of the course
    # Set in the transaction that inserts the lesson. No foreign key, as the two tables would depend on each other.
    current_version_id: Mapped[int | None]
    read_count: Mapped[int] = mapped_column(default=0)


class LessonVersionRow(Base):
    """A lesson version: the exact text in all languages. Never changed, never deleted."""

    __tablename__ = "lesson_version"
    __table_args__ = (UniqueConstraint("lesson_id", "content_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    lesson_id: Mapped[int] = mapped_column(ForeignKey("lesson.id"))
    content_hash: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]]
    published_at: Mapped[datetime]


class LessonVersionPinRow(Base):
    """Pins an earlier version of a lesson for enrolments that existed when a newer one was published.

    It applies to enrolments with ids up to `up_to_enrolment` and above that of the next smaller pin of the lesson.
    """

    __tablename__ = "lesson_keep"

    lesson_id: Mapped[int] = mapped_column(ForeignKey("lesson.id"), primary_key=True)
    up_to_enrolment: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    version_id: Mapped[int] = mapped_column(ForeignKey("lesson_version.id"))


class AbTestRow(Base):
    """An A/B test of two versions of a lesson, or of a broadcast's message: half of the readers get each.

    It runs while `version_a` is the current version and it is undecided. `minimum`: how many mails of each are
    evaluated, once. `winner`: a, b, or none if there was no significant difference; `found`: the counts of that moment.
    `multiplier` and `shift` split the readers, see `rugcourse.db.queries.ab_tests.in_variant_b`.
    """

    __tablename__ = "trial"
    __table_args__ = (_partial_index("uq_trial_open", "lesson_id", where="decided_at IS NULL", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    lesson_id: Mapped[int] = mapped_column(ForeignKey("lesson.id"), index=True)
    version_a: Mapped[int] = mapped_column(ForeignKey("lesson_version.id"))
    version_b: Mapped[int] = mapped_column(ForeignKey("lesson_version.id"))
    minimum: Mapped[int]
    started_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    winner: Mapped[str | None] = mapped_column(String(8))
    multiplier: Mapped[int] = mapped_column(BigInteger, server_default="1")
    shift: Mapped[int] = mapped_column(BigInteger, server_default="1")
    found: Mapped[dict[str, Any]] = mapped_column(default=dict)


class LessonDraftRow(Base):
    """A draft of a lesson, as it was typed. It may be invalid. Readers don't get it before it is published."""

    __tablename__ = "lesson_draft"

    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    fields: Mapped[dict[str, Any]]
    saved: Mapped[int]  # changes with each save, to detect conflicting edits
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))
    saved_at: Mapped[datetime]
    # The version that was published when it was begun, 0 for none: publishing warns of a newer one.
    began_from: Mapped[int] = mapped_column(default=0, server_default="0")


class DiscardedDraftRow(Base):
    """A discarded draft of a lesson. `admin_id`: who discarded it."""

    __tablename__ = "discarded_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    slug: Mapped[str] = mapped_column(String(60))
    fields: Mapped[dict[str, Any]]
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))
    discarded_at: Mapped[datetime]
    began_from: Mapped[int] = mapped_column(default=0, server_default="0")


class SubscriberRow(Base):
    """A subscriber. `email` is normalised: two spellings of one mailbox are one row."""

    __tablename__ = "subscriber"
    # For prefix searches, which an index in the database's own collation can't serve.
    __table_args__ = (Index("ix_subscriber_beginning", "email", postgresql_ops={"email": "text_pattern_ops"}),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # A random number that is in every link of the person, see `rugcourse.links`.
    security_stamp: Mapped[int] = mapped_column(BigInteger, default=new_stamp, server_default="0")
    email: Mapped[str] = mapped_column(String(254), unique=True)
    domain: Mapped[str] = mapped_column(String(253), default=_domain_of_email)  # of the address
    name: Mapped[str] = mapped_column(String(80), default="")
    language: Mapped[str] = mapped_column(String(5))
    status: Mapped[str] = mapped_column(String(12))
    measuring: Mapped[bool] = mapped_column(default=False)  # may opens and clicks be measured
    news: Mapped[bool] = mapped_column(default=False, server_default=false())  # consented to news
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]  # since when they have unsubscribed
    # The form of a new signup after leaving. Anybody may have typed it, so it counts only after confirmation.
    signup: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    links_closed_at: Mapped[datetime | None]  # links of earlier mails are invalid: the reader closed them
    warned_at: Mapped[datetime | None]  # when they were warned of erasure for inactivity
    objected_at: Mapped[datetime | None]  # since when they are excluded from comparisons and statistics (GDPR, Art. 21)
    untagged_at: Mapped[datetime | None]  # since when they may not be tagged, because they objected
    address_since: Mapped[datetime | None]  # when their address was corrected
    former_address: Mapped[str | None] = mapped_column(String(64), index=True)  # a keyed hash of the one before


class AddressChangeRow(Base):
    """A requested change of a person's address. It takes effect when the owner of the new address confirms it.

    After an erasure only the request itself stays, to limit how often an address gets such mails. `secret`: a random
    number in the confirmation link. `email` is stored while that link works; None once it was used or ended, or if
    nothing may be sent. `address_hash`: a keyed hash of the address, for counting requests.
    """

    __tablename__ = "address_change"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"), index=True)
    secret: Mapped[int] = mapped_column(BigInteger, default=new_stamp)
    email: Mapped[str | None] = mapped_column(String(254))
    address_hash: Mapped[str] = mapped_column(String(64), index=True)
    asked_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class ConsentRow(Base):
    """A consent or its withdrawal: a history, never changed. See `rugcourse.enrolment.consents`.

    `wording` and `notice` name the text and the privacy notice that were shown; empty if there was none. `course_id`
    is None for all courses. `delivery_id` is the mail whose link led to the page.
    """

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    given: Mapped[bool]
    wording: Mapped[str] = mapped_column(String(40), index=True)
    notice: Mapped[str] = mapped_column(String(40), default="", server_default="")
    source: Mapped[str] = mapped_column(String(200))
    course_id: Mapped[int | None]
    delivery_id: Mapped[int | None] = mapped_column(BigId)
    at: Mapped[datetime]


class ConsentTextRow(Base):
    """A consent text or a privacy notice, as it was shown. `name` is derived from it. Never changed.

    A text from an import is deleted with the last person who consented to it.
    """

    __tablename__ = "wording"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    language: Mapped[str] = mapped_column(String(5))
    text: Mapped[str] = mapped_column(Text)


class JobRow(Base):
    """A background job over many subscribers, batch by batch: an import or a bulk action.

    `about`: see `rugcourse.subscribers.csv_import` and `rugcourse.subscribers.bulk_actions`. `mark`: its progress, in
    lines or subscriber ids. `counts`: outcome → how many; `problems`: [line, field, problem].
    """

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12))
    about: Mapped[dict[str, Any]]
    mark: Mapped[int] = mapped_column(BigId, default=0)
    total: Mapped[int] = mapped_column(BigId, default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    problems: Mapped[list[Any]] = mapped_column(JSON, default=list)
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class JobChunkRow(Base):
    """Some lines of an import: [line, cells]. Deleted when they are done."""

    __tablename__ = "job_chunk"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 0
    lines: Mapped[list[Any]] = mapped_column(JSON)


class ScheduleRow(Base):
    """When a person wants to get lessons, in their own time zone."""

    __tablename__ = "schedule"

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    zone: Mapped[str] = mapped_column(String(64))
    hour: Mapped[int]
    weekdays: Mapped[int]  # bit 0 is Monday
    every_days: Mapped[int] = mapped_column(default=1, server_default="1")  # minimum number of days between two lessons
    paused: Mapped[bool] = mapped_column(default=False)
    paused_until: Mapped[datetime | None]


class CampaignRow(Base):
    """A campaign: who gets a course, or one message, and when.

    `audience` and `timing`: who and when, see `rugcourse.db.queries.audiences` and
    `rugcourse.scheduling.campaign_timing`. Starting it enrols its audience by ascending id: those up to
    `enrolled_up_to` are done, the last one is `enrol_up_to`.
    A cohort excludes people who had its course, except those who already had it at `again_before`.
    """

    __tablename__ = "campaign"

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    per_minute: Mapped[int | None]  # maximum number of lessons per minute; None: no limit
    status: Mapped[str] = mapped_column(
        String(12), default=CampaignStatus.RUNNING, server_default=CampaignStatus.RUNNING
    )
    because: Mapped[str | None] = mapped_column(Text)  # why it was paused automatically
    audience: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    timing: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    estimate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # of a draft: who would get it
    go_from: Mapped[datetime | None]  # an admin resumed it at this instant; moments before it were missed
    enrol_up_to: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    enrolled_up_to: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    again_before: Mapped[datetime | None]
    ground: Mapped[str] = mapped_column(String(8), default=Ground.NEWS, server_default=Ground.NEWS)  # of a broadcast
    started_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    discarded_at: Mapped[datetime | None]  # of a draft: it can be restored for some time


class EnrolmentRow(Base):
    """A person in a campaign. `next_due_at` is when the lesson at `next_position` is due. No later date is stored."""

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("campaign_id", "subscriber_id"),
        _partial_index("ix_enrolment_due", "campaign_id", "next_due_at", where="next_due_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    status: Mapped[str] = mapped_column(String(12))
    next_position: Mapped[int] = mapped_column(default=1)
    lessons_planned: Mapped[int] = mapped_column(default=0)  # counted separately from the ledger, for reconciliation
    next_due_at: Mapped[datetime | None]
    last_local_date: Mapped[date | None]
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]


class DeliveryRow(Base):
    """One message to one person: a row of the ledger.

    A row is written three times. To keep this cheap, no index contains `state`: `not_before` is set exactly while a row
    is planned, and `lease` says what a worker holds. There are no foreign keys: checking them, and locking the rows
    they refer to, took three quarters of the time of an insert. The audit finds deliveries without a subscriber.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "lesson_id"),
        UniqueConstraint("enrolment_id", "local_date"),
        _partial_index("uq_delivery_once_key", "once_key", where="once_key IS NOT NULL", unique=True),
        _partial_index("ix_delivery_planned", "queue", "not_before", where="not_before IS NOT NULL"),
        {"postgresql_with": {"fillfactor": 60}},  # room for the next versions of a row on its page
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    queue: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12))
    subscriber_id: Mapped[int] = mapped_column(BigId, index=True)
    campaign_id: Mapped[int | None]
    enrolment_id: Mapped[int | None] = mapped_column(BigId)
    lesson_id: Mapped[int | None]
    local_date: Mapped[date | None]
    once_key: Mapped[str | None] = mapped_column(String(80))  # unique: makes sure that a mail is planned once
    planned_at: Mapped[datetime]
    not_before: Mapped[datetime | None]  # while planned: from when it may go out
    send_by: Mapped[datetime | None]  # of a lesson: when its send window ends
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(32))  # under which it was last claimed
    lesson_version_id: Mapped[int | None]
    language: Mapped[str | None] = mapped_column(String(5))
    recap_question: Mapped[str | None] = mapped_column(String(60))  # the question id of the recap in this mail
    message_id: Mapped[str | None] = mapped_column(String(120))
    settled_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(Text)  # the mail server's reply, or why it was cancelled


class LeaseRow(Base):
    """The exclusive right of a worker to a batch of deliveries, until an instant."""

    __tablename__ = "lease"

    token: Mapped[str] = mapped_column(String(32), primary_key=True)
    until: Mapped[datetime]
    deliveries: Mapped[list[int]]


class HoldRow(Base):
    """A hold on sending: `all`, `campaign:<id>` or `domain:<name>`. `until` None: until an admin releases it."""

    __tablename__ = "hold"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    times: Mapped[int]  # how often in a row it was placed: it lasts longer each time


class RateLimitBucketRow(Base):
    """What is left of a rate limit: a token bucket, which refills over time up to its size."""

    __tablename__ = "bucket"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    tokens: Mapped[float] = mapped_column(Double)
    filled_at: Mapped[datetime]


class HeartbeatRow(Base):
    """A process and its last heartbeat."""

    __tablename__ = "process"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class KeyValueRow(Base):
    """A value that the installation stores about itself."""

    __tablename__ = "installation"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class EmailEventRow(Base):
    """An email event: what a reader, a machine or a mail server did with a mail."""

    __tablename__ = "event"
    __table_args__ = (
        _partial_index("ix_event_bounce", "kind", "at", where="kind IN ('bounce', 'complaint')"),
        _partial_index("uq_event_first", "delivery_id", "kind", "verdict", where="first", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    link: Mapped[int | None]
    verdict: Mapped[str] = mapped_column(String(12))
    first: Mapped[bool]  # the first of its kind and verdict for this mail, so that each mail counts once
    at: Mapped[datetime]
    report: Mapped[str | None] = mapped_column(String(64))  # of a bounce: a keyed hash of its report's identity


class AnswerRow(Base):
    """A person's answer to a question. The first one shows what they knew, the last one is the current one."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("subscriber_id", "course_id", "question"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    question: Mapped[str] = mapped_column(String(60))
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    lesson_version_id: Mapped[int] = mapped_column(ForeignKey("lesson_version.id"))
    first_option: Mapped[int]
    first_right: Mapped[bool]
    first_at: Mapped[datetime]
    last_option: Mapped[int]
    last_right: Mapped[bool]
    last_at: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(String(12))
    left_out: Mapped[bool] = mapped_column(default=False, server_default=false())  # its reader objected to statistics


class ReviewCardRow(Base):
    """What spaced repetition remembers of a question. `state` is the card as package `fsrs` writes it."""

    __tablename__ = "card"
    __table_args__ = (UniqueConstraint("subscriber_id", "course_id", "question"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    question: Mapped[str] = mapped_column(String(60))
    due_at: Mapped[datetime]
    missed: Mapped[bool]  # the last answer was wrong
    asked_in: Mapped[int] = mapped_column(ForeignKey("delivery.id"))  # the mail that asked it last
    reviewed_at: Mapped[datetime]
    state: Mapped[dict[str, Any]]


class AssessmentAttemptRow(Base):
    """A completed knowledge test. It has no subscriber until the visitor signs up."""

    __tablename__ = "attempt"
    __table_args__ = (_partial_index("ix_attempt_of_nobody", "at", where="subscriber_id IS NULL"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"), index=True)
    stage: Mapped[str] = mapped_column(String(8))
    options: Mapped[dict[str, Any]]  # question id → index of the chosen option
    right: Mapped[int]
    asked: Mapped[int]
    at: Mapped[datetime]


class TagRow(Base):
    """A tag of a person, set by admins."""

    __tablename__ = "tag"

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(40), primary_key=True, index=True)


class CounterRow(Base):
    """A counter: the number of `what` for a campaign and a lesson (0: none), on a day (UTC)."""

    __tablename__ = "tally"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lesson_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(120), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class CounterChangeRow(Base):
    """A change that is not yet added to its counter: the current value is the sum of both.

    Triggers insert it, in the transaction of the change. See `rugcourse.db.counters`.
    """

    __tablename__ = "tally_change"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int]
    lesson_id: Mapped[int]
    day: Mapped[date]
    what: Mapped[str] = mapped_column(String(120))
    n: Mapped[int] = mapped_column(BigInteger)


class FeedbackRow(Base):
    """Feedback on a lesson. From a reader's own page it refers to a mail; from a visitor it is anonymous."""

    __tablename__ = "feedback"
    __table_args__ = (
        _partial_index("uq_feedback_delivery_id", "delivery_id", where="delivery_id IS NOT NULL", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lesson_id: Mapped[int] = mapped_column(ForeignKey("lesson.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    language: Mapped[str] = mapped_column(String(5))
    helped: Mapped[bool]
    remark: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]


class EbookRow(Base):
    """A cached file of a course: an e-book, or the preview picture for shared links.

    `fingerprint` is a hash of its input: if that changes, the file is out of date and is rebuilt.
    """

    __tablename__ = "edition"

    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(5), primary_key=True)
    kind: Mapped[str] = mapped_column(String(5), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]


class AdminRow(Base):
    """An admin. Without a password they have not accepted their invitation yet."""

    __tablename__ = "admin"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    role: Mapped[str] = mapped_column(String(12))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    totp_secret: Mapped[str | None] = mapped_column(String(300))  # encrypted
    totp_step: Mapped[int | None] = mapped_column(BigInteger)  # time step of the last used code: none works twice
    invited: Mapped[str | None] = mapped_column(String(64))  # SHA-256 of the token that sets the password, once
    invited_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    first_login_at: Mapped[datetime | None]  # starts the period in which a second factor must be set up
    reset_token: Mapped[str | None] = mapped_column(String(64))  # SHA-256 of the token that resets the password
    reset_until: Mapped[datetime | None]


class AdminSessionRow(Base):
    """A session of an admin. `token_hash`: SHA-256 of the cookie, so that a copied table gives no access."""

    __tablename__ = "admin_session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id"), index=True)
    second_factor_due: Mapped[bool]  # the password was right, the second factor is still missing
    code_attempts: Mapped[int] = mapped_column(default=0, server_default="0")  # attempts at the second factor
    browser: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class PasskeyRow(Base):
    """A passkey of an admin (WebAuthn). `credential`: its id, base64url; `uses`: the device's signature counter."""

    __tablename__ = "admin_passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id"), index=True)
    credential: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    uses: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCodeRow(Base):
    """A recovery code, which replaces the second factor once and is deleted then. SHA-256 of 80 random bits."""

    __tablename__ = "admin_recovery_code"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id"), index=True)


class SecurityEventRow(Base):
    """A login, a failed login, or a refused action. `network`: the IP address without the part of the device."""

    __tablename__ = "security_event"
    __table_args__ = (
        Index("ix_security_event_admin_id", "admin_id", "id"),
        Index("ix_security_event_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))  # None: the account does not exist
    network: Mapped[str] = mapped_column(String(43))
    browser: Mapped[str] = mapped_column(String(120))


class ChallengeRow(Base):
    """A challenge for a passkey, deleted when it is answered.

    `bound_to`: SHA-256 of the purpose, the person and the browser session that it was made for.
    """

    __tablename__ = "admin_challenge"

    challenge: Mapped[str] = mapped_column(String(120), primary_key=True)
    bound_to: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]


class AuditLogRow(Base):
    """The audit log: who changed what, with the values before and after. Append-only."""

    __tablename__ = "change"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))  # None: on the command line
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(300), index=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class SuppressionRow(Base):
    """A suppressed address, as a keyed hash: it outlives the erasure of the person."""

    __tablename__ = "suppression"

    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]


def _use_numbers_once(metadata: MetaData) -> None:
    """Prevent SQLite from reusing the ids of deleted rows: an old signed link would open another person's page."""
    for table in metadata.tables.values():
        if [column.name for column in table.primary_key] == ["id"] and table.autoincrement_column is not None:
            table.dialect_options["sqlite"]["autoincrement"] = True


_use_numbers_once(Base.metadata)
