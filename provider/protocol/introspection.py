"""Who may introspect what, and the answer (RFC 7662, protocol section 8)."""

from __future__ import annotations

from collections.abc import Mapping

from projects.claim_table import INTROSPECTION
from projects.sectors import told_sub
from provider.protocol.audience import offered_by, offered_or_of_signing_in
from provider.protocol.claims import act, left_out_of, one_or_many, told_of
from provider.protocol.errors import IntrospectionDenied
from provider.protocol.facts import ClientFacts, Json, Registry, TokenFacts

INACTIVE: dict[str, Json] = {"active": False}


def check_caller(caller: ClientFacts) -> None:
    """Public clients and those without the right may not introspect anything."""
    if caller.public or caller.introspection == "none":
        raise IntrospectionDenied("This client may not introspect tokens.")


def answer(caller: ClientFacts, token: TokenFacts | None, registry: Registry, issuer: str) -> dict[str, Json]:
    """The answer for this caller; what it may not know looks like a token that does not exist."""
    if token is None:
        return INACTIVE
    if not _by_right(caller, token):
        audience = _own_audiences(caller, token, registry)
        if not audience or token.kind == "refresh":
            return INACTIVE
        token = _only_for(audience, token, registry)
    return {**_told(caller, token), **_describe(caller, token, issuer)}


def _told(caller: ClientFacts, token: TokenFacts) -> dict[str, Json]:
    """What the project of the token's client tells its own: apps of others may look at it, and hear nothing of this."""
    if token.kind != "access" or not token.client.project.is_same(caller.project):
        return {}
    return told_of(token, INTROSPECTION)


def left_out(caller: ClientFacts, token: TokenFacts | None, said: Mapping[str, Json]) -> tuple[str, ...]:
    """Claims that were too large for this answer."""
    if token is None or said == INACTIVE or token.kind != "access" or not token.client.project.is_same(caller.project):
        return ()
    return left_out_of(token, INTROSPECTION, said)


def _by_right(caller: ClientFacts, token: TokenFacts) -> bool:
    own = token.client.client_id == caller.client_id
    if token.kind == "refresh":
        return own or caller.introspection == "all"
    if own or caller.introspection == "all":
        return True
    if caller.introspection == "project":
        return token.client.project.is_same(caller.project)
    return caller.introspection == "listed" and token.client.client_id in caller.introspects


def _own_audiences(caller: ClientFacts, token: TokenFacts, registry: Registry) -> tuple[str, ...]:
    """The audiences of the token that are the caller: its client id, and APIs it acts for."""
    return tuple(one for one in token.audience if one == caller.client_id or registry.acts_for(caller, one))


def _only_for(audience: tuple[str, ...], token: TokenFacts, registry: Registry) -> TokenFacts:
    """The token as these of its audiences may know it: a scope of one that is hidden is hidden with it."""
    if audience == token.audience:
        return token
    scopes = offered_or_of_signing_in(token.scopes, offered_by(audience, registry))
    return token._replace(audience=audience, scopes=scopes)


def _type(token: TokenFacts) -> str:
    """What its scheme is called (RFC 9449 section 6.2); one that is bound to a certificate stays Bearer (RFC 8705)."""
    return "DPoP" if token.bound.jkt else "Bearer"


def _describe(caller: ClientFacts, token: TokenFacts, issuer: str) -> dict[str, Json]:
    """`sub` is what the caller's own project knows the person by, whoever the token is of."""
    sign_in = token.sign_in
    facts: dict[str, Json] = {
        "active": True,
        "scope": " ".join(token.scopes),
        "client_id": token.client.client_id,
        "clientId": token.client.client_id,
        "username": token.person.username if token.person and "profile" in token.scopes else None,
        "token_type": _type(token) if token.kind == "access" else None,
        "exp": token.expires_at,
        "iat": token.issued_at,
        "nbf": token.issued_at,
        "sub": told_sub(token.person.sub, caller.project) if token.person else token.client.client_id,
        "aud": one_or_many(token.audience) if token.audience else None,
        "iss": issuer,
        "jti": token.jti or None,
        "auth_time": sign_in.auth_time if sign_in else None,
        "acr": (sign_in.acr or None) if sign_in else None,
        "azp": token.client.client_id if token.person else None,
        "cnf": token.bound.members or None,
        "act": act(token.actors),
    }
    return {name: value for name, value in facts.items() if value is not None}
