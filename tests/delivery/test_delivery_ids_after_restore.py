"""A backup that was put back: no number of a mail that it does not know is given to another one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from tests.support.builders import COURSE, course_of, mails_to, make_pending
from tests.support.course_edits import edited, publish

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.course_editor import drafts
from rugcourse.db.queries import lesson_versions
from rugcourse.delivery import holds

_titles = count(1)


def newest(runtime: Runtime) -> tuple[int, int]:
    """The numbers of a new mail and of its reader."""
    [mail] = mails_to(runtime, make_pending(runtime))
    return mail.id, mail.subscriber_id


def test_numbers_go_on_far_behind_those_that_the_backup_knew(runtime: Runtime, clock: VirtualClock) -> None:
    before = newest(runtime)
    with runtime.database.write() as session:
        holds.hold_until_released(session, "a backup was put back", datetime(2026, 11, 23, tzinfo=UTC))
    runtime.database.run(holds.release, clock.now(), holds.ALL)
    after = newest(runtime)
    assert all(new - old > 1_000_000 - 1 for old, new in zip(before, after, strict=True))


def test_numbers_stay_where_nothing_was_held(runtime: Runtime, clock: VirtualClock) -> None:
    before = newest(runtime)
    runtime.database.run(holds.release, clock.now(), holds.ALL)
    assert [new - old for old, new in zip(before, newest(runtime), strict=True)] == [1, 1]


def test_no_form_that_was_open_over_a_backup_fits_what_is_kept_after_it(runtime: Runtime, clock: VirtualClock) -> None:
    """Neither the number of a draft nor that of a version is given a second time."""
    saved, version = draft_and_version(runtime)
    with runtime.database.write() as session:
        holds.hold_until_released(session, "a backup was put back", datetime(2026, 11, 23, tzinfo=UTC))
    runtime.database.run(holds.release, clock.now(), holds.ALL)
    after = draft_and_version(runtime)
    assert all(new - old > 1_000_000 - 1 for old, new in zip((saved, version), after, strict=True))


def draft_and_version(runtime: Runtime) -> tuple[int, int]:
    """The numbers of a draft that is kept now, and of a version that is published."""
    title = f"Nu {next(_titles)}"
    desk = runtime.database.query(drafts.load_editor, runtime.course_cache, COURSE, "stress")
    runtime.database.run(drafts.save, runtime.clock.now(), desk, edited(runtime, "stress", title), None, 0)
    saved = runtime.database.query(drafts.load_editor, runtime.course_cache, COURSE, "stress").saved
    publish(runtime, edited(runtime, "stress", title))
    with runtime.database.read() as session:
        version = lesson_versions.find_published_version(session, course_of(runtime).id, "stress")
    assert version is not None
    return saved, version
