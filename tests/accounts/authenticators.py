"""A security key in software (WebAuthn Level 3): what a browser would send for it, signed by a key of its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

from accounts.models import User
from accounts.passkeys import ALONE, handle_of

ISSUER = "http://localhost:8000"
RP_ID_HASH = hashlib.sha256(b"localhost").digest()
FLAG = AuthenticatorData.FLAG


@dataclass
class SecurityKey:
    """One passkey of this person, enrolled to sign in alone, or as a second step only."""

    user: User
    alone: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.id = hashlib.sha256(self.user.username.encode()).digest()
        credential = {**self._named(), "response": self._created("AAAA"), ALONE: self.alone}
        Authenticator.objects.create(user=self.user, type="webauthn", data={"name": "Key", "credential": credential})

    def enrolment(self, options: Any) -> str:
        """What the page that adds a passkey gets from it, for the challenge of that page."""
        return json.dumps({**self._named(), "response": self._created(options["publicKey"]["challenge"])})

    def _created(self, challenge: str) -> dict[str, str]:
        attested = AttestedCredentialData.create(
            Aaguid(b"\0" * 16), self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = AuthenticatorData.create(RP_ID_HASH, FLAG.UP | FLAG.UV | FLAG.AT, 0, attested)
        created = {"type": "webauthn.create", "challenge": challenge, "origin": ISSUER}
        return {
            "clientDataJSON": websafe_encode(json.dumps(created).encode()),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        }

    def answer(self, options: Any, *, verified: bool, handle: bytes | None = None) -> str:
        """What a page of the issuer gets from it for this challenge. `verified`: it asked for a finger or a PIN."""
        said = {"type": "webauthn.get", "challenge": options["publicKey"]["challenge"], "origin": ISSUER}
        client_data = json.dumps(said).encode()
        data = bytes(AuthenticatorData.create(RP_ID_HASH, FLAG.UP | FLAG.UV if verified else FLAG.UP, 1))
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client_data),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": websafe_encode(handle_of(self.user) if handle is None else handle),
        }
        return json.dumps({**self._named(), "response": response})

    def _named(self) -> dict[str, Any]:
        text = websafe_encode(self.id)
        return {"id": text, "rawId": text, "type": "public-key", "clientExtensionResults": {}}
