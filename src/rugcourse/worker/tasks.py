"""The Celery tasks: tick, deliver, nightly audit, nightly retention, and polling for bounces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial

import structlog
from celery import Celery

from rugcourse.auth import security_events
from rugcourse.bootstrap import Runtime, no_notify, rejection_handler, send_now, sender
from rugcourse.bounces import complaint_rate
from rugcourse.campaigns.ab_tests import decide_next
from rugcourse.campaigns.lifecycle import cancel_remaining, enrol_batch
from rugcourse.db import counters
from rugcourse.db.engine import DatabaseAway
from rugcourse.db.models import DeliveryQueue
from rugcourse.db.queries import deliveries
from rugcourse.delivery.claimer import BATCH
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.planner import plan_batches
from rugcourse.delivery.reconciliation import GRACE_SECONDS, Audit, audit
from rugcourse.delivery.recovery import expire_leases
from rugcourse.enrolment.reminders import plan_reminders
from rugcourse.metrics.instruments import TICKS
from rugcourse.privacy.inactivity_warnings import warn
from rugcourse.privacy.retention import Forgotten, forget
from rugcourse.privacy.subscriber_emails import ReaderNotice, compose
from rugcourse.reports.cached_stats import refresh
from rugcourse.subscribers.background_jobs import forget_abandoned, run_next_batch
from rugcourse.worker.celery_app import AUDIT, DELIVER, FORGET, POLL_BOUNCES, TICK
from rugcourse.worker.heartbeat import BrokerActivity
from rugcourse.worker.queue_slots import QueueSlots

log = structlog.get_logger()

_MOST_ENROL_BATCHES = 20  # per tick: due lessons must not wait for a million enrolments
_MOST_JOB_BATCHES = 10
_MOST_REMINDER_BATCHES = 10
_MAX_NOTIFICATIONS = 8  # more would not help: a notified thread sends until nothing is left


def register(app: Celery, runtime: Runtime, dispatcher: Dispatcher, activity: BrokerActivity) -> Callable[[], None]:
    """Register the tasks with this application only. The tick and deliver tasks update `activity`.

    Each task is one call and idempotent. Returns what a worker does when the broker is silent.
    """
    slots = QueueSlots(
        {DeliveryQueue.LESSONS: runtime.settings.worker_threads, DeliveryQueue.TRANSACTIONAL: 1},
        lambda queue: dispatcher.send_batch(queue) > 0,
    )

    @app.task(name=TICK, shared=False, lazy=False)
    def tick() -> None:
        activity.touch()
        scheduler_tick(runtime)

    @app.task(name=DELIVER, shared=False, lazy=False)
    def deliver(queue: str) -> None:
        activity.touch()
        slots.drain(DeliveryQueue(queue))

    @app.task(name=AUDIT, shared=False, lazy=False)
    def nightly_audit() -> None:
        reconcile(runtime)

    @app.task(name=FORGET, shared=False, lazy=False)
    def nightly_forgetting() -> None:
        apply_retention(runtime)

    @app.task(name=POLL_BOUNCES, shared=False, lazy=False)
    def fetch_bounces() -> None:
        poll_bounces(runtime)

    def look_and_send() -> None:
        scheduler_tick(replace(runtime, notify_worker=no_notify))
        for queue in (DeliveryQueue.TRANSACTIONAL, DeliveryQueue.LESSONS):
            slots.drain(queue)

    return look_and_send


def scheduler_tick(runtime: Runtime) -> None:
    """Expire leases, advance campaigns, plan reminders and due lessons, notify workers, refresh figures, run jobs.

    An error in one step is logged and does not affect the others.
    """
    with TICKS.time():
        _tick(runtime)


def _tick(runtime: Runtime) -> None:
    with _apart("leases"):
        expire_leases(runtime.database, runtime.clock)
    with _apart("campaigns"):
        advance_campaigns(runtime)
    with _apart("reminders"):
        remind(runtime)
    with _apart("planning"):
        plan_and_notify(runtime)
    with _apart("figures"):
        refresh(runtime.database, runtime.clock, runtime.send_window)
    with _apart("reputation"):
        complaint_rate.refresh(runtime.database, runtime.clock, runtime.complaint_limits)
    with _apart("jobs"):
        run_jobs(runtime)


@contextmanager
def _apart(step: str) -> Iterator[None]:
    """Log errors of a step. Raises DatabaseAway, as then the other steps would fail too."""
    try:
        yield
    except DatabaseAway:
        raise
    except Exception:
        log.exception("tick_step_failed", step=step)


def remind(runtime: Runtime) -> None:
    """Plan reminders to those who did not confirm, unless the settings say to send none."""
    if not runtime.settings.confirm_reminder:
        return
    for _ in range(_MOST_REMINDER_BATCHES):
        if not runtime.database.run(plan_reminders, runtime.clock.now(), runtime.signer):
            return


def plan_and_notify(runtime: Runtime) -> None:
    """Plan due lessons, and notify workers of all deliveries that may go out."""
    for batch in plan_batches(runtime.database, runtime.clock, runtime.send_window, rejection_handler(runtime)):
        if batch.planned:
            runtime.notify_worker(DeliveryQueue.LESSONS)
    with runtime.database.read() as session:
        waiting = deliveries.waiting_by_queue(session, runtime.clock.now())
    for queue, count in waiting.items():
        for _ in range(min(_MAX_NOTIFICATIONS, -(-count // BATCH))):
            runtime.notify_worker(queue)


def run_jobs(runtime: Runtime) -> None:
    """Run some batches of background jobs."""
    for _ in range(_MOST_JOB_BATCHES):
        if not run_next_batch(runtime.database, runtime.clock, runtime.signer):
            return


def advance_campaigns(runtime: Runtime) -> None:
    """Enrol audiences of started campaigns, cancel the rest of cancelled ones, decide A/B tests, compact counters."""
    for _ in range(_MOST_ENROL_BATCHES):
        if not runtime.database.run(enrol_batch, runtime.clock.now(), runtime.send_window.quiet):
            break
    cancel_remaining(runtime.database, runtime.clock)
    while runtime.database.run(decide_next, runtime.clock.now()):
        pass
    with runtime.database.write() as session:
        counters.compact(session)


def reconcile(runtime: Runtime) -> Audit:
    """Audit the ledger and log the result."""
    found = audit(runtime.database, runtime.clock.now(), runtime.clock.span(GRACE_SECONDS))
    if found.balanced:
        log.info("reconciled", unknown=len(found.unknown))
    else:
        log.error("reconciliation_failed", findings=found.findings)
    return found


def poll_bounces(runtime: Runtime) -> None:
    """Poll the mailbox for bounces. If it can't be read, the next poll tries again."""
    mailbox = runtime.settings.mailbox
    if mailbox is None:
        return
    from rugcourse.bounces.imap_poller import MailboxAway, poll  # noqa: PLC0415 - see Runtime.bounce_handler

    try:
        poll(runtime.bounce_handler, mailbox)
    except MailboxAway as error:
        log.warning("bounce_mailbox_unreadable", error=str(error))


def delete_old_bounces(runtime: Runtime) -> None:
    """Delete old messages from the mailbox for bounces."""
    settings = runtime.settings
    if settings.mailbox is None or not settings.keep_bounce_mail_days:
        return
    from rugcourse.bounces.imap_poller import MailboxAway, delete_old  # noqa: PLC0415 - see Runtime.bounce_handler

    try:
        delete_old(runtime.bounce_handler, settings.mailbox, settings.keep_bounce_mail_days)
    except MailboxAway as error:
        log.warning("bounce_mailbox_not_pruned", error=str(error))


def forget_withdrawals(runtime: Runtime) -> None:
    """Delete withdrawals from the withdrawal log that are older than any backup."""
    try:
        runtime.withdrawals.forget(runtime.clock.now() - timedelta(days=runtime.retention.withdrawal_days))
    except OSError:
        log.exception("withdrawals_not_pruned")


def apply_retention(runtime: Runtime) -> Forgotten:
    """Delete data whose retention has ended, warn readers before their erasure, and log the numbers."""
    forgotten = forget(runtime.database, runtime.clock, runtime.signer, runtime.retention)
    runtime.database.run(forget_abandoned, runtime.clock.now())
    security_events.delete_expired(runtime.database, runtime.clock)
    delete_old_bounces(runtime)
    forget_withdrawals(runtime)
    warned = warn(runtime.database, runtime.clock, runtime.retention, partial(_warn_before_erasure, runtime))
    log.info("retention_applied", warned=warned, **asdict(forgotten))
    return forgotten


def _warn_before_erasure(runtime: Runtime, email: str, language: str) -> bool:
    links = runtime.links
    message = compose(
        ReaderNotice.ERASED_SOON,
        email,
        language,
        sender(runtime.current.refresh(runtime.database).settings),
        links.privacy(language),
        links.my_page(language),
    )
    return send_now(runtime, message, email)
