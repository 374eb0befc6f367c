"""The Celery application: its queues and the schedule of the beat."""

from __future__ import annotations

from typing import Any

import structlog
from celery import Celery
from celery.app.amqp import AMQP
from celery.schedules import crontab
from celery.signals import task_prerun
from kombu import Queue
from kombu.exceptions import OperationalError

from rugcourse.bootstrap import NotifyWorker
from rugcourse.db.models import DeliveryQueue
from rugcourse.settings import Settings

log = structlog.get_logger()

TICK = "rugcourse.tick"
DELIVER = "rugcourse.deliver"
AUDIT = "rugcourse.audit"
FORGET = "rugcourse.forget"
POLL_BOUNCES = "rugcourse.fetch"
_POLL_SECONDS = 300.0
_NOTIFY_EXPIRES_SECONDS = 60  # older notifications are useless: later ticks have looked
_EMBEDDED = "memory://"
_BESIDE_SENDING = 2  # additional threads: one for mail that a person waits for, one for planning


def create_app(settings: Settings) -> Celery:
    """Create the application for the broker in the settings: in this process (`memory://`) or on Redis."""
    # As a class, not a name, which would be imported at its first use: a signal during that import ends a beat with a
    # traceback, as the signal handler needs the same module.
    app = Celery("rugcourse", broker=_broker(settings), set_as_current=False, amqp=AMQP)
    embedded = settings.broker_url.startswith(_EMBEDDED)
    app.conf.update(
        broker_transport="rugcourse.worker.embedded:QuickTransport" if embedded else None,
        broker_transport_options={"polling_interval": 0.05} if embedded else {"socket_timeout": 10},
        broker_connection_retry_on_startup=True,
        task_ignore_result=True,
        task_default_queue="rugcourse.tick",
        task_queues=[Queue("rugcourse.tick"), *(Queue(_route(queue)) for queue in DeliveryQueue)],
        task_create_missing_queues=False,
        # A message has no value once it is received: the next tick replaces a lost one.
        task_acks_late=False,
        worker_prefetch_multiplier=4,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        beat_schedule={
            "tick": {
                "task": TICK,
                "schedule": settings.tick_seconds,
                "options": {"expires": max(1.0, settings.tick_seconds)},
            },
            "audit": {"task": AUDIT, "schedule": crontab(hour=3, minute=30), "options": {"expires": 3600}},
            "forget": {"task": FORGET, "schedule": crontab(hour=4, minute=30), "options": {"expires": 3600}},
            **(
                {"fetch": {"task": POLL_BOUNCES, "schedule": _POLL_SECONDS, "options": {"expires": _POLL_SECONDS}}}
                if settings.mailbox
                else {}
            ),
        },
        beat_max_loop_interval=min(5.0, settings.tick_seconds),
    )
    task_prerun.connect(_name_task_in_logs)
    return app


def _name_task_in_logs(task_id: str = "", **_others: object) -> None:
    structlog.contextvars.bind_contextvars(task_id=task_id)


def make_notifier(app: Celery) -> NotifyWorker:
    """Return a function that wakes a worker for a queue. If the broker is away, mail is delayed but never lost."""

    def notify_worker(queue: DeliveryQueue) -> None:
        try:
            app.send_task(DELIVER, (queue.value,), queue=_route(queue), expires=_NOTIFY_EXPIRES_SECONDS, retry=False)
        except OperationalError as error:
            log.warning("broker_unreachable", error=str(error))

    return notify_worker


def _route(queue: DeliveryQueue) -> str:
    return f"rugcourse.{queue.value}"


def _broker(settings: Settings) -> str:
    # kombu warns about a URL without a host, even for the in-memory broker.
    return "memory://localhost" if settings.broker_url == _EMBEDDED else settings.broker_url


def worker_options(settings: Settings) -> dict[str, Any]:
    """Return the options of a worker. It uses threads, as sending mostly waits for the network."""
    return {
        "pool": "threads",
        "concurrency": settings.worker_threads + _BESIDE_SENDING,
        "without_gossip": True,
        "without_mingle": True,
        "without_heartbeat": True,
    }
