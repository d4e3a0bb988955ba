"""Somebody with a key, who makes DPoP proofs with it (RFC 9449); also wrong ones."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from jwcrypto import jwk, jws

from provider.protocol.dpop import hash_of
from tests.world import ISSUER, App, Response

TOKEN = f"{ISSUER}/oauth2/token"
USERINFO = f"{ISSUER}/oauth2/userinfo"
KINDS: dict[str, dict[str, Any]] = {
    "ES256": {"kty": "EC", "crv": "P-256"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "PS256": {"kty": "RSA", "size": 2048},
    "RS256": {"kty": "RSA", "size": 2048},
}


def new_key(algorithm: str = "ES256") -> jwk.JWK:
    made: jwk.JWK = jwk.JWK.generate(**KINDS[algorithm])
    return made


@dataclass
class Holder:
    """Of a key. `algorithm`: what it signs with."""

    algorithm: str = "ES256"
    key: jwk.JWK = field(default_factory=new_key, repr=False)

    @classmethod
    def with_key_for(cls, algorithm: str) -> Holder:
        return cls(algorithm, new_key(algorithm))

    @property
    def public(self) -> dict[str, Any]:
        return dict(self.key.export_public(as_dict=True))

    @property
    def jkt(self) -> str:
        return str(self.key.thumbprint())

    def claims(self, url: str = TOKEN, method: str = "POST", token: str = "") -> dict[str, Any]:
        ath = {"ath": hash_of(token).decode()} if token else {}
        return {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "iat": int(time.time()), **ath}

    def signed(self, header: dict[str, Any], claims: Any) -> str:
        """Whatever they are."""
        text = claims if isinstance(claims, (str, bytes)) else json.dumps(claims)
        made = jws.JWS(text)
        made.add_signature(self.key, protected=json.dumps({"alg": self.algorithm, **header}))
        return str(made.serialize(compact=True))

    def proof(self, url: str = TOKEN, method: str = "POST", token: str = "", **other: Any) -> str:
        """One for this request. `other` claims and members of the header replace these; None leaves one out."""
        header = {"typ": "dpop+jwt", "jwk": self.public}
        claims = self.claims(url, method, token)
        for name, value in other.items():
            (header if name in header else claims)[name] = value
        return self.signed(
            {name: value for name, value in header.items() if value is not None},
            {name: value for name, value in claims.items() if value is not None},
        )

    # --- At the endpoints ---

    def asks(self, app: App, proof: str | None = None, **params: Any) -> Response:
        """A token request of this app."""
        return app.post("/oauth2/token", params, HTTP_DPOP=self.proof() if proof is None else proof)

    def shows(
        self, token: str, proof: str | None = None, scheme: str = "DPoP", path: str = "/oauth2/userinfo"
    ) -> Response:
        """The access token, at userinfo."""
        sent = self.proof(f"{ISSUER}{path}", "GET", token) if proof is None else proof
        return App("web").http.get(path, HTTP_AUTHORIZATION=f"{scheme} {token}", HTTP_DPOP=sent)
