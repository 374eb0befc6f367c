"""SendGrid: ECDSA signature over a timestamp and the body, verified with their public key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from rugcourse.bounces.json_values import text
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.bounces.webhooks.base import (
    MalformedPayload,
    UnverifiedRequest,
    WebhookRequest,
    as_json,
    bounce,
    check_age,
    complaint,
    parse_timestamp,
    suppressed_by_provider,
)
from rugcourse.settings import SettingsError

_GIVEN_UP = {"Bounced Address", "Spam Reporting Address", "Unsubscribed Address", "Invalid"}
_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"


@dataclass(frozen=True, slots=True)
class SendGrid:
    key: EllipticCurvePublicKey

    @classmethod
    def from_text(cls, key: str) -> SendGrid:
        """Parse the key as SendGrid shows it: DER in base64. Raises SettingsError."""
        try:
            public = load_der_public_key(base64.b64decode(key, validate=True))
        except (ValueError, binascii.Error):
            public = None
        if not isinstance(public, EllipticCurvePublicKey):
            raise SettingsError("RUGCOURSE_SENDGRID_KEY: expected the verification key as SendGrid shows it (MFkw…)")
        return cls(public)

    def proof_of(self, request: WebhookRequest) -> str:  # noqa: ARG002 - see Provider
        return ""

    def read(self, request: WebhookRequest) -> Sequence[ProviderEvent]:
        signed = request.headers.get(_TIMESTAMP, "")
        try:
            signature = base64.b64decode(request.headers.get(_SIGNATURE, ""), validate=True)
            self.key.verify(signature, signed.encode() + request.body, ECDSA(SHA256()))
        except (InvalidSignature, ValueError, binascii.Error):
            raise UnverifiedRequest("its signature is not SendGrid's") from None
        check_age(signed, request.now)
        events = as_json(request.body)
        if not isinstance(events, list):
            raise MalformedPayload("it is not a JSON array")
        return tuple(_provider_events(events, request))


def _provider_events(events: list[object], request: WebhookRequest) -> Iterator[ProviderEvent]:
    for event in events:
        report = _report(event)
        if report is not None:
            at = parse_timestamp(event.get("timestamp") if isinstance(event, dict) else None, request.now)
            yield ProviderEvent(report, "", text(event, "email"), at)


def _report(event: object) -> BounceReport | None:
    message_id, reason = text(event, "smtp-id"), text(event, "reason")
    match text(event, "event"):
        case "spamreport":
            return complaint("spam", message_id)
        case "bounce" if text(event, "type") == "blocked":
            return bounce(text(event, "status"), reason, BounceType.SOFT, message_id)
        case "bounce":
            return bounce(text(event, "status"), reason, BounceType.HARD, message_id)
        case "dropped" if reason in _GIVEN_UP:
            return suppressed_by_provider(reason, message_id)
        case _:
            return None
