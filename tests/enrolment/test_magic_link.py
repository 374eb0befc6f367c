"""The link to the own page, by mail."""

from __future__ import annotations

from tests.support.builders import mails_to, make_pending, make_reader, send_all, welcome_id
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.magic_link import renew_link, request_link
from rugcourse.enrolment.suppression import suppress_address


def test_magic_link_is_mailed_once_a_day_and_only_to_readers(runtime: Runtime, clock: VirtualClock) -> None:
    reader, pending, suppressed = make_reader(runtime), make_pending(runtime), make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, suppressed, "complaint")
    for email in (reader, pending, suppressed, "nobody@x.example"):
        for _ in range(3):
            runtime.database.run(request_link, clock.now(), email)
    assert len(mails_to(runtime, reader, DeliveryKind.MAGIC_LINK)) == 1
    assert (
        mails_to(runtime, pending, DeliveryKind.MAGIC_LINK)
        == mails_to(runtime, suppressed, DeliveryKind.MAGIC_LINK)
        == []
    )
    clock.advance(days=1)
    runtime.database.run(renew_link, clock.now(), welcome_id(runtime, reader))
    assert len(mails_to(runtime, reader, DeliveryKind.MAGIC_LINK)) == 2


def test_magic_link_is_sent_to_readers_who_left(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    runtime.database.run(preferences.unsubscribe, clock.now(), welcome_id(runtime, email))
    runtime.database.run(request_link, clock.now(), email)
    send_all(dispatcher)
    assert b"De link naar je pagina" in sink.taken[-1].raw
