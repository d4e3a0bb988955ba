"""Keys that apps have, one for each algorithm, and what they sign with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto import jwk, jws

RSA = jwk.JWK.generate(kty="RSA", size=2048)
# By algorithm. RS256 and PS256 share one, to show that a key without `alg` serves both.
KEYS = {
    "RS256": RSA,
    "ES256": jwk.JWK.generate(kty="EC", crv="P-256"),
    "PS256": RSA,
    "EdDSA": jwk.JWK.generate(kty="OKP", crv="Ed25519"),
}
OTHERS = {"ES256": jwk.JWK.generate(kty="EC", crv="P-256"), "EdDSA": jwk.JWK.generate(kty="OKP", crv="Ed25519")}


def public(key: jwk.JWK, **members: Any) -> dict[str, Any]:
    """As its owner registers it."""
    return {**key.export_public(as_dict=True), **members}


def pem(key: dsa.DSAPublicKey | ec.EllipticCurvePublicKey) -> str:
    """Of a kind that no JWK is for."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(key: jwk.JWK, algorithm: str, claims: Mapping[str, Any] | bytes, **header: Any) -> str:
    """A compact JWS; a header member that is None is left out."""
    token = jws.JWS(claims if isinstance(claims, bytes) else json.dumps(claims))
    said = {name: value for name, value in {"alg": algorithm, **header}.items() if value is not None}
    token.allowed_algs = [algorithm]
    token.add_signature(key, None, json.dumps(said), None)
    return str(token.serialize(compact=True))
