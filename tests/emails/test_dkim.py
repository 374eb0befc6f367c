"""Signatures, checked by an independent verifier."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.support.emails import compose

from rugcourse.content import Course
from rugcourse.emails.dkim import DkimSigner
from rugcourse.emails.dkim_keys import SigningKey, UnusableKey, in_use, load_key, load_keys, make_keys, zone_line

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
def test_a_signed_lesson_verifies_with_both_keys(course: Course, number: int, eight_bit: bool) -> None:
    assert is_valid(SIGNER.sign(compose(course, course.lessons[0], eight_bit=eight_bit)), number)


@pytest.mark.parametrize("changes", [{}, {"bounce_address": "bounces@c.example"}], ids=["web", "web-and-mail"])
def test_no_line_of_a_signature_is_longer_than_mail_should_have(course: Course, changes: dict[str, str]) -> None:
    """RFC 5322, 2.1.1: 78 characters; a folded signature verifies as well."""
    signed = SIGNER.sign(compose(course, course.lessons[0], **changes))  # type: ignore[arg-type]
    signatures = signed.partition(b"From: ")[0].splitlines()
    assert len(signatures) > 10
    assert max(map(len, signatures)) <= 78
    assert all(is_valid(signed, number) for number in (0, 1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Subject: ", b"Subject: Re: "),
        (b"</html>", b"</HTML>"),
        (b"List-Unsubscribe: <http", b"List-Unsubscribe: <ftp"),
    ],
)
def test_a_message_changed_on_the_way_does_not(course: Course, before: bytes, after: bytes) -> None:
    signed = SIGNER.sign(compose(course, course.lessons[0]))
    assert before in signed
    assert not is_valid(signed.replace(before, after, 1), 0)


@pytest.mark.parametrize(
    "added",
    [b"Subject: Win", b"From: a@evil.example", b"To: all@x.example", b"List-Unsubscribe: <http://evil.example>"],
)
def test_dkim_signature_breaks_when_a_signed_header_is_added(course: Course, added: bytes) -> None:
    signed = SIGNER.sign(compose(course, course.lessons[0]))
    end = signed.index(b"\r\n\r\n")
    assert is_valid(signed[:end] + b"\r\nX-Added: yes" + signed[end:], 0)
    assert not is_valid(added + b"\r\n" + signed, 0)
    assert not is_valid(signed[:end] + b"\r\n" + added + signed[end:], 0)


def test_dkim_signs_with_the_newest_key_of_each_algorithm() -> None:
    old, new, other = (SigningKey(name, key) for name, key in (("old", RSA), ("new", RSA), ("ed", ED25519)))
    assert in_use([new, other, old]) == (new, other)
    assert in_use([]) == ()


def test_keys_are_made_for_their_owner_alone_and_their_records_verify(tmp_path: Path, course: Course) -> None:
    files = make_keys(tmp_path / "keys", "2026c")
    assert [*files] == ["2026cr", "2026ce"]
    assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o600}
    keys = load_keys(files)
    records = {f"{key.selector}._domainkey.c.example.".encode(): key.record.encode() for key in keys}
    signed = DkimSigner("c.example", keys).sign(compose(course, course.lessons[0]))
    for number in (0, 1):
        assert dkim.DKIM(signed).verify(idx=number, dnsfunc=lambda name, **_: records.get(name))
    before = {file: file.read_bytes() for file in files.values()}
    with pytest.raises(UnusableKey, match="there already"):
        make_keys(tmp_path / "keys", "2026c")
    assert {file: file.read_bytes() for file in files.values()} == before
    with pytest.raises(UnusableKey, match="small letters"):
        make_keys(tmp_path / "keys", "../2026")


def test_a_record_fits_into_a_zone_file() -> None:
    line = zone_line("c.example", SigningKey("2026a", RSA))
    strings = re.findall(r'"([^"]*)"', line)
    assert line.startswith("2026a._domainkey.c.example. IN TXT (")
    assert "".join(strings) == SigningKey("2026a", RSA).record
    assert max(map(len, strings)) <= 255


def test_the_headers_of_one_click_unsubscribing_are_signed(course: Course) -> None:
    signature = SIGNER.sign(compose(course, course.lessons[0])).partition(b"; h=")[0]
    names = signature.replace(b"\r\n ", b"").partition(b"h=")[2].partition(b";")[0].split(b":")
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
