"""The values of columns: statuses, kinds and roles. They are stored as these words."""

from __future__ import annotations

from enum import StrEnum


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


class CampaignStatus(StrEnum):
    DRAFT = "draft"  # nobody gets anything
    RUNNING = "running"
    PAUSED = "paused"  # nothing is planned and nothing is sent, until it is resumed
    CANCELLED = "cancelled"  # nothing more, ever


class Ground(StrEnum):
    """The consent that a campaign relies on, other than for the lessons that people signed up for."""

    COURSE = "course"  # it is about the course of the campaign, which they follow or completed
    NEWS = "news"  # they consented to news


class DeliveryQueue(StrEnum):
    TRANSACTIONAL = "transactional"  # a person waits for this mail
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
    BULK_ACTION = "bulk_action"


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
