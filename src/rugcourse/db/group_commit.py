"""Group commit: many small pieces of work share one transaction, and each waits for its commit.

A commit waits for the disk. Work that arrives meanwhile is collected for the next transaction: the more arrives at
once, the less each piece costs, and no request is answered before its data is stored.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from rugcourse.db.engine import DatabaseAway

WriteRequest = TypeVar("WriteRequest")
Outcome = TypeVar("Outcome")

MOST_TOGETHER = 200


@dataclass(slots=True)
class _Waiting(Generic[WriteRequest, Outcome]):
    piece: WriteRequest
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Outcome]
    outcome: Outcome | None = None
    error: Exception | None = None

    def tell(self) -> None:
        if self.answer.done():  # the request was cancelled
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.outcome)  # type: ignore[arg-type]


class GroupCommit(Generic[WriteRequest, Outcome]):
    """Does pieces of work in the order of arrival, on its own thread, which starts with the first.

    `begin` opens the transaction: `Database.write`, or `Database.read` if only reads are shared. `work` does pieces in
    it and returns an outcome for each, in order. If it raises, each piece is retried alone, so that a failing one does
    not affect the others.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Session]],
        work: Callable[[Session, Sequence[WriteRequest]], Sequence[Outcome]],
    ) -> None:
        self._begin = begin
        self._work = work
        self._queue: SimpleQueue[_Waiting[WriteRequest, Outcome]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    async def do(self, piece: WriteRequest) -> Outcome:
        """Do the work, and return its outcome after the commit. Raises what the work raised, and DatabaseAway."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting[WriteRequest, Outcome](piece, loop, loop.create_future())
        self._queue.put(waiting)
        if self._thread is None:
            self._start()
        return await waiting.answer

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            together = [self._queue.get()]
            try:
                while len(together) < MOST_TOGETHER:
                    together.append(self._queue.get_nowait())
            except Empty:
                pass
            self._do(together)
            _resolve(together)

    def _do(self, together: Sequence[_Waiting[WriteRequest, Outcome]]) -> None:
        try:
            with self._begin() as session:
                outcomes = self._work(session, [one.piece for one in together])
        except Exception as error:  # noqa: BLE001 - passed on to the waiting caller
            if len(together) == 1 or isinstance(error, DatabaseAway):
                for one in together:
                    one.error = error
            else:
                for one in together:
                    self._do([one])
            return
        for one, outcome in zip(together, outcomes, strict=True):
            one.outcome = outcome


def _resolve(together: Sequence[_Waiting[WriteRequest, Outcome]]) -> None:
    """Wake each event loop once for all its waiting callers."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting[WriteRequest, Outcome]]] = defaultdict(list)
    for one in together:
        by_loop[one.loop].append(one)
    for loop, theirs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve_all, theirs)
        except RuntimeError:  # the loop has ended, and its callers with it
            continue


def _resolve_all(together: Sequence[_Waiting[WriteRequest, Outcome]]) -> None:
    for one in together:
        one.tell()
