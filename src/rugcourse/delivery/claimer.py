"""Claims a batch of planned deliveries for one worker to send.

One transaction does it all: it applies holds and limits, decides on each message, and claims with one UPDATE those
that their readers still want. From its commit on they are `submitting` under a lease, and pinned: it is fixed what
exactly is sent, and under which Message-ID.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.content import Question
from rugcourse.db.engine import Database, DatabaseAway
from rugcourse.db.models import FIRST_MAIL, DeliveryKind, DeliveryQueue, DeliveryState
from rugcourse.db.queries import cancellations, claims, delivery_planning, due_enrolments, sending_holds, subscribers
from rugcourse.db.queries.claims import DeliveryJob
from rugcourse.db.queries.results import Settlement
from rugcourse.delivery import holds, rate_limits, retry
from rugcourse.delivery.composer import Composer, Personalisation, PreparedMessage
from rugcourse.delivery.journal import Journal
from rugcourse.delivery.rate_limits import SendLimits
from rugcourse.delivery.smtp import ServerUnavailable
from rugcourse.delivery.template_cache import PreparedEmail, TemplateCache
from rugcourse.emails.templates import TemplateError
from rugcourse.learning.recap import UpcomingLesson, due_recaps

log = structlog.get_logger()

BATCH = 500


@dataclass(slots=True)
class Batch:
    """Deliveries under a lease, which ends at `until` (UTC), and their results so far.

    `seen`: how many deliveries were considered. `stale`: expired holds, which are removed when mail gets through.
    `broken`: ids of mails that can't be written, with the reason. `begun`: ids of mails that the server may have got.
    `refusing`: domains that refuse our mail by policy, with their reply.
    """

    lease: str
    until: datetime
    drafts: list[PreparedMessage]
    seen: int
    stale: frozenset[str]
    begun: set[int] = field(default_factory=set)
    settlements: list[Settlement] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    refusing: dict[str, str] = field(default_factory=dict)
    unavailable: ServerUnavailable | None = None

    @property
    def not_started(self) -> set[int]:
        """Ids of mails that the server certainly never got."""
        return {one.id for one in self.drafts} - self.begun - self._settled - set(self.broken)

    @property
    def maybe_sent(self) -> set[int]:
        """Ids of mails that the server may have got, with an unknown outcome."""
        return self.begun - self._settled

    @property
    def failures(self) -> list[Settlement]:
        return [one for one in self.settlements if one.state == DeliveryState.FAILED]

    @property
    def _settled(self) -> set[int]:
        return {one.delivery_id for one in self.settlements}


@dataclass(frozen=True, slots=True)
class Claimer:
    """Claims batches for one worker process."""

    database: Database
    clock: Clock
    template_cache: TemplateCache
    composer: Composer
    journal: Journal
    limits: SendLimits
    lease_seconds: float
    maybe_sent: deque[tuple[str, list[int]]] = field(default_factory=deque)  # claims whose commit was not confirmed

    def is_waiting(self, queue: DeliveryQueue) -> bool:
        """Whether there is a delivery that may go out. Cheap."""
        now = self.clock.now()
        with self.database.read() as session:
            return claims.is_waiting(session, queue, now) and not holds.is_closed(session, now)

    def claim(self, queue: DeliveryQueue) -> Batch | None:
        """Claim a batch, which is empty if no reader wants theirs any more; None if there is nothing to claim.

        Raises DatabaseAway. It is then unknown whether the claim was committed; it is returned before the next claim.
        """
        self._give_back_doubtful()
        lease = secrets.token_hex(16)
        taken: list[int] = []
        try:
            return self._claim(queue, lease, taken)
        except DatabaseAway:
            if taken:
                self.maybe_sent.append((lease, taken))
            raise

    def _claim(self, queue: DeliveryQueue, lease: str, taken: list[int]) -> Batch | None:
        """Claim a batch. Adds to `taken` the ids that are claimed if the transaction commits."""
        now = self.clock.now()
        until = now + self.clock.span(self.lease_seconds)
        with self.database.write_batch() as session:
            gate = rate_limits.load_rate_limiter(session, self.limits, self.clock)
            if gate.closed:
                return None
            held = gate.held | (gate.exhausted() if queue == DeliveryQueue.LESSONS else set())
            job = gate.admit(queue, claims.candidates(session, queue, now, BATCH, held))
            if not job:
                return None
            sending_holds.save_buckets(session, gate.buckets)
            drafts = self._draft(session, job, now)
            wanted = claims.submit(session, queue, lease, until, [one.snapshot for one in drafts], now)
            if len(wanted) < len(drafts):
                cancellations.cancel_unwanted(session, queue, [one.id for one in drafts if one.id not in wanted], now)
            # Before the commit: were it after, a death between the two would leave submissions nobody knows about.
            self.journal.submit(lease, sorted(wanted))
            taken += wanted
        return Batch(lease, until, [one for one in drafts if one.id in wanted], len(job), frozenset(gate.stale))

    def _give_back_doubtful(self) -> None:
        """Return deliveries of unconfirmed claims, which were never begun, to planned. Raises DatabaseAway."""
        while True:
            try:
                lease, ids = self.maybe_sent.popleft()  # atomic, so that each goes to one thread only
            except IndexError:
                return
            try:
                with self.database.write_batch() as session:
                    claims.return_to_planned(
                        session, lease, ids, self.clock.now(), "the database went away at its claim"
                    )
                    claims.release(session, lease)
            except DatabaseAway:
                self.maybe_sent.append((lease, ids))
                raise
            self.journal.done(lease)

    def _draft(self, session: Session, job: Sequence[DeliveryJob], now: datetime) -> list[PreparedMessage]:
        """Draft the messages. Mails that can't be drafted are postponed, so that they do not block others."""
        prepared: dict[int, PreparedEmail] = {}
        for one in job:
            try:
                prepared[one.id] = self.template_cache.prepare(session, one)
            except TemplateError as error:
                self._put_off(session, one, error, now)
        recaps = self._recaps(session, _readings(job, prepared), now)
        imported = {one.id: one.subscriber_id for one in job if one.kind == DeliveryKind.IMPORTED}
        first = [one.id for one in job if one.kind in FIRST_MAIL]
        dues = due_enrolments.next_dues(session, first) if first else {}
        agreed = subscribers.agreed_by_mail(session, imported) if imported else {}
        reminders = [one.id for one in job if one.kind == DeliveryKind.REMINDER]
        asked = delivery_planning.reminded_of(session, reminders) if reminders else {}
        return [
            self.composer.draft(
                one,
                prepared[one.id],
                Personalisation(recaps.get(one.id), dues.get(one.id), agreed.get(one.id), asked.get(one.id)),
            )
            for one in job
            if one.id in prepared
        ]

    def _recaps(
        self, session: Session, readings: Mapping[int, UpcomingLesson], now: datetime
    ) -> Mapping[int, Question]:
        """Return the recaps. If they can't be read, mails go out without one rather than not at all."""
        try:
            return due_recaps(session, readings, now)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            log.exception("recaps_not_found")
            return {}

    def _put_off(self, session: Session, one: DeliveryJob, error: TemplateError, now: datetime) -> None:
        log.error("mail_not_prepared", delivery_id=one.id, kind=one.kind, error=str(error))
        delivery_planning.postpone(session, one.id, now + self.clock.span(retry.BROKEN_MAIL_SECONDS), str(error))


def _readings(job: Sequence[DeliveryJob], prepared: Mapping[int, PreparedEmail]) -> dict[int, UpcomingLesson]:
    readings = {}
    for one in job:
        mail = prepared.get(one.id)
        if mail is not None and mail.lesson is not None:
            readings[one.id] = UpcomingLesson(one.subscriber_id, one.course_id, mail.course, mail.lesson, mail.language)
    return readings
