"""Postmark: it signs nothing, and sends a name and a password of ours along (RFC 7617).

It puts a Message-ID of its own on each mail; ours goes along as metadata, and comes back so.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from rugcourse.bounces.handler import Told
from rugcourse.bounces.notification import text
from rugcourse.bounces.report import Kind, Report
from rugcourse.bounces.webhooks.base import (
    Request,
    Unverified,
    as_object,
    bounce,
    check_secret,
    complaint,
    instant,
)

_KINDS = {
    "HardBounce": Kind.HARD, "BadEmailAddress": Kind.HARD, "AddressChange": Kind.HARD,
    "SoftBounce": Kind.SOFT, "DnsError": Kind.SOFT, "Unknown": Kind.SOFT, "Undeliverable": Kind.SOFT,
    "Blocked": Kind.POLICY, "SpamNotification": Kind.POLICY, "DMARCPolicy": Kind.POLICY,
    "VirusNotification": Kind.POLICY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Postmark:
    secret: str

    def proof_of(self, request: Request) -> str:  # noqa: ARG002 - see Provider
        return ""

    def read(self, request: Request) -> Sequence[Told]:
        check_secret(_password(request.headers.get("authorization", "")), self.secret)
        said = as_object(request.body)
        report = _report(said)
        if report is None:
            return ()
        return (Told(report, "", text(said, "Email"), instant(said.get("BouncedAt"), request.now)),)


def _report(said: dict[str, object]) -> Report | None:
    ours = text(said, "Metadata", "mail")
    kind, words = text(said, "Type"), text(said, "Details") or text(said, "Description")
    if text(said, "RecordType") == "SpamComplaint" or kind == "SpamComplaint":
        return complaint("spam", ours)
    if text(said, "RecordType") != "Bounce" or kind not in _KINDS:
        return None
    return bounce("", words, _KINDS[kind], ours)


def _password(authorization: str) -> str:
    """Raises Unverified."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise Unverified("it carries no password")
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        raise Unverified("its password can't be read") from None
