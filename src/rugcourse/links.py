"""Builds and verifies all URLs and addresses in mails.

A link contains a purpose and a few numbers, signed. What a link may do is looked up by the numbers, never taken from
the URL: a modified token opens nothing.

Token: base64url(numbers as varints + 12 bytes of keyed BLAKE2b over them, personalised with the purpose), RFC 7693: a
MAC by design and, with a dozen links in a mail, five times as fast as HMAC. The newest key signs, every key in the
settings is accepted, so keys can be rotated without breaking mails already sent.

A token of a mail also contains the security stamp of its recipient: a random number of one person, which changes with
their address. So a link never opens anything of another person who gets the same id later, on any database, nor of a
corrected address. Code that looks up a mail compares the stamp, see `rugcourse.db.queries.subscribers.by_link`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from rugcourse.errors import NotFoundError

# A mail can be forwarded or read by others: after so many days its links show and change nothing of its reader.
LINK_DAYS = 30
MAC_BYTES = 12
_MAX_TOKEN_LENGTH = 120
_ONE_BYTE = tuple(bytes([number]) for number in range(0x80))
_URLSAFE = bytes.maketrans(b"+/", b"-_")  # RFC 4648, section 5


class TokenPurpose(StrEnum):
    """The purpose of a token. A token for one purpose is invalid for another."""

    CONFIRM = "confirm"
    ANSWER = "answer"
    LESSON = "lesson"
    PREFERENCES = "preferences"
    UNSUBSCRIBE = "unsubscribe"
    CLICK = "click"
    OPEN = "open"
    RETEST = "retest"
    ATTEMPT = "attempt"
    FORM = "form"
    NEW_ADDRESS = "new-address"
    BOOK = "book"
    ADMIN_FORM = "admin-form"
    DEVICE = "device"
    MESSAGE = "message"
    RETURN = "return"
    UNSUBSCRIBE_MAIL = "unsubscribe-mail"
    CLIENT_ADDRESS = "client-address"
    API_CURSOR = "api-cursor"


def is_old(planned_at: datetime, closed_at: datetime | None, now: datetime) -> bool:
    """Whether the links of a mail no longer open anything of its reader.

    They are too old, or the reader closed all links that were mailed before `closed_at`.
    """
    is_closed = closed_at is not None and planned_at < closed_at
    return is_closed or now - planned_at > timedelta(days=LINK_DAYS)


class BadToken(NotFoundError):
    """The token was not signed by us for this purpose. The error has no details, on purpose."""


class MailRef(NamedTuple):
    """A mail, and the security stamp of its reader at the time of the link."""

    delivery_id: int
    stamp: int


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs and verifies tokens. `keys`: newest first, each at most 64 bytes.

    `digest_key`: the key of `digest`; None for the oldest of `keys`.
    """

    keys: tuple[bytes, ...]
    digest_key: bytes | None = None

    @classmethod
    def from_texts(cls, keys: Sequence[str], digest_key: str = "") -> Signer:
        """Create a signer from the texts of the settings. An empty `digest_key` means none."""
        found = tuple(_key_of(key) for key in keys)
        return cls(found, _key_of(digest_key) if digest_key else None)

    def sign(self, purpose: TokenPurpose, *numbers: int) -> str:
        payload = b"".join(map(_varint, numbers))
        return _base64(payload + _mac(self.keys[0], purpose, payload)).decode()

    def read(self, purpose: TokenPurpose, token: str, count: int) -> tuple[int, ...]:
        """Verify a token and return its `count` numbers. Raises BadToken."""
        payload, mac = _split(token)
        if not any(hmac.compare_digest(mac, _mac(key, purpose, payload)) for key in self.keys):
            raise BadToken
        numbers = _numbers(payload)
        if len(numbers) != count:
            raise BadToken
        return numbers

    def sign_mail(self, purpose: TokenPurpose, mail: MailRef, *numbers: int) -> str:
        """Sign a token of a mail, with additional numbers."""
        payload = b"".join((_of_mail(mail), *map(_varint, numbers))) if numbers else _of_mail(mail)
        return _base64(payload + _mac(self.keys[0], purpose, payload)).decode()

    def read_mail(self, purpose: TokenPurpose, token: str) -> MailRef:
        """Verify a token and return its mail. The caller must still compare the stamp. Raises BadToken."""
        return MailRef(*self.read(purpose, token, len(MailRef._fields)))

    def digest(self, text: str) -> str:
        """Return a keyed hash of `text`, which is stable for as long as its key is kept.

        It can recognise an erased person, but not list anybody.
        """
        return hmac.new(self.digest_key or self.keys[-1], b"digest\0" + text.encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Links:
    """The URLs and addresses of one installation. Those with a mail are for the person it was sent to."""

    base_url: str
    signer: Signer

    def home(self, language: str) -> str:
        return f"{self.base_url}/{language}"

    def course(self, language: str, course: str) -> str:
        return f"{self.base_url}/{language}/{course}"

    def public_lesson(self, language: str, course: str, lesson: str) -> str:
        return f"{self.base_url}/{language}/{course}/lessons/{lesson}"

    def share_picture(self, language: str, course: str) -> str:
        """The picture that messengers show beside the address of a course."""
        return f"{self.course(language, course)}/share.png"

    def privacy(self, language: str) -> str:
        return f"{self.base_url}/{language}/privacy"

    def admin_welcome(self, token: str) -> str:
        """The page on which an invited admin sets their password."""
        return f"{self.base_url}/admin/invite/{token}"

    def admin_reset(self, token: str) -> str:
        """The page on which an admin resets their password."""
        return f"{self.base_url}/admin/reset/{token}"

    def safety_notice(self, language: str, course: str) -> str:
        return f"{self.base_url}/{language}/{course}/safety-notice"

    def confirm(self, mail: MailRef) -> str:
        return self._of_mail("c", TokenPurpose.CONFIRM, mail)

    def answer(self, mail: MailRef, question: int, option: int) -> str:
        return self._of_mail("a", TokenPurpose.ANSWER, mail, question, option)

    def lesson(self, mail: MailRef) -> str:
        return self._of_mail("w", TokenPurpose.LESSON, mail)

    def preferences(self, mail: MailRef) -> str:
        return self._of_mail("p", TokenPurpose.PREFERENCES, mail)

    def book(self, mail: MailRef, kind: str) -> str:
        """The e-book; `kind` is `pdf` or `epub`."""
        return f"{self._personal('b', TokenPurpose.BOOK, *mail)}.{kind}"

    def new_address(self, change_id: int, secret: int) -> str:
        """The page on which the owner of an address confirms an address change."""
        return self._personal("n", TokenPurpose.NEW_ADDRESS, change_id, secret)

    def my_page(self, language: str) -> str:
        """The page on which a reader asks for a magic link."""
        return f"{self.base_url}/{language}/my-page"

    def unsubscribe(self, mail: MailRef) -> str:
        return self._of_mail("u", TokenPurpose.UNSUBSCRIBE, mail)

    def retest(self, mail: MailRef) -> str:
        return self._of_mail("t", TokenPurpose.RETEST, mail)

    def click(self, mail: MailRef, link: int) -> str:
        return self._of_mail("l", TokenPurpose.CLICK, mail, link)

    def pixel(self, mail: MailRef) -> str:
        return self._of_mail("o", TokenPurpose.OPEN, mail) + ".gif"

    def return_path(self, mail: MailRef, address: str) -> str:
        """The return path of a delivery (VERP): `bounces+<token>@…` for the address `bounces@…`.

        The token is in base32, as mail servers may change upper case to lower case.
        """
        return self._extended(address, TokenPurpose.RETURN, mail)

    def unsubscribe_address(self, mail: MailRef, address: str) -> str:
        """The address to which a message unsubscribes the reader of a mail: same mailbox, and as hard to forge."""
        return self._extended(address, TokenPurpose.UNSUBSCRIBE_MAIL, mail)

    def returned(self, address: str) -> MailRef:
        """Return the mail that bounced to an address. Raises BadToken."""
        return self.signer.read_mail(TokenPurpose.RETURN, _extension(address))

    def unsubscribed(self, address: str) -> MailRef:
        """Return the mail whose reader unsubscribes by writing to an address. Raises BadToken."""
        return self.signer.read_mail(TokenPurpose.UNSUBSCRIBE_MAIL, _extension(address))

    def is_own(self, address: str) -> bool:
        """Whether an address is one of our return paths or unsubscribe addresses."""
        for read in (self.returned, self.unsubscribed):
            with suppress(BadToken):
                read(address)
                return True
        return False

    def quoted(self, message_id: str) -> MailRef:
        """Return the mail of a quoted Message-ID. Raises BadToken."""
        return self.signer.read_mail(TokenPurpose.MESSAGE, message_id.strip().strip("<>").partition("@")[0])

    def message_id(self, mail: MailRef, domain: str) -> str:
        """The Message-ID of a mail: always the same, and signed, so that a bounce that quotes it can't be forged."""
        return f"<{self.signer.sign_mail(TokenPurpose.MESSAGE, mail)}@{domain}>"

    def client_address(self, at: int) -> str:
        """The page that tells the doctor which client address it sees. `at`: now, in seconds since 1970."""
        return self._personal("health/client", TokenPurpose.CLIENT_ADDRESS, at)

    def _extended(self, address: str, purpose: TokenPurpose, mail: MailRef) -> str:
        local, _, domain = address.rpartition("@")
        return f"{local}+{_slow_text(self.signer.sign_mail(purpose, mail))}@{domain}"

    def _of_mail(self, path: str, purpose: TokenPurpose, mail: MailRef, *numbers: int) -> str:
        return f"{self.base_url}/{path}/{self.signer.sign_mail(purpose, mail, *numbers)}"

    def _personal(self, path: str, purpose: TokenPurpose, *numbers: int) -> str:
        return f"{self.base_url}/{path}/{self.signer.sign(purpose, *numbers)}"


def _extension(address: str) -> str:
    """Return the token in an address. Raises BadToken."""
    return _quick_text(address.rpartition("@")[0].rpartition("+")[2])


def _slow_text(token: str) -> str:
    """Encode a token in base32, which does not depend on upper and lower case (RFC 4648, section 6)."""
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    return base64.b32encode(raw).decode().rstrip("=").lower()


def _quick_text(text: str) -> str:
    """Decode a token from base32. Raises BadToken."""
    plain = text.upper()
    try:
        raw = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        raise BadToken from None
    token = _base64(raw).decode()
    # As in base64, the last character has spare bits; only the canonical spelling is ours.
    if _slow_text(token) != text.lower():
        raise BadToken
    return token


def _key_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode()).digest()


def _mac(key: bytes, purpose: TokenPurpose, payload: bytes) -> bytes:
    mac = _keyed(key, purpose).copy()
    mac.update(payload)
    return mac.digest()


@lru_cache(maxsize=128)  # setting up the key takes as long as the rest of the MAC
def _keyed(key: bytes, purpose: TokenPurpose) -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=MAC_BYTES, key=key, person=purpose.encode())


def _base64(raw: bytes) -> bytes:
    return binascii.b2a_base64(raw, newline=False).translate(_URLSAFE, b"=")


@lru_cache(maxsize=128)  # the dozen links of a mail share this prefix
def _of_mail(mail: MailRef) -> bytes:
    return b"".join(map(_varint, mail))


def _varint(number: int) -> bytes:
    """Encode a number in seven bits a byte, lowest first, with the high bit set on all but the last (LEB128)."""
    if 0 <= number < len(_ONE_BYTE):
        return _ONE_BYTE[number]
    if number < 0:
        raise ValueError("tokens can't contain negative numbers")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _numbers(payload: bytes) -> tuple[int, ...]:
    numbers, value, shift = [], 0, 0
    for byte in payload:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(value)
            value, shift = 0, 0
    return tuple(numbers)


def _split(token: str) -> tuple[bytes, bytes]:
    if len(token) > _MAX_TOKEN_LENGTH:
        raise BadToken
    try:
        data = token.encode("ascii")
        raw = base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise BadToken from None
    # Only the canonical spelling is ours: base64 leaves spare bits in the last character.
    if _base64(raw) != data:
        raise BadToken
    return raw[:-MAC_BYTES], raw[-MAC_BYTES:]
