"""Sends what is due, each endpoint on its own, so that a slow one holds up nobody else.

    1. claim    a batch for one endpoint under a lease, at most one event about each person
    2. send     some at a time; after the first sign that nobody is there, no more are begun
    3. settle   the batch in one transaction, and what it says about the endpoint

A worker that dies leaves its batch to whoever looks after the lease. Nothing is lost; some may be sent again.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database, DatabaseAway
from rugcourse.db.models import DisabledReason, WebhookState
from rugcourse.db.queries import webhook_deliveries, webhook_endpoints
from rugcourse.db.queries.webhook_deliveries import ClaimedEvent, WebhookResult
from rugcourse.outgoing_webhooks.connection import TOTAL_SECONDS, WebhookAnswer, WebhookClient
from rugcourse.outgoing_webhooks.endpoints import usable_secrets
from rugcourse.outgoing_webhooks.messages import body_of, headers_of, message_id
from rugcourse.outgoing_webhooks.networks import Network
from rugcourse.secret_box import SecretBox

log = structlog.get_logger()

# Waits after a failed attempt (https://www.standardwebhooks.com): ten attempts in a little over three days.
BACKOFF_SECONDS = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
JITTER = 0.2  # fraction of a wait, in both directions
# An endpoint that took nothing of a batch is left alone; then one event shows whether it is back.
REST_SECONDS = (5.0, 30.0, 120.0, 300.0)
RETRY_AFTER_SECONDS = (1.0, 86_400.0)  # what an endpoint may ask for
DISABLE_DAYS = 5  # after which an endpoint that takes nothing is disabled

BATCH = 200
TOGETHER = 10  # requests at a time to one endpoint
LEASE_SECONDS = 120.0
_LOOK_SECONDS = 0.5  # how often it looks for other endpoints while it sends
_DATABASE_THREADS = 2

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class WebhookPolicy:
    """Seconds of the machine's clock: how long a lease and a request last."""

    lease_seconds: float = LEASE_SECONDS
    total_seconds: float = TOTAL_SECONDS


@dataclass(slots=True)
class _Batch:
    """Events of one endpoint under a lease. `keys`: the secrets that sign them."""

    endpoint_id: int
    lease: str
    until: datetime
    url: str
    keys: Sequence[str]
    includes_email: bool
    events: Sequence[ClaimedEvent]
    answers: dict[int, WebhookAnswer] = field(default_factory=dict)
    nobody_there: bool = False


class WebhookDispatcher:
    """Sends what is due to all endpoints. Set `stopping` to end after the requests under way."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        secret_box: SecretBox,
        allowed: Sequence[Network] = (),
        *,
        tls: ssl.SSLContext | None = None,
        policy: WebhookPolicy | None = None,
        stopping: threading.Event | None = None,
    ) -> None:
        """`allowed`: networks that may be connected to beside public addresses; `tls`: whom to trust."""
        self._database = database
        self._clock = clock
        self._secret_box = secret_box
        self._allowed = allowed
        self._tls = tls
        self._policy = policy or WebhookPolicy()
        self.stopping = stopping or threading.Event()

    def send_due(self) -> None:
        """Send until nothing is due. Raises DatabaseAway."""
        asyncio.run(self._send_due())

    async def _send_due(self) -> None:
        """Send to each endpoint in a task of its own. An error of one is raised once the others are done."""
        client = WebhookClient(self._allowed, self._tls, total_seconds=self._policy.total_seconds)
        lanes: dict[int, asyncio.Task[None]] = {}
        ended: dict[int, float] = {}  # what is due there may wait for something earlier
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(_DATABASE_THREADS, "webhook-database") as self._threads:
            try:
                while True:
                    for endpoint_id in await self._find_work():
                        if (
                            endpoint_id not in lanes
                            and loop.time() - ended.get(endpoint_id, float("-inf")) > _LOOK_SECONDS
                        ):
                            lanes[endpoint_id] = asyncio.create_task(self._send_to(client, endpoint_id))
                    if not lanes:
                        return
                    await asyncio.wait(lanes.values(), timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                    for endpoint_id in [one for one, lane in lanes.items() if lane.done()]:
                        ended[endpoint_id] = loop.time()
                        lanes.pop(endpoint_id).result()
            finally:
                await asyncio.gather(*lanes.values(), return_exceptions=True)
                await client.close()

    async def _find_work(self) -> list[int]:
        if self.stopping.is_set():
            return []

        def find() -> list[int]:
            with self._database.read() as session:
                return webhook_deliveries.endpoints_with_work(session, self._now())

        return await asyncio.get_running_loop().run_in_executor(self._threads, find)

    async def _send_to(self, client: WebhookClient, endpoint_id: int) -> None:
        """Send batches to one endpoint until nothing is due there, or it takes nothing."""
        while not self.stopping.is_set():
            batch = await self._in_transaction(lambda session: self._claim(session, endpoint_id))
            if batch is None:
                return
            await self._send(client, batch)
            await self._settle_surely(batch)
            if not any(one.is_accepted for one in batch.answers.values()):
                return

    async def _in_transaction(self, work: Callable[[Session], Result]) -> Result:
        def in_thread() -> Result:
            with self._database.write_batch() as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._threads, in_thread)

    def _now(self) -> datetime:
        return self._clock.now()

    def _claim(self, session: Session, endpoint_id: int) -> _Batch | None:
        now = self._now()
        endpoint = webhook_endpoints.find(session, endpoint_id)
        if endpoint is None or not endpoint.is_enabled or (endpoint.retry_at is not None and endpoint.retry_at > now):
            return None
        lease = secrets.token_hex(16)
        until = now + self._clock.span(self._policy.lease_seconds)
        limit = 1 if endpoint.failures else BATCH
        events = webhook_deliveries.claim(session, endpoint_id, lease, now, until, limit)
        if not events:
            return None
        keys = usable_secrets(endpoint, self._secret_box, now)
        return _Batch(endpoint_id, lease, until, endpoint.url, keys, endpoint.includes_email, events)

    async def _send(self, client: WebhookClient, batch: _Batch) -> None:
        if not batch.keys:
            unsigned = WebhookAnswer(None, "its secret can't be read with RUGCOURSE_SECRET_KEYS: make a new one")
            batch.answers = {one.id: unsigned for one in batch.events}
            return
        waiting = iter(batch.events)

        async def send_some() -> None:
            for one in waiting:
                if not self._may_begin(batch):
                    return
                answer = await self._post(client, batch, one)
                batch.answers[one.id] = answer
                batch.nobody_there |= _is_unwell(answer)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(TOGETHER, len(batch.events))):
                group.create_task(send_some())

    def _may_begin(self, batch: _Batch) -> bool:
        """Whether a request would certainly end before the lease does, and is of use."""
        longest = self._clock.span(self._policy.total_seconds)
        return not (batch.nobody_there or self.stopping.is_set() or self._now() + longest >= batch.until)

    async def _post(self, client: WebhookClient, batch: _Batch, one: ClaimedEvent) -> WebhookAnswer:
        email = one.email if batch.includes_email else None
        body = body_of(one.event, one.created_at, one.subscriber_id, one.data, email)
        # The machine's time, whatever the product's clock: receivers compare it with theirs.
        headers = headers_of(message_id(one.id, one.created_at), datetime.now(UTC), body, batch.keys)
        return await client.post(batch.url, headers, body.encode())

    async def _settle_surely(self, batch: _Batch) -> None:
        """Settle a batch, also when the database is away for a moment: otherwise all of it would be sent again."""
        while True:
            try:
                await self._in_transaction(lambda session: self._settle(session, batch))
            except DatabaseAway as error:
                log.warning("webhooks_wait_for_database", error=str(error))
                if self.stopping.is_set() or self._now() >= batch.until:
                    raise
                await asyncio.sleep(1.0)
            else:
                return

    def _settle(self, session: Session, batch: _Batch) -> None:
        now = self._now()
        results = [self._judge(one, batch.answers[one.id], now) for one in batch.events if one.id in batch.answers]
        webhook_deliveries.settle(session, batch.lease, results, now)
        not_begun = [one.id for one in batch.events if one.id not in batch.answers]
        webhook_deliveries.give_back(session, batch.lease, not_begun, now)
        self._judge_endpoint(session, batch, now)

    def _judge(self, one: ClaimedEvent, answer: WebhookAnswer, now: datetime) -> WebhookResult:
        attempts = one.attempts + 1
        if answer.is_accepted:
            return WebhookResult(one.id, WebhookState.ACCEPTED, attempts, answer.status, answer.body)
        if attempts > len(BACKOFF_SECONDS):
            return WebhookResult(one.id, WebhookState.FAILED, attempts, answer.status, answer.body)
        wait = BACKOFF_SECONDS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
        again_at = now + self._clock.span(max(wait, retry_after_seconds(answer, datetime.now(UTC))))
        return WebhookResult(one.id, WebhookState.WAITING, attempts, answer.status, answer.body, again_at)

    def _judge_endpoint(self, session: Session, batch: _Batch, now: datetime) -> None:
        """Leave an endpoint alone that took nothing, and disable one that is gone or has taken nothing for days."""
        answers = batch.answers.values()
        is_gone = any(one.status == 410 for one in answers)
        is_well = any(one.is_accepted for one in answers)
        asked = max((retry_after_seconds(one, datetime.now(UTC)) for one in answers), default=0.0)
        if not batch.answers:
            return
        endpoint = webhook_endpoints.find(session, batch.endpoint_id, lock=True)
        if endpoint is None or not endpoint.is_enabled:
            return
        if is_gone:
            webhook_endpoints.disable(endpoint, DisabledReason.GONE)
        elif is_well:
            if endpoint.failures or endpoint.failing_since:
                webhook_endpoints.mark_success(endpoint)
            if asked:
                endpoint.retry_at = now + self._clock.span(asked)
        else:
            rest = REST_SECONDS[min(endpoint.failures, len(REST_SECONDS) - 1)]
            webhook_endpoints.mark_failure(endpoint, now, now + self._clock.span(max(rest, asked)))
            if endpoint.failing_since and now - endpoint.failing_since >= timedelta(days=DISABLE_DAYS):
                webhook_endpoints.disable(endpoint, DisabledReason.FAILING)
        if not endpoint.is_enabled:
            log.error("webhook_endpoint_disabled", endpoint_id=endpoint.id, reason=endpoint.disabled_reason)


def _is_unwell(answer: WebhookAnswer) -> bool:
    """Whether an answer is about the endpoint rather than the event."""
    status = answer.status
    return status is None or status >= 500 or status in {410, 429}


def retry_after_seconds(answer: WebhookAnswer, at: datetime) -> float:
    """Return how long an answer asks to wait (Retry-After, RFC 9110), within bounds; 0 if it does not say.

    `at`: the machine's time.
    """
    asked = answer.retry_after.strip()
    if not asked or answer.is_accepted:
        return 0.0
    if asked.isascii() and asked.isdigit():
        seconds = float(asked)
    else:
        try:
            until = parsedate_to_datetime(asked)
        except ValueError:
            return 0.0
        seconds = (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - at.timestamp()
    least, most = RETRY_AFTER_SECONDS
    return min(max(seconds, least), most)
