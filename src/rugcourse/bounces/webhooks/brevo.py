"""Brevo: requests are not signed, and carry a bearer token that we chose (RFC 6750)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rugcourse.bounces.json_values import text
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.bounces.webhooks.base import (
    MalformedPayload,
    UnverifiedRequest,
    WebhookRequest,
    as_json,
    bounce,
    check_secret,
    complaint,
    parse_timestamp,
    suppressed_by_provider,
)

_KINDS = {
    "hard_bounce": BounceType.HARD, "invalid_email": BounceType.HARD,
    "soft_bounce": BounceType.SOFT, "error": BounceType.SOFT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Brevo:
    secret: str

    def proof_of(self, request: WebhookRequest) -> str:  # noqa: ARG002 - see Provider
        return ""

    def read(self, request: WebhookRequest) -> Sequence[ProviderEvent]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise UnverifiedRequest("it has no token")
        check_secret(token, self.secret)
        said = as_json(request.body)
        events = said if isinstance(said, list) else [said]
        if not all(isinstance(event, dict) for event in events):
            raise MalformedPayload("it is not a JSON object")
        return tuple(
            ProviderEvent(report, "", text(event, "email"), parse_timestamp(event.get("ts_event"), request.now))
            for event in events
            if (report := _report(event)) is not None
        )


def _report(event: dict[str, object]) -> BounceReport | None:
    message_id, kind = text(event, "message-id"), text(event, "event")
    if kind == "spam":
        return complaint("spam", message_id)
    if kind == "blocked":
        return suppressed_by_provider(text(event, "reason"), message_id)
    return bounce("", text(event, "reason"), _KINDS[kind], message_id) if kind in _KINDS else None
