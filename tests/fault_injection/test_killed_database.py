"""PostgreSQL itself is killed under load, and recovers: what was claimed is not forgotten, so nothing goes out twice.

It waits for the disk, as it is shipped. Plans are committed without that, so some are lost and made again.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fault_injection.tally import Tally, accepted, open_deliveries, wait_until
from tests.support.builders import course_of, make_runtime, make_settings, shipped_courses
from tests.support.bulk_readers import add_crowd
from tests.support.servers import Server, postgres_server, postgres_url
from tests.support.smtp_sink import Sink
from tests.support.stack import Stack, environment

from rugcourse.bootstrap import Runtime
from rugcourse.clock import SystemClock
from rugcourse.course_editor.file_sync import import_course
from rugcourse.db.engine import Database, DatabaseAway, DatabaseError
from rugcourse.db.migrate import upgrade
from rugcourse.scheduling import Schedule

COUNT, KILLS = 5000, 6
Passes = Callable[[Runtime, Sink], Tally]


def _kill(server: Server) -> None:
    """Kill the server process and start it again, when its children have noticed and ended."""
    server.kill()
    for _ in range(40):
        time.sleep(0.25)
        with contextlib.suppress(RuntimeError):
            server.start()
            return
    raise TimeoutError


def _answers(read: Callable[[], bool]) -> Callable[[], bool]:
    """The same question, answered with no while the database is away."""

    def ask() -> bool:
        try:
            return read()
        except (DatabaseAway, DatabaseError):
            return False

    return ask


@pytest.mark.long_drill
def test_postgresql_killed_under_load_loses_nothing_and_repeats_nothing(
    sink: Sink, tmp_path: Path, redis_url: str, passes: Passes
) -> None:
    chance = random.Random(1)  # noqa: S311 - the same moments in each run
    with tempfile.TemporaryDirectory(prefix="rugcourse-") as folder:
        server = postgres_server(Path(folder), durable=True)
        with server:
            database = Database(postgres_url(server))
            upgrade(database)
            runtime = make_runtime(database, make_settings(tmp_path, sink.url), SystemClock())  # type: ignore[arg-type]
            import_course(database, runtime.clock, shipped_courses())
            now = datetime.now(UTC)
            due = now.replace(minute=0, second=0, microsecond=0)
            add_crowd(database, course_of(runtime).campaign_id, COUNT, Schedule("UTC", now.hour), due)
            variables = environment(
                postgres_url(server), redis_url, sink.url, tmp_path / "data", tick_seconds=0.5, lease_seconds=20,
                smtp_timeout_seconds=3, worker_threads=3, per_minute=COUNT * 3,
            )  # fmt: skip
            with Stack(variables, tmp_path / "log") as stack:
                for command in ("worker", "worker", "beat"):
                    stack.start(command)
                wait_until(_answers(lambda: accepted(database) > 0))
                for _ in range(KILLS):
                    time.sleep(chance.uniform(0.2, 1.0))
                    before = sink.count
                    _kill(server)
                    wait_until(
                        _answers(lambda before=before: sink.count > before + 20 or open_deliveries(database) == 0)
                    )  # type: ignore[misc]
                wait_until(_answers(lambda: accepted(database) > COUNT // 2 and open_deliveries(database) == 0))
                stack.stop()
            tally = passes(runtime, sink)
            assert tally.accepted + len(tally.unknown) == COUNT
            database.close()
