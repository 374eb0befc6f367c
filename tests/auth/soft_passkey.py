"""A passkey in software (WebAuthn level 2), for tests of what a device may and may not do."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url, encode_cbor

from rugcourse.auth.passkeys import RelyingParty

_PRESENT, _VERIFIED, _WITH_KEY = 0x01, 0x04, 0x40


class SoftPasskey:
    """One credential; `made` and `asked` are what a browser hands in."""

    def __init__(self, site: RelyingParty) -> None:
        self._site = site
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = secrets.token_bytes(16)
        self._uses = 0

    def made(self, challenge: str) -> str:
        """The answer to a registration."""
        numbers = self._key.public_key().public_numbers()
        x, y = (part.to_bytes(32, "big") for part in (numbers.x, numbers.y))
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        about = bytes(16) + struct.pack(">H", len(self._id)) + self._id + public
        data = self._data(_PRESENT | _VERIFIED | _WITH_KEY) + about
        attested = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"attestationObject": bytes_to_base64url(attested)}, "webauthn.create", challenge)

    def asked(self, challenge: str) -> str:
        """The answer to a login."""
        self._uses += 1
        data = self._data(_PRESENT | _VERIFIED)
        said = self._said("webauthn.get", challenge)
        signature = self._key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        response = {"authenticatorData": bytes_to_base64url(data), "signature": bytes_to_base64url(signature)}
        return self._answer(response, "webauthn.get", challenge)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self._site.id.encode()).digest() + struct.pack(">BI", flags, self._uses)

    def _said(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self._site.origin}).encode()

    def _answer(self, response: dict[str, str], kind: str, challenge: str) -> str:
        name = bytes_to_base64url(self._id)
        said = bytes_to_base64url(self._said(kind, challenge))
        return json.dumps(
            {"id": name, "rawId": name, "type": "public-key", "response": {"clientDataJSON": said, **response}}
        )
