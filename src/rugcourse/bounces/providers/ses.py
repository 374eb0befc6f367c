"""Amazon SES, which tells what it has to say through Amazon SNS.

SNS signs with RSA; the certificate lies on a server of its own, whose name is looked at before it is asked. A topic of
somebody else is signed just as well, so only those in the settings are listened to.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from rugcourse.bounces.providers.requests import (
    LONGEST,
    Request,
    Unreadable,
    Unverified,
    as_object,
    bounce,
    complaint,
    instant,
    part,
    text,
)
from rugcourse.bounces.read import Kind, Report
from rugcourse.bounces.take import Told

_HOST = re.compile(r"sns\.[a-z0-9-]{1,30}\.amazonaws\.com(\.cn)?")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES = {"1": SHA1, "2": SHA256}
_TIMEOUT_SECONDS = 10
_LARGEST = 100_000
_KINDS = {"Permanent": Kind.HARD, "Transient": Kind.SOFT, "Undetermined": Kind.SOFT}
_REFUSED = {"ContentRejected", "AttachmentRejected"}


@lru_cache(maxsize=8)
def ask_amazon(url: str) -> bytes:
    """What lies at an address of SNS. Raises OSError."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - https, see `Ses._get`
        found: bytes = answer.read(_LARGEST)
        return found


@dataclass(frozen=True, slots=True)
class Ses:
    topics: frozenset[str]
    ask: Callable[[str], bytes] = ask_amazon

    def read(self, request: Request) -> Sequence[Told]:
        said = as_object(request.body)
        kind = text(said, "Type")
        if text(said, "TopicArn") not in self.topics:
            raise Unverified("it is about another topic")
        if kind not in _SIGNED:
            raise Unverified("it is of no kind that is signed")
        self._verify(said, _SIGNED[kind])
        if request.now - instant(said.get("Timestamp"), request.now) > LONGEST:
            raise Unverified("it was not signed lately")
        if kind == "SubscriptionConfirmation":
            self._get(text(said, "SubscribeURL"))
            return ()
        return _told(as_object(text(said, "Message")), request)

    def _verify(self, said: dict[str, object], names: Sequence[str]) -> None:
        """Raises Unverified."""
        signed = "".join(f"{name}\n{text(said, name)}\n" for name in names if name in said)
        algorithm = _HASHES.get(text(said, "SignatureVersion"))
        if algorithm is None:
            raise Unverified("it is signed in a way that nobody knows")
        certificate = self._get(text(said, "SigningCertURL"))
        try:
            key = x509.load_pem_x509_certificate(certificate).public_key()
            if not isinstance(key, RSAPublicKey):
                raise Unverified("its certificate is not of SNS")
            key.verify(base64.b64decode(text(said, "Signature")), signed.encode(), PKCS1v15(), algorithm())
        except (InvalidSignature, ValueError, binascii.Error):
            raise Unverified("its signature is not of SNS") from None

    def _get(self, url: str) -> bytes:
        """Raises Unverified for an address that is not of SNS."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not _HOST.fullmatch(parts.netloc):
            raise Unverified("it names a server that is not of SNS")
        try:
            return self.ask(url)
        except OSError as error:
            raise Unreadable(f"SNS could not be asked: {error}") from error


def _told(said: dict[str, object], request: Request) -> Sequence[Told]:
    return_path = text(said, "mail", "source")
    message_ids = tuple(
        text(header, "value")
        for header in part(said, "mail", "headers") or []
        if text(header, "name").lower() == "message-id"
    )
    match text(said, "notificationType") or text(said, "eventType"):
        case "Complaint" if text(said, "complaint", "complaintFeedbackType") != "not-spam":
            about = part(said, "complaint")
            report = complaint(text(about, "complaintFeedbackType") or "spam", *message_ids)
            recipients = part(about, "complainedRecipients") or []
            return [
                Told(report, return_path, text(one, "emailAddress"), instant(part(about, "timestamp"), request.now))
                for one in recipients
            ]
        case "Bounce":
            about = part(said, "bounce")
            at = instant(part(about, "timestamp"), request.now)
            return [
                Told(_bounced(about, one, message_ids), return_path, text(one, "emailAddress"), at)
                for one in part(about, "bouncedRecipients") or []
            ]
        case _:
            return ()


def _bounced(about: object, recipient: object, message_ids: tuple[str, ...]) -> Report:
    kind = _KINDS.get(text(about, "bounceType"), Kind.SOFT)
    if text(about, "bounceSubType") in _REFUSED:
        kind = Kind.POLICY
    words = text(recipient, "diagnosticCode").partition(";")[2].strip() or text(recipient, "diagnosticCode")
    return bounce(text(recipient, "status"), words, kind, *message_ids)
