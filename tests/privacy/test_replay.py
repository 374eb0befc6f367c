"""A backup that is put back undoes no withdrawal."""

from __future__ import annotations

import shutil
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text
from tests.support.bounce_samples import SAMPLES
from tests.support.builders import (
    at_eight,
    mails_to,
    make_pending,
    make_reader,
    make_runtime,
    make_settings,
    plan,
    ref,
    send_all,
)
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, open_dispatcher, release_hold
from rugcourse.clock import VirtualClock
from rugcourse.db import withdrawal_log
from rugcourse.db.engine import Database
from rugcourse.db.models import BOUNCE, COMPLAINT, ERASED, DeliveryKind, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import subscribers
from rugcourse.db.queries.sending_holds import ALL
from rugcourse.db.withdrawal_log import LIFTED, MEASURING, UNSUBSCRIBED
from rugcourse.enrolment import preferences, suppression
from rugcourse.enrolment.confirmation import confirm, refuse
from rugcourse.privacy.erase import erase
from rugcourse.privacy.replay import replay
from rugcourse.privacy.retention import forget

COMPLAINED = next(one.raw for one in SAMPLES if one.kind == "complaint")


@pytest.fixture
def runtime(database: Database, clock: VirtualClock, sink: Sink, tmp_path: Path) -> Runtime:
    settings = make_settings(tmp_path, sink.url, bounce_address="bounces@courses.example")
    return make_runtime(database, settings, clock)


def person(runtime: Runtime, email: str) -> SubscriberRow:
    with runtime.database.read() as session:
        found = subscribers.by_email(session, email)
    assert found is not None
    return found


def measured_reader(runtime: Runtime, email: str) -> str:
    make_pending(runtime, email)
    invitation = mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].id
    runtime.database.run(confirm, runtime.clock.now(), runtime.signer, invitation, measuring=True)
    return email


def newest(runtime: Runtime, email: str) -> int:
    return mails_to(runtime, email)[-1].id


def erased(runtime: Runtime, email: str) -> None:
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, person(runtime, email).id)


def unsubscribed(runtime: Runtime, email: str) -> None:
    runtime.database.run(preferences.unsubscribe, runtime.clock.now(), newest(runtime, email))


def unsubscribed_by_mail(runtime: Runtime, email: str) -> None:
    address = runtime.links.unsubscribe_address(ref(runtime, newest(runtime, email)), "bounces@courses.example")
    runtime.bounce_handler.handle_message(address, b"Subject: unsubscribe\r\n\r\n")


def unsubscribed_by_an_admin(runtime: Runtime, email: str) -> None:
    with runtime.database.write() as session:
        preferences.unsubscribe_on_request(session, runtime.clock.now(), person(runtime, email).id)


def not_measured(runtime: Runtime, email: str) -> None:
    runtime.database.run(preferences.set_measuring, runtime.clock.now(), person(runtime, email).id, agreed=False)


def complained(runtime: Runtime, email: str) -> None:
    runtime.bounce_handler.handle_message(
        runtime.links.return_path(ref(runtime, newest(runtime, email)), "bounces@c.example"), COMPLAINED
    )


def suppressed(runtime: Runtime, email: str) -> None:
    runtime.database.run(suppression.suppress_address, runtime.clock.now(), runtime.signer, email, "admin")


def forgotten(runtime: Runtime, _email: str) -> None:
    later = VirtualClock(runtime.clock.now() + timedelta(days=800))
    forget(runtime.database, later, runtime.signer, runtime.retention)


def refused(runtime: Runtime, _email: str) -> None:
    make_pending(runtime, "new@example.org")
    runtime.database.run(refuse, runtime.clock.now(), runtime.signer, mails_to(runtime, "new@example.org")[0].id)


@pytest.mark.parametrize(
    ("act", "kinds"),
    [
        (erased, [ERASED]),
        (unsubscribed, [UNSUBSCRIBED, MEASURING]),
        (unsubscribed_by_mail, [UNSUBSCRIBED, MEASURING]),
        (unsubscribed_by_an_admin, [UNSUBSCRIBED, MEASURING]),
        (not_measured, [MEASURING]),
        (complained, [COMPLAINT, MEASURING]),
        (suppressed, ["admin", MEASURING]),
        (forgotten, [ERASED]),
        (refused, ["owner"]),
    ],
)
def test_each_way_to_withdraw_is_recorded_in_the_withdrawal_log(
    runtime: Runtime, act: Callable[[Runtime, str], None], kinds: list[str]
) -> None:
    email = measured_reader(runtime, "sam@example.org")
    act(runtime, email)
    assert [one.kind for one in runtime.withdrawals.read()] == kinds


@pytest.fixture
def put_back(runtime: Runtime) -> Iterator[Callable[[], None]]:
    """Makes a backup now; what it returns puts that back."""
    engine = runtime.database.engine
    if runtime.database.dialect == "postgresql":
        name = engine.url.database
        aside = f"{name}_backup"

        def administer(*statements: str) -> None:
            engine.dispose()
            address = engine.url.set(database="template1").render_as_string(hide_password=False)
            alone = create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
            with alone.connect() as connection:
                for statement in statements:
                    connection.execute(text(statement))

        administer(f"DROP DATABASE IF EXISTS {aside}", f"CREATE DATABASE {aside} TEMPLATE {name}")
        yield lambda: administer(f"DROP DATABASE {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {aside}")
        administer(f"DROP DATABASE {aside}")
    else:
        file = Path(str(engine.url.database))
        with closing(engine.raw_connection()) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(file, file.with_suffix(".backup"))

        def restore() -> None:
            engine.dispose()
            for one in runtime.database.files[1:]:
                one.unlink(missing_ok=True)
            shutil.copy(file.with_suffix(".backup"), file)

        yield restore


@pytest.fixture
def readers(runtime: Runtime) -> dict[str, str]:
    return {name: measured_reader(runtime, f"{name}@example.org") for name in ("a", "b", "c", "d", "e")}


def test_replay_restores_withdrawals_made_after_the_backup(
    runtime: Runtime, readers: dict[str, str], put_back: Callable[[], None], sink: Sink, clock: VirtualClock
) -> None:
    clock.advance(minutes=1)
    erased(runtime, readers["a"])
    unsubscribed(runtime, readers["b"])
    not_measured(runtime, readers["c"])
    complained(runtime, readers["d"])
    put_back()
    assert {person(runtime, email).tracking_consent for email in readers.values()} == {True}

    assert release_hold(runtime, ALL).withdrawn == 4
    assert release_hold(runtime, ALL).withdrawn == 0
    at_eight(runtime)
    plan(runtime)
    with closing(open_dispatcher(runtime)) as dispatcher:
        send_all(dispatcher)
    got_lessons = {one.recipient for one in sink.taken if b":lesson:" in one.raw}
    assert got_lessons == {readers["c"], readers["e"]}
    assert not person(runtime, readers["c"]).tracking_consent
    assert person(runtime, readers["b"]).status == SubscriberStatus.LEFT
    assert person(runtime, readers["d"]).status == SubscriberStatus.SUPPRESSED
    with runtime.database.read() as session:
        assert subscribers.by_email(session, readers["a"]) is None
        found = subscribers.find_suppression(session, runtime.signer.digest(readers["a"]))
        assert found is not None
        assert found.reason == ERASED


def test_replay_keeps_changes_made_after_a_withdrawal(runtime: Runtime, clock: VirtualClock) -> None:
    """Agreed again, came back, lifted, signed up anew: the newer word counts, on a database that knows it."""
    back, again, lifted, anew = (measured_reader(runtime, f"{name}@example.org") for name in ("w", "x", "y", "z"))
    clock.advance(minutes=1)
    unsubscribed(runtime, back)
    not_measured(runtime, again)
    suppressed(runtime, lifted)
    erased(runtime, anew)
    clock.advance(minutes=1)
    runtime.database.run(preferences.come_back, clock.now(), newest(runtime, back))
    runtime.database.run(preferences.set_measuring, clock.now(), person(runtime, again).id, agreed=True)
    runtime.database.run(suppression.lift, clock.now(), runtime.signer, lifted)
    measured_reader(runtime, anew)
    assert LIFTED in {one.kind for one in runtime.withdrawals.read()}
    assert release_hold(runtime, ALL).withdrawn == 0
    assert {person(runtime, one).status for one in (back, again, lifted, anew)} == {SubscriberStatus.ACTIVE}
    assert person(runtime, again).tracking_consent
    assert person(runtime, anew).tracking_consent


def test_replay_suppresses_addresses_without_a_subscriber(runtime: Runtime, clock: VirtualClock) -> None:
    """Imported after the backup, and erased: another import must not bring it back."""
    email = measured_reader(runtime, "sam@example.org")
    erased(runtime, email)
    with runtime.database.write() as session:
        subscribers.lift_suppression(session, runtime.signer.digest(email), ERASED)
    assert release_hold(runtime, ALL).withdrawn == 1
    assert runtime.database.query(suppression.find, runtime.signer, email) is not None
    assert release_hold(runtime, ALL).withdrawn == 0


def test_replay_does_not_revive_expired_suppressions(runtime: Runtime, clock: VirtualClock) -> None:
    runtime.database.run(suppression.suppress_address, clock.now(), runtime.signer, "sam@example.org", BOUNCE)
    with runtime.database.write() as session:
        subscribers.lift_suppression(session, runtime.signer.digest("sam@example.org"), BOUNCE)
    clock.advance(days=2)
    assert replay(runtime.database, clock, runtime.signer, runtime.withdrawals, bounced_days=1) == 0


def test_releasing_a_campaign_hold_replays_nothing(runtime: Runtime) -> None:
    email = measured_reader(runtime, "sam@example.org")
    suppressed(runtime, email)
    with runtime.database.write() as session:
        subscribers.lift_suppression(session, runtime.signer.digest(email), "admin")
    assert release_hold(runtime, "campaign 1") == (False, 0)


def test_replay_of_a_long_log_takes_seconds(runtime: Runtime, clock: VirtualClock) -> None:
    email = measured_reader(runtime, "sam@example.org")
    unsubscribed(runtime, email)
    lines = (f"2026-11-23T05:00:00+00:00 unsubscribed {number:064x}\n" for number in range(100_000))
    with runtime.withdrawals.file.open("a", encoding="ascii") as file:
        file.writelines(lines)
    begun = time.perf_counter()
    tracemalloc.start()
    assert release_hold(runtime, ALL).withdrawn == 0
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 100_000_000
    assert time.perf_counter() - begun < 60


def test_replay_keeps_the_complaint_of_an_erased_reader(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    clock.advance(minutes=1)
    with runtime.database.write() as session:  # as the log has it, and a backup has not
        withdrawal_log.record(session, COMPLAINT, clock.now(), email=email)
        withdrawal_log.record(session, ERASED, clock.now() + timedelta(days=30), email=email)
    release_hold(runtime, ALL)
    found = runtime.database.query(suppression.find, runtime.signer, email)
    assert found is not None
    assert found.reason == COMPLAINT


def test_replay_keeps_readers_who_returned_after_the_backup_active(
    runtime: Runtime, readers: dict[str, str], put_back: Callable[[], None], clock: VirtualClock
) -> None:
    for name in ("a", "b", "c"):
        clock.advance(minutes=1)
        unsubscribed(runtime, readers[name])
    clock.advance(minutes=1)
    runtime.database.run(preferences.come_back, clock.now(), newest(runtime, readers["a"]))
    measured_reader(runtime, readers["b"])
    put_back()
    release_hold(runtime, ALL)
    assert {name: person(runtime, readers[name]).status for name in ("a", "b", "c")} == {
        "a": SubscriberStatus.ACTIVE,
        "b": SubscriberStatus.ACTIVE,
        "c": SubscriberStatus.LEFT,
    }


def test_replay_suppresses_a_complainer_even_when_it_was_lifted_later(
    runtime: Runtime, readers: dict[str, str], put_back: Callable[[], None], clock: VirtualClock
) -> None:
    clock.advance(minutes=1)
    complained(runtime, readers["a"])
    clock.advance(minutes=1)
    runtime.database.run(suppression.lift, clock.now(), runtime.signer, readers["a"])
    assert person(runtime, readers["a"]).status == SubscriberStatus.LEFT
    put_back()
    release_hold(runtime, ALL)
    assert person(runtime, readers["a"]).status == SubscriberStatus.LEFT


@pytest.mark.parametrize("reason", ["asked by phone", "gevraagd, géén mail", "lifted", ""])
def test_withdrawal_log_records_free_text_reasons_as_admin(runtime: Runtime, reason: str) -> None:
    email = measured_reader(runtime, "sam@example.org")
    runtime.database.run(suppression.suppress_address, runtime.clock.now(), runtime.signer, email, reason)
    assert [one.kind for one in runtime.withdrawals.read()] == ["admin", MEASURING]


def test_replay_restores_objections_and_closed_links(
    runtime: Runtime, readers: dict[str, str], put_back: Callable[[], None], clock: VirtualClock
) -> None:
    with runtime.database.write() as session:
        subscribers.add_tags(session, [person(runtime, readers["b"]).id], "autumn")
    clock.advance(minutes=1)
    runtime.database.run(
        preferences.set_statistics_objection, clock.now(), person(runtime, readers["a"]).id, left_out=True
    )
    runtime.database.run(preferences.set_tag_objection, clock.now(), person(runtime, readers["b"]).id, untagged=True)
    runtime.database.run(preferences.close_links, clock.now(), person(runtime, readers["c"]).id)
    closed_at = clock.now()
    put_back()
    clock.advance(minutes=1)
    assert release_hold(runtime, ALL).withdrawn == 3
    assert release_hold(runtime, ALL).withdrawn == 0
    assert person(runtime, readers["a"]).statistics_objected_at == closed_at
    assert person(runtime, readers["c"]).links_revoked_at == closed_at
    with runtime.database.read() as session:
        assert subscribers.tags_of(session, person(runtime, readers["b"]).id) == []
        assert subscribers.suppressed_among(session, [runtime.signer.digest(one) for one in readers.values()]) == set()


def test_replay_keeps_withdrawn_objections_withdrawn(runtime: Runtime, clock: VirtualClock) -> None:
    reader = person(runtime, measured_reader(runtime, "sam@example.org")).id
    for refused in (True, False):
        clock.advance(minutes=1)
        runtime.database.run(preferences.set_statistics_objection, clock.now(), reader, left_out=refused)
        runtime.database.run(preferences.set_tag_objection, clock.now(), reader, untagged=refused)
    with runtime.database.write() as session:
        subscribers.add_tags(session, [reader], "autumn")
    assert release_hold(runtime, ALL).withdrawn == 0
    with runtime.database.read() as session:
        assert subscribers.tags_of(session, reader) == ["autumn"]
