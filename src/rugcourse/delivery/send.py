"""Sends what is planned, one batch at a time.

    1. claim    a batch of planned deliveries under a lease, in one transaction
    2. write    each message, from mails that are compiled already; a connection to the server is open by then
    3. submit   in one transaction: look again whether the reader wants it, pin what exactly is sent
    4. send     message by message, each beginning and each answer journalled, no transaction open
    5. settle   the whole batch in one transaction, then close the lease in the journal

Every UPDATE carries the lease. A worker that was too slow finds that nothing matches any more, and walks away.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.delivery.compose import Composed, Composer, Particulars
from rugcourse.delivery.journal import Journal
from rugcourse.delivery.press import Prepared, Press
from rugcourse.delivery.smtp import Accepted, Connection, Deferred, Outcome, Rejected, ServerUnavailable, Unknown
from rugcourse.learning.recaps import Reading, due_recaps
from rugcourse.rendering.letters import TemplateError
from rugcourse.store import deliveries, enrolments
from rugcourse.store.database import Database
from rugcourse.store.deliveries import Outgoing, Settlement
from rugcourse.store.tables import DeliveryKind, DeliveryState, Queue

log = structlog.get_logger()

BATCH = 50
_SERVER_REST_SECONDS = 30.0  # how long nothing is tried after the server refused everything
_BROKEN_MAIL_REST_SECONDS = 600.0
_BACKOFF_SECONDS = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0)


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient sending is. All of it is the machine's time, see `Clock.span`."""

    lease_seconds: float
    timeout_seconds: float
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a batch until an instant (UTC)."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A claimed delivery with all that its message is made of."""

    outgoing: Outgoing
    prepared: Prepared
    particulars: Particulars


@dataclass(frozen=True, slots=True)
class Written:
    """A claimed delivery and its message."""

    outgoing: Outgoing
    composed: Composed


class Dispatcher:
    """Sends batches for one worker process. Each thread that uses it has a connection of its own.

    Set `stopping` to let batches end after the message that is under way; the rest goes back to planned.
    """

    def __init__(  # noqa: PLR0913 - put together in one place, the runtime
        self,
        *,
        database: Database,
        clock: Clock,
        press: Press,
        composer: Composer,
        journal: Journal,
        connect: Callable[[], Connection],
        sender: str,
        policy: Policy,
    ) -> None:
        self._database = database
        self._clock = clock
        self._press = press
        self._composer = composer
        self._journal = journal
        self._connect = connect
        self._sender = sender
        self._policy = policy
        self._of_thread = threading.local()
        self._connections: list[Connection] = []
        self._resting_until = clock.now()
        self.stopping = threading.Event()

    def send_batch(self, queue: Queue) -> int:
        """Send up to one batch of a queue; returns how many deliveries were claimed for it."""
        if self.stopping.is_set() or self._clock.now() < self._resting_until:
            return 0
        lease = Lease(secrets.token_hex(16), self._clock.now() + self._clock.span(self._policy.lease_seconds))
        drafts = self._claim(queue, lease)
        if not drafts:
            return 0
        try:
            wanted = self._submit(lease, self._write(lease, drafts))
        except ServerUnavailable as error:
            self._rest(lease, error)
            return 0
        if wanted:
            self._send_and_settle(lease, wanted)
        return len(drafts)

    def close(self) -> None:
        """End the connections of all threads and the journal."""
        for connection in self._connections:
            connection.quit()
        self._journal.close()

    def _claim(self, queue: Queue, lease: Lease) -> list[Draft]:
        """Take a batch and read all that its messages need."""
        now = self._clock.now()
        with self._database.write() as session:
            ids = deliveries.claim(session, queue, lease.token, now, lease.until, BATCH)
            outgoing = deliveries.load_outgoing(session, ids)
        if not outgoing:
            return []
        with self._database.read() as session:
            prepared = self._prepare(session, lease, outgoing)
            recaps = due_recaps(session, _readings(outgoing, prepared), now)
            dues = enrolments.next_dues(session, [one.id for one in outgoing if one.kind == DeliveryKind.WELCOME])
        return [
            Draft(one, prepared[one.id], Particulars(recaps.get(one.id), dues.get(one.id)))
            for one in outgoing
            if one.id in prepared
        ]

    def _prepare(self, session: Session, lease: Lease, outgoing: Sequence[Outgoing]) -> dict[int, Prepared]:
        prepared = {}
        for one in outgoing:
            try:
                prepared[one.id] = self._press.prepare(session, one)
            except TemplateError as error:
                self._put_aside(lease, one, error)
        return prepared

    def _write(self, lease: Lease, drafts: Sequence[Draft]) -> list[Written]:
        """The messages of a batch. Raises ServerUnavailable: how they are written depends on what the server takes."""
        eight_bit = self._connection().eight_bit
        now = self._clock.now()
        written = []
        for draft in drafts:
            try:
                composed = self._composer.compose(
                    draft.outgoing, draft.prepared, draft.particulars, now, eight_bit=eight_bit
                )
            except TemplateError as error:
                self._put_aside(lease, draft.outgoing, error)
            else:
                written.append(Written(draft.outgoing, composed))
        return written

    def _submit(self, lease: Lease, written: Sequence[Written]) -> list[Written]:
        """Those of the batch that may really go, in state `submitting` from here on."""
        if not written:
            return []
        now = self._clock.now()
        with self._database.write() as session:
            submitted = deliveries.submit(session, lease.token, [one.composed.pin for one in written], now)
            if len(submitted) < len(written):
                deliveries.cancel_unwanted(session, lease.token, [one.outgoing.id for one in written], now)
            # Before the commit: were it after, a death between the two would leave submissions nobody knows about.
            self._journal.submit(lease.token, sorted(submitted))
        return [one for one in written if one.outgoing.id in submitted]

    def _send_and_settle(self, lease: Lease, wanted: Sequence[Written]) -> None:
        settlements: list[Settlement] = []
        try:
            for one in wanted:
                if self.stopping.is_set() or self._runs_short(lease):
                    break
                settlements.append(self._send(lease, one))
        except ServerUnavailable as error:
            self._settle(lease, settlements)
            self._rest(lease, error)
        else:
            self._settle(lease, settlements)
        self._journal.done(lease.token)

    def _send(self, lease: Lease, one: Written) -> Settlement:
        outcome = self._hand_over(lease, one)
        settlement = self._judge(one, outcome)
        self._journal.reply(lease.token, one.outgoing.id, settlement.state, settlement.reply)
        return settlement

    def _hand_over(self, lease: Lease, one: Written) -> Outcome:
        """One try, or a second on a new connection where an old one turned out to be closed."""
        fresh = not self._has_connection()
        connection = self._connection()
        outcome = self._try(connection, lease, one)
        if isinstance(outcome, Deferred) and not connection.alive and not fresh:
            outcome = self._try(self._connection(), lease, one)
        return outcome

    def _try(self, connection: Connection, lease: Lease, one: Written) -> Outcome:
        return connection.send(
            self._sender,
            one.composed.recipient,
            one.composed.message,
            lambda: self._journal.begin(lease.token, one.outgoing.id),
        )

    def _judge(self, one: Written, outcome: Outcome) -> Settlement:
        """What an outcome means for the ledger."""
        match outcome:
            case Accepted():
                state = DeliveryState.ACCEPTED
            case Rejected():
                state = DeliveryState.FAILED
            case Unknown():
                state = DeliveryState.UNKNOWN
            case Deferred() if one.outgoing.attempts + 1 >= self._policy.max_attempts:
                state = DeliveryState.FAILED
            case Deferred():
                wait = _BACKOFF_SECONDS[min(one.outgoing.attempts, len(_BACKOFF_SECONDS) - 1)]
                retry_at = self._clock.now() + self._clock.span(wait)
                return Settlement(one.outgoing.id, DeliveryState.PLANNED, outcome.reply, retry_at)
        return Settlement(one.outgoing.id, state, outcome.reply)

    def _settle(self, lease: Lease, settlements: Sequence[Settlement]) -> None:
        """Write down how each one ended; what was never begun goes back to planned."""
        now = self._clock.now()
        with self._database.write() as session:
            deliveries.settle(session, lease.token, settlements, now)
            deliveries.give_back(session, lease.token, now, "not begun before its worker had to stop")

    def _rest(self, lease: Lease, error: ServerUnavailable) -> None:
        """The server serves nobody now: give the batch back, and let everything wait. No delivery is to blame."""
        self._resting_until = self._clock.now() + self._clock.span(_SERVER_REST_SECONDS)
        with self._database.write() as session:
            deliveries.give_back(session, lease.token, self._resting_until, str(error))
        log.error("mail server unavailable, sending rests", seconds=_SERVER_REST_SECONDS, error=str(error))

    def _put_aside(self, lease: Lease, one: Outgoing, error: TemplateError) -> None:
        """A mail that can't be made holds up nothing but itself, and is looked at again when it may be mended."""
        again_at = self._clock.now() + self._clock.span(_BROKEN_MAIL_REST_SECONDS)
        with self._database.write() as session:
            deliveries.give_back(session, lease.token, again_at, str(error), [one.id])
        log.error("a mail can't be made", delivery=one.id, kind=one.kind, error=str(error))

    def _runs_short(self, lease: Lease) -> bool:
        """One more message could outlast the lease, if the server fell silent at every step."""
        return self._clock.now() + self._clock.span(2 * self._policy.timeout_seconds) >= lease.until

    def _has_connection(self) -> bool:
        connection: Connection | None = getattr(self._of_thread, "connection", None)
        return connection is not None and connection.alive

    def _connection(self) -> Connection:
        """This thread's connection, opened when there is none. Raises ServerUnavailable."""
        if not self._has_connection():
            self._of_thread.connection = self._connect()
            self._connections = [one for one in self._connections if one.alive] + [self._of_thread.connection]
        connection: Connection = self._of_thread.connection
        return connection


def _readings(outgoing: Sequence[Outgoing], prepared: dict[int, Prepared]) -> dict[int, Reading]:
    readings = {}
    for one in outgoing:
        mail = prepared.get(one.id)
        if mail is not None and mail.lesson is not None:
            readings[one.id] = Reading(one.subscriber_id, one.course_id, mail.course, mail.lesson, mail.language)
    return readings
