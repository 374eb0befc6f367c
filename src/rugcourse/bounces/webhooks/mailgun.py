"""Mailgun: HMAC-SHA256 with the webhook signing key, over a timestamp and a token in the body."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from rugcourse.bounces.json_values import part, text
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.bounces.webhooks.base import (
    UnverifiedRequest,
    WebhookRequest,
    as_object,
    bounce,
    check_age,
    complaint,
    parse_timestamp,
    suppressed_by_provider,
)

_GIVEN_UP = {"suppress-bounce", "suppress-complaint", "suppress-unsubscribe"}


@dataclass(frozen=True, slots=True)
class Mailgun:
    key: str

    def proof_of(self, request: WebhookRequest) -> str:
        """Return the token: the signature covers only it and the timestamp, so a copy would be valid for any body."""
        return text(as_object(request.body), "signature", "token")

    def read(self, request: WebhookRequest) -> Sequence[ProviderEvent]:
        said = as_object(request.body)
        signed, signature = (text(said, "signature", name) for name in ("timestamp", "signature"))
        covered = f"{signed}{text(said, 'signature', 'token')}".encode(errors="surrogatepass")
        expected = hmac.new(self.key.encode(), covered, "sha256").hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="surrogatepass")):
            raise UnverifiedRequest("its signature is not Mailgun's")
        check_age(signed, request.now)
        event = part(said, "event-data")
        report = _report(event)
        if report is None:
            return ()
        at = parse_timestamp(part(event, "timestamp"), request.now)
        return (ProviderEvent(report, text(event, "envelope", "sender"), text(event, "recipient"), at),)


def _report(event: object) -> BounceReport | None:
    message_id = text(event, "message", "headers", "message-id")
    match text(event, "event"):
        case "complained":
            return complaint("spam", message_id)
        case "failed" if text(event, "severity") == "permanent":
            status = text(event, "delivery-status", "enhanced-code")
            words = text(event, "delivery-status", "message") or text(event, "delivery-status", "description")
            reason = text(event, "reason")
            if reason in _GIVEN_UP:
                return suppressed_by_provider(reason, message_id)
            return bounce(status, words, BounceType.HARD if reason == "bounce" else BounceType.SOFT, message_id)
        case _:
            return None
