"""The counters and histograms of one process. Names and units follow Prometheus: base units, `_total` for counters.

https://prometheus.io/docs/practices/naming/

Labels have few values each, none of which a stranger can choose: every new value is a series that is kept for ever.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)
METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})

DELIVERIES = Counter(
    "rugcourse_deliveries",
    "Attempts to send an email, by its kind and by the state they ended in; planned: it is tried again.",
    ["kind", "state"],
    registry=REGISTRY,
)
LATENESS = Histogram(
    "rugcourse_delivery_lateness_seconds",
    "How long after the time it was due an email was accepted at its first attempt, by its kind.",
    ["kind"],
    buckets=(1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
    registry=REGISTRY,
)
SMTP = Histogram(
    "rugcourse_smtp_seconds",
    "How long the mail server took for one email, by the first digit of its reply; none: it gave no reply.",
    ["reply"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60),
    registry=REGISTRY,
)
TICKS = Histogram(
    "rugcourse_tick_seconds",
    "How long one round of the scheduler took.",
    buckets=(0.01, 0.05, 0.2, 1, 5, 30),
    registry=REGISTRY,
)
HTTP = Histogram(
    "rugcourse_http_request_seconds",
    "How long a request took until its last byte, by method, route and status; route: as it is in the code.",
    ["method", "route", "status"],
    buckets=(0.005, 0.02, 0.05, 0.2, 1, 5),
    registry=REGISTRY,
)


def count_delivery(kind: str, state: str, *, due_at: datetime | None, now: datetime) -> None:
    """Count an attempt that ended. `due_at`: when the email was due (UTC) if it was accepted at the first attempt."""
    _deliveries(kind, state).inc()
    if due_at is not None:
        _lateness(kind).observe(max(0.0, (now - due_at).total_seconds()))


def measure_smtp(reply: str, seconds: float) -> None:
    """Record how long one email took on the connection. `reply`: what the server said, empty if nothing."""
    _smtp(reply[:1]).observe(seconds)


def measure_request(method: str, route: str, status: int, seconds: float) -> None:
    """Record one request. Methods that nobody uses are one value."""
    HTTP.labels(method if method in METHODS else "other", route, str(status)).observe(seconds)


# Looking a series up by its labels takes longer than counting; a mail is counted three times.
@cache
def _deliveries(kind: str, state: str) -> Counter:
    return DELIVERIES.labels(kind, state)


@cache
def _lateness(kind: str) -> Histogram:
    return LATENESS.labels(kind)


@cache
def _smtp(begins: str) -> Histogram:
    return SMTP.labels(f"{begins}xx" if begins in {"2", "4", "5"} else "none")
