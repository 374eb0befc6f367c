"""What a relay's request says once it is proved: which mail, which address, when, and what became of it."""

from __future__ import annotations

import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from tests.support.webhook_keys import EC_KEY, SECRET, TOPIC

from rugcourse.bounces.report import BounceType, ProviderEvent
from rugcourse.bounces.webhooks import base, ses
from rugcourse.bounces.webhooks.base import LONGEST, MalformedPayload, Provider, UnverifiedRequest, WebhookRequest
from rugcourse.bounces.webhooks.brevo import Brevo
from rugcourse.bounces.webhooks.mailgun import Mailgun
from rugcourse.bounces.webhooks.postmark import Postmark
from rugcourse.bounces.webhooks.sendgrid import SendGrid
from rugcourse.bounces.webhooks.ses import Ses
from rugcourse.settings import SettingsError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=5)
READER, OURS = "sam@x.example", "<AbCd-1234@courses.example>"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
RSA_KEY = rsa.generate_private_key(65537, 2048)


def _brevo(body: object, authorization: str = f"Bearer {SECRET}") -> WebhookRequest:
    return WebhookRequest({"authorization": authorization}, json.dumps(body).encode(), NOW)


def _postmark(body: object, password: str = SECRET) -> WebhookRequest:
    given = base64.b64encode(f"us:{password}".encode()).decode()
    return WebhookRequest({"authorization": f"Basic {given}"}, json.dumps(body).encode(), NOW)


def _mailgun(event: object, signed_at: datetime = NOW) -> WebhookRequest:
    seconds = str(int(signed_at.timestamp()))
    signature = hmac.new(SECRET.encode(), f"{seconds}token".encode(), "sha256").hexdigest()
    signed = {"timestamp": seconds, "token": "token", "signature": signature}
    return WebhookRequest({}, json.dumps({"signature": signed, "event-data": event}).encode(), NOW)


def _sendgrid(body: object, signed_at: datetime = NOW) -> WebhookRequest:
    raw, seconds = json.dumps(body).encode(), str(int(signed_at.timestamp()))
    signature = base64.b64encode(EC_KEY.sign(seconds.encode() + raw, ec.ECDSA(SHA256()))).decode()
    names = ("x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp")
    return WebhookRequest(dict(zip(names, (signature, seconds), strict=True)), raw, NOW)


def _ses(message: object, **changes: str) -> WebhookRequest:
    said = {
        "Type": "Notification", "MessageId": "m-1", "TopicArn": TOPIC, "Message": json.dumps(message),
        "Timestamp": EARLIER.isoformat(), "SignatureVersion": "2", "SigningCertURL": CERTIFICATE, **changes,
    }  # fmt: skip
    signed = "".join(f"{name}\n{said[name]}\n" for name in ses._SIGNED[said["Type"]] if name in said)
    signature = base64.b64encode(RSA_KEY.sign(signed.encode(), PKCS1v15(), SHA256())).decode()
    return WebhookRequest({}, json.dumps({**said, "Signature": signature}).encode(), NOW)


def _certificate(common_name: str = "sns.amazonaws.com", other: str | None = None, *, key: Any = RSA_KEY) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=36500))
    if other:
        built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(other)]), critical=False)
    return built.sign(key, SHA256()).public_bytes(Encoding.PEM)


def _ses_with(certificate: bytes) -> Ses:
    return Ses((TOPIC,), lambda _url: certificate)


SES = _ses_with(_certificate())
PUBLIC = base64.b64encode(EC_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
SENDGRID = SendGrid.from_text(PUBLIC)


def _read(provider: Provider, request: WebhookRequest) -> list[tuple[BounceType, str, str, tuple[str, ...]]]:
    """The kind, status, words and Message-IDs of what is reported; it is all about the same reader and time."""
    found = provider.read(request)
    assert {(one.address, one.at) for one in found} <= {(READER, EARLIER)}
    return [(one.report.kind, one.report.status, one.report.words, one.report.message_ids) for one in found]


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        ({"event": "spam"}, BounceType.COMPLAINT, "spam"),
        ({"event": "blocked", "reason": "blacklisted"}, BounceType.HARD, "blacklisted"),
        ({"event": "hard_bounce", "reason": "no idea"}, BounceType.HARD, "no idea"),
        ({"event": "soft_bounce", "reason": "no idea"}, BounceType.SOFT, "no idea"),
    ],
)
def test_brevo_reports_what_did_not_arrive(event: dict[str, str], kind: BounceType, words: str) -> None:
    about = {"email": READER, "message-id": OURS, "ts_event": int(EARLIER.timestamp())}
    opened, told = {**about, "event": "opened"}, {**about, **event}
    assert _read(Brevo(SECRET), _brevo(told)) == [(kind, "", words, (OURS,))]
    assert _read(Brevo(SECRET), _brevo([opened, told, told])) == [(kind, "", words, (OURS,))] * 2
    assert Brevo(SECRET).proof_of(_brevo(told)) == ""


def test_brevo_is_refused_without_its_token_and_where_it_sends_no_objects() -> None:
    for authorization in ("", "Bearer", "Bearer other", f"Basic {SECRET}", SECRET):
        with pytest.raises(UnverifiedRequest):
            Brevo(SECRET).read(_brevo({"event": "spam"}, authorization))
    for body in (None, 1, [{"event": "spam"}, 1]):
        with pytest.raises(MalformedPayload):
            Brevo(SECRET).read(_brevo(body))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"RecordType": "SpamComplaint"}, (BounceType.COMPLAINT, "spam")),
        ({"RecordType": "Bounce", "Type": "SpamComplaint"}, (BounceType.COMPLAINT, "spam")),
        ({"RecordType": "Bounce", "Type": "HardBounce", "Details": "no idea"}, (BounceType.HARD, "no idea")),
        ({"RecordType": "Bounce", "Type": "SoftBounce", "Description": "who knows"}, (BounceType.SOFT, "who knows")),
        ({"RecordType": "Bounce", "Type": "Blocked", "Details": "a", "Description": "b"}, (BounceType.POLICY, "a")),
        ({"RecordType": "Bounce", "Type": "AutoResponder"}, None),
        ({"RecordType": "Open", "Type": "HardBounce"}, None),
    ],
)
def test_postmark_reports_what_did_not_arrive(said: dict[str, str], expected: tuple[BounceType, str] | None) -> None:
    request = _postmark({"Email": READER, "BouncedAt": EARLIER.isoformat(), "Metadata": {"mail": OURS}, **said})
    assert _read(Postmark(SECRET), request) == ([(expected[0], "", expected[1], (OURS,))] if expected else [])
    assert Postmark(SECRET).read(_postmark({"RecordType": "Open"})) == ()
    assert Postmark(SECRET).proof_of(request) == ""


def test_postmark_is_refused_without_its_password() -> None:
    good = _postmark({"RecordType": "SpamComplaint"})
    scheme, _, given = good.headers["authorization"].partition(" ")
    for authorization in ("", scheme, f"Bearer {given}", f"{scheme} {SECRET}", f"{scheme} !{given}", f"{scheme} \xe9"):
        with pytest.raises(UnverifiedRequest):
            Postmark(SECRET).read(WebhookRequest({"authorization": authorization}, good.body, NOW))
    with pytest.raises(UnverifiedRequest):
        Postmark(SECRET).read(_postmark({"RecordType": "SpamComplaint"}, "another"))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event": "complained"}, (BounceType.COMPLAINT, "", "spam")),
        ({"event": "failed", "severity": "temporary", "reason": "bounce"}, None),
        (
            {"event": "failed", "severity": "permanent", "reason": "old", "delivery-status": {"message": "no idea"}},
            (BounceType.SOFT, "", "no idea"),
        ),
        ({"event": "delivered"}, None),
        (
            {"event": "failed", "severity": "permanent", "reason": "suppress-bounce"},
            (BounceType.HARD, "", "suppress-bounce"),
        ),
        (
            {"event": "failed", "severity": "permanent", "reason": "bounce", "delivery-status": {"message": "no idea"}},
            (BounceType.HARD, "", "no idea"),
        ),
        (
            {
                "event": "failed", "severity": "permanent", "reason": "old",
                "delivery-status": {"description": "too old", "enhanced-code": "4.4.7"},
            },
            (BounceType.SOFT, "4.4.7", "too old"),
        ),
    ],
)  # fmt: skip
def test_mailgun_reports_what_did_not_arrive(
    event: dict[str, object], expected: tuple[BounceType, str, str] | None
) -> None:
    about = {
        "recipient": READER, "timestamp": EARLIER.timestamp(), "message": {"headers": {"message-id": OURS}},
        "envelope": {"sender": "bounces+x@courses.example"},
    }  # fmt: skip
    request = _mailgun({**about, **event})
    assert _read(Mailgun(SECRET), request) == ([(*expected, (OURS,))] if expected else [])
    found = Mailgun(SECRET).read(request)
    assert isinstance(found, tuple)
    assert {one.return_path for one in found} <= {"bounces+x@courses.example"}
    assert Mailgun(SECRET).proof_of(request) == "token"


@pytest.mark.parametrize("field", ["timestamp", "token", "signature"])
@pytest.mark.parametrize("wrong", ["", "x", "\ud800"])
def test_mailgun_is_refused_when_it_is_not_signed(field: str, wrong: str) -> None:
    said = json.loads(_mailgun({"event": "complained"}).body)
    said["signature"][field] = wrong
    with pytest.raises(UnverifiedRequest):
        Mailgun(SECRET).read(WebhookRequest({}, json.dumps(said).encode(), NOW))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event": "spamreport"}, (BounceType.COMPLAINT, "", "spam")),
        ({"event": "bounce", "type": "bounce", "reason": "no idea"}, (BounceType.HARD, "", "no idea")),
        ({"event": "bounce", "type": "blocked", "reason": "no idea"}, (BounceType.SOFT, "", "no idea")),
        ({"event": "bounce", "status": "5.1.1", "reason": "no idea"}, (BounceType.HARD, "5.1.1", "no idea")),
        ({"event": "dropped", "reason": "Bounced Address"}, (BounceType.HARD, "", "Bounced Address")),
        ({"event": "dropped", "reason": "Spam Content"}, None),
        ({"event": "deferred"}, None),
    ],
)
def test_sendgrid_reports_what_did_not_arrive(
    event: dict[str, str], expected: tuple[BounceType, str, str] | None
) -> None:
    told = {"email": READER, "timestamp": int(EARLIER.timestamp()), "smtp-id": OURS, **event}
    found = _read(SENDGRID, _sendgrid([1, {"event": "delivered"}, told, told]))
    assert found == ([(*expected, (OURS,))] * 2 if expected else [])
    assert SENDGRID.proof_of(_sendgrid([told])) == ""


def test_sendgrid_is_refused_when_it_is_not_signed_and_where_it_sends_no_array() -> None:
    good = _sendgrid([])
    assert SENDGRID.read(good) == ()
    for change in (dict.fromkeys(good.headers, ""), {"x-twilio-email-event-webhook-signature": "!" + PUBLIC}):
        with pytest.raises(UnverifiedRequest):
            SENDGRID.read(WebhookRequest({**good.headers, **change}, good.body, NOW))
    with pytest.raises(UnverifiedRequest):
        SENDGRID.read(WebhookRequest(good.headers, b"[1]", NOW))
    with pytest.raises(MalformedPayload):
        SENDGRID.read(_sendgrid({}))
    stranger = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for key in (f"!{PUBLIC}", base64.b64encode(stranger).decode()):
        with pytest.raises(SettingsError):
            SendGrid.from_text(key)


@pytest.mark.parametrize(("provider", "make"), [(Mailgun(SECRET), _mailgun), (SENDGRID, _sendgrid)])
def test_a_signature_is_good_for_a_day(provider: Provider, make: Any) -> None:
    body: object = {} if make is _mailgun else []
    for away in (LONGEST, -LONGEST):
        assert provider.read(make(body, NOW + away)) == ()
        for too_far in (NOW + away * 1.01, NOW + away * 2):
            with pytest.raises(UnverifiedRequest):
                provider.read(make(body, too_far))


def test_an_age_is_in_seconds_and_no_other_number() -> None:
    for seconds in ("", "x", "-1", "1e9", str(2**40), str(10**30), "9" * 5000):
        with pytest.raises(UnverifiedRequest):
            base.check_age(seconds, NOW)


_SES_BOUNCE: dict[str, Any] = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent", "timestamp": EARLIER.isoformat(),
        "bouncedRecipients": [{"emailAddress": READER, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 gone"}],
    },
    "mail": {"source": "bounces+x@courses.example", "headers": [{"name": "Message-ID", "value": OURS}]},
}  # fmt: skip
_SES_COMPLAINT: dict[str, Any] = {
    **_SES_BOUNCE,
    "notificationType": "Complaint",
    "bounce": None,
    "complaint": {"timestamp": EARLIER.isoformat(), "complainedRecipients": [{"emailAddress": READER}]},
}


def test_ses_reports_what_did_not_arrive() -> None:
    assert _read(SES, _ses(_SES_BOUNCE)) == [(BounceType.HARD, "5.1.1", "550 5.1.1 gone", (OURS,))]
    assert _read(SES, _ses(_SES_COMPLAINT)) == [(BounceType.COMPLAINT, "", "spam", (OURS,))]
    assert [one.return_path for one in SES.read(_ses(_SES_BOUNCE))] == ["bounces+x@courses.example"]
    assert SES.proof_of(_ses(_SES_BOUNCE)) == ""


def test_ses_is_confirmed_at_a_server_of_its_own_and_reports_nothing_then() -> None:
    asked: list[str] = []
    certificate = _certificate()

    def ask(url: str) -> bytes:
        asked.append(url)
        return certificate

    welcome = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    confirming = {"Type": "SubscriptionConfirmation", "Token": "t"}
    assert Ses((TOPIC,), ask).read(_ses({}, **confirming, SubscribeURL=welcome)) == ()
    assert asked == [CERTIFICATE, welcome]
    for foreign in (welcome.replace("https", "http"), welcome.replace("eu-west-1", "us-east-1"), "https://x.example/"):
        with pytest.raises(UnverifiedRequest):
            Ses((TOPIC,), ask).read(_ses({}, **confirming, SubscribeURL=foreign))
        assert asked[-1] == CERTIFICATE


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:theirs"},
        {"SignatureVersion": "1"},
        {"Timestamp": (NOW - 1.01 * LONGEST).isoformat()},
        {"SigningCertURL": f"{CERTIFICATE}?x"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x.pem"},
        {"SigningCertURL": CERTIFICATE.replace("eu-west-1", "us-east-1")},
        {"SigningCertURL": CERTIFICATE.replace("https", "http")},
        {"SigningCertURL": "https://x.example/x.pem"},
    ],
)
def test_ses_is_refused_for_what_is_not_ours_not_theirs_or_old(changes: dict[str, str]) -> None:
    with pytest.raises(UnverifiedRequest):
        SES.read(_ses(_SES_BOUNCE, **changes))


def test_a_notification_of_ses_is_good_for_a_day() -> None:
    assert len(SES.read(_ses(_SES_BOUNCE, Timestamp=(NOW - LONGEST).isoformat()))) == 1


def test_ses_signs_with_a_certificate_of_sns_that_is_valid_now() -> None:
    assert SES.read(_ses(_SES_BOUNCE))
    assert _ses_with(_certificate("amazon", "sns.amazonaws.com")).read(_ses(_SES_BOUNCE))
    other_key = rsa.generate_private_key(65537, 2048)
    for certificate in (
        _certificate("evil.example"),
        _certificate("evil.example", "evil.example"),
        _certificate(key=other_key),
        _certificate(key=ec.generate_private_key(ec.SECP256R1())),
        b"nonsense",
    ):
        with pytest.raises(UnverifiedRequest):
            _ses_with(certificate).read(_ses(_SES_BOUNCE))


def test_ses_can_be_asked_again_when_its_server_does_not_answer() -> None:
    def ask(_url: str) -> bytes:
        raise OSError("unreachable")

    with pytest.raises(MalformedPayload, match="unreachable"):
        Ses((TOPIC,), ask).read(_ses(_SES_BOUNCE))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (EARLIER.timestamp(), EARLIER),
        (int(EARLIER.timestamp()), EARLIER),
        (f"{EARLIER.timestamp()}", EARLIER),
        ("2026-11-23T11:55:00", EARLIER),
        ("2026-11-23T12:55:00+01:00", EARLIER),
        ("2026.11.23", NOW),
        ("soon", NOW),
        (None, NOW),
        (1e30, NOW),
        ((NOW + timedelta(days=1)).isoformat(), NOW),
    ],
)
def test_a_time_is_in_seconds_or_in_iso_8601_and_never_in_the_future(value: object, found: datetime) -> None:
    assert base.parse_timestamp(value, NOW) == found
    assert base.parse_timestamp(value, NOW).tzinfo is UTC


def test_a_time_without_a_zone_is_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        found = base.parse_timestamp("2026-11-23T11:55:00", NOW)
    time.tzset()
    assert found == EARLIER


def test_a_status_is_kept_where_it_is_one_and_no_message_id_is_empty() -> None:
    assert base.bounce("5.1.1", "no idea", BounceType.SOFT, "", OURS).status == "5.1.1"
    assert base.bounce("550", "no idea", BounceType.SOFT, "", OURS).status == ""
    for report in (
        base.bounce("", "no idea", BounceType.SOFT, "", OURS),
        base.suppressed_by_provider("no idea", "", OURS),
        base.complaint("spam", "", OURS),
    ):
        assert report.message_ids == (OURS,)


def test_a_request_is_an_object_of_json() -> None:
    assert base.as_object(b'{"a": 1}') == {"a": 1}
    for raw in (b"", b"[]", b"1", b"{", b"\xff"):
        with pytest.raises(MalformedPayload):
            base.as_object(raw)


def test_an_event_says_all_that_is_needed_to_find_the_mail() -> None:
    [event] = SES.read(_ses(_SES_BOUNCE))
    assert event == ProviderEvent(event.report, "bounces+x@courses.example", READER, EARLIER)
