"""What all providers share: a request, and the ways to read it."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from rugcourse.bounces.classifier import classify
from rugcourse.bounces.handler import ProviderEvent
from rugcourse.bounces.report import BounceReport, BounceType
from rugcourse.bounces.text import shortened

LONGEST = timedelta(hours=24)  # providers try again for hours; what is older than this was kept by somebody


class UnverifiedRequest(Exception):
    """Nobody can tell that the provider sent it. The message says what is missing, for the log."""


class MalformedPayload(Exception):
    """The provider sent it, and it is not what they document."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """`headers`: names in small letters; `now`: UTC."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime


class Provider(Protocol):
    """A relay that tells what becomes of mail."""

    def read(self, request: WebhookRequest) -> Sequence[ProviderEvent]:
        """What it says. Raises UnverifiedRequest, MalformedPayload."""

    def proof_of(self, request: WebhookRequest) -> str:
        """What proves a request and is not bound to what it says: good for this one body alone. Empty where all that is
        said is signed, or nothing is (a secret in the address).
        """


def as_json(raw: bytes | str) -> Any:
    """Raises MalformedPayload."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise MalformedPayload("it is no JSON") from None


def as_object(raw: bytes | str) -> dict[str, Any]:
    """Raises MalformedPayload."""
    value = as_json(raw)
    if not isinstance(value, dict):
        raise MalformedPayload("it is no JSON object")
    return value


def parse_timestamp(value: Any, now: datetime) -> datetime:
    """Seconds since 1970, or a text of ISO 8601, as UTC; `now` for anything else, and for what has yet to come."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            found = datetime.fromisoformat(value)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
        else:
            found = datetime.fromtimestamp(float(value), UTC)
        return min(found.astimezone(UTC), now)
    except (ValueError, TypeError, OverflowError, OSError):
        return now


def check_age(seconds: str, now: datetime) -> None:
    """Raises UnverifiedRequest for what was signed long ago, or has yet to be signed."""
    if not seconds.isdecimal() or abs(now - datetime.fromtimestamp(min(int(seconds), 2**40), UTC)) > LONGEST:
        raise UnverifiedRequest("it was not signed lately")


def check_secret(said: str, secret: str) -> None:
    """Raises UnverifiedRequest."""
    if not hmac.compare_digest(said.encode(), secret.encode()):
        raise UnverifiedRequest("it does not know our secret")


def bounce(status: str, words: str, otherwise: BounceType, *message_ids: str) -> BounceReport:
    """A mail that did not arrive; `otherwise` is what the provider takes it for. Message-IDs may be empty."""
    kept = status if status.count(".") == 2 else ""
    return BounceReport(classify(kept, words, otherwise), kept, shortened(words), tuple(filter(None, message_ids)))


def suppressed_by_provider(words: str, *message_ids: str) -> BounceReport:
    """A mail that the relay did not send: its reader bounced, complained or left before, and is on its own list."""
    return BounceReport(BounceType.HARD, "", shortened(words), tuple(filter(None, message_ids)))


def complaint(words: str, *message_ids: str) -> BounceReport:
    return BounceReport(BounceType.COMPLAINT, words=shortened(words)[:40], message_ids=tuple(filter(None, message_ids)))
