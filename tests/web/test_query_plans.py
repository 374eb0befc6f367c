"""No statement on the way of a lesson, nor of a reader's click, reads a whole table of readers.

A table that grows with the readers would make each of them slower with the number of all.
"""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection
from tests.support.builders import at_eight, make_pending, make_reader, send_all
from tests.support.pages import path
from tests.support.query_plans import explained, recorded
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import Base, DeliveryKind
from rugcourse.db.queries import remarks
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.feedback import Feedback, save_feedback
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


@pytest.mark.parametrize(
    ("lesson_id", "index"), [(None, "ix_feedback_remark"), (1, "ix_feedback_lesson_remark")], ids=["all", "one lesson"]
)
def test_the_page_of_remarks_reads_its_page_from_an_index_in_order(
    runtime: Runtime, lesson_id: int | None, index: str
) -> None:
    for number in range(3):
        feedback = Feedback(1, "nl", helped=True, remark=f"remark {number}")
        runtime.database.run(save_feedback, runtime.clock.now(), feedback)
    with recorded(runtime.database) as found:
        runtime.database.query(remarks.newest, lesson_id, None, 50)
        runtime.database.query(remarks.newest, lesson_id, 2, 50)
        runtime.database.query(remarks.count_since, runtime.clock.now(), 1000)
    assert len(found.seen) == 4
    with runtime.database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            for name in ("seqscan", "sort", "bitmapscan"):
                connection.exec_driver_sql(f"SET LOCAL enable_{name} = off")
        for statement, parameters in found.seen.items():
            plan = explained(connection, statement, parameters)
            if "WHERE feedback.id = " not in statement:  # the one that finds where a page begins
                assert (index if "ORDER BY" in statement else "ix_feedback_remark") in plan
                assert "TEMP B-TREE" not in plan
                assert "Sort" not in plan
        connection.rollback()


def test_a_scan_is_noticed_and_an_index_too(runtime: Runtime) -> None:
    scanning = "SELECT d.id FROM delivery AS d WHERE d.smtp_response = 'x'"
    with runtime.database.engine.connect() as connection:
        assert scans(connection, scanning, ()) == {"delivery"}
        assert scans(connection, "SELECT d.id FROM delivery AS d WHERE d.id = 7", ()) == set()
        connection.rollback()
