"""The whole pipeline on PostgreSQL and Redis: what is due is planned, claimed, written, sent and settled.

Two worker processes on the cores that they share with the sink, against what Postfix's own load generator reaches with
messages of the same size against the same sink, measured before and after.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from tests.builders import course_of, make_runtime, make_settings
from tests.crowd import add_crowd
from tests.servers import HOST, free_port, postgres, redis
from tests.stack import Stack, environment

from rugcourse.clock import SystemClock
from rugcourse.schedule import Schedule
from rugcourse.store.database import Database
from rugcourse.store.migrate import upgrade
from rugcourse.store.tables import DeliveryRow, DeliveryState

READERS = 20_000
SOURCE_MESSAGES = 20_000
MESSAGE_BYTES = 38_000
WORKERS = 2
_LONGEST_SECONDS = 300.0


@contextmanager
def postfix_sink() -> Iterator[int]:
    """Postfix's `smtp-sink`, which throws away what it gets; yields its port."""
    port = free_port()
    sink = subprocess.Popen(
        ["smtp-sink", "-u", "nobody", f"{HOST}:{port}", "100"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(0.5)
        yield port
    finally:
        sink.terminate()
        sink.wait(10)


def source_rate(port: int) -> float:
    begun = time.perf_counter()
    subprocess.run(
        ["smtp-source", "-d", "-s", "10", "-m", str(SOURCE_MESSAGES), "-l", str(MESSAGE_BYTES), f"{HOST}:{port}"],
        check=True,
        capture_output=True,
    )
    return SOURCE_MESSAGES / (time.perf_counter() - begun)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rugcourse-") as name, tempfile.TemporaryDirectory() as local:
        folder = Path(local)
        with postgres(Path(name), durable=True) as database_url, redis(folder) as broker_url, postfix_sink() as port:
            smtp = f"smtp://{HOST}:{port}?starttls=never"
            print("source", source_rate(port))
            database = Database(database_url)
            upgrade(database)
            runtime = make_runtime(database, make_settings(folder, smtp), SystemClock())
            now = datetime.now(UTC)
            hour = now.replace(minute=0, second=0, microsecond=0)
            add_crowd(database, course_of(runtime).campaign_id, READERS, Schedule("UTC", now.hour), hour)
            with Stack(
                environment(database_url, broker_url, smtp, folder / "data", tick_seconds=1), folder / "log"
            ) as stack:
                for _ in range(WORKERS):
                    stack.start("worker")
                while len(list((folder / "data" / "journal").glob("*"))) < WORKERS:
                    time.sleep(0.1)
                time.sleep(2)
                stack.start("beat")
                end = time.monotonic() + _LONGEST_SECONDS
                while time.monotonic() < end:
                    time.sleep(0.5)
                    with database.read() as session:
                        open_rows = session.scalar(
                            select(func.count())
                            .select_from(DeliveryRow)
                            .where(DeliveryRow.state == DeliveryState.ACCEPTED)
                        )
                    if open_rows == READERS:
                        break
            with database.read() as session:
                first, last, count = session.execute(
                    select(
                        func.min(DeliveryRow.planned_at),
                        func.max(DeliveryRow.settled_at),
                        func.count(DeliveryRow.settled_at),
                    )
                ).one()
            print("ours", count, count / (last - first).total_seconds())
            print("source", source_rate(port))
            print((folder / "log").read_text()[-3000:])
            database.close()


if __name__ == "__main__":
    main()
