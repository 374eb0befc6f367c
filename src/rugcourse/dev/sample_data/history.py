"""Plays the history of a demo, from six weeks ago up to the moment at which the demo begins."""

from __future__ import annotations

import gc
import logging
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.bootstrap import Runtime, import_lessons, open_dispatcher, open_runtime, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import Role
from rugcourse.db.queries import deliveries, due_enrolments
from rugcourse.db.queries.due_enrolments import NextWork
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.planner import plan_due
from rugcourse.dev.sample_data.admins import AdminActs, AdminIds
from rugcourse.dev.sample_data.mail_server import DemoMailServer
from rugcourse.dev.sample_data.people import DAYS, HOME_ZONE, Incident, make_readers
from rugcourse.dev.sample_data.readers import ReaderActs
from rugcourse.dev.simulation.events import EventQueue
from rugcourse.enrolment.reminders import plan_reminders
from rugcourse.settings import Settings
from rugcourse.worker.tasks import scheduler_tick

_EDITOR = "sanne@rugcourse.example"
_TICK_DELAY = timedelta(seconds=2)  # so long after something is due, or was done, a worker has looked
_STAGING = "history.new"


def make_history(settings: Settings, file: Path, ends: datetime, owner: str, password: str) -> None:
    """Make the SQLite database `file` with a history that ends at an instant (UTC). Raises AuthoringErrors.

    It is made in a folder beside `file`, whose parts are moved when all is done: a start that was interrupted leaves
    no half history. Nothing waits for the disk. `settings`: those of the demo.
    """
    staging = file.parent / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    database = Database(f"sqlite:///{staging / file.name}", durable=False)
    try:
        upgrade(database)
        clock = VirtualClock(ends)
        own = settings.model_copy(update={"data_dir": staging})
        runtime = replace(open_runtime(own, clock), database=database)
        with _only_errors_logged(), _without_garbage_collection():
            History(runtime, clock, ends).play(owner, password)
    finally:
        database.close()
    shutil.rmtree(staging / "journal", ignore_errors=True)
    for part in sorted(staging.iterdir(), key=lambda one: one.name == file.name):  # the database last
        part.replace(file.parent / part.name)
    staging.rmdir()


class History:
    """The history of a demo that begins at the instant `ends` (UTC). `clock`: that of `runtime`, which it moves."""

    def __init__(self, runtime: Runtime, clock: VirtualClock, ends: datetime) -> None:
        self._runtime, self._clock, self._ends = runtime, clock, ends
        self._events = EventQueue()
        self._people = make_readers()
        unknown = frozenset(one.email for one in self._people if one.incident == Incident.WRONG_ADDRESS)
        self._mail_server = DemoMailServer(runtime.links, unknown)
        self._follow_up = rejection_handler(runtime)
        self._due = NextWork(None, None, None)  # what was due next when a worker looked last
        self._next_tick = ends

    def play(self, owner: str, password: str) -> None:
        """Play all of it. `owner`, `password`: of the account that whoever looks at the demo logs in with."""
        self._clock.move_to(self._local(0, 8))
        import_lessons(self._runtime)
        admins = AdminIds(
            self._let_in(owner, Role.OWNER, password), self._let_in(_EDITOR, Role.EDITOR, secrets.token_urlsafe(12))
        )
        with self._runtime.database.read() as session:
            courses = self._runtime.course_cache.courses(session)
        readers = ReaderActs(self._runtime, self._events, courses, {one.email: one for one in self._people})
        self._expect(readers, admins)
        dispatcher = open_dispatcher(self._runtime, self._mail_server.connect)
        try:
            self._play(readers, dispatcher)
        finally:
            dispatcher.close()
        self._clock.move_to(self._ends)
        scheduler_tick(self._runtime)

    def _local(self, day: int, hour: float) -> datetime:
        """Return the instant (UTC) of a local hour on a day of the history, in the zone of the admins."""
        zone = ZoneInfo(HOME_ZONE)
        first = self._ends.astimezone(zone).date() - timedelta(days=DAYS)
        midnight = datetime.combine(first + timedelta(days=day), time(), zone)
        return (midnight + timedelta(hours=hour)).astimezone(UTC)  # hours of the wall clock: datetime adds those

    def _let_in(self, address: str, role: Role, password: str) -> int:
        database, clock = self._runtime.database, self._clock
        invitation = database.run(invite, clock, address, role)
        return set_first_password(database, clock, invitation.token, password).id

    def _expect(self, readers: ReaderActs, admins: AdminIds) -> None:
        """Plan all that does not follow from something else."""
        for person in self._people:
            if person.joins_after is not None:
                days, seconds = person.joins_after.days, person.joins_after.seconds
                readers.expect(person, self._local(days, seconds / 3600))
        imported = tuple(one for one in self._people if one.joins_after is None)
        for planned in AdminActs(self._runtime, readers, admins, imported, self._local).planned():
            self._events.add(self._local(planned.day, planned.hour), _with_mail(planned.act, readers))

    def _play(self, readers: ReaderActs, dispatcher: Dispatcher) -> None:
        """Go from one event to the next, and let a worker look for due mail in between."""
        self._schedule_next_tick()
        while (at := min(self._events.next_at or self._ends, self._next_tick)) < self._ends:
            self._clock.move_to(max(at, self._clock.now()))
            self._events.run_due(self._clock.now())
            if self._next_tick <= self._clock.now():
                self._plan_and_send(readers, dispatcher)
                self._schedule_next_tick()
            elif readers.changed:
                self._next_tick = min(self._next_tick, self._clock.now() + _TICK_DELAY)
            readers.changed = False

    def _schedule_next_tick(self) -> None:
        """Set the next tick shortly after something is due, and never twice at the same instant."""
        with self._runtime.database.read() as session:
            self._due = due_enrolments.next_work(session)
        self._next_tick = max(self._due.at or self._ends, self._clock.now()) + _TICK_DELAY

    def _plan_and_send(self, readers: ReaderActs, dispatcher: Dispatcher) -> None:
        """Do what a worker does when it looks for due mail, as far as it was known that there is something to do."""
        runtime, now = self._runtime, self._clock.now()
        if self._due.reminder is not None and self._due.reminder <= now:
            runtime.database.run(plan_reminders, now, runtime.signer)
        if self._due.lesson is not None and self._due.lesson <= now:
            plan_due(runtime.database, self._clock, runtime.send_window, self._follow_up)
        with runtime.database.read() as session:
            waiting = deliveries.waiting_by_queue(session, now)
        for queue in waiting:
            dispatcher.send_batch(queue)
        readers.receive(self._mail_server.fetch())


def _with_mail(act: Callable[[], object], readers: ReaderActs) -> Callable[[], None]:
    """Return `act` with a note that mail may be due after it."""

    def do() -> None:
        act()
        readers.changed = True

    return do


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Leave out the search for cycles, which takes a sixth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _only_errors_logged() -> Iterator[None]:
    """Log nothing of what is normal: it did not happen now."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**before)
