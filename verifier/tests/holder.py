"""An app with a key, that makes DPoP proofs; also wrong ones."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from jwcrypto import jwk

from tests.provider import compact, signature

URL = "https://api.acme.example/orders/7"


def new_key() -> jwk.JWK:
    return jwk.JWK(generate="EC", crv="P-256")


@dataclass
class Holder:
    key: jwk.JWK = field(default_factory=new_key)
    algorithm: str = "ES256"

    @property
    def cnf(self) -> dict[str, str]:
        return {"jkt": str(self.key.thumbprint())}

    def proof(self, token: str, url: str = URL, method: str = "GET", **other: Any) -> str:
        """For this request. `other` members of header and claims replace these; None leaves one out."""
        ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        header = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.key.export_public(as_dict=True)}
        claims = {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "iat": int(time.time()), "ath": ath}
        for name, value in other.items():
            (header if name in (*header, "crit") else claims)[name] = value
        header, claims = ({n: v for n, v in part.items() if v is not None} for part in (header, claims))
        return compact(header, claims, signature(self.algorithm, self.key))
