"""Values of settings that are more than one word: servers by their URL, hours, limits, keys."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import available_timezones

_P256_DER_BYTES = 91  # RFC 5480
FEEDBACK_ID = re.compile(r"[A-Za-z0-9._-]{5,15}")
_SHORTEST_SECRET = 16
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(?:[A-Za-z0-9_-]{1,60}(?:/[A-Za-z0-9_-]{1,60}){0,9})?")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
# With what the names of time zones begin that are those of places.
ZONE_CONTINENTS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Arctic/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)
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


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A bucket. `prefix`: what the names of its files begin with, as `a/b`; `endpoint`: empty for Amazon."""

    name: str
    prefix: str
    endpoint: str
    region: str

    @classmethod
    def from_url(cls, url: str) -> S3Bucket:
        """Read `s3://bucket[/prefix][?endpoint=https://host&region=eu-west-1]`. Raises ValueError for any other."""
        parts = urlsplit(url)
        named = parse_qs(parts.query, strict_parsing=True, max_num_fields=2) if parts.query else {}
        prefix, region = parts.path.strip("/"), named.get("region", ["us-east-1"])[0]
        endpoint = named.get("endpoint", [""])[0].rstrip("/")
        right = _BUCKET.fullmatch(parts.netloc) and _PREFIX.fullmatch(prefix) and _REGION.fullmatch(region)
        if parts.scheme != "s3" or not right or parts.fragment or not set(named) <= {"endpoint", "region"}:
            raise ValueError("expected s3://bucket[/prefix][?endpoint=https://host[:port]&region=eu-west-1]")
        if endpoint:
            _check_endpoint(endpoint)
        return cls(parts.netloc, prefix, endpoint, region)


def _check_endpoint(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or parts.netloc.rpartition("@")[1] or not host or parts.port == 0:
        raise ValueError("the endpoint is an address like https://s3.example.org, without a password")
    if parts.path or parts.query or parts.fragment:
        raise ValueError("the endpoint has nothing behind its host and port")
    if parts.scheme == "http" and not (_is_private(host) or "." not in host):  # a container has a name without a dot
        raise ValueError("pictures would travel unencrypted; use https:// for the endpoint")


def _is_private(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def read_picture_storage(value: str) -> Path | S3Bucket | None:
    """Read where pictures are kept: `database` (None), an absolute path, or `s3://…`. Raises ValueError."""
    if value == "database":
        return None
    if value.startswith("s3:"):
        return S3Bucket.from_url(value)
    path = Path(value)
    if not path.is_absolute() or ".." in path.parts or "\0" in value:
        raise ValueError("expected `database`, an absolute path like /srv/pictures, or s3://bucket")
    return path


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


def read_networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read a list of networks. Raises ValueError."""
    found = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        try:
            found.append(ip_network(part))
        except ValueError:
            raise ValueError(f"name each network as 127.0.0.0/8 or fd00::/8, not {part}") from None
    return tuple(found)


def check_feedback_id(value: str) -> None:
    """Check a sender id for Gmail's Postmaster Tools. Raises ValueError."""
    if not FEEDBACK_ID.fullmatch(value):
        raise ValueError("expected 5 to 15 letters, digits, dots, hyphens or underscores, as Gmail does")


def check_webhook_secret(value: str) -> None:
    """Check the length of a secret by which a webhook is known. Raises ValueError."""
    if len(value) < _SHORTEST_SECRET:
        raise ValueError(
            f"expected at least {_SHORTEST_SECRET} characters: whoever guesses it can stop mail to anybody"
        )


def check_token(value: str) -> None:
    """Check the length of a token with which a program reads. Raises ValueError."""
    if len(value) < _SHORTEST_SECRET:
        raise ValueError(f"expected at least {_SHORTEST_SECRET} characters: whoever guesses it can read along")


def read_base_url(value: str) -> str:
    """Return the address with which links begin, without a slash at its end. Raises ValueError."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(one.isspace() for one in value):
        raise ValueError("expected an address like https://courses.example.org")
    if "?" in value or "#" in value:
        raise ValueError("links begin with it, so it can't have a ? or a #; keep what stands before these")
    if parts.port == 0:  # reading a port above 65535 raises a ValueError itself
        raise ValueError("port 0 is none")
    return value.rstrip("/")


def check_public_key(value: str) -> None:
    """Check a key as SendGrid shows it: DER of a P-256 public key, in base64. Raises ValueError."""
    try:
        whole = len(base64.b64decode(value, validate=True)) == _P256_DER_BYTES
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("expected the verification key as SendGrid shows it (MFkw…)")


def check_time_zone(name: str) -> str:
    """Return the name of the time zone of a place, or UTC. Raises ValueError for one that readers can't choose."""
    if name != "UTC" and (name not in available_timezones() or not name.startswith(ZONE_CONTINENTS)):
        raise ValueError(f"{name!r} is no time zone; write it as Europe/Amsterdam or America/New_York")
    return name
