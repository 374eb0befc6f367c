"""The product as the model plays with it: one installation, a virtual clock, a mail server and workers that can die."""

from __future__ import annotations

import os
import smtplib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session
from tests.model import course
from tests.model.mail_server import Behaviour, MailServer
from tests.support.builders import make_settings

from rugcourse.bootstrap import Runtime, open_dispatcher, open_runtime
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.file_sync import import_course
from rugcourse.db import counters
from rugcourse.db.engine import Database
from rugcourse.db.models import (
    CampaignKind,
    CampaignRow,
    CampaignStatus,
    DeliveryQueue,
    DeliveryRow,
    EmailEventRow,
    EnrolmentRow,
    EventKind,
    HoldRow,
    LeaseRow,
    LessonRow,
    SubscriberRow,
    Verdict,
)
from rugcourse.delivery import journal as journals
from rugcourse.delivery.journal import JournalError
from rugcourse.delivery.reconciliation import audit
from rugcourse.emails import catalogue
from rugcourse.worker.tasks import scheduler_tick

BOUNCES = "bounces@courses.example"
_LONG_AGO = timedelta(days=30)
_LOOKED_AT = timedelta(minutes=10)
_SECOND = timedelta(seconds=1)
_compile_template = catalogue.compile_template
_letters: dict[str, Any] = {}

_MOST_FAULTS_AT_ONCE = 4


class WorkerDied(BaseException):
    """A worker process ended at this point, as by kill -9."""


class Worker:
    """A worker process, with a journal on its own disk.

    `dies_at`: a word of the journal, or `record_results`: there it ends, before or `after` it was done. `disk_full_at`: a word
    of the journal that finds the disk full, once.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.dies_at = self.disk_full_at = ""
        self.after = self.is_dead = False
        self.begun: set[int] = set()
        self._settling = False
        database = _WorkersDatabase(runtime.database, self)
        with mock.patch("rugcourse.bootstrap.Journal", lambda folder: _WorkersJournal(folder, self)):
            self.dispatcher = open_dispatcher(replace(runtime, database=database))

    def send_all(self) -> None:
        """Raises WorkerDied."""
        self.begun.clear()
        for queue in (DeliveryQueue.TRANSACTIONAL, DeliveryQueue.LESSONS):
            while self.dispatcher.send_batch(queue):
                pass

    def comes_to(self, word: str) -> None:
        if self.is_dead:
            raise WorkerDied
        if word in {"reply", "begin"}:
            self._settling = word == "reply"
        if word == self.dies_at:
            self._die()

    def comes_to_database(self) -> None:
        if self._settling:
            self._settling = False
            self.comes_to("settle")
        self.comes_to("database")

    def _die(self) -> None:
        self.dies_at = ""
        self.is_dead = True
        raise WorkerDied

    def bury(self) -> None:
        """The operating system closes its files, and with them goes the lock on its journal."""
        os.close(self.dispatcher._journal._file)


class _WorkersDatabase(Database):
    def __init__(self, database: Database, worker: Worker) -> None:
        self.engine, self._writing, self._worker = database.engine, database._writing, worker

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Session]:
        self._worker.comes_to_database()
        with super().write(durable=durable) as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        self._worker.comes_to("database")
        with super().read() as session:
            yield session


class _WorkersJournal(journals.Journal):
    def __init__(self, folder: Path, worker: Worker) -> None:
        super().__init__(folder)
        self._worker = worker

    def _write(self, line: str) -> None:
        worker = self._worker
        word, *rest = line.split()
        if word == worker.disk_full_at:
            worker.disk_full_at = ""
            raise JournalError("no space left on the device")
        if not worker.after:
            worker.comes_to(word)
        if word == "begin":
            worker.begun.add(int(rest[1]))
        super()._write(line)
        if worker.after:
            worker.comes_to(word)


class Installation:
    """Runs the product on a database that is empty."""

    def __init__(self, database: Database, folder: Path, start: datetime) -> None:
        self._patches = ExitStack()
        self.clock = VirtualClock(start)
        self.server = MailServer(self.clock)
        self._patches.enter_context(mock.patch.object(smtplib.SMTP, "_get_socket", self.server.connect))
        self._patches.enter_context(mock.patch.object(catalogue, "compile_template", _compiled_once))
        self.changes = 0
        event.listen(database.engine, "before_cursor_execute", self._count_change)
        self._patches.callback(event.remove, database.engine, "before_cursor_execute", self._count_change)
        settings = make_settings(folder, "smtp://127.0.0.1:9?starttls=never", bounce_address=BOUNCES)
        self.runtime = replace(open_runtime(settings, self.clock), database=database)
        import_course(database, self.clock, [course.course_of([(slug, 1) for slug in course.FIRST_LESSONS])])
        self.worker, self.other_worker = Worker(self.runtime), Worker(self.runtime)

    @property
    def database(self) -> Database:
        return self.runtime.database

    def close(self) -> None:
        for worker in (self.worker, self.other_worker):
            worker.is_dead = False
            worker.dies_at = worker.disk_full_at = ""
            worker.dispatcher.close()
        self._patches.close()

    def _count_change(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.changes += statement.lstrip()[:6].upper() in {"INSERT", "UPDATE", "DELETE"}

    def tick(self) -> None:
        scheduler_tick(self.runtime)

    def send(self) -> set[int]:
        """Let the worker send what may go; where it dies a new one comes in its place, and looks at the next tick.

        Returns the deliveries that were begun where a worker died, or its disk was full: some are in doubt.
        """
        doubtful: set[int] = set()
        for _ in range(_MOST_FAULTS_AT_ONCE):
            worker = self.worker
            disk_was_full = worker.disk_full_at
            try:
                worker.send_all()
            except WorkerDied:
                worker.bury()
                self.worker = Worker(self.runtime)
            else:
                if not disk_was_full or worker.disk_full_at:
                    break
            doubtful |= worker.begun
        return doubtful

    def next_event(self, before: datetime) -> datetime:
        """The next instant, but not after `before`, at which there is something to do."""
        now = self.clock.now()
        sending = select(CampaignRow.id).where(CampaignRow.status == CampaignStatus.RUNNING)
        # Also what is due and was passed over: the planner looks at one lesson at a time.
        due = select(func.min(EnrolmentRow.next_due_at)).where(EnrolmentRow.campaign_id.in_(sending))
        planned = select(func.min(DeliveryRow.not_before)).where(DeliveryRow.not_before > now)
        late = select(func.min(DeliveryRow.send_by)).where(
            DeliveryRow.not_before.is_not(None), DeliveryRow.send_by >= now
        )
        unconfirmed = select(func.min(SubscriberRow.remind_at)).where(SubscriberRow.remind_at > now)
        held = select(func.min(HoldRow.until)).where(HoldRow.until > now)
        leased = select(func.min(LeaseRow.expires_at)).where(LeaseRow.expires_at > now)
        with self.database.read() as session:
            found = [session.scalar(query) for query in (due, planned, unconfirmed, held, leased)]
            end = session.scalar(late)
        found.append(end + _SECOND if end is not None else None)
        nearest = min([one for one in found if one is not None], default=before)
        # While the server is away something is tried every few minutes, for hours.
        least = timedelta(minutes=20 if self.server.for_all != Behaviour.FINE else 1)
        return min(before, max(nearest, now + least))

    def findings(self, *, looked: bool) -> list[str]:
        """What the audit and the counters have to say. `looked`: the planner has been there just now."""
        send_window = _LOOKED_AT if looked else _LONG_AGO
        found = list(audit(self.database, self.clock.now(), send_window).findings)
        with self.database.read() as session:
            found += [f"counter {key}: {both}" for key, both in counters.differences(session).items()]
        return found

    def person(self, email: str) -> SubscriberRow | None:
        with self.database.read() as session:
            return session.scalar(select(SubscriberRow).where(SubscriberRow.email == email))

    def ledger(self, *conditions: Any) -> list[DeliveryRow]:
        with self.database.read() as session:
            return list(session.scalars(select(DeliveryRow).where(*conditions).order_by(DeliveryRow.id)))

    def owners(self, ids: list[int]) -> dict[int, str]:
        """Delivery → the address of the person to whom its links lead."""
        query = select(DeliveryRow.id, SubscriberRow.email).join(
            SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id
        )
        with self.database.read() as session:
            return dict(iter(session.execute(query.where(DeliveryRow.id.in_(ids))).all()))

    def was_used(self, delivery_id: int) -> bool:
        """Whether a human answered in a mail, or followed a link of it."""
        acts = EmailEventRow.kind.in_((EventKind.ANSWER, EventKind.CLICK))
        used = select(EmailEventRow.id).where(
            EmailEventRow.delivery_id == delivery_id, acts, EmailEventRow.verdict == Verdict.HUMAN
        )
        with self.database.read() as session:
            return session.scalar(used.limit(1)) is not None

    def runs(self, email: str) -> dict[int, str]:
        """Campaign → how a person stands in it, of all that deliver the course."""
        query = (
            select(EnrolmentRow.campaign_id, EnrolmentRow.status)
            .join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id)
            .join(CampaignRow, CampaignRow.id == EnrolmentRow.campaign_id)
            .where(SubscriberRow.email == email, CampaignRow.kind != CampaignKind.BROADCAST)
            .order_by(EnrolmentRow.id)
        )
        with self.database.read() as session:
            return dict(iter(session.execute(query).all()))

    def states(self, email: str, campaign_id: int) -> dict[str, str]:
        """Lesson → the state of its delivery to a person in a campaign."""
        query = (
            select(LessonRow.slug, DeliveryRow.state)
            .join(DeliveryRow, DeliveryRow.lesson_id == LessonRow.id)
            .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
            .where(SubscriberRow.email == email, DeliveryRow.campaign_id == campaign_id)
        )
        with self.database.read() as session:
            return dict(iter(session.execute(query).all()))

    def campaign(self, campaign_id: int) -> CampaignRow:
        with self.database.read() as session:
            return session.get_one(CampaignRow, campaign_id)


@cache
def start_of(year: int, month: int, day: int, hour: int) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def _compiled_once(*parts: Any, **more: Any) -> Any:
    """A mail is compiled once for all runs: they all have the same few."""
    key = repr((parts, more))
    if key not in _letters:
        _letters[key] = _compile_template(*parts, **more)
    return _letters[key]
