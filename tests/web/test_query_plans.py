"""No statement on the way of a lesson, nor of a reader's click, reads a whole table of readers.

A table that grows with the readers would make each of them slower with the number of all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi.testclient import TestClient
from sqlalchemy import Connection, event
from tests.support.builders import at_eight, make_pending, make_reader, send_all
from tests.support.pages import path
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.db.engine import Database
from rugcourse.db.models import Base, DeliveryKind
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.links import TokenPurpose
from rugcourse.worker.tasks import scheduler_tick

GROWING = frozenset((
    "subscriber", "schedule", "consent", "subscriber_tag", "enrolment", "delivery", "email_event", "answer", "review_card",
    "assessment_attempt", "feedback",
))  # fmt: skip
# A scan of a partial index reads the few rows that are in it: what is planned, who is due.
PARTIAL = {
    str(index.name) for table in Base.metadata.tables.values() for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}  # fmt: skip
_INDEX_SCAN = re.compile(r"SCAN (\w+) USING (?:COVERING )?INDEX (\w+)")
_ALIAS = re.compile(r"\b(\w+) AS (\w+)")


@dataclass
class Statements:
    """What was sent to the database: statement → parameters of its first execution."""

    seen: dict[str, object] = field(default_factory=dict)

    def note(self, _connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
            first = parameters[0] if isinstance(parameters, list) else parameters
            self.seen.setdefault(statement, first)


@contextmanager
def recorded(database: Database) -> Iterator[Statements]:
    found = Statements()
    event.listen(database.engine, "before_cursor_execute", found.note)
    yield found
    event.remove(database.engine, "before_cursor_execute", found.note)


def scans(connection: Connection, statement: str, parameters: object) -> set[str]:
    """The growing tables that a statement reads as a whole, because no index serves it."""
    names = {alias: table for table, alias in _ALIAS.findall(statement)}
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET enable_seqscan = off")  # what is left has no index, whatever the size
        plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
        read = {one[1] for line in plan for one in re.finditer(r"Seq Scan on (\w+)", line)}
    else:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        read = {one[1] for line in plan if (one := re.match(r"SCAN (\w+)(?! USING (COVERING )?INDEX)", line))}
        read |= {one[1] for line in plan if (one := _INDEX_SCAN.match(line)) and one[2] not in PARTIAL}
    return {names.get(one, one) for one in read} & GROWING


def test_no_statement_for_readers_reads_a_whole_table(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, email: str, sink: Sink
) -> None:
    with recorded(runtime.database) as found:
        make_reader(runtime, news=True)
        confirm = path(runtime, TokenPurpose.CONFIRM, make_pending(runtime), kind=DeliveryKind.CONFIRM)
        at_eight(runtime, 1)
        for _ in range(2):
            scheduler_tick(runtime)
            send_all(dispatcher)
        mails = [mail.raw for mail in sink.taken]
        links = {one.decode() for raw in mails for one in re.findall(rb"http://courses\.example(/[^\s\"<>]+)", raw)}
        for link in {confirm, *links}:
            for method in ("GET", "POST"):
                assert browser.request(method, link).status_code < 500
    assert len(found.seen) > 70
    with runtime.database.engine.connect() as connection:
        wrong = {
            statement: tables for statement, parameters in found.seen.items()
            if (tables := scans(connection, statement, parameters))
        }  # fmt: skip
        connection.rollback()
    assert wrong == {}


def test_a_scan_is_noticed_and_an_index_too(runtime: Runtime) -> None:
    scanning = "SELECT d.id FROM delivery AS d WHERE d.smtp_response = 'x'"
    with runtime.database.engine.connect() as connection:
        assert scans(connection, scanning, ()) == {"delivery"}
        assert scans(connection, "SELECT d.id FROM delivery AS d WHERE d.id = 7", ()) == set()
        connection.rollback()
