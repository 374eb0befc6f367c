"""How many threads of a process send from which queue, so that nobody waits behind somebody else's campaign."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from rugcourse.db.models import Queue


class QueueSlots:
    """A number of places per queue. Whoever takes one sends batches until the queue is empty.

    A ring that comes while all places are taken is not lost: who leaves a place then looks once more. So a thread that
    answers a ring never waits, and mail that a person waits for has its own place whatever else is going on.
    """

    def __init__(self, places: Mapping[Queue, int], send_batch: Callable[[Queue], bool]) -> None:
        """`send_batch` sends some of a queue and says whether there may be more."""
        self._free = dict(places)
        self._rung: set[Queue] = set()
        self._send_batch = send_batch
        self._lock = threading.Lock()

    def drain(self, queue: Queue) -> None:
        """Send all that may go now, if there is a place free."""
        while self._take_place(queue):
            try:
                while self._send_batch(queue):
                    pass
            finally:
                rung = self._leave_place(queue)
            if not rung:
                return

    def _take_place(self, queue: Queue) -> bool:
        with self._lock:
            if self._free[queue] == 0:
                self._rung.add(queue)
                return False
            self._rung.discard(queue)
            self._free[queue] -= 1
            return True

    def _leave_place(self, queue: Queue) -> bool:
        """Returns whether somebody rang in vain meanwhile."""
        with self._lock:
            self._free[queue] += 1
            return queue in self._rung
