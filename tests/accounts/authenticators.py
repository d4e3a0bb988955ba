"""A security key in software (WebAuthn Level 3): what a browser would send for it, signed by a key of its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

from accounts.models import User

ISSUER = "http://localhost:8000"
RP_ID_HASH = hashlib.sha256(b"localhost").digest()
FLAG = AuthenticatorData.FLAG


@dataclass
class SecurityKey:
    """One passkey of this person, enrolled. `verified`: it asked for a face, a finger or a PIN."""

    user: User
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.id = hashlib.sha256(self.user.username.encode()).digest()
        attested = AttestedCredentialData.create(
            Aaguid(b"\0" * 16), self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = AuthenticatorData.create(RP_ID_HASH, FLAG.UP | FLAG.UV | FLAG.AT, 0, attested)
        created = {"type": "webauthn.create", "challenge": "AAAA", "origin": ISSUER}
        kept = {
            "clientDataJSON": websafe_encode(json.dumps(created).encode()),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        }
        credential = {**self._named(), "response": kept}
        Authenticator.objects.create(user=self.user, type="webauthn", data={"name": "Key", "credential": credential})

    def answer(self, options: Any, *, verified: bool) -> str:
        """What a page of the issuer gets from it for this challenge."""
        said = {"type": "webauthn.get", "challenge": options["publicKey"]["challenge"], "origin": ISSUER}
        client_data = json.dumps(said).encode()
        data = bytes(AuthenticatorData.create(RP_ID_HASH, FLAG.UP | FLAG.UV if verified else FLAG.UP, 1))
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client_data),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": websafe_encode(user_pk_to_url_str(self.user).encode()),
        }
        return json.dumps({**self._named(), "response": response})

    def _named(self) -> dict[str, Any]:
        text = websafe_encode(self.id)
        return {"id": text, "rawId": text, "type": "public-key", "clientExtensionResults": {}}
