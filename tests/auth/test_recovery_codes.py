"""Recovery codes: each lets its admin in once, and nobody else."""

from __future__ import annotations

import re

from sqlalchemy import select
from tests.support.admins import make_admin

from rugcourse.auth.recovery_codes import COUNT, make_recovery_codes, use_recovery_code
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import AuditLogRow

OTHER = "other@x.example"


def make_codes(database: Database, clock: VirtualClock, admin_id: int) -> list[str]:
    return make_recovery_codes(database, clock, admin_id, "owner@x.example")


def test_codes_are_many_different_and_easy_to_copy(database: Database, clock: VirtualClock) -> None:
    codes = make_codes(database, clock, make_admin(database, clock))
    assert len(set(codes)) == len(codes) == COUNT >= 8
    assert all(re.fullmatch(r"([a-z2-7]{4}-){5}[a-z2-7]{4}", one) for one in codes)
    with database.read() as session:
        assert "admin.make_recovery_codes" in [one.action for one in session.scalars(select(AuditLogRow))]


def test_a_code_works_once_however_it_is_typed(database: Database, clock: VirtualClock) -> None:
    admin_id = make_admin(database, clock)
    [first, second, *_] = make_codes(database, clock, admin_id)
    assert database.run(use_recovery_code, admin_id, first)
    assert not database.run(use_recovery_code, admin_id, first)
    assert database.run(use_recovery_code, admin_id, f" {second.upper().replace('-', ' ')} ")


def test_a_code_of_another_admin_or_of_an_older_list_lets_nobody_in(database: Database, clock: VirtualClock) -> None:
    admin_id, other = make_admin(database, clock), make_admin(database, clock, OTHER)
    [old, *_] = make_codes(database, clock, admin_id)
    assert not database.run(use_recovery_code, other, old)
    [new, *_] = make_codes(database, clock, admin_id)
    assert not database.run(use_recovery_code, admin_id, old)
    assert database.run(use_recovery_code, admin_id, new)


def test_what_is_no_code_lets_nobody_in(database: Database, clock: VirtualClock) -> None:
    admin_id = make_admin(database, clock)
    [code, *_] = make_codes(database, clock, admin_id)
    for typed in ("", "000000", code[:-1], f"{code}a"):
        assert not database.run(use_recovery_code, admin_id, typed)
