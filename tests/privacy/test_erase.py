"""Erasing: nothing is left of a person but a keyed hash, and nobody is brought back by others."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.support.builders import mails_to, make_pending, make_reader, send_all
from tests.support.privacy import all_rows_as_text, apply_retention_now, subscriber_id
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind, SubscriberRow, SuppressionRow
from rugcourse.db.queries import address_changes, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import GRACE_SECONDS, audit
from rugcourse.enrolment import preferences
from rugcourse.enrolment.admin_changes import correct_address
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.signup import may_sign_up
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.privacy.erase import erase
from rugcourse.privacy.export import export


def test_erasure_leaves_only_a_keyed_hash(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    other = make_reader(runtime)
    person = subscriber_id(runtime, email)
    assert email in all_rows_as_text(runtime)
    assert runtime.database.run(erase, clock.now(), runtime.signer, person)
    rows = all_rows_as_text(runtime)
    for trace in (email, "erase.me", "Mooi <"):
        assert trace not in rows
    journals = b"".join(one.read_bytes() for one in Path(runtime.settings.data_dir).glob("journal/*"))
    printed = caplog.text + "".join(capfd.readouterr())
    assert email.encode() not in journals
    assert email not in printed
    with runtime.database.read() as session:
        assert session.scalars(select(SuppressionRow.address_hash)).all() == [runtime.signer.digest(email)]
        assert session.scalars(select(SubscriberRow.email)).all() == [other]
    assert runtime.database.query(export, runtime.course_cache, person) is None
    assert not runtime.database.run(erase, clock.now(), runtime.signer, person)
    assert audit(runtime.database, clock.now(), clock.span(GRACE_SECONDS)).findings == ()


def test_stored_server_replies_contain_no_address(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    sink.fault = lambda recipient: (
        Fault("rcpt", f"550 5.1.1 <{recipient.upper()}>: no such user") if recipient else None
    )
    email = make_pending(runtime)
    send_all(dispatcher)
    [mail] = mails_to(runtime, email)
    assert mail.smtp_response == "550 5.1.1 <(address)>: no such user"


def test_erased_reader_can_sign_up_again_but_not_be_imported(runtime: Runtime, email: str, clock: VirtualClock) -> None:
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "erased"
        assert may_sign_up(session, runtime.signer, email)
    make_reader(runtime, email)
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) is None


def test_erasure_keeps_a_suppression_for_another_reason(runtime: Runtime, email: str, clock: VirtualClock) -> None:
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "complaint")
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "complaint"
        assert not may_sign_up(session, runtime.signer, email)
    later = make_reader(runtime)
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, later))
    runtime.database.run(suppress_address, clock.now(), runtime.signer, later, "bounce")
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(later)) == "erased", "a bounce ends early"


@pytest.mark.parametrize(("confirms", "counted"), [(False, 1), (True, 0)])
def test_limit_of_confirmation_mails_outlasts_the_erasure_of_a_reader_who_left(
    runtime: Runtime, clock: VirtualClock, confirms: bool, counted: int
) -> None:
    email = make_reader(runtime)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    clock.advance(days=1)
    make_pending(runtime, email)
    if confirms:
        clock.advance(minutes=1)
        runtime.database.run(
            confirm, clock.now(), runtime.signer, mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].id
        )
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    with runtime.database.read() as session:
        asked = address_changes.asked(session, runtime.signer.digest(email), clock.now() - timedelta(days=30))
    assert asked == counted


def test_import_never_restores_an_erased_reader_even_after_a_bounce(runtime: Runtime, clock: VirtualClock) -> None:
    """The reason of a bounce is forgotten after 90 days, and only a signup lifts that of who was erased."""
    email = make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    clock.advance(days=80)
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    clock.advance(days=20)
    apply_retention_now(runtime)
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "erased"


@pytest.mark.parametrize("moved", [False, True])
def test_bounce_does_not_shorten_the_suppression_of_an_erased_address(
    runtime: Runtime, clock: VirtualClock, moved: bool
) -> None:
    """Of the address that they had before, too; and where somebody types it again, and that mail comes back."""
    email = make_reader(runtime, "sam@x.example")
    person = subscriber_id(runtime, email)
    if moved:
        runtime.database.run(correct_address, clock.now(), runtime.signer, person, "right@x.example")
        with runtime.database.write() as session:
            subscribers.suppress(session, runtime.signer.digest(email), "bounce", clock.now())
    runtime.database.run(erase, clock.now(), runtime.signer, person)
    if not moved:
        make_pending(runtime, email)
        runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    clock.advance(days=100)
    apply_retention_now(runtime)
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "erased"
