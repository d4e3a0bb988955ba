"""What tokens and answers say, as plain dicts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provider.protocol.errors import InsufficientScope
from provider.protocol.facts import NO_CLAIMS, ClientFacts, PersonFacts, RequestedClaims, SignInFacts, TokenFacts

Claims = dict[str, Any]

# OpenID Connect Core 1.0 section 5.4. What discovery lists as claims_supported is derived from this.
CLAIMS_BY_SCOPE: dict[str, tuple[str, ...]] = {
    "profile": ("name", "given_name", "family_name", "preferred_username", "updated_at"),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number",),
}
SCOPE_OF_CLAIM = {claim: scope for scope, claims in CLAIMS_BY_SCOPE.items() for claim in claims}


@dataclass(frozen=True, slots=True)
class Issue:
    """What every token minted for one request shares. `now` in seconds since the epoch."""

    issuer: str
    now: int
    jti: str
    client: ClientFacts
    person: PersonFacts | None = None
    sign_in: SignInFacts | None = None
    scopes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    lifetime: int = 3600
    nonce: str = ""
    target: ClientFacts | None = None
    claims: RequestedClaims = NO_CLAIMS


def within(scopes: Iterable[str], claims: RequestedClaims) -> RequestedClaims:
    """The requested claims these scopes stand for: no single claim gives more than its scope would."""
    allowed = {claim for scope in scopes for claim in CLAIMS_BY_SCOPE.get(scope, ())}
    return RequestedClaims(
        tuple(claim for claim in claims.userinfo if claim in allowed),
        tuple(claim for claim in claims.id_token if claim in allowed),
    )


def one_or_many(audience: tuple[str, ...]) -> str | list[str]:
    """`aud`: a string when one, an array when several (RFC 7519 section 4.1.3)."""
    return audience[0] if len(audience) == 1 else list(audience)


def about_person(person: PersonFacts, scopes: Iterable[str], requested: Iterable[str] = ()) -> Claims:
    """The claims these scopes stand for, and single ones that were requested (OpenID Connect Core 1.0 section 5).

    What is not known is left out (section 5.3.2).
    """
    known: Claims = {
        "name": person.name,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "preferred_username": person.username,
        "updated_at": person.updated_at,
        "email": person.email,
        "email_verified": person.email_verified if person.email else None,
        "address": {"formatted": person.address} if person.address else None,
        "phone_number": person.phone_number,
    }
    wanted = [*(claim for scope in scopes for claim in CLAIMS_BY_SCOPE.get(scope, ())), *requested]
    return {claim: known[claim] for claim in wanted if known[claim] or known[claim] is False}


def about_sign_in(sign_in: SignInFacts | None) -> Claims:
    if sign_in is None:
        return {}
    claims: Claims = {"auth_time": sign_in.auth_time, "acr": sign_in.acr, "amr": list(sign_in.amr)}
    return {name: value for name, value in claims.items() if value}


def id_token(issue: Issue, access_token: str) -> Claims:
    """OpenID Connect Core 1.0 section 2; for a sibling: protocol section 2 (no nonce, no sid)."""
    if issue.person is None:
        raise ValueError("An ID token speaks of a person.")
    audience = issue.target or issue.client
    lifetime = min(issue.client.id_token_lifetime, audience.id_token_lifetime)
    claims: Claims = {
        "iss": issue.issuer,
        "sub": issue.person.sub,
        "aud": audience.client_id,
        "azp": issue.client.client_id,
        "iat": issue.now,
        "exp": issue.now + lifetime,
        "jti": half_hash(f"ID token of {issue.jti}"),  # another object than the access token, so another id
        "at_hash": half_hash(access_token),
        **about_sign_in(issue.sign_in),
        **about_person(issue.person, issue.scopes, _requested(issue)),
    }
    if issue.target is None:
        if issue.nonce:
            claims["nonce"] = issue.nonce
        if issue.sign_in is not None and issue.sign_in.sid:
            claims["sid"] = issue.sign_in.sid
    return claims


def _requested(issue: Issue) -> tuple[str, ...]:
    """Single claims, for the client itself: what a sibling hears is limited to the scopes (protocol section 2)."""
    return within(issue.client.scopes, issue.claims).id_token if issue.target is None else ()


def half_hash(token: str) -> str:
    """`at_hash`: the left half of the SHA-256, for RS256 and ES256 alike (OpenID Connect Core 1.0 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()


def access_token(issue: Issue) -> Claims:
    """A JWT access token (RFC 9068 section 2.2)."""
    return {
        "iss": issue.issuer,
        "sub": issue.person.sub if issue.person else issue.client.client_id,
        "aud": one_or_many(issue.audience),
        "client_id": issue.client.client_id,
        "iat": issue.now,
        "nbf": issue.now,
        "exp": issue.now + issue.lifetime,
        "jti": issue.jti,
        "scope": " ".join(issue.scopes),
        **about_sign_in(issue.sign_in),
    }


def userinfo(token: TokenFacts) -> Claims:
    """OpenID Connect Core 1.0 section 5.3; a client's own token answers about the client (protocol section 10)."""
    if token.person is None:
        return {"sub": token.client.client_id, "client_id": token.client.client_id, "name": token.client.name}
    if "openid" not in token.scopes:
        raise InsufficientScope("The access token needs the scope openid.")
    requested = within(token.client.scopes, token.claims).userinfo
    return {"sub": token.person.sub, **about_person(token.person, token.scopes, requested)}


def tokeninfo(token: TokenFacts, *, offline: bool, now: int) -> Claims:
    """What possession of an access token tells about it, in Google's words (protocol section 9)."""
    expires_at = token.expires_at or now
    info: Claims = {
        "issued_to": token.client.client_id,
        "azp": token.client.client_id,
        "audience": one_or_many(token.audience),
        "aud": one_or_many(token.audience),
        "scope": " ".join(token.scopes),
        "expires_in": max(0, expires_at - now),
        "exp": expires_at,
        "access_type": "offline" if offline else "online",
    }
    if token.person is None:
        info["sub"] = token.client.client_id
        return info
    if "openid" in token.scopes:
        info["user_id"] = info["sub"] = token.person.sub
    if "email" in token.scopes and token.person.email:
        info["email"], info["email_verified"] = token.person.email, token.person.email_verified
    return info
