"""Transactions, times and errors of the database."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError, StatementError
from tests.support.builders import MORNING

from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database, DatabaseAway, DatabaseError
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import SubscriberRow


def test_exception_in_a_transaction_rolls_it_back(database: Database) -> None:
    row = SubscriberRow(email="a@x.example", language="nl", status="active", created_at=MORNING)

    def fail_half_way() -> None:
        with database.write() as session:
            session.add(row)
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(SubscriberRow)) == 0


def test_times_come_back_in_utc_and_a_time_without_a_zone_is_refused(database: Database) -> None:
    clock = VirtualClock(datetime(2026, 7, 1, 12, tzinfo=UTC))
    with database.write() as session:
        session.add(SubscriberRow(email="a@x.example", language="nl", status="active", created_at=clock.now()))
    with database.read() as session:
        assert session.scalars(select(SubscriberRow.created_at)).one() == clock.now()
    naive = clock.now().replace(tzinfo=None)
    with pytest.raises(StatementError, match="zone"), database.write() as session:
        session.execute(select(SubscriberRow).where(SubscriberRow.created_at == naive))


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_used_is_one_clear_error(url: str) -> None:
    with pytest.raises(DatabaseError, match="RUGCOURSE_DATABASE_URL"):
        upgrade(Database(url))


def test_an_error_of_the_database_tells_no_address(database: Database) -> None:
    address = "@".join(("sam", "x.example"))  # a traceback quotes lines of source
    with pytest.raises((DatabaseAway, ProgrammingError)) as told, database.write() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:email)"), {"email": address})
    logged = "".join(traceback.format_exception(told.value))
    assert "INSERT INTO nowhere" in logged
    assert address not in logged
