"""Group commit: what shares a transaction, and what happens when a part of it can't be done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rugcourse.db.engine import Database, DatabaseAway
from rugcourse.db.group_commit import GroupCommit
from rugcourse.db.models import KeyValueRow


class Refused(Exception):
    pass


def keep(session: Session, pieces: Sequence[str]) -> list[int]:
    """Keeps each piece; refuses `bad`, when those before it are written already."""
    for piece in pieces:
        if piece == "bad":
            session.flush()
            raise Refused
        session.add(KeyValueRow(key=piece, value=piece))
    return [len(piece) for piece in pieces]


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(func.count()).select_from(KeyValueRow)).one()


def test_group_commit_returns_each_result_after_the_commit(database: Database) -> None:
    group = GroupCommit(database.write, keep)

    async def one(piece: str) -> int:
        outcome = await group.do(piece)
        with database.read() as session:
            assert session.get(KeyValueRow, piece) is not None
        return outcome

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(one("x" * length) for length in range(1, 30)))

    assert asyncio.run(all_of_them()) == list(range(1, 30))


def test_group_commit_collects_writes_that_arrive_during_a_commit(database: Database) -> None:
    together: list[int] = []
    first_is_in = threading.Event()
    others_are_in = threading.Event()

    def work(session: Session, pieces: Sequence[str]) -> list[int]:
        together.append(len(pieces))
        first_is_in.set()
        others_are_in.wait(10)
        return keep(session, pieces)

    group = GroupCommit(database.write, work)

    async def ask() -> None:
        first = asyncio.create_task(group.do("first"))
        await asyncio.to_thread(first_is_in.wait, 10)
        others = [asyncio.create_task(group.do(f"other {number}")) for number in range(20)]
        await asyncio.sleep(0)
        others_are_in.set()
        await asyncio.gather(first, *others)

    asyncio.run(ask())
    assert together == [1, 20]


def test_group_commit_isolates_a_failing_write(database: Database) -> None:
    group = GroupCommit(database.write, keep)

    async def ask() -> list[int | BaseException]:
        return await asyncio.gather(*(group.do(one) for one in ("a", "bb", "bad", "ccc")), return_exceptions=True)

    outcomes = asyncio.run(ask())
    assert isinstance(outcomes.pop(2), Refused)
    assert outcomes == [1, 2, 3]
    assert count(database) == 3


def test_a_database_that_is_away_is_told_to_everybody_who_waits() -> None:
    group = GroupCommit(Database("postgresql://nobody@127.0.0.1:1/none").write, keep)

    async def ask() -> list[int | BaseException]:
        return await asyncio.gather(*(group.do(str(one)) for one in range(5)), return_exceptions=True)

    assert all(isinstance(one, DatabaseAway) for one in asyncio.run(ask()))


def test_group_commit_ignores_callers_that_were_cancelled(database: Database) -> None:
    group = GroupCommit(database.write, keep)

    async def ask() -> int:
        gone = asyncio.create_task(group.do("gone"))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await group.do("here")

    assert asyncio.run(ask()) == 4
    assert count(database) == 2
