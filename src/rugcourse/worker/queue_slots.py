"""Limits how many threads of a process send from each queue, so that no mail waits behind another campaign."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from rugcourse.db.models import DeliveryQueue


class QueueSlots:
    """A number of slots per queue. A thread that takes a slot sends batches until the queue is empty.

    A notification that comes while all slots are taken is not lost: a thread that leaves its slot then looks once more.
    So a notified thread never waits, and mail that a person waits for always has its own slot.
    """

    def __init__(self, places: Mapping[DeliveryQueue, int], send_batch: Callable[[DeliveryQueue], bool]) -> None:
        """`send_batch` sends a batch of a queue and returns whether there may be more."""
        self._free = dict(places)
        self._rung: set[DeliveryQueue] = set()
        self._send_batch = send_batch
        self._lock = threading.Lock()

    def drain(self, queue: DeliveryQueue) -> None:
        """Send all mail of a queue that may go out now, if a slot is free."""
        while self._take_place(queue):
            try:
                while self._send_batch(queue):
                    pass
            finally:
                rung = self._leave_place(queue)
            if not rung:
                return

    def _take_place(self, queue: DeliveryQueue) -> bool:
        with self._lock:
            if self._free[queue] == 0:
                self._rung.add(queue)
                return False
            self._rung.discard(queue)
            self._free[queue] -= 1
            return True

    def _leave_place(self, queue: DeliveryQueue) -> bool:
        """Leave a slot; returns whether a notification came while all slots were taken."""
        with self._lock:
            self._free[queue] += 1
            return queue in self._rung
