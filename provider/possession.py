"""What a request shows of a key, for its tokens to be bound to: a DPoP proof (RFC 9449), a certificate (RFC 8705)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

import orjson
from django.conf import settings

from common import certificates, clock, jws
from common.certificates import Certificate
from provider import dpop_nonces
from provider.parameters import Request
from provider.protocol import dpop
from provider.protocol.confirmation import NOT_BOUND, Confirmation
from provider.protocol.errors import InvalidDpopProof, InvalidRequest, InvalidToken, UseDpopNonce
from provider.protocol.facts import ClientFacts, Json, TokenFacts
from provider.protocol.request import Params
from provider.store import replay

PREFIXES = ("oauth2", "openid")  # of the paths of endpoints; the second for services that use these paths already
MAX_PROOF = 8192  # characters


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a request brought to its endpoint, as it was sent: nothing is checked."""

    endpoint: str = ""
    method: str = ""
    proof: str | None = field(default=None, repr=False)
    certificate: Certificate | None = field(default=None, repr=False)  # its connection proved to have the key of it


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, slots=True)
class Proof:
    """A DPoP proof that holds. It is not used up yet."""

    jkt: str
    use: dpop.Use


def evidence(request: Request, endpoint: str) -> Evidence:
    """Of several DPoP headers the server makes one with commas, which no proof has."""
    proof = request.META.get("HTTP_DPOP")
    certificate = certificates.of_connection(request.META)
    if proof is None and certificate is None:
        return NO_EVIDENCE
    return Evidence(endpoint, request.method or "", None if proof is None else str(proof), certificate)


# --- A proof -------------------------------------------------------------------------------------------------------


def proved(sent: Evidence, access_token: str = "") -> Proof | None:
    """The proof that was sent, if one was; raises InvalidDpopProof for one that does not hold."""
    if sent.proof is None:
        return None
    parts = jws.parts(sent.proof, MAX_PROOF)
    if parts is None:
        raise InvalidDpopProof("The DPoP header must be one signed JWT.")
    algorithm, jwk = dpop.key_of(parts.header, jws.PROOFS)
    key, jkt = _imported(_written(jwk))
    if not parts.verified_by(key, algorithm):
        raise InvalidDpopProof("The DPoP proof is not signed with the key in its header.")
    now, urls = clock.seconds(), _urls(sent, parts.claims)
    use = dpop.check(parts.claims, dpop.Expected(sent.method, urls, now, access_token))
    nonce = dpop.nonce_of(parts.claims)
    if not dpop_nonces.is_known(nonce) if nonce else settings.IDP_DPOP_NONCE_REQUIRED:
        raise UseDpopNonce
    return Proof(jkt, use)


def _urls(sent: Evidence, claims: Mapping[str, Json]) -> frozenset[str]:
    """Servers hand over a path decoded. Where a path names something, it may have been written in several ways."""
    urls = urls_of(sent.endpoint, settings.IDP_ISSUER, settings.IDP_MTLS_URL)
    if not sent.endpoint.startswith("/"):
        return urls
    said = dpop.normalized(str(claims.get("htu")))
    return frozenset({said}) if unquote(said) in map(unquote, urls) else urls


def _written(jwk: Mapping[str, Json]) -> bytes:
    """As one text. More can be read than written: what lies deeper than any key is nobody's."""
    try:
        return orjson.dumps(jwk)
    except orjson.JSONEncodeError:
        raise InvalidDpopProof("jwk in the header of the DPoP proof is no key.") from None


@lru_cache(maxsize=1024)
def _imported(jwk: bytes) -> tuple[jws.PublicKey, str]:
    """The key and its thumbprint. An app shows the same key again and again."""
    members = orjson.loads(jwk)
    try:
        return jws.public_key(members), jws.thumbprint(members)
    except ValueError as error:
        raise InvalidDpopProof(f"jwk in the header of the DPoP proof: {error}") from None


@lru_cache(maxsize=64)
def urls_of(endpoint: str, *bases: str) -> frozenset[str]:
    """As the world knows it: a proxy may have changed host and path, and anybody may send a Host header.

    `endpoint`: its name; or a path below the issuer, which begins with a slash.
    """
    if endpoint.startswith("/"):
        return frozenset(dpop.normalized(f"{base}{endpoint}") for base in bases if base)
    return frozenset(dpop.normalized(f"{base}/{prefix}/{endpoint}") for base in bases if base for prefix in PREFIXES)


def use_up(proof: Proof) -> None:
    """From now on nobody shows it again. Where that cannot be remembered, nothing is accepted (`replay`)."""
    if not replay.first_use("dpop", proof.jkt, proof.use.jti, proof.use.seconds):
        raise InvalidDpopProof("This DPoP proof was used already: make one for each request.")


# --- Where tokens are asked for ------------------------------------------------------------------------------------


def shown_by(client: ClientFacts, proof: Proof | None, certificate: Certificate | None) -> Confirmation:
    """What the tokens of this request are bound to, whatever its grant is (rule G4)."""
    if proof is None and client.dpop_bound:
        raise InvalidDpopProof("The tokens of this client are bound to a key: send a DPoP proof.")
    if certificate is None and client.certificate_bound:
        raise InvalidRequest("The tokens of this client are bound to its certificate: connect with one.")
    x5t = certificate.thumbprint if certificate is not None and client.certificate_bound else ""
    return Confirmation(proof.jkt if proof else "", x5t) if proof or x5t else NOT_BOUND


def pushed(params: Params, proof: Proof | None) -> Params:
    """The parameters of a pushed request, with the key that its code will be bound to (RFC 9449 section 10.1)."""
    named = params.one("dpop_jkt")
    if proof is None or named == proof.jkt:
        return params
    if named:
        raise InvalidDpopProof("dpop_jkt is not the thumbprint of the key of the DPoP proof.")
    return Params((*params.pairs, ("dpop_jkt", proof.jkt)), params.wrapped)


# --- Where they are shown ------------------------------------------------------------------------------------------


def refuse_others(sent: Evidence, scheme: str, token: str, found: TokenFacts) -> None:
    """A token that is bound needs its proof; one that is not comes as Bearer (RFC 9449 sections 7.1 and 7.2).

    `scheme` of the Authorization header, in small letters; empty: the token came in another way.
    """
    if found.bound.x5t and (sent.certificate is None or sent.certificate.thumbprint != found.bound.x5t):
        raise InvalidToken("The access token is bound to another certificate than that of the connection.")
    if scheme != "dpop":
        if found.bound.jkt:
            raise InvalidToken("The access token is bound to a key: send it with the scheme DPoP, and a proof.")
        return
    if not found.bound.jkt:
        raise InvalidToken("The access token is not bound to a key: send it with the scheme Bearer.")
    proof = proved(sent, token)
    if proof is None:
        raise InvalidDpopProof("The access token is bound to a key: send a DPoP proof.")
    if proof.jkt != found.bound.jkt:
        raise InvalidToken("The access token is bound to another key than that of the DPoP proof.")
    use_up(proof)
