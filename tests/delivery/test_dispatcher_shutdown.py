"""A worker that stops while a mail server thinks waits for its answer, or leaves it to the next one: never twice."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.builders import lessons_to, make_runtime, make_settings, planned_readers, send_all
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import open_dispatcher
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryQueue, DeliveryState


@dataclass
class _Thinking:
    """A content filter that takes its time over what it is given, and takes it."""

    seconds: float
    begun: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _recipient: str) -> Fault | None:
        return Fault("reply", "250 2.0.0 queued", self.seconds, self.begun.set)


@pytest.mark.parametrize(("thinks", "patient"), [(2.0, True), (6.0, False)])
def test_mail_in_flight_is_sent_once_when_the_worker_stops(
    database: Database, clock: VirtualClock, sink: Sink, tmp_path: Path, thinks: float, patient: bool
) -> None:
    settings = make_settings(tmp_path, sink.url, smtp_timeout_seconds=4.0 if patient else 2.0)
    runtime = make_runtime(database, settings, clock)
    dispatcher = open_dispatcher(runtime)
    emails = planned_readers(runtime, dispatcher, 2)
    before = len(sink.taken)
    sink.fault = thinking = _Thinking(thinks)
    worker = threading.Thread(target=dispatcher.send_batch, args=(DeliveryQueue.LESSONS,))
    worker.start()
    assert thinking.begun.wait(5)
    dispatcher.close()
    worker.join(20)
    sink.fault = lambda _: None
    time.sleep(0.1)
    clock.advance(minutes=5)
    again = open_dispatcher(runtime)
    send_all(again)
    again.close()
    sent = [one.recipient for one in sink.taken[before:]]
    assert len(sent) == len(set(sent))
    states = {lessons_to(runtime, email)[0].state for email in emails}
    assert states == ({DeliveryState.ACCEPTED} if patient else {DeliveryState.ACCEPTED, DeliveryState.UNKNOWN})


def test_a_worker_that_has_nothing_under_way_closes_at_once_and_takes_nothing_more(
    database: Database, clock: VirtualClock, sink: Sink, tmp_path: Path
) -> None:
    runtime = make_runtime(database, make_settings(tmp_path, sink.url), clock)
    dispatcher = open_dispatcher(runtime)
    planned_readers(runtime, dispatcher, 1)
    dispatcher.close()
    before = len(sink.taken)
    assert dispatcher.send_batch(DeliveryQueue.LESSONS) == 0
    assert len(sink.taken) == before
    assert not list((tmp_path / "journal").iterdir())
