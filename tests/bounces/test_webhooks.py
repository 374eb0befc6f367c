"""What relays say by webhook: believed when it is proved, followed once, and nothing else does anything."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from fastapi.testclient import TestClient
from tests.support.builders import lessons_to, make_runtime, make_settings, plan, reader_with_lesson, send_all
from tests.support.rows import everything
from tests.support.smtp_sink import Sink
from tests.support.webhook_keys import EC_KEY, SECRET, TOPIC

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.bounces.webhooks import ses
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryState, SubscriberStatus
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.settings import SettingsError
from rugcourse.web.app import create_app

CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
RSA_KEY = rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Mail:
    """The mail that a relay talks about."""

    email: str
    message_id: str
    return_path: str


@dataclass(frozen=True)
class Call:
    """A request as a provider sends it."""

    path: str
    body: bytes
    headers: dict[str, str]


def self_signed(common_name: str = "sns.amazonaws.com", year: int = 2026) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    start = datetime(year, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder(name, name, RSA_KEY.public_key(), 1, start, start + timedelta(days=3650))
    return built.sign(RSA_KEY, SHA256()).public_bytes(Encoding.PEM)


def postmark(mail: Mail, what: str, now: datetime) -> Call:
    kind = {"gone": "HardBounce", "spam": "SpamComplaint", "later": "Transient"}[what]
    body = {
        "RecordType": "SpamComplaint" if what == "spam" else "Bounce", "Type": kind, "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Email": mail.email, "From": "cursus@courses.example", "BouncedAt": now.isoformat(),
        "Details": "smtp;550 5.1.1 user unknown", "Metadata": {"mail": mail.message_id},
    }  # fmt: skip
    password = base64.b64encode(f"rugcourse:{SECRET}".encode()).decode()
    return Call("/webhooks/postmark", json.dumps(body).encode(), {"Authorization": f"Basic {password}"})


def mailgun(mail: Mail, what: str, now: datetime) -> Call:
    signed, token = str(int(now.timestamp())), secrets.token_hex(25)
    signature = hmac.new(SECRET.encode(), f"{signed}{token}".encode(), "sha256").hexdigest()
    event = {
        "event": "complained" if what == "spam" else "failed", "severity": "temporary" if what == "later" else "permanent",
        "reason": "bounce", "recipient": mail.email, "timestamp": now.timestamp(),
        "message": {"headers": {"message-id": mail.message_id.strip("<>")}}, "envelope": {"sender": "other@courses.example"},
        "delivery-status": {"code": 550, "message": "5.1.1 The email account does not exist"},
    }  # fmt: skip
    body = {"signature": {"timestamp": signed, "token": token, "signature": signature}, "event-data": event}
    return Call("/webhooks/mailgun", json.dumps(body).encode(), {})


def sendgrid(mail: Mail, what: str, now: datetime) -> Call:
    event = {
        "email": mail.email, "timestamp": int(now.timestamp()), "smtp-id": mail.message_id, "sg_event_id": "x",
        **{"gone": {"event": "bounce", "type": "bounce", "reason": "550 5.1.1 unknown user", "status": "5.1.1"},
           "spam": {"event": "spamreport"}, "later": {"event": "deferred"}}[what],
    }  # fmt: skip
    body, signed = json.dumps([{"event": "delivered", "email": mail.email}, event]).encode(), str(int(now.timestamp()))
    signature = EC_KEY.sign(signed.encode() + body, ec.ECDSA(SHA256()))
    return Call(
        "/webhooks/sendgrid",
        body,
        {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": signed,
        },
    )


def brevo(mail: Mail, what: str, now: datetime) -> Call:
    kind = {"gone": "hard_bounce", "spam": "spam", "later": "deferred"}[what]
    body = {
        "event": kind,
        "email": mail.email,
        "message-id": mail.message_id,
        "ts_event": int(now.timestamp()),
        "reason": "550 user unknown",
    }
    return Call("/webhooks/brevo", json.dumps(body).encode(), {"Authorization": f"Bearer {SECRET}"})


def sns(message: str, now: datetime, version: str = "2", **changes: str) -> Call:
    said = {
        "Type": "Notification", "MessageId": "m-1", "TopicArn": TOPIC, "Message": message,
        "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "SignatureVersion": version, "SigningCertURL": CERTIFICATE,
        **changes,
    }  # fmt: skip
    names = ses._SIGNED[said["Type"]]
    signed = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
    signature = RSA_KEY.sign(signed.encode(), PKCS1v15(), {"1": SHA1, "2": SHA256}[version]())
    return Call("/webhooks/ses", json.dumps({**said, "Signature": base64.b64encode(signature).decode()}).encode(), {})


def amazon(mail: Mail, what: str, now: datetime) -> Call:
    about: dict[str, Any] = {
        "gone": {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": "Permanent", "bounceSubType": "General", "timestamp": now.isoformat(),
                "bouncedRecipients": [{"emailAddress": mail.email, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}],
            },
        },
        "spam": {
            "notificationType": "Complaint",
            "complaint": {"complainedRecipients": [{"emailAddress": mail.email}], "timestamp": now.isoformat(), "complaintFeedbackType": "abuse"},
        },
        "later": {"notificationType": "Delivery"},
    }[what]  # fmt: skip
    return sns(json.dumps({**about, "mail": {"source": mail.return_path, "destination": [mail.email]}}), now)


PROVIDERS: dict[str, Callable[[Mail, str, datetime], Call]] = {
    "postmark": postmark, "mailgun": mailgun, "sendgrid": sendgrid, "brevo": brevo, "ses": amazon,
}  # fmt: skip


@pytest.fixture(autouse=True)
def amazon_answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """SNS's servers can't be asked here: what was asked of them. Only the certificate comes from them."""
    asked: list[str] = []
    certificate = self_signed()

    def answer(url: str) -> bytes:
        asked.append(url)
        return certificate

    monkeypatch.setattr(ses, "fetch_certificate", answer)
    monkeypatch.setattr(ses.Ses.__init__, "__defaults__", (answer,))
    return asked


@pytest.fixture
def runtime(database: Database, clock: VirtualClock, sink: Sink, tmp_path: Path) -> Runtime:
    public = EC_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    settings = make_settings(
        tmp_path, sink.url, bounce_address="bounces@courses.example", postmark_secret=SECRET, brevo_secret=SECRET,
        mailgun_key=SECRET, sendgrid_key=base64.b64encode(public).decode(), ses_topics=(TOPIC,),
    )  # fmt: skip
    return make_runtime(database, settings, clock)


@pytest.fixture
def dispatcher(runtime: Runtime) -> Iterator[Dispatcher]:
    running = open_dispatcher(runtime)
    yield running
    running.close()


@pytest.fixture
def browser(runtime: Runtime) -> TestClient:
    return TestClient(create_app(runtime))


@pytest.fixture
def mail(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> Mail:
    """The first lesson of a reader."""
    email = reader_with_lesson(runtime, dispatcher)
    sender = [one.sender for one in sink.taken if one.recipient == email][-1]
    return Mail(email, lessons_to(runtime, email)[-1].message_id or "", sender)


def send(browser: TestClient, call: Call, **headers: str) -> int:
    return browser.post(call.path, content=call.body, headers={**call.headers, **headers}).status_code


def status_of(runtime: Runtime, email: str) -> str:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
    assert person is not None
    return person.status


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_mailbox_that_is_gone_fails_its_mail_and_is_not_written_to_again(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, mail: Mail, name: str
) -> None:
    call = PROVIDERS[name](mail, "gone", clock.now())
    assert send(browser, call) == 200
    assert lessons_to(runtime, mail.email)[-1].state == DeliveryState.FAILED
    assert status_of(runtime, mail.email) == SubscriberStatus.SUPPRESSED
    before = everything(runtime)
    assert send(browser, call) == 200  # they send again what they are not sure of
    assert everything(runtime) == before


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_complaint_ends_it_and_the_mail_stays_arrived(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, mail: Mail, name: str
) -> None:
    assert send(browser, PROVIDERS[name](mail, "spam", clock.now())) == 200
    assert lessons_to(runtime, mail.email)[-1].state == DeliveryState.ACCEPTED
    assert status_of(runtime, mail.email) == SubscriberStatus.SUPPRESSED


@pytest.mark.parametrize("name", PROVIDERS)
def test_webhook_about_a_deferral_changes_nothing(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, mail: Mail, name: str
) -> None:
    before = everything(runtime)
    assert send(browser, PROVIDERS[name](mail, "later", clock.now())) == 200
    assert everything(runtime) == before


@pytest.mark.parametrize("name", PROVIDERS)
def test_webhook_is_refused_when_unsigned_changed_or_signed_long_ago(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, mail: Mail, name: str
) -> None:
    make, before = PROVIDERS[name], everything(runtime)
    call = make(mail, "gone", clock.now())
    if name in {"postmark", "brevo"}:
        assert send(browser, Call(call.path, call.body, {})) == 403
        for other in ("Basic bm8=", "Basic ???", "Basic", "Bearer no", "Bearer", "Digest x", f"Basic {SECRET}"):
            assert send(browser, call, Authorization=other) == 403
    else:
        stranger = call.body.replace(mail.email.encode(), b"other@x.example")
        changed = {"mailgun": call.body.replace(b'"token": "', b'"token": "x')}.get(name, stranger)
        assert send(browser, Call(call.path, changed, call.headers)) == 403
        assert send(browser, make(mail, "gone", clock.now() - timedelta(hours=25))) == 403
        assert send(browser, make(mail, "gone", clock.now() + timedelta(hours=25))) in {
            403,
            200 if name == "ses" else 403,
        }
    if name != "ses":
        assert everything(runtime) == before


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_that_is_not_set_up_is_not_there(
    database: Database, clock: VirtualClock, tmp_path: Path, name: str
) -> None:
    bare = TestClient(create_app(make_runtime(database, make_settings(tmp_path), clock)))
    mail = Mail("sam@x.example", "<x@courses.example>", "bounces@courses.example")
    assert send(bare, PROVIDERS[name](mail, "gone", clock.now())) == 404
    assert bare.post("/webhooks/nobody", content=b"{}").status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"[1, null]", b'"x"', b"{}", b"[" * 5000, b"\xff\xfe", b'{"event-data": [1]}']
)
@pytest.mark.parametrize("name", PROVIDERS)
def test_nonsense_is_refused_without_an_error_of_ours(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, mail: Mail, name: str, body: bytes
) -> None:
    before = everything(runtime)
    call = PROVIDERS[name](mail, "gone", clock.now())
    headers = dict(call.headers)
    if name == "sendgrid":
        signed = headers["X-Twilio-Email-Event-Webhook-Timestamp"]
        signature = EC_KEY.sign(signed.encode() + body, ec.ECDSA(SHA256()))
        headers["X-Twilio-Email-Event-Webhook-Signature"] = base64.b64encode(signature).decode()
    assert send(browser, Call(call.path, body, headers)) in {200, 400, 403}
    assert everything(runtime) == before


def test_a_relay_that_names_no_mail_means_the_newest_before_its_word(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, dispatcher: Dispatcher, mail: Mail
) -> None:
    nameless = Mail(mail.email, "<theirs@relay.example>", "theirs@relay.example")
    call = brevo(nameless, "gone", clock.now())
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    assert send(browser, call) == 200
    assert [one.state for one in lessons_to(runtime, mail.email)] == [DeliveryState.FAILED, DeliveryState.ACCEPTED]
    assert send(browser, brevo(Mail("nobody@x.example", "", ""), "gone", clock.now())) == 200


@pytest.mark.parametrize(
    ("name", "changes", "status"),
    [
        ("brevo", {"event": "blocked", "reason": "blacklisted"}, SubscriberStatus.SUPPRESSED),
        ("brevo", {"event": "soft_bounce", "reason": "452 4.2.2 mailbox full"}, SubscriberStatus.ACTIVE),
        ("brevo", {"event": "hard_bounce", "reason": "550 5.7.1 blocked for spam"}, SubscriberStatus.ACTIVE),
        ("brevo", {"event": "opened"}, SubscriberStatus.ACTIVE),
        ("postmark", {"Type": "SoftBounce", "Details": "mailbox full"}, SubscriberStatus.ACTIVE),
        ("postmark", {"Type": "AutoResponder"}, SubscriberStatus.ACTIVE),
        ("postmark", {"RecordType": "Delivery"}, SubscriberStatus.ACTIVE),
    ],
)  # fmt: skip
def test_webhook_events_of_each_provider_are_classified(
    runtime: Runtime,
    browser: TestClient,
    clock: VirtualClock,
    mail: Mail,
    name: str,
    changes: dict[str, str],
    status: str,
) -> None:
    call = PROVIDERS[name](mail, "gone", clock.now())
    body = json.dumps({**json.loads(call.body), **changes}).encode()
    assert send(browser, Call(call.path, body, call.headers)) == 200
    assert status_of(runtime, mail.email) == status


@pytest.mark.parametrize("name", ["postmark", "brevo"])
def test_webhook_repeated_after_a_resend_changes_nothing(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, dispatcher: Dispatcher, mail: Mail, name: str
) -> None:
    clock.advance(minutes=1)
    call = PROVIDERS[name](mail, "gone", clock.now())
    full = {"Type": "SoftBounce", "Details": "mailbox full", "event": "soft_bounce", "reason": "mailbox full"}
    told = Call(call.path, json.dumps({**json.loads(call.body), **full}).encode(), call.headers)
    assert send(browser, told) == 200
    assert lessons_to(runtime, mail.email)[0].state == DeliveryState.CANCELLED
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    before = everything(runtime)
    assert lessons_to(runtime, mail.email)[0].state == DeliveryState.ACCEPTED
    assert send(browser, told) == 200
    assert everything(runtime) == before


def test_sns_is_answered_for_our_topic_alone_and_asked_at_its_own_servers_alone(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, mail: Mail, amazon_answers: list[str]
) -> None:
    now = clock.now()
    before = everything(runtime)
    evil = "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem"
    for changes in (
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:theirs"},
        {"SigningCertURL": evil},
        {"SigningCertURL": CERTIFICATE.replace("https", "http")},
        {"SigningCertURL": CERTIFICATE.replace("sns.", "user@sns.")},
        {"SigningCertURL": CERTIFICATE.replace("eu-west-1", "us-east-1")},
        {"SigningCertURL": CERTIFICATE + "?Action=GetEndpointAttributes"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/?Action=GetEndpointAttributes&EndpointArn=theirs"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x.pem"},
        {"SigningCertURL": "file:///etc/passwd"},
    ):
        assert send(browser, sns("{}", now, **changes)) == 403
    assert amazon_answers == []
    asking = {"Type": "SubscriptionConfirmation", "Token": "t"}
    assert send(browser, sns("x", now, **asking, SubscribeURL=evil)) == 403
    welcome = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    assert send(browser, sns("x", now, "1", **asking, SubscribeURL=welcome)) == 403
    assert send(browser, sns("x", now, **asking, SubscribeURL=welcome)) == 200
    assert set(amazon_answers) == {CERTIFICATE, welcome}
    assert everything(runtime) == before


@pytest.mark.parametrize("certificate", [self_signed("evil.example"), self_signed(year=2010)])
def test_sns_signs_with_a_certificate_of_its_own_that_has_not_ended(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, certificate: bytes
) -> None:
    monkeypatch.setattr(ses.Ses, "_get", lambda _self, _url: certificate)
    before = everything(runtime)
    assert send(browser, sns("{}", clock.now())) == 403
    assert everything(runtime) == before


def test_a_signature_of_mailgun_is_good_for_one_event_and_for_trying_it_again(
    runtime: Runtime, browser: TestClient, clock: VirtualClock, mail: Mail
) -> None:
    call = mailgun(mail, "later", clock.now())
    assert send(browser, call) == send(browser, call) == 200
    said = json.loads(call.body)
    said["event-data"]["event"] = "complained"
    before = everything(runtime)
    for _ in range(3):
        assert send(browser, replace(call, body=json.dumps(said).encode())) == 403
    assert everything(runtime) == before


def test_a_key_that_is_none_says_so(database: Database, clock: VirtualClock, tmp_path: Path) -> None:
    from rugcourse.bounces.webhooks.sendgrid import SendGrid

    for key in ("nonsense", "", base64.b64encode(b"x").decode()):
        with pytest.raises(SettingsError, match="RUGCOURSE_SENDGRID_KEY"):
            SendGrid.from_text(key)
