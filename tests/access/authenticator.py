"""A security key in software: makes an ES256 key and signs as the standard says, for an origin that the test may choose."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from datetime import UTC, datetime
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from governance.access import security_keys
from governance.models import SecurityKey, User

RP_ID = "localhost"
ORIGIN = "http://localhost:8000"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Authenticator:
    """`count` is the signature counter; 0 stays 0, as with passkeys."""

    def __init__(self, *, origin: str = ORIGIN, rp_id: str = RP_ID, count: int = 1) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.origin, self.rp_id, self.count = origin, rp_id, count

    def enrol(self, person: User) -> SecurityKey:
        challenge = secrets.token_bytes(32)
        return security_keys.register(person, self.creation(challenge), challenge, "blue key", datetime.now(UTC))

    def creation(self, challenge: bytes) -> str:
        """What `navigator.credentials.create` gives."""
        client = self._client_data("webauthn.create", challenge)
        attested = b"\0" * 16 + struct.pack(">H", len(self.credential_id)) + self.credential_id + self._cose()
        data = self._data(PRESENT | VERIFIED | ATTESTED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": text(client), "attestationObject": text(statement)})

    def assertion(self, challenge: bytes, *, flags: int = PRESENT | VERIFIED) -> str:
        """What `navigator.credentials.get` gives."""
        if self.count:
            self.count += 1
        client, data = self._client_data("webauthn.get", challenge), self._data(flags)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature)}
        )

    def _answer(self, response: dict[str, Any]) -> str:
        name = text(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})

    def _client_data(self, kind: str, challenge: bytes) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": text(challenge), "origin": self.origin, "crossOrigin": False}
        ).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _cose(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
