"""A backup that was put back: no number of a mail that it does not know is given to another one."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.builders import mails_to, make_pending

from rugcourse.clock import VirtualClock
from rugcourse.delivery import holds
from rugcourse.runtime import Runtime


def newest(runtime: Runtime) -> tuple[int, int]:
    """The numbers of a new mail and of its reader."""
    [mail] = mails_to(runtime, make_pending(runtime))
    return mail.id, mail.subscriber_id


def test_numbers_go_on_far_behind_those_that_the_backup_knew(runtime: Runtime, clock: VirtualClock) -> None:
    before = newest(runtime)
    with runtime.database.write() as session:
        holds.hold_until_go(session, "a backup was put back", datetime(2026, 11, 23, tzinfo=UTC))
    holds.go(runtime.database, clock, holds.ALL)
    after = newest(runtime)
    assert all(new - old > 1_000_000 - 1 for old, new in zip(before, after, strict=True))


def test_numbers_stay_where_nothing_was_held(runtime: Runtime, clock: VirtualClock) -> None:
    before = newest(runtime)
    holds.go(runtime.database, clock, holds.ALL)
    assert [new - old for old, new in zip(before, newest(runtime), strict=True)] == [1, 1]
