from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from tests.support import servers
from tests.support.builders import MORNING, make_runtime, make_settings
from tests.support.databases import PostgresRows, SqliteFiles
from tests.support.packages import FOR_EVERY_RUN, PACKAGES, is_here, must_be_here
from tests.support.passwords import quick_hasher
from tests.support.smtp_sink import Sink

from rugcourse.auth import passwords
from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.clock import VirtualClock
from rugcourse.db import counters
from rugcourse.db.engine import Database
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--drills", action="store_true", help="run the drills that take a while, too")


def pytest_configure() -> None:
    _use_plain_tracebacks()
    missing = [program for program in FOR_EVERY_RUN if not is_here(program)]
    if missing and must_be_here():
        raise pytest.UsageError(f"RUGCOURSE_TEST_ALL is set, and not here, or not to be started: {', '.join(missing)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long drills belong to `make drill`; `make test` has the quick ones."""
    if not config.getoption("--drills"):
        long = [item for item in items if item.get_closest_marker("long_drill") or _is_long_here(item)]
        _leave_out(config, items, long)
    missing = [item for item in items if (marker := item.get_closest_marker("needs")) and not is_here(marker.args[0])]
    _leave_out(config, items, missing)


def pytest_report_header() -> str:
    missing = [program for program in PACKAGES if not is_here(program)]
    return f"not here, or may not be started, so their tests are left out: {', '.join(missing)}" if missing else ""


def _use_plain_tracebacks() -> None:
    """As the product does. What structlog prints without being told shows all values, and takes two seconds for it."""
    for one in structlog.get_config()["processors"]:
        if isinstance(one, structlog.dev.ConsoleRenderer):
            one.exception_formatter = structlog.dev.plain_traceback


def _leave_out(config: pytest.Config, items: list[pytest.Item], those: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=those)
    items[:] = [item for item in items if item not in those]


def _is_long_here(item: pytest.Item) -> bool:
    """Weeks of a clock, hour by hour: what they prove are rules of the calendar, which know no database."""
    on = getattr(getattr(item, "callspec", None), "params", {}).get("database")
    return on == "postgresql" and item.get_closest_marker("long_on_postgresql") is not None


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests see neither the environment nor the `.env` of whoever runs them."""
    for name in [name for name in os.environ if name.startswith("RUGCOURSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    logging.getLogger("alembic").setLevel(logging.WARNING)


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of tests log in, and are about something else. tests/auth/test_passwords.py has the hashes of the product."""
    monkeypatch.setattr(passwords, "_hasher", quick_hasher)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="rugcourse-") as folder, servers.postgres(Path(folder)) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    from tests.support.buckets import s3_server  # takes a second to import

    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(s3_address: str) -> str:
    """The location of an empty bucket, as the setting has it."""
    from tests.support.buckets import new_bucket

    return new_bucket(s3_address)


@pytest.fixture(scope="session")
def _postgres_database(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def _postgres_rows(_postgres_database: Database) -> PostgresRows:
    return PostgresRows(_postgres_database)


@pytest.fixture
def empty_postgres(_postgres_database: Database, _postgres_rows: PostgresRows) -> Database:
    """An empty store with all tables on PostgreSQL."""
    _postgres_rows.set_back(with_courses=False)
    return _postgres_database


@pytest.fixture(scope="session")
def _sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store with all tables, on each of the two databases.

    Where a test begins with a `runtime`, the shipped courses are there already: importing them takes longer than most
    tests.
    """
    with_courses = "runtime" in request.fixturenames
    if request.param == "postgresql":
        rows: PostgresRows = request.getfixturevalue("_postgres_rows")
        rows.set_back(with_courses=with_courses)
        yield request.getfixturevalue("_postgres_database")
        return
    files: SqliteFiles = request.getfixturevalue("_sqlite_files")
    with files.copied(tmp_path / "test.db", with_courses=with_courses) as own:
        yield own


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """A command that runs in this process sets up logging to the stderr of that moment, which is closed later."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(MORNING)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def runtime(database: Database, clock: VirtualClock, sink: Sink, tmp_path: Path) -> Runtime:
    """An installation with the shipped course, whose mails go to `sink`."""
    return make_runtime(database, make_settings(tmp_path, sink.url), clock)


@pytest.fixture
def dispatcher(runtime: Runtime) -> Iterator[Dispatcher]:
    running = open_dispatcher(runtime)
    yield running
    running.close()


@pytest.fixture
def counters_are_right(runtime: Runtime) -> object:
    """Whatever a test does: the counters say what the rows say, and the books balance."""
    yield
    with runtime.database.read() as session:
        assert counters.differences(session) == {}
    assert audit(runtime.database, runtime.clock.now(), timedelta(days=30)).findings == ()
