"""Drill 12: the worker's disk has room for so many bytes of a line, at any moment; and workers die meanwhile."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from random import Random

import pytest
from tests.fault_injection.tally import Tally
from tests.support.builders import planned_readers, send_all
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryQueue
from rugcourse.delivery import journal as journals
from rugcourse.delivery.dispatcher import Dispatcher

READERS = 60


class _Disk:
    """Takes whole lines or a part of one, as chance has it, and sometimes nothing."""

    def __init__(self, file: int, chance: Random) -> None:
        self.file, self.chance, self.real = file, chance, os.write

    def write(self, file: int, raw: bytes) -> int:
        if file != self.file or self.chance.random() < 0.8:
            return self.real(file, raw)
        room = self.chance.randrange(len(raw))
        if room == 0:
            raise OSError(28, "No space left on device")
        return self.real(file, raw[:room])


@pytest.mark.parametrize("seed", range(3))
def test_a_disk_that_is_full_now_and_then_costs_nothing_but_time(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    passes: Callable[[Runtime, Sink], Tally],
    seed: int,
) -> None:
    planned_readers(runtime, dispatcher, READERS)
    chance = Random(seed)  # noqa: S311 - the same each time
    for _ in range(12):
        sender = open_dispatcher(runtime)  # settles what the one before left behind
        with monkeypatch.context() as full:
            full.setattr(journals.os, "write", _Disk(sender._journal._file, chance).write)
            for _ in range(3):
                sender.send_batch(DeliveryQueue.LESSONS)
        fcntl.flock(sender._journal._file, fcntl.LOCK_UN)  # it dies here
        clock.advance(seconds=20)
    send_all(open_dispatcher(runtime))
    tally = passes(runtime, sink)
    assert tally.accepted == 3 * READERS
    assert tally.unknown == ()
