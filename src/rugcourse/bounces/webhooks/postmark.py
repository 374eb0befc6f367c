"""Postmark: requests are not signed, and carry a user name and password that we chose (RFC 7617).

It replaces the Message-ID of each mail; ours is sent as metadata, which its reports return.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from rugcourse.bounces.json_values import text
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.bounces.webhooks.base import (
    UnverifiedRequest,
    WebhookRequest,
    as_object,
    bounce,
    check_secret,
    complaint,
    parse_timestamp,
)

_KINDS = {
    "HardBounce": BounceType.HARD, "BadEmailAddress": BounceType.HARD, "AddressChange": BounceType.HARD,
    "SoftBounce": BounceType.SOFT, "DnsError": BounceType.SOFT, "Unknown": BounceType.SOFT,
    "Undeliverable": BounceType.SOFT,
    "Blocked": BounceType.POLICY, "SpamNotification": BounceType.POLICY, "DMARCPolicy": BounceType.POLICY,
    "VirusNotification": BounceType.POLICY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Postmark:
    secret: str

    def proof_of(self, request: WebhookRequest) -> str:  # noqa: ARG002 - see Provider
        return ""

    def read(self, request: WebhookRequest) -> Sequence[ProviderEvent]:
        check_secret(_password(request.headers.get("authorization", "")), self.secret)
        said = as_object(request.body)
        report = _report(said)
        if report is None:
            return ()
        return (ProviderEvent(report, "", text(said, "Email"), parse_timestamp(said.get("BouncedAt"), request.now)),)


def _report(said: dict[str, object]) -> BounceReport | None:
    ours = text(said, "Metadata", "mail")
    kind, words = text(said, "Type"), text(said, "Details") or text(said, "Description")
    if text(said, "RecordType") == "SpamComplaint" or kind == "SpamComplaint":
        return complaint("spam", ours)
    if text(said, "RecordType") != "Bounce" or kind not in _KINDS:
        return None
    return bounce("", words, _KINDS[kind], ours)


def _password(authorization: str) -> str:
    """Return the password of a Basic authorization header. Raises UnverifiedRequest."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise UnverifiedRequest("it has no password")
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except ValueError:  # no base64, no UTF-8, or characters that are not of ASCII
        raise UnverifiedRequest("its password can't be read") from None
