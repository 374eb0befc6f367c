"""Sends what is planned, one batch at a time.

    1. claim    a batch of planned deliveries under a lease, in one transaction; holds and limits decide how many
    2. write    each message, from mails that are compiled already; a connection to the server is open by then
    3. submit   in one transaction: look again whether the reader wants it, pin what exactly is sent
    4. send     message by message, each beginning and each answer journalled, no transaction open
    5. settle   the whole batch in one transaction, then close the lease in the journal

Every UPDATE carries the lease. A worker that was too slow finds that nothing matches any more, and walks away. Whatever
goes wrong between 1 and 5, 5 happens: what was not begun goes back, and what is known is written down.
"""

from __future__ import annotations

import random
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.delivery import pace
from rugcourse.delivery.compose import Composed, Composer, Particulars
from rugcourse.delivery.journal import Journal
from rugcourse.delivery.pace import Limits
from rugcourse.delivery.press import Prepared, Press
from rugcourse.delivery.smtp import Accepted, Connection, Deferred, Outcome, Rejected, ServerUnavailable, Unknown
from rugcourse.learning.recaps import Reading, due_recaps
from rugcourse.rendering.letters import TemplateError
from rugcourse.store import deliveries, enrolments, pacing
from rugcourse.store.database import Database, DatabaseAway
from rugcourse.store.deliveries import Outgoing, Settlement
from rugcourse.store.pacing import ALL, domain_key
from rugcourse.store.tables import DeliveryKind, DeliveryState, Queue

log = structlog.get_logger()

BATCH = 200
_BROKEN_MAIL_REST_SECONDS = 600.0
_BACKOFF_SECONDS = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0)
_JITTER = 0.2  # of a wait, to either side: what failed together doesn't come back together
_DATABASE_REST_SECONDS = 1.0

# How long sending is held when the server serves nobody, and a domain when it refuses us for what we are.
_SERVER_HOLD_SECONDS = (30.0, 300.0)
_POLICY_HOLD_SECONDS = (3600.0, 86_400.0)
_POLICY = re.compile(r"^5\d\d[ -]5\.7\.\d+\b")  # RFC 3463: security or policy status


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient sending is. All of it is the machine's time, see `Clock.span`."""

    lease_seconds: float
    timeout_seconds: float
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Written:
    """A claimed delivery and its message."""

    outgoing: Outgoing
    composed: Composed


@dataclass(slots=True)
class Batch:
    """Claimed deliveries, and what has become of them so far. The lease holds until an instant (UTC).

    `stale`: holds that end when mail gets through. `broken`: ids of mails that can't be made. `refusing`: domains that
    refuse our mail as a matter of policy, with their words.
    """

    lease: str
    until: datetime
    outgoing: list[Outgoing]
    stale: frozenset[str]
    settlements: list[Settlement] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    refusing: dict[str, str] = field(default_factory=dict)
    unavailable: ServerUnavailable | None = None

    @property
    def ids(self) -> list[int]:
        return [one.id for one in self.outgoing]


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
        limits: Limits,
    ) -> None:
        self._database = database
        self._clock = clock
        self._press = press
        self._composer = composer
        self._journal = journal
        self._connect = connect
        self._sender = sender
        self._policy = policy
        self._limits = limits
        self._of_thread = threading.local()
        self._connections: list[Connection] = []
        self.stopping = threading.Event()

    def send_batch(self, queue: Queue) -> int:
        """Send up to one batch of a queue; returns how many deliveries were claimed for it. Raises DatabaseAway."""
        if self.stopping.is_set():
            return 0
        batch = self._claim(queue)
        if batch is None:
            return 0
        try:
            submitted = self._submit(batch, list(self._write(batch)))
            for one, upcoming in pairwise([*submitted, None]):
                if one is None or self.stopping.is_set() or self._runs_short(batch):
                    break
                if _domain(one.outgoing.email) not in batch.refusing:
                    batch.settlements.append(self._send(batch, one, upcoming))
        except ServerUnavailable as error:
            batch.unavailable = error
        finally:
            self._settle(batch)
        return len(batch.outgoing)

    def close(self) -> None:
        """End the connections of all threads and the journal."""
        for connection in self._connections:
            connection.quit()
        self._journal.close()

    def _claim(self, queue: Queue) -> Batch | None:
        """Take a batch, if there is something that may go."""
        now = self._clock.now()
        lease, until = secrets.token_hex(16), now + self._clock.span(self._policy.lease_seconds)
        with self._database.write() as session:
            gate = pace.open_gate(session, self._limits, self._clock)
            if gate.closed:
                return None
            held = gate.held | (gate.exhausted() if queue == Queue.LESSONS else set())
            candidates = deliveries.candidates(session, queue, now, BATCH, held)
            ids = deliveries.claim(session, lease, until, gate.admit(queue, candidates))
            pacing.save_buckets(session, gate.buckets)
            outgoing = deliveries.load_outgoing(session, ids)
        return Batch(lease, until, outgoing, frozenset(gate.stale)) if outgoing else None

    def _write(self, batch: Batch) -> Iterator[Written]:
        """The messages of a batch. Raises ServerUnavailable: how they are written depends on what the server takes."""
        eight_bit = self._connection().eight_bit
        now = self._clock.now()
        with self._database.read() as session:
            prepared = self._prepare(session, batch)
            recaps = due_recaps(session, _readings(batch.outgoing, prepared), now)
            welcomes = [one.id for one in batch.outgoing if one.kind == DeliveryKind.WELCOME]
            dues = enrolments.next_dues(session, welcomes) if welcomes else {}
        for one in batch.outgoing:
            if one.id not in prepared:
                continue
            particulars = Particulars(recaps.get(one.id), dues.get(one.id))
            try:
                composed = self._composer.compose(one, prepared[one.id], particulars, now, eight_bit=eight_bit)
            except TemplateError as error:
                self._put_aside(batch, one, error)
            else:
                yield Written(one, composed)

    def _prepare(self, session: Session, batch: Batch) -> dict[int, Prepared]:
        prepared = {}
        for one in batch.outgoing:
            try:
                prepared[one.id] = self._press.prepare(session, one)
            except TemplateError as error:
                self._put_aside(batch, one, error)
        return prepared

    def _submit(self, batch: Batch, written: Sequence[Written]) -> list[Written]:
        """Those of the batch that may really go, in state `submitting` from here on."""
        if not written:
            return []
        now = self._clock.now()
        with self._database.write() as session:
            submitted = deliveries.submit(session, batch.lease, [one.composed.pin for one in written], now)
            if len(submitted) < len(written):
                deliveries.cancel_unwanted(session, batch.lease, [one.outgoing.id for one in written], now)
            # Before the commit: were it after, a death between the two would leave submissions nobody knows about.
            self._journal.submit(batch.lease, sorted(submitted))
        return [one for one in written if one.outgoing.id in submitted]

    def _send(self, batch: Batch, one: Written, upcoming: Written | None) -> Settlement:
        outcome = self._hand_over(batch, one, upcoming)
        settlement = self._judge(batch, one, outcome)
        self._journal.reply(batch.lease, one.outgoing.id, settlement.state, settlement.reply)
        return settlement

    def _hand_over(self, batch: Batch, one: Written, upcoming: Written | None) -> Outcome:
        """One try, or a second on a new connection where an old one turned out to be closed."""
        fresh = not self._has_connection()
        connection = self._connection()
        outcome = self._try(connection, batch, one, upcoming)
        if isinstance(outcome, Deferred) and not connection.alive and not fresh:
            outcome = self._try(self._connection(), batch, one, upcoming)
        return outcome

    def _try(self, connection: Connection, batch: Batch, one: Written, upcoming: Written | None) -> Outcome:
        return connection.send(
            self._sender,
            one.composed.recipient,
            one.composed.message,
            lambda: self._journal.begin(batch.lease, one.outgoing.id),
            upcoming.composed.recipient if upcoming else None,
        )

    def _judge(self, batch: Batch, one: Written, outcome: Outcome) -> Settlement:
        """What an outcome means for the ledger."""
        last = one.outgoing.attempts + 1 >= self._policy.max_attempts
        match outcome:
            case Accepted():
                state = DeliveryState.ACCEPTED
            case Unknown():
                state = DeliveryState.UNKNOWN
            case Rejected() if not last and _POLICY.match(outcome.reply):
                batch.refusing[_domain(one.outgoing.email)] = outcome.reply
                return self._again(one, outcome.reply)
            case Deferred() if not last:
                return self._again(one, outcome.reply)
            case Rejected() | Deferred():
                state = DeliveryState.FAILED
        return Settlement(one.outgoing.id, state, outcome.reply)

    def _again(self, one: Written, reply: str) -> Settlement:
        wait = _BACKOFF_SECONDS[min(one.outgoing.attempts, len(_BACKOFF_SECONDS) - 1)]
        wait *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
        retry_at = self._clock.now() + self._clock.span(wait)
        return Settlement(one.outgoing.id, DeliveryState.PLANNED, reply, retry_at)

    def _settle(self, batch: Batch) -> None:
        """Write down how each one ended; what was never begun goes back to planned.

        While the database is away this waits: what is known must not be lost. Should the process end meanwhile, the
        journal still has it.
        """
        while True:
            try:
                with self._database.write() as session:
                    self._write_down(session, batch)
            except DatabaseAway as error:
                log.warning("the database is away; a batch waits to be settled", error=str(error))
                if self.stopping.wait(_DATABASE_REST_SECONDS):
                    raise
            else:
                break
        self._journal.done(batch.lease)

    def _write_down(self, session: Session, batch: Batch) -> None:
        now = self._clock.now()
        deliveries.settle(session, batch.lease, batch.settlements, now)
        again_at = now + self._clock.span(_BROKEN_MAIL_REST_SECONDS)
        for delivery_id, reason in batch.broken.items():
            deliveries.give_back(session, batch.lease, [delivery_id], again_at, reason)
        if len(batch.settlements) + len(batch.broken) < len(batch.outgoing):
            why = str(batch.unavailable or "not begun before its worker had to stop")
            deliveries.give_back(session, batch.lease, batch.ids, now, why)
        deliveries.release(session, batch.lease)
        if batch.stale:
            self._lift(session, batch)
        for domain, words in batch.refusing.items():
            pace.hold(session, domain_key(domain), words, now, *self._spans(_POLICY_HOLD_SECONDS))
        if batch.unavailable is not None:
            pace.hold(session, ALL, str(batch.unavailable), now, *self._spans(_SERVER_HOLD_SECONDS))

    def _lift(self, session: Session, batch: Batch) -> None:
        """Mail got through, so the holds that only waited for that are over."""
        accepted = {one.delivery_id for one in batch.settlements if one.state == DeliveryState.ACCEPTED}
        if not accepted:
            return
        over = {ALL} | {domain_key(_domain(one.email)) for one in batch.outgoing if one.id in accepted}
        for key in pacing.lift_holds(session, batch.stale & over, also_of_operators=False):
            log.warning("sending goes on", what=key)

    def _spans(self, seconds: tuple[float, float]) -> tuple[timedelta, timedelta]:
        return self._clock.span(seconds[0]), self._clock.span(seconds[1])

    def _put_aside(self, batch: Batch, one: Outgoing, error: TemplateError) -> None:
        """A mail that can't be made holds up nothing but itself, and is looked at again when it may be mended."""
        batch.broken[one.id] = str(error)
        log.error("a mail can't be made", delivery=one.id, kind=one.kind, error=str(error))

    def _runs_short(self, batch: Batch) -> bool:
        """One more message could outlast the lease, if the server fell silent at every step."""
        return self._clock.now() + self._clock.span(2 * self._policy.timeout_seconds) >= batch.until

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


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
