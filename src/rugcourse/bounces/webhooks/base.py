"""The interface of a webhook provider, and helpers that all providers share."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from rugcourse.bounces.classifier import classify
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.bounces.text import shortened
from rugcourse.errors import InvalidInput

LONGEST = timedelta(hours=24)  # providers retry for hours; anything older is a replay


class UnverifiedRequest(InvalidInput):
    """The request can't be verified to come from the provider. The message gives the reason, for the log."""


class MalformedPayload(InvalidInput):
    """The request comes from the provider but does not match their documentation."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request of a relay. `headers`: names in lower case. `now`: UTC."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime


class Provider(Protocol):
    """A relay that reports what happens to mail."""

    def read(self, request: WebhookRequest) -> Sequence[ProviderEvent]:
        """Verify and parse a request. Raises UnverifiedRequest and MalformedPayload."""

    def proof_of(self, request: WebhookRequest) -> str:
        """Return the part of a signature that does not cover the body, and so must be accepted with one body only.

        Empty if the whole body is signed, or if nothing is (a shared secret).
        """


def as_json(raw: bytes | str) -> Any:
    """Parse JSON. Raises MalformedPayload."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise MalformedPayload("it is not valid JSON") from None


def as_object(raw: bytes | str) -> dict[str, object]:
    """Parse a JSON object. Raises MalformedPayload."""
    value = as_json(raw)
    if not isinstance(value, dict):
        raise MalformedPayload("it is not a JSON object")
    return value


def parse_timestamp(value: object, now: datetime) -> datetime:
    """Parse seconds since 1970 or an ISO 8601 string as UTC; returns `now` for anything else or in the future."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            found = datetime.fromisoformat(value)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
        else:
            found = datetime.fromtimestamp(float(str(value)), UTC)
        return min(found.astimezone(UTC), now)
    except (ValueError, TypeError, OverflowError, OSError):
        return now


def check_age(seconds: str, now: datetime) -> None:
    """Raise UnverifiedRequest if a signature is older than `LONGEST`, or as far in the future."""
    try:
        is_recent = seconds.isdecimal() and abs(now - datetime.fromtimestamp(int(seconds), UTC)) <= LONGEST
    except (ValueError, OverflowError, OSError):  # beyond the years that Python, or the platform, knows
        is_recent = False
    if not is_recent:
        raise UnverifiedRequest("its signature is too old, or in the future")


def check_secret(said: str, secret: str) -> None:
    """Compare the secret of a request with ours. Raises UnverifiedRequest if they differ."""
    if not hmac.compare_digest(said.encode(), secret.encode()):
        raise UnverifiedRequest("its secret is wrong")


def bounce(status: str, words: str, otherwise: BounceType, *message_ids: str) -> BounceReport:
    """Report a mail that did not arrive. `otherwise`: the provider's own classification. Message-IDs may be empty."""
    kept = status if status.count(".") == 2 else ""
    return BounceReport(classify(kept, words, otherwise), kept, shortened(words), tuple(filter(None, message_ids)))


def suppressed_by_provider(words: str, *message_ids: str) -> BounceReport:
    """Report a mail that the relay did not send: the address is on its own list after a bounce or complaint."""
    return BounceReport(BounceType.HARD, "", shortened(words), tuple(filter(None, message_ids)))


def complaint(words: str, *message_ids: str) -> BounceReport:
    return BounceReport(BounceType.COMPLAINT, words=shortened(words)[:40], message_ids=tuple(filter(None, message_ids)))
