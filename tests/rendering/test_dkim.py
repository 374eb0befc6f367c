"""Signatures, checked by an independent verifier."""

from __future__ import annotations

import base64
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.rendering.test_mails import compose, course  # noqa: F401 - a fixture

from rugcourse.content import Course
from rugcourse.rendering.dkim import DkimSigner, SigningKey, UnusableKey, load_key

RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
RECORDS = {
    b"2026a._domainkey.c.example.": b"v=DKIM1; k=rsa; p="
    + base64.b64encode(RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    b"2026b._domainkey.c.example.": b"v=DKIM1; k=ed25519; p="
    + base64.b64encode(ED25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
}
SIGNER = DkimSigner("c.example", (SigningKey("2026a", RSA), SigningKey("2026b", ED25519)))


def lookup(name: bytes, timeout: int = 5) -> bytes | None:
    return RECORDS.get(name)


def is_valid(message: bytes, number: int) -> bool:
    try:
        return bool(dkim.DKIM(message).verify(idx=number, dnsfunc=lookup))
    except dkim.ValidationError:  # the body's hash is another
        return False


@pytest.mark.parametrize("number", [0, 1], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("eight_bit", [True, False])
def test_a_signed_lesson_verifies_with_both_keys(course: Course, number: int, eight_bit: bool) -> None:  # noqa: F811
    assert is_valid(SIGNER.sign(compose(course, course.lessons[0], eight_bit=eight_bit)), number)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Subject: ", b"Subject: Re: "),
        (b"</html>", b"</HTML>"),
        (b"List-Unsubscribe: <http", b"List-Unsubscribe: <ftp"),
    ],
)
def test_a_message_changed_on_the_way_does_not(course: Course, before: bytes, after: bytes) -> None:  # noqa: F811
    signed = SIGNER.sign(compose(course, course.lessons[0]))
    assert before in signed
    assert not is_valid(signed.replace(before, after, 1), 0)


def test_the_headers_of_one_click_unsubscribing_are_signed(course: Course) -> None:  # noqa: F811
    signature = SIGNER.sign(compose(course, course.lessons[0])).partition(b"; h=")[0]
    names = signature.replace(b"\r\n", b"").partition(b" h=")[2].partition(b";")[0].split(b":")
    assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(names)


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"one line", b"one line\r\n\r\n\r\n"])
def test_the_end_of_a_body_is_canonical(body: bytes) -> None:
    assert is_valid(SIGNER.sign(b"From: a@c.example\r\nSubject: x\r\n  folded \r\n\r\n" + body), 0)


def test_keys_come_from_pem_files(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(ED25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert load_key("x", file).algorithm == b"ed25519-sha256"
    file.write_bytes(b"nonsense")
    with pytest.raises(UnusableKey, match=r"key\.pem"):
        load_key("x", file)
    with pytest.raises(UnusableKey, match="no private key"):
        load_key("x", tmp_path / "missing.pem")
