"""Tables of courses: lessons, their versions and drafts, A/B tests, e-books."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.content.fingerprints import Fingerprints
from rugcourse.db.models.base import Base, BigId, JsonObject, check, partial_index
from rugcourse.db.models.json_columns import AbTestCounts


class CourseRow(Base):
    """A course. `document` is what is not a lesson: landing page, knowledge test, safety notice.

    A course that was never published has drafts only. An archived one takes no new readers, and is not in the list
    of courses; those who follow it go on. `languages`: those it is written in, the first one first. `cadence`: that of
    the document, for planners.
    """

    __tablename__ = "course"
    __table_args__ = (check("published", "(published_at IS NULL) = (content_hash = '')"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    content_hash: Mapped[str] = mapped_column(String(64), default="", server_default="")
    document: Mapped[JsonObject]
    languages: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    cadence: Mapped[JsonObject] = mapped_column(JSON, default=dict, server_default="{}")
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    draft_revision: Mapped[int] = mapped_column(default=0, server_default="0")  # revision counter of its drafts
    # Fingerprints of the files when they were last imported or exported, see `rugcourse.course_editor.merge`.
    synced_hashes: Mapped[Fingerprints] = mapped_column(JSON, default=dict, server_default="{}")


class CourseVersionRow(Base):
    """What was published of a course, other than its lessons, at one time. Never changed, never deleted."""

    __tablename__ = "course_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), index=True)
    document: Mapped[JsonObject]
    published_at: Mapped[datetime]


class CourseDraftRow(Base):
    """A draft of a part of a course, as it was typed: see `rugcourse.course_editor.parts.Part`. It may be invalid."""

    __tablename__ = "course_draft"

    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(16), primary_key=True)
    fields: Mapped[dict[str, str]]
    revision: Mapped[int]  # changes with each save, to detect conflicting edits
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))
    saved_at: Mapped[datetime]


class LessonRow(Base):
    """A lesson: its position in its course, and its current version.

    The message of a broadcast is stored as one too: it belongs to its campaign, and is not part of the course.
    """

    __tablename__ = "lesson"
    __table_args__ = (UniqueConstraint("course_id", "slug"), check("position", "position > 0"))

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
    document: Mapped[JsonObject]
    published_at: Mapped[datetime]


class LessonVersionPinRow(Base):
    """Pins an earlier version of a lesson for enrolments that existed when a newer one was published.

    It applies to enrolments with ids up to `up_to_enrolment` and above that of the next smaller pin of the lesson.
    """

    __tablename__ = "lesson_version_pin"

    lesson_id: Mapped[int] = mapped_column(ForeignKey("lesson.id"), primary_key=True)
    up_to_enrolment: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    version_id: Mapped[int] = mapped_column(ForeignKey("lesson_version.id"))


class AbTestRow(Base):
    """An A/B test of two versions of a lesson, or of a broadcast's message: half of the readers get each.

    It runs while `version_a` is the current version and it is undecided. `minimum`: how many mails of each are
    evaluated, once. `winner`: a, b, or none if there was no significant difference; `found`: the counts of that moment.
    `multiplier` and `shift` split the readers, see `rugcourse.db.queries.ab_tests.in_variant_b`.
    """

    __tablename__ = "ab_test"
    __table_args__ = (
        partial_index("uq_ab_test_open", "lesson_id", where="decided_at IS NULL", unique=True),
        check("versions", "version_a_id <> version_b_id"),
        check("min_sample", "min_sample > 0"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    lesson_id: Mapped[int] = mapped_column(ForeignKey("lesson.id"), index=True)
    version_a_id: Mapped[int] = mapped_column(ForeignKey("lesson_version.id"))
    version_b_id: Mapped[int] = mapped_column(ForeignKey("lesson_version.id"))
    min_sample: Mapped[int]
    started_at: Mapped[datetime]
    evaluated_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    winner: Mapped[str | None] = mapped_column(String(8))
    multiplier: Mapped[int] = mapped_column(BigInteger, server_default="1")
    shift: Mapped[int] = mapped_column(BigInteger, server_default="1")
    result: Mapped[AbTestCounts] = mapped_column(JSON, default=dict)


class LessonDraftRow(Base):
    """A draft of a lesson, as it was typed. It may be invalid. Readers don't get it before it is published."""

    __tablename__ = "lesson_draft"

    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    fields: Mapped[dict[str, str]]
    revision: Mapped[int]  # changes with each save, to detect conflicting edits
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))
    saved_at: Mapped[datetime]
    # The version that was published when it was begun, 0 for none: publishing warns of a newer one.
    base_version_id: Mapped[int] = mapped_column(default=0, server_default="0")


class DiscardedDraftRow(Base):
    """A discarded draft of a lesson. `admin_id`: who discarded it."""

    __tablename__ = "discarded_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    slug: Mapped[str] = mapped_column(String(60))
    fields: Mapped[dict[str, str]]
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))
    discarded_at: Mapped[datetime]
    base_version_id: Mapped[int] = mapped_column(default=0, server_default="0")


class EbookRow(Base):
    """A cached file of a course: an e-book, or the preview picture for shared links.

    `fingerprint` is a hash of its input: if that changes, the file is out of date and is rebuilt.
    """

    __tablename__ = "ebook"

    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(5), primary_key=True)
    kind: Mapped[str] = mapped_column(String(5), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
