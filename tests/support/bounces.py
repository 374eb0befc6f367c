"""Bounces and complaints about mails that were sent, as servers report them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from email.utils import format_datetime
from uuid import uuid4

from tests.support.bounce_samples import SAMPLES
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.handler import HandledBounce
from rugcourse.db.queries import subscribers
from rugcourse.links import BadToken

ADDRESS = "bounces@courses.example"
RAW_SAMPLES = {sample.name: sample.raw for sample in SAMPLES}


def return_path_of(runtime: Runtime, sink: Sink, email: str) -> str:
    """Where the newest mail to somebody comes back to."""
    return [one.sender for one in sink.taken if one.recipient == email][-1]


def bounce_about(name: str, email: str) -> bytes:
    """A report of the mail to an address."""
    return RAW_SAMPLES[name].replace(b"r@far.example", email.encode())


def receive_bounce(
    runtime: Runtime, recipient: str, name: str, change: Callable[[bytes], bytes] = lambda raw: raw
) -> HandledBounce:
    """What a server reports now: of the address that was written to, in a message of its own."""
    arrived = bounce_about(name, addressee(runtime, recipient)).replace(
        b"Mon, 23 Nov 2026 08:00:01 +0100", format_datetime(runtime.clock.now()).encode()
    )
    return runtime.bounce_handler.handle_message(
        recipient, change(b"Message-ID: <%s@mx.example>\n%s" % (uuid4().hex.encode(), arrived))
    )


def addressee(runtime: Runtime, recipient: str) -> str:
    """Who has the mail that comes back to an address."""
    with suppress(BadToken), runtime.database.read() as session:
        found = subscribers.by_delivery(session, runtime.links.returned(recipient).delivery_id)
        if found is not None:
            return found[0].email
    return "r@far.example"


def status_of(runtime: Runtime, email: str) -> str:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
    assert person is not None
    return person.status
