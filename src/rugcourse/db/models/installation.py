"""Tables of the installation itself: background jobs, heartbeats, stored values."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    ForeignKey,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId, JsonObject, check, one_of
from rugcourse.db.models.json_columns import JobDocument
from rugcourse.db.models.values import JobKind, JobState


class JobRow(Base):
    """A background job over many subscribers, batch by batch: an import or a bulk action.

    `about`: see `rugcourse.subscribers.csv_import` and `rugcourse.subscribers.bulk_actions`. `mark`: its progress, in
    lines or subscriber ids. `counts`: outcome → how many; `problems`: [line, field, problem].
    """

    __tablename__ = "job"
    __table_args__ = (one_of("kind", JobKind), one_of("state", JobState))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12))
    params: Mapped[JobDocument] = mapped_column(JSON)
    cursor: Mapped[int] = mapped_column(BigId, default=0)
    total: Mapped[int] = mapped_column(BigId, default=0)
    counts: Mapped[dict[str, int]] = mapped_column(default=dict)
    problems: Mapped[list[tuple[int, str, str]]] = mapped_column(JSON, default=list)
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class JobChunkRow(Base):
    """Some lines of an import: [line, cells]. Deleted when they are done."""

    __tablename__ = "job_chunk"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 0
    lines: Mapped[list[tuple[int, list[str]]]] = mapped_column(JSON)


class HeartbeatRow(Base):
    """A process and its last heartbeat."""

    __tablename__ = "heartbeat"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class SiteSettingsRow(Base):
    """The settings that an owner changed in the browser: one row, or none.

    `document`: see `rugcourse.site_settings`.
    """

    __tablename__ = "site_settings"
    __table_args__ = (check("only", "id = 1"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[JsonObject]
    revision: Mapped[int]  # changes with each save, to detect conflicting edits
    saved_at: Mapped[datetime]
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))


class KeyValueRow(Base):
    """A value that the installation stores about itself."""

    __tablename__ = "key_value"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
