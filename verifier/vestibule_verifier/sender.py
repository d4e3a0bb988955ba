"""Who sends a bound token: the holder of a key (DPoP, RFC 9449) or of a TLS certificate (RFC 8705)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jwcrypto import jwk
from jwcrypto.jwa import JWA

from vestibule_verifier.claims import Claims
from vestibule_verifier.errors import Invalid, InvalidProof, NonceNeeded
from vestibule_verifier.keys import DEFAULT_ALGORITHMS, public_key
from vestibule_verifier.parsing import base64url, json_object
from vestibule_verifier.replays import Nonces, ReplayMemory, Replays

MAX_PROOF = 8192  # characters
MAX_AGE = 300  # seconds for which a proof may be shown
LEEWAY = 30  # seconds by which the clocks of app and API may differ
# The names of EdDSA: RFC 8037, RFC 9864.
ALGORITHMS = {"ES256": "ES256", "PS256": "PS256", "EdDSA": "EdDSA", "Ed25519": "EdDSA"}
_PORTS = {"http": 80, "https": 443}
_UNPROVED = "The token is bound to a key, and the request does not prove to have it."


@dataclass(frozen=True, slots=True)
class Sender:
    """What a request shows besides its token. `url`: as apps call this API, without what a Host header says.

    `scheme` of the Authorization header, in small letters. `proof`: its DPoP header; several are joined with commas.
    `certificate`: of its TLS connection, as DER or PEM, from a proxy you trust.
    """

    method: str
    url: str
    scheme: str = "bearer"
    proof: str | None = field(default=None, repr=False)
    certificate: bytes | str | None = field(default=None, repr=False)


class Proofs:
    """Checks what a sender shows against what its token is bound to. One for each verifier, for it remembers proofs."""

    def __init__(self, *, replays: Replays | None = None, nonces: Nonces | None = None) -> None:
        self._replays = ReplayMemory() if replays is None else replays
        self._nonces = nonces

    def check(self, token: str, claims: Claims, sender: Sender) -> None:
        """Raises Invalid, InvalidProof or NonceNeeded unless this sender may show this token."""
        binding = claims.get("cnf", {})
        if not isinstance(binding, Mapping) or ("cnf" in claims and not binding):
            raise Invalid(_UNPROVED)
        if set(binding) - {"jkt", "x5t#S256"}:
            raise Invalid(_UNPROVED)  # bound in a way that nobody can prove here
        if "x5t#S256" in binding and not _same(binding["x5t#S256"], thumbprint(sender.certificate)):
            raise Invalid("The token is bound to another certificate than that of the connection.")
        if (sender.scheme == "dpop") is not ("jkt" in binding):
            other = "DPoP, with a proof" if "jkt" in binding else "Bearer"
            raise Invalid(f"Send this token with the scheme {other}.")
        if "jkt" in binding:
            self._check_proof(token, binding["jkt"], sender)

    def _check_proof(self, token: str, jkt: object, sender: Sender) -> None:
        header, claims = _read(sender.proof or "")
        _check_claims(claims, sender, token)
        nonce = claims.get("nonce", "")
        if self._nonces is not None and not (isinstance(nonce, str) and nonce and self._nonces.knows(nonce)):
            raise NonceNeeded(self._nonces.fresh())
        if not _same(jkt, header):
            raise Invalid("The token is bound to another key than that of the DPoP proof.")
        if not self._replays.first_use(f"{header} {claims['jti']}", MAX_AGE + 2 * LEEWAY):
            raise InvalidProof("This DPoP proof was used already: make one for each request.")


def thumbprint(certificate: bytes | str | None) -> str:
    """`x5t#S256` of a certificate; empty without one."""
    if not certificate:
        return ""
    if isinstance(certificate, str) or certificate.startswith(b"-----"):
        text = certificate if isinstance(certificate, str) else certificate.decode("latin-1")
        lines = [line.strip() for line in text.strip().splitlines()]
        try:
            certificate = base64.b64decode("".join(lines[1:-1]), validate=True)
        except ValueError:
            return ""
    return _encoded(hashlib.sha256(certificate).digest()) if certificate else ""


def _same(one: object, other: str) -> bool:
    return isinstance(one, str) and bool(other) and hmac.compare_digest(one.encode(errors="replace"), other.encode())


def _read(proof: str) -> tuple[str, Mapping[str, object]]:
    """The thumbprint of the key that signed it, and its claims (RFC 9449 section 4.3)."""
    parts = proof.split(".") if 0 < len(proof) <= MAX_PROOF else []
    try:
        protected, payload, signature = (base64url(part) for part in parts)
        header, claims = json_object(protected), json_object(payload)
    except ValueError:
        raise InvalidProof("Send one DPoP header, with one signed JWT.") from None
    algorithm = header.get("alg")
    if header.get("typ") != "dpop+jwt" or not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise InvalidProof("The DPoP proof needs typ dpop+jwt, and an asymmetric alg.")
    if {"crit", "b64"} & header.keys():
        raise InvalidProof("The DPoP proof has a header that is not understood.")
    key = _key(header.get("jwk"), ALGORITHMS[algorithm])
    try:
        JWA.signing_alg(ALGORITHMS[algorithm]).verify(key, f"{parts[0]}.{parts[1]}".encode(), signature)
    except Exception:  # whatever jwcrypto or what is below it says: it was not verified
        raise InvalidProof("The DPoP proof is not signed with the key in its header.") from None
    return str(key.thumbprint()), claims


def _key(entry: object, algorithm: str) -> jwk.JWK:
    """Public, strong, and of this algorithm's kind: private members are refused, not passed over."""
    if isinstance(entry, dict) and not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & entry.keys():
        default = DEFAULT_ALGORITHMS.get(str(entry.get("kty")), "")
        if algorithm == default or (algorithm, default) == ("PS256", "RS256"):
            key = public_key(entry, algorithm)
            if key is not None:
                return key
    raise InvalidProof("jwk in the header of the DPoP proof must be a public key of its alg.")


def _check_claims(claims: Mapping[str, object], sender: Sender, token: str) -> None:
    jti, url, issued = claims.get("jti"), claims.get("htu"), claims.get("iat")
    if not isinstance(jti, str) or not 0 < len(jti) <= 512:
        raise InvalidProof("jti of the DPoP proof must be a text of at most 512 characters.")
    if claims.get("htm") != sender.method:
        raise InvalidProof("htm of the DPoP proof must be the method of the request.")
    if not isinstance(url, str) or not normalized(url) or normalized(url) != normalized(sender.url):
        raise InvalidProof("htu of the DPoP proof must be the address of the request.")
    if isinstance(issued, bool) or not isinstance(issued, int | float) or not _just_now(issued):
        raise InvalidProof("The DPoP proof was not made just now: check the clock.")
    if not _same(claims.get("ath"), _encoded(hashlib.sha256(token.encode()).digest())):
        raise InvalidProof("ath of the DPoP proof must be the hash of the access token.")


def _just_now(moment: float) -> bool:
    now = time.time()
    return now - MAX_AGE - LEEWAY <= moment <= now + LEEWAY


def normalized(url: str) -> str:
    """Without query and fragment, as two spellings of one URL compare; empty: it is none."""
    if not url.isascii() or any(one <= " " for one in url):
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return ""
    own_port = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{parts.hostname}{own_port}{parts.path or '/'}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
