"""The file that remembers who withdrew: private, whole lines only, and forgotten in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from tests.support.builders import MORNING

from rugcourse.db.engine import Database
from rugcourse.db.withdrawal_log import UNSUBSCRIBED, WithdrawalLog, record
from rugcourse.links import Signer

SIGNER = Signer((b"a-key-for-tests-0123456789",))


@pytest.fixture
def log(tmp_path: Path) -> WithdrawalLog:
    return WithdrawalLog(tmp_path / "var", SIGNER, 60)


@pytest.fixture
def kept(database: Database, log: WithdrawalLog) -> Database:
    database.withdrawals = log
    return database


def withdraw(database: Database, email: str, days: int = 0) -> None:
    with database.write() as session:
        record(session, UNSUBSCRIBED, MORNING + timedelta(days=days), email=email)


def test_a_line_is_for_its_owner_alone_and_names_nobody(kept: Database, log: WithdrawalLog) -> None:
    withdraw(kept, "sam@x.example")
    assert log.file.stat().st_mode & 0o777 == 0o600
    assert b"sam" not in log.file.read_bytes()
    (one,) = log.read()
    assert (one.at, one.kind, one.digest.hex()) == (MORNING, UNSUBSCRIBED, SIGNER.digest("sam@x.example"))


def fail_after_withdrawing(database: Database) -> None:
    with database.write() as session:
        record(session, UNSUBSCRIBED, MORNING, email="sam@x.example")
        raise ZeroDivisionError


def test_withdrawal_log_records_nothing_of_a_failed_transaction(kept: Database, log: WithdrawalLog) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_after_withdrawing(kept)
    assert list(log.read()) == []


def test_the_line_is_on_the_disk_before_the_transaction_commits(kept: Database, log: WithdrawalLog) -> None:
    found: list[int] = []
    with kept.write() as session:
        event.listen(session, "before_commit", lambda _session: found.append(len(list(log.read()))))
        record(session, UNSUBSCRIBED, MORNING, email="sam@x.example")
    assert found == [1]


def test_a_withdrawal_goes_through_where_the_file_cant_be_written(
    kept: Database, log: WithdrawalLog, capsys: pytest.CaptureFixture[str]
) -> None:
    log.file.mkdir(parents=True)
    withdraw(kept, "sam@x.example")
    assert "withdrawals_not_recorded" in capsys.readouterr().out
    with pytest.raises(OSError, match="directory"):
        log.check()


def test_a_line_that_was_cut_off_takes_no_other_with_it(kept: Database, log: WithdrawalLog) -> None:
    withdraw(kept, "a@x.example")
    with log.file.open("ab") as file:
        file.write(b"2026-11-23T05:00:00+00:00 unsub")
    withdraw(kept, "b@x.example")
    assert [one.digest.hex() for one in log.read()] == [SIGNER.digest("a@x.example"), SIGNER.digest("b@x.example")]


def test_withdrawal_log_loses_no_line_when_pruned_during_writes(kept: Database, log: WithdrawalLog) -> None:
    withdraw(kept, "old@x.example", days=-59)

    def write(number: int) -> None:
        note_one = WithdrawalLog(log.folder, SIGNER, 60)
        with Database("sqlite:///:memory:").write() as session:
            record(session, UNSUBSCRIBED, MORNING, email=f"{number}@x.example")
            note_one.keep(session)

    with ThreadPoolExecutor(6) as pool:
        for number in range(200):
            pool.submit(write, number)
            if number % 20 == 0:
                pool.submit(log.forget, MORNING - timedelta(days=1))
    log.forget(MORNING - timedelta(days=1))
    assert {one.digest.hex() for one in log.read()} == {SIGNER.digest(f"{number}@x.example") for number in range(200)}
    assert log.file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_no_nightly_job_sees_is_cleared_by_who_writes_to_it(kept: Database, log: WithdrawalLog) -> None:
    for days in (0, 30, 62):
        withdraw(kept, f"{days}@x.example", days)
    assert [one.at for one in log.read()] == [MORNING + timedelta(days=30), MORNING + timedelta(days=62)]
