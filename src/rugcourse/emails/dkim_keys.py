"""Reads and creates DKIM keys, and formats their DNS records (RFC 6376, 3.6.1; Ed25519: RFC 8463, 4)."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from rugcourse.errors import ConfigError

_MIN_RSA_BITS = 1024
_NEW_RSA_BITS = 2048
_LONGEST_STRING = 255  # bytes of one string in a TXT record (RFC 1035, 3.3)
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?")


class UnusableKey(ConfigError):
    """A DKIM key can't be used or created. The message names the key and the reason."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the selector under which its public key is published in the DNS."""

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> bytes:
        return b"rsa-sha256" if isinstance(self.private, RSAPrivateKey) else b"ed25519-sha256"

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, PKCS1v15(), hashes.SHA256())
        return self.private.sign(hashlib.sha256(data).digest())

    @property
    def record(self) -> str:
        """The value of the TXT record at `<selector>._domainkey.<domain>`."""
        if isinstance(self.private, RSAPrivateKey):
            kind, public = (
                "rsa",
                self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            )
        else:
            kind, public = "ed25519", self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"


def load_keys(files: Mapping[str, Path]) -> tuple[SigningKey, ...]:
    """Load the keys of a mapping from selector to PEM file, in the same order. Raises UnusableKey."""
    return tuple(load_key(selector, file) for selector, file in files.items())


def load_key(selector: str, file: Path) -> SigningKey:
    """Read a private key from a PEM file. Raises UnusableKey."""
    try:
        private = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise UnusableKey(f"{file} holds no private key that can be used: {error}") from None
    if isinstance(private, RSAPrivateKey) and private.key_size >= _MIN_RSA_BITS:
        return SigningKey(selector, private)
    if isinstance(private, Ed25519PrivateKey):
        return SigningKey(selector, private)
    raise UnusableKey(f"{file}: DKIM takes RSA keys of {_MIN_RSA_BITS} bits or more, and Ed25519")


def in_use(keys: Sequence[SigningKey]) -> tuple[SigningKey, ...]:
    """Return the keys that sign: the first of each algorithm.

    Later ones are rotated out: their records stay published until all mail that they signed has arrived.
    """
    newest: dict[bytes, SigningKey] = {}
    for key in keys:
        newest.setdefault(key.algorithm, key)
    return tuple(newest.values())


def make_keys(folder: Path, name: str) -> dict[str, Path]:
    """Create an RSA key and an Ed25519 key. Returns selector → file, readable by its owner only.

    The selectors are `<name>r` and `<name>e`. Raises UnusableKey when the name is not valid or a key exists already.
    """
    if not _SELECTOR.fullmatch(name):
        raise UnusableKey(f"{name!r} can't stand in the DNS: use small letters, digits and hyphens, such as 202611")
    files = {f"{name}{template}": folder / f"{name}{template}.pem" for template in "re"}
    for file in files.values():
        if file.exists():
            raise UnusableKey(f"{file} is there already; choose another name, or a key that is in use would be lost")
    keys: tuple[RSAPrivateKey | Ed25519PrivateKey, ...] = (
        generate_private_key(65537, _NEW_RSA_BITS),
        Ed25519PrivateKey.generate(),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, key in zip(files.values(), keys, strict=True):
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
                opened.write(pem)
    except OSError as error:
        raise UnusableKey(f"the keys can't be written to {folder}: {error.strerror}") from None
    return files


def zone_line(domain: str, key: SigningKey) -> str:
    """Format the record as a line of a zone file (RFC 1035, 5.1): strings of at most 255 bytes, which are joined."""
    record = key.record
    strings = [record[start : start + _LONGEST_STRING] for start in range(0, len(record), _LONGEST_STRING)]
    return f"{key.selector}._domainkey.{domain}. IN TXT ( " + " ".join(f'"{one}"' for one in strings) + " )"
