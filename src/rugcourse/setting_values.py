"""Values of settings that are more than one word: servers by their URL, hours, limits, keys."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import available_timezones

_P256_DER_BYTES = 91  # RFC 5480
Security = Literal["plain", "opportunistic", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The mail server that takes our mail.

    `security`: `tls` from the first byte, `starttls` (required), `opportunistic` (STARTTLS if offered), or `plain`. A
    password is only sent encrypted, except to this machine.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    security: Security = "opportunistic"

    @classmethod
    def from_url(cls, url: str) -> SmtpServer:
        """Read `smtp://user:pass@host:port?starttls=always|auto|never` or `smtps://…`.

        With a user, the default is `always`. Raises ValueError for any other form, and if a password could be sent
        unencrypted: an attacker in between can remove the offer of STARTTLS.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("expected smtp://[user:password@]host[:port][?starttls=always|auto|never] or smtps://…")
        secret = bool(parts.username) and not is_this_machine(parts.hostname)
        policy = parse_qs(parts.query).get("starttls", ["always" if secret else "auto"])[0]
        choices: dict[str, Security] = {"always": "starttls", "auto": "opportunistic", "never": "plain"}
        if policy not in choices:
            raise ValueError(f"starttls={policy} is not one of always, auto, never")
        secure = parts.scheme == "smtps"
        if secret and not secure and policy != "always":
            raise ValueError(f"starttls={policy} could send the password unencrypted; use starttls=always or smtps://…")
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if secure else 25),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            security="tls" if secure else choices[policy],
        )


def is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A folder on an IMAP server."""

    host: str
    port: int
    user: str
    password: str
    folder: str = "INBOX"
    encrypted: bool = True

    @classmethod
    def from_url(cls, url: str) -> Mailbox:
        """Read `imaps://user:password@host[:port][/folder]`, or `imap://…` for a server without encryption.

        Raises ValueError for any other form, and if the password would be sent unencrypted to another machine.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"imap", "imaps"} or not (parts.hostname and parts.username and parts.password):
            raise ValueError("expected imaps://user:password@host[:port][/folder]")
        encrypted = parts.scheme == "imaps"
        if not encrypted and not is_this_machine(parts.hostname):
            raise ValueError("the password would travel unencrypted; use imaps://…")
        return cls(
            host=parts.hostname,
            port=parts.port or (993 if encrypted else 143),
            user=unquote(parts.username),
            password=unquote(parts.password),
            folder=unquote(parts.path.strip("/")) or "INBOX",
            encrypted=encrypted,
        )


def read_hours(value: str) -> tuple[int, int] | None:
    """Read `22-7`: two hours of the day; None for nothing and for `none`. Raises ValueError."""
    if value.strip().lower() in {"", "none"}:
        return None
    first, dash, last = (part.strip() for part in value.partition("-"))
    if not (dash and first.isdecimal() and last.isdecimal() and int(first) < 24 and int(last) < 24):
        raise ValueError("expected two hours of the day like 22-7, or none")
    return int(first), int(last)


def read_limits(value: str) -> dict[str, int]:
    """Read `gmail.com=300,…`: domain → limit. Raises ValueError."""
    limits = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        domain, equals, count = part.partition("=")
        if not (domain.strip() and equals and count.strip().isdecimal() and int(count) > 0):
            raise ValueError(f"expected domain=number like gmail.com=300, not {part}")
        limits[domain.strip().lower()] = int(count)
    return limits


def read_keys(value: str) -> dict[str, Path]:
    """Read `selector=file.pem,…`: selector → file. Raises ValueError."""
    keys = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        selector, equals, file = part.partition("=")
        if not (selector.strip() and equals and file.strip()):
            raise ValueError(f"expected selector=file like 2026a=dkim.pem, not {part}")
        keys[selector.strip()] = Path(file.strip())
    return keys


def read_lines(value: str) -> dict[str, str]:
    """Read `{"nl": "Fysiotherapeut.", …}`: language → one line. Raises ValueError."""
    try:
        lines = json.loads(value)
    except ValueError:
        lines = None
    if not isinstance(lines, dict) or not all(isinstance(one, str) and one.strip() for one in lines.values()):
        raise ValueError('expected languages with a line each, like {"nl": "Fysio.", "en": "Physio."}')
    return {language: " ".join(line.split()) for language, line in lines.items()}


def check_address(value: str) -> None:
    """Check an address that mail servers take, in ASCII. Raises ValueError."""
    local, at, domain = value.partition("@")
    if not (local and at and domain) or any(one.isspace() or one in ",;<>" for one in value) or "@" in domain:
        raise ValueError("expected an address like course@example.org")
    if not value.isascii():
        raise ValueError("expected plain letters; write a domain with others in its xn-- form")


def check_proxies(value: str) -> None:
    """Refuse `*` and a network of all addresses: any visitor could forge their address. Raises ValueError."""
    for part in filter(None, (part.strip() for part in value.split(","))):
        try:
            everybody = ip_network(part).prefixlen == 0
        except ValueError:
            everybody = True
        if everybody:
            raise ValueError(
                f"name the address or the network of the proxy, as 127.0.0.1 or 172.30.57.0/24, not {part}"
            )


def check_public_key(value: str) -> None:
    """Check a key as SendGrid shows it: DER of a P-256 public key, in base64. Raises ValueError."""
    try:
        whole = len(base64.b64decode(value, validate=True)) == _P256_DER_BYTES
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("expected the verification key as SendGrid shows it (MFkw…)")


def check_time_zone(name: str) -> str:
    """Return the name of a time zone. Raises ValueError for one that this machine does not know."""
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; write it as Europe/Amsterdam or America/New_York")
    return name
