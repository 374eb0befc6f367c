"""An installation at scale for the bench: PostgreSQL and Redis, workers and a beat as processes, a crowd of readers."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select, text, update
from tests.support.builders import course_of, make_runtime, make_settings
from tests.support.bulk_readers import add_crowd
from tests.support.servers import HOST, postgres, postgres_server, postgres_url, redis
from tests.support.stack import Process, Stack, environment

from rugcourse.bootstrap import Runtime
from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import DeliveryKind, DeliveryQueue, DeliveryRow, DeliveryState, EnrolmentRow, LeaseRow
from rugcourse.scheduling import Schedule

WORKERS = 2
_START_SECONDS = 60.0
_LONGEST_SECONDS = 600.0
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Site:
    """What runs, and what was measured of it."""

    runtime: Runtime
    stack: Stack
    workers: list[Process]
    hour: datetime  # everybody's, whatever hour it becomes meanwhile
    database_pid: int
    readers: int = 0

    def add_readers(self, count: int) -> None:
        """Confirmed readers who are due for nothing yet."""
        zone = Schedule("UTC", self.hour.hour)
        campaign = course_of(self.runtime).campaign_id
        add_crowd(self.runtime.database, campaign, count, zone, None, first=self.readers + 1)
        self.readers += count + 1000  # those who sign up meanwhile are numbered too
        tidy_up(self.runtime.database)

    def release(self) -> datetime:
        """Make everybody who has had nothing yet due now, in one transaction; returns the instant it was committed."""
        with self.runtime.database.write() as session:
            session.execute(
                update(EnrolmentRow)
                .where(EnrolmentRow.next_position == 1, EnrolmentRow.last_local_date.is_(None))
                .values(next_due_at=self.hour)
                .execution_options(synchronize_session=False)
            )
        return datetime.now(UTC)

    def wait_accepted(self, lessons: int) -> None:
        """Return when so many lessons were accepted. Raises TimeoutError."""
        end = time.monotonic() + _LONGEST_SECONDS
        while time.monotonic() < end:
            if self.accepted() >= lessons:
                return
            time.sleep(1)  # counting costs the database as much as sending some
        raise TimeoutError(
            f"{self.accepted()} of {lessons} lessons were accepted\n{self.stack.log.read_text()[-3000:]}"
        )

    def accepted(self) -> int:
        with self.runtime.database.read() as session:
            return session.scalars(
                select(func.count())
                .select_from(DeliveryRow)
                .where(DeliveryRow.state == DeliveryState.ACCEPTED, DeliveryRow.kind == DeliveryKind.LESSON)
            ).one()

    def is_busy(self) -> bool:
        """Whether anything is due, planned or being sent; asked of indexes, so that asking costs nothing."""
        now = datetime.now(UTC)
        due = select(EnrolmentRow.id).where(EnrolmentRow.next_due_at <= now)
        planned = select(DeliveryRow.id).where(
            DeliveryRow.queue == DeliveryQueue.LESSONS, DeliveryRow.not_before <= now
        )
        with self.runtime.database.read() as session:
            return any(session.scalar(query.limit(1)) for query in (due, planned, select(LeaseRow.token)))

    def database_version(self) -> dict[str, str]:
        """Which PostgreSQL it is, and what our connections say of its JIT."""
        with self.runtime.database.read() as session:
            return {name: session.scalar(text(f"SHOW {name}")) for name in ("server_version", "jit")}

    def cpu_seconds(self, sink_pid: int | None) -> dict[str, float]:
        """What senders, the database and the sink have used so far."""
        used = {
            "senders": sum(cpu_seconds(worker.pid) for worker in self.workers),
            "database": cpu_seconds_of_all(self.database_pid),
        }
        return used if sink_pid is None else {**used, "sink": cpu_seconds(sink_pid)}

    def memory_mb(self) -> list[float]:
        """The resident memory of each worker."""
        return [resident_mb(worker.pid) for worker in self.workers]


@contextmanager
def open_store(dialect: str) -> Iterator[Runtime]:
    """The shipped courses in a new database, with nobody in it and no process beside it."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        if dialect == "postgresql":
            place = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="rugcourse-")))
            url = running.enter_context(postgres(place, durable=True))
        else:
            url = f"sqlite:///{folder / 'bench.db'}"
        database = Database(url)
        upgrade(database)
        yield make_runtime(database, make_settings(folder, quiet_hours=""), SystemClock())
        database.close()


def tidy_up(database: Database) -> None:
    """What autovacuum would have done by the time a crowd of this size has grown."""
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_KB / 1024


def cpu_seconds(pid: int) -> float:
    """What a process has used of the cores so far, its own code and the kernel's work for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_seconds_of_all(pid: int) -> float:
    """The same of a process and its children, also of those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    total = cpu_seconds(pid) + (int(fields[13]) + int(fields[14])) / _TICKS
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if int(status.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                total += cpu_seconds(int(status.parent.name))
    return total


@contextmanager
def open_site(smtp_port: int, readers: int, **settings: object) -> Iterator[Site]:
    """Two workers and a beat that wait for something to do, with `readers` who are due for nothing yet."""
    with tempfile.TemporaryDirectory(prefix="rugcourse-") as name, tempfile.TemporaryDirectory() as local:
        folder = Path(local)
        with postgres_server(Path(name), durable=True) as server, redis(folder) as broker_url:
            database_url = postgres_url(server)
            smtp = f"smtp://{HOST}:{smtp_port}?starttls=never"
            database = Database(database_url)
            upgrade(database)
            runtime = make_runtime(database, make_settings(folder, smtp, broker_url=broker_url), SystemClock())
            variables = environment(
                database_url, broker_url, smtp, folder / "data", tick_seconds=1, quiet_hours="", **settings
            )
            with Stack(variables, folder / "log") as stack:
                hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
                site = Site(runtime, stack, [], hour, server.pid)
                site.add_readers(readers)
                site.workers = [stack.start("worker") for _ in range(WORKERS)]
                stack.start("beat")
                _wait_for_processes(site)
                yield site
            database.close()


def _wait_for_processes(site: Site) -> None:
    """Until all of them are up and idle: what starting costs is measured elsewhere."""
    end = time.monotonic() + _START_SECONDS
    journals = site.runtime.settings.data_dir / "data" / "journal"
    while len(list(journals.glob("*"))) < WORKERS:
        if time.monotonic() > end:
            raise TimeoutError(site.stack.log.read_text()[-3000:])
        time.sleep(0.1)
    time.sleep(4)
