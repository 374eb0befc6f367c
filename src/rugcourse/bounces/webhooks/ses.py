"""Amazon SES, whose reports come through Amazon SNS.

SNS signs with RSA. The message contains the URL of the certificate, so only the path for certificates on a host of
SNS is accepted: other responses of that host may contain what somebody else wrote. Other people's topics have valid
signatures too, so only the topics in the settings are accepted, in their regions.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.request
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from rugcourse.bounces.json_values import part, text
from rugcourse.bounces.report import ProviderEvent
from rugcourse.bounces.ses_notification import reports_of
from rugcourse.bounces.webhooks.base import (
    LONGEST,
    MalformedPayload,
    UnverifiedRequest,
    WebhookRequest,
    as_object,
    parse_timestamp,
)
from rugcourse.clock import SystemClock

_HOST = re.compile(r"sns\.([a-z0-9-]{1,30})\.amazonaws\.com(?:\.cn)?")
_REGION = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]{1,30}):")
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")
_NAMES = {"sns.amazonaws.com", "sns.amazonaws.com.cn"}
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_TIMEOUT_SECONDS = 10
_LARGEST = 100_000


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_about: object) -> None:
        """Refuse all redirects."""
        return


_OPENER = urllib.request.build_opener(_NoRedirects)


@lru_cache(maxsize=8)
def fetch_certificate(url: str) -> bytes:
    """Fetch a URL of SNS. Raises OSError."""
    with _OPENER.open(url, timeout=_TIMEOUT_SECONDS) as answer:
        found: bytes = answer.read(_LARGEST)
        return found


@dataclass(frozen=True, slots=True)
class Ses:
    topics: Collection[str]
    ask: Callable[[str], bytes] = fetch_certificate

    def proof_of(self, request: WebhookRequest) -> str:  # noqa: ARG002 - see Provider
        return ""

    def read(self, request: WebhookRequest) -> Sequence[ProviderEvent]:
        said = as_object(request.body)
        kind = text(said, "Type")
        if text(said, "TopicArn") not in self.topics:
            raise UnverifiedRequest("its topic is not in the settings")
        if kind not in _SIGNED:
            raise UnverifiedRequest("its type is not known")
        self._verify(said, _SIGNED[kind], SystemClock().now())
        if request.now - parse_timestamp(said.get("Timestamp"), request.now) > LONGEST:
            raise UnverifiedRequest("its signature is too old")
        if kind == "SubscriptionConfirmation":
            url = text(said, "SubscribeURL")
            if self._path(url) != "/":
                raise UnverifiedRequest("its confirmation URL is not of SNS")
            self._get(url)
            return ()
        return _provider_events(as_object(text(said, "Message")), request)

    def _verify(self, said: dict[str, object], names: Sequence[str], now: datetime) -> None:
        """Verify the signature. `now`: wall-clock time, for the certificate's validity. Raises UnverifiedRequest."""
        signed = "".join(f"{name}\n{text(said, name)}\n" for name in names if name in said)
        if text(said, "SignatureVersion") != "2":
            raise UnverifiedRequest("it is signed with SHA-1; set SignatureVersion of the SNS topic to 2")
        url = text(said, "SigningCertURL")
        if not _CERTIFICATE_PATH.fullmatch(self._path(url)) or urlsplit(url).query:
            raise UnverifiedRequest("its certificate URL is not of SNS")
        try:
            certificate = x509.load_pem_x509_certificate(self._get(url))
            key = certificate.public_key()
            if not isinstance(key, RSAPublicKey) or not _is_of_sns(certificate, now):
                raise UnverifiedRequest("its certificate is not of SNS")
            key.verify(base64.b64decode(text(said, "Signature")), signed.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError, binascii.Error):
            raise UnverifiedRequest("its signature is not of SNS") from None

    def _get(self, url: str) -> bytes:
        """Fetch a URL. Raises UnverifiedRequest if it is not of SNS, and MalformedPayload if it can't be fetched."""
        self._path(url)
        try:
            return self.ask(url)
        except OSError as error:
            raise MalformedPayload(f"SNS could not be reached: {error}") from error

    def _path(self, url: str) -> str:
        """Return the path of a URL of SNS. Raises UnverifiedRequest unless it is in a region of the topics."""
        parts = urlsplit(url)
        host = _HOST.fullmatch(parts.netloc)
        regions = {found[1] for topic in self.topics if (found := _REGION.match(topic))}
        if parts.scheme != "https" or host is None or host[1] not in regions:
            raise UnverifiedRequest("its server is not of SNS, or in another region")
        return parts.path


def _is_of_sns(certificate: x509.Certificate, now: datetime) -> bool:
    names = {str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    with suppress(x509.ExtensionNotFound):
        also = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names |= {*also.get_values_for_type(x509.DNSName)}
    return bool(names & _NAMES) and certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _provider_events(said: dict[str, object], request: WebhookRequest) -> Sequence[ProviderEvent]:
    return_path = text(said, "mail", "source")
    at = parse_timestamp(part(said, "complaint", "timestamp") or part(said, "bounce", "timestamp"), request.now)
    return [ProviderEvent(report, return_path, address, at) for address, report in reports_of(said)]
