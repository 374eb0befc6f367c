"""Sends planned deliveries, one batch at a time.

    1. claim    a batch under a lease, decided on and pinned, in one transaction: see `claimer`
    2. send     one message after the other: write it, hand it over, journal its start and reply; no open transaction
    3. settle   the whole batch in one transaction (failures in one each), then close the lease in the journal

Every UPDATE carries the lease. A worker that was too slow matches no row and walks away. Step 3 happens whatever goes
wrong in step 2: messages not begun go back to planned, known results are recorded, and messages that were begun
without a known result become unknown.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database, DatabaseAway
from rugcourse.db.models import DeliveryQueue, DeliveryState
from rugcourse.db.queries import claims, results, sending_holds
from rugcourse.db.queries.results import Settlement
from rugcourse.db.queries.sending_holds import ALL, domain_key
from rugcourse.delivery import holds, retry
from rugcourse.delivery.claimer import Batch, Claimer
from rugcourse.delivery.composer import Composer, PreparedMessage
from rugcourse.delivery.failures import OnRejection, settle_failure
from rugcourse.delivery.journal import Journal, JournalError
from rugcourse.delivery.smtp import Accepted, Deferred, Envelope, Outcome, Rejected, ServerUnavailable, Unknown
from rugcourse.emails.templates import TemplateError
from rugcourse.links import MailRef
from rugcourse.metrics import instruments

log = structlog.get_logger()

_INTERRUPTED = "its worker was interrupted before the server answered"

_POLICY = re.compile(r"^5\d\d[ -]5\.7\.\d+\b")  # RFC 3463: security or policy status


class MailTransport(Protocol):
    """A connection to a mail server, see `smtp.Connection`."""

    eight_bit: bool
    alive: bool

    def send(
        self, envelope: Envelope, message: bytes, begin: Callable[[], None], upcoming: Envelope | None = None
    ) -> Outcome: ...

    def quit(self) -> None: ...


Connect = Callable[[], MailTransport]


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """Timeout and retries. `timeout_seconds`: wall-clock seconds, see `Clock.span`."""

    timeout_seconds: float
    max_attempts: int


class Dispatcher:
    """Sends batches for one worker process. Each thread has its own connection.

    Set `stopping` to end batches after the current message; the rest goes back to planned.
    """

    def __init__(  # noqa: PLR0913 - called in one place only, the bootstrap
        self,
        *,
        database: Database,
        clock: Clock,
        claimer: Claimer,
        composer: Composer,
        journal: Journal,
        connect: Connect,
        return_path: Callable[[MailRef], str],
        on_rejection: OnRejection,
        policy: SendPolicy,
    ) -> None:
        """`on_rejection` is called for each failed delivery, in the transaction that records the failure."""
        self._database = database
        self._clock = clock
        self._claimer = claimer
        self._composer = composer
        self._journal = journal
        self._connect = connect
        self._return_path = return_path
        self._follow_up = on_rejection
        self._policy = policy
        self._of_thread = threading.local()
        self._connections: list[MailTransport] = []
        self._under_way = 0
        self._ended = threading.Condition()
        self.stopping = threading.Event()

    def send_batch(self, queue: DeliveryQueue) -> int:
        """Send up to one batch of a queue; returns how many deliveries were considered.

        Returns 0, and sends nothing, if the journal can't be written. Raises DatabaseAway.
        """
        with self._batch_under_way():
            try:
                return self._send_batch(queue)
            except JournalError as error:
                log.error("journal_not_writable", error=str(error))  # noqa: TRY400 - no trace
                return 0

    def close(self) -> None:
        """Wait for the messages being sent, then close the connections of all threads and the journal.

        Does not wait longer than the timeout of one message: the journal tells the next worker about it.
        """
        self.stopping.set()
        with self._ended:
            longest = retry.SILENT_TIMEOUTS * self._policy.timeout_seconds
            if not self._ended.wait_for(lambda: self._under_way == 0, longest):
                log.warning("mail_server_silent")
                return
        for connection in self._connections:
            connection.quit()
        self._journal.close()

    @contextmanager
    def _batch_under_way(self) -> Iterator[None]:
        with self._ended:
            self._under_way += 1
        try:
            yield
        finally:
            with self._ended:
                self._under_way -= 1
                self._ended.notify_all()

    def _send_batch(self, queue: DeliveryQueue) -> int:
        if self.stopping.is_set() or not self._is_ready(queue):
            return 0
        batch = self._claimer.claim(queue)
        if batch is None:
            return 0
        try:
            for number, (one, upcoming) in enumerate(pairwise([*batch.drafts, None])):
                if one is None or self.stopping.is_set() or self._runs_short(batch, is_first=number == 0):
                    break
                if one.domain not in batch.refusing:
                    self._send(batch, one, upcoming)
        except ServerUnavailable as error:
            batch.unavailable = error
        finally:
            self._settle(batch)
        return batch.seen

    def _is_ready(self, queue: DeliveryQueue) -> bool:
        """Whether this thread is connected. Connects if there is something to send.

        Connecting can take long, so it comes before the claim.
        """
        if self._has_connection():
            return True
        if not self._claimer.is_waiting(queue):
            return False
        try:
            self._connection()
        except ServerUnavailable as error:
            with self._database.write() as session:
                self._hold_all(session, error)
            return False
        return True

    def _send(self, batch: Batch, one: PreparedMessage, upcoming: PreparedMessage | None) -> None:
        try:
            outcome = self._hand_over(batch, one, upcoming)
        except TemplateError as error:
            batch.broken[one.id] = str(error)  # does not block other messages
            return
        settlement = self._judge(batch, one, outcome)
        is_first = settlement.state == DeliveryState.ACCEPTED and not one.job.attempts
        due_at = one.job.due_at if is_first else None
        instruments.count_delivery(one.job.kind, settlement.state, due_at=due_at, now=self._clock.now())
        batch.settlements.append(settlement)  # before the journal: if that can't be written, the result is not lost
        self._journal.reply(batch.lease, one.id, settlement.state, settlement.reply)

    def _hand_over(self, batch: Batch, one: PreparedMessage, upcoming: PreparedMessage | None) -> Outcome:
        """Try once, and again on a new connection if the old one turned out to be closed."""
        fresh = not self._has_connection()
        connection = self._connection()
        outcome = self._try(connection, batch, one, upcoming)
        if isinstance(outcome, Deferred) and not connection.alive and not fresh:
            outcome = self._try(self._connection(), batch, one, upcoming)
        return outcome

    def _try(
        self, connection: MailTransport, batch: Batch, one: PreparedMessage, upcoming: PreparedMessage | None
    ) -> Outcome:
        message = self._write(one, eight_bit=connection.eight_bit)

        def begin() -> None:
            self._journal.begin(batch.lease, one.id)
            batch.begun.add(one.id)

        begun = time.perf_counter()
        outcome = connection.send(self._envelope(one), message, begin, self._envelope(upcoming) if upcoming else None)
        instruments.measure_smtp(outcome.reply, time.perf_counter() - begun)
        return outcome

    def _write(self, one: PreparedMessage, *, eight_bit: bool) -> bytes:
        """Write a message. Raises TemplateError for any error."""
        try:
            return self._composer.write(one, self._clock.now(), eight_bit=eight_bit)
        except TemplateError:
            raise
        except Exception as error:
            raise TemplateError(f"{one.job.kind}: {error!r}") from error

    def _envelope(self, one: PreparedMessage) -> Envelope:
        return Envelope(self._return_path(one.job.ref), one.recipient)

    def _judge(self, batch: Batch, one: PreparedMessage, outcome: Outcome) -> Settlement:
        """Translate an outcome into a settlement for the ledger."""
        last = one.job.attempts + 1 >= self._policy.max_attempts
        reply = _without_address(outcome.reply, one.recipient)
        match outcome:
            case Accepted():
                state = DeliveryState.ACCEPTED
            case Unknown():
                state = DeliveryState.UNKNOWN
            case Rejected() if not last and _POLICY.match(outcome.reply):
                batch.refusing[one.domain] = reply
                return self._again(one, reply)
            case Deferred() if not last:
                return self._again(one, reply)
            case Rejected() | Deferred():
                state = DeliveryState.FAILED
        return Settlement(one.id, state, reply)

    def _again(self, one: PreparedMessage, reply: str) -> Settlement:
        wait = retry.BACKOFF_SECONDS[min(one.job.attempts, len(retry.BACKOFF_SECONDS) - 1)]
        wait *= random.uniform(1 - retry.JITTER, 1 + retry.JITTER)  # noqa: S311 - no secret
        retry_at = self._clock.now() + self._clock.span(wait)
        return Settlement(one.id, DeliveryState.PLANNED, reply, retry_at)

    def _settle(self, batch: Batch) -> None:
        """Record how each delivery ended; those never begun go back to planned.

        Waits while the database is away, so that no result is lost. If the process ends, the journal has the results.
        """
        while True:
            try:
                for failure in batch.failures:
                    with self._database.write() as session:
                        settle_failure(session, batch.lease, failure, self._clock.now(), self._follow_up)
                with self._database.write_batch() as session:
                    self._write_down(session, batch)
            except DatabaseAway as error:
                log.warning("batch_waits_for_database", error=str(error))
                if self.stopping.wait(retry.DATABASE_SECONDS):
                    raise
            else:
                break
        self._journal.done(batch.lease)

    def _write_down(self, session: Session, batch: Batch) -> None:
        now = self._clock.now()
        others = [one for one in batch.settlements if one.state != DeliveryState.FAILED]
        results.record_results(session, batch.lease, others, now)
        results.mark_unknown(session, batch.lease, sorted(batch.maybe_sent), now, _INTERRUPTED)
        again_at = now + self._clock.span(retry.BROKEN_MAIL_SECONDS)
        for delivery_id, reason in batch.broken.items():
            log.error("mail_not_rendered", delivery_id=delivery_id, error=reason)
            claims.return_to_planned(session, batch.lease, [delivery_id], again_at, reason)
        why = str(batch.unavailable or "not begun before its worker had to stop")
        claims.return_to_planned(session, batch.lease, batch.not_started, now, why)
        claims.release(session, batch.lease)
        if batch.stale:
            self._lift(session, batch)
        for domain, words in batch.refusing.items():
            holds.hold_domain(session, self._clock, domain, words)
        if batch.unavailable is not None:
            self._hold_all(session, batch.unavailable)

    def _lift(self, session: Session, batch: Batch) -> None:
        """Remove the expired holds of domains that accepted mail, and the one of everything."""
        accepted = {one.delivery_id for one in batch.settlements if one.state == DeliveryState.ACCEPTED}
        if not accepted:
            return
        over = {ALL} | {domain_key(one.domain) for one in batch.drafts if one.id in accepted}
        for key in sending_holds.release_holds(session, batch.stale & over, also_of_operators=False):
            log.warning("sending_resumed", what=key)

    def _hold_all(self, session: Session, error: ServerUnavailable) -> None:
        holds.hold(session, ALL, str(error), self._clock.now(), *self._spans(retry.SERVER_HOLD_SECONDS))

    def _spans(self, seconds: tuple[float, float]) -> tuple[timedelta, timedelta]:
        return self._clock.span(seconds[0]), self._clock.span(seconds[1])

    def _runs_short(self, batch: Batch, *, is_first: bool) -> bool:
        """Whether one more message could outlast the lease, if the server used up all timeouts.

        For the first message the lease only has to be valid: if it is too short for one message, nothing would ever be
        sent.
        """
        if is_first:
            return self._clock.now() >= batch.until
        longest = self._clock.span(retry.SILENT_TIMEOUTS * self._policy.timeout_seconds)
        return self._clock.now() + longest >= batch.until

    def _has_connection(self) -> bool:
        connection: MailTransport | None = getattr(self._of_thread, "connection", None)
        return connection is not None and connection.alive

    def _connection(self) -> MailTransport:
        """Return this thread's connection, and open it if needed. Raises ServerUnavailable."""
        if not self._has_connection():
            self._of_thread.connection = self._connect()
            self._connections = [one for one in self._connections if one.alive] + [self._of_thread.connection]
        connection: MailTransport = self._of_thread.connection
        return connection


def _without_address(words: str, recipient: str) -> str:
    """Remove the recipient from a server's reply: erased people must not live on in journals and logs."""
    return re.sub(re.escape(recipient), "(address)", words, flags=re.IGNORECASE) if "@" in words else words
