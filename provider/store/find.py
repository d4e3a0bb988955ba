"""Finding a live token: what userinfo, introspection and whoever else accepts a token stand on."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.conf import settings

from common import clock
from projects import ends
from projects.apis import admits, apis_near
from projects.consent import Permission
from provider import facts
from provider.facts import person_of, requested_claims_of, sign_in_of
from provider.keys.mint import ACCESS_TOKEN_TYPE, digest, verify, verify_id_token
from provider.protocol.access_tokens import left_of, lives_too_long, still_open
from provider.protocol.claims import actors_of
from provider.protocol.confirmation import Confirmation
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import NO_CLAIMS, ClientFacts, Registry, TokenFacts
from provider.store import authorizations, live, statements, whose
from provider.store.statements import AuthorizationRow


class Found(NamedTuple):
    """A live access token, and the row it hangs from, if it speaks of a person."""

    token: TokenFacts
    key: str  # what it is known by: the digest, or the `jti`
    behind: AuthorizationRow | None
    issued_at: datetime
    expires: datetime


def access_token(token: str) -> TokenFacts | None:
    """The live access token behind this text; None for unknown, expired, revoked, dead or another kind of token."""
    found = subject_token(token)
    return found.token if found is not None else None


def subject_token(token: str) -> Found | None:
    """The same, with what a token exchange needs of it."""
    return _jwt(token) if token.count(".") == 2 else _opaque(token)


def refresh_token(token: str) -> TokenFacts | None:
    """The live refresh token behind this text, for introspection only: nothing is used up."""
    row = statements.refresh_token(digest(token))
    client = live.party(row.authorization) if row is not None else None
    if row is None or client is None:
        return None
    try:
        opened = authorizations.of_refresh_token(token, row, client)
        ends_at = ends.earliest(row.expires, live.refuse_ended(opened, client))
    except InvalidGrant:
        return None
    audiences = opened.ceiling.audiences
    return TokenFacts(
        kind="refresh",
        client=client,
        person=opened.person,
        scopes=opened.ceiling.scopes,
        audience=still_open(audiences, client, Registry(apis=apis_near(audiences))),
        issued_at=_seconds(row.created),
        expires_at=_seconds(ends_at) if ends_at is not None else None,
        sign_in=opened.sign_in,
        authorization_id=str(row.authorization.id),
        bound=opened.bound,
    )


def has_refresh_token(token: TokenFacts) -> bool:
    """Whether a live refresh token stands behind this access token."""
    if not token.authorization_id or token.actors:
        return False  # the client of a token that was passed on never has one
    return statements.has_refresh_token(uuid.UUID(token.authorization_id), clock.now())


def id_token(token: str) -> dict[str, Any] | None:
    """The claims of a live ID token of ours: signed, not expired, and its person, client and project still there."""
    claims = verify_id_token(token)
    if claims is None or claims.get("iss") != settings.IDP_ISSUER or clock.seconds() >= claims["exp"]:
        return None
    issued_at = datetime.fromtimestamp(claims["iat"], UTC)
    parties = {claims["aud"], claims["azp"]}
    clients = facts.find_clients(parties)
    user = whose.person_of(claims)
    if len(clients) < len(parties) or not all(live.client_lives(client, issued_at) for client in clients.values()):
        return None
    if lives_too_long(min(client.id_token_lifetime for client in clients.values()), claims["iat"], claims["exp"]):
        return None
    if user is None or not user.is_active or live.ended(issued_at, user.tokens_not_before):
        return None
    if any(client.guest for client in clients.values()):
        return None  # it does not say which project let the guest in, so nobody can say whether that still does
    return claims if all(admits(client.project, user.pk, client.sign_in) for client in clients.values()) else None


def _opaque(token: str) -> Found | None:
    key = digest(token)
    row = statements.access_token(key)
    if row is None or live.expired(row.expires):
        return None
    came_from = row.sources
    if came_from and statements.any_revoked(came_from):
        return None
    return _live(
        key,
        facts.client_of(row.client_id),
        row.authorization,
        row.created,
        row.expires,
        scopes=row.scopes,
        audience=tuple(row.audience),
        bound=Confirmation.of(row.cnf),
        actors=row.hands,
        came_from=came_from,
    )


def _jwt(token: str) -> Found | None:
    """A JWT access token: our signature and type, its time, the deny-list, and what can end it."""
    claims = verify(token, ACCESS_TOKEN_TYPE)
    if claims is None or claims.get("iss") != settings.IDP_ISSUER or clock.seconds() >= claims["exp"]:
        return None
    client, jti = facts.find_client(claims["client_id"]), claims["jti"]
    # A person's token carries its Authorization's id before the dot.
    prefix, of_a_person, _rest = jti.partition(".")
    try:
        actors = actors_of(claims.get("act"))
    except ValueError:
        return None
    if client is None or bool(of_a_person) == (claims["sub"] == client.client_id):
        return None
    if lives_too_long(client.access_token_lifetime, claims["iat"], claims["exp"]):
        return None
    authorization = statements.behind_jwt(uuid.UUID(prefix), jti) if of_a_person else None
    if (authorization is None) if of_a_person else statements.denied(jti):
        return None
    audience = claims["aud"]
    return _live(
        jti,
        client,
        authorization,
        datetime.fromtimestamp(claims["iat"], UTC),
        datetime.fromtimestamp(claims["exp"], UTC),
        scopes=tuple(claims["scope"].split()),
        audience=(audience,) if isinstance(audience, str) else tuple(audience),
        jti=jti,
        bound=Confirmation.of(claims.get("cnf")),
        actors=actors,
        may_act=claims.get("may_act"),
    )


def _live(
    key: str,
    client: ClientFacts | None,
    authorization: AuthorizationRow | None,
    issued_at: datetime,
    expires: datetime,
    actors: tuple[str, ...],
    **more: Any,
) -> Found | None:
    if client is not None and client.guest:
        client = live.party(authorization) if authorization is not None and not actors else None
    if client is None or not live.client_lives(client, issued_at) or (actors and authorization is None):
        return None
    if authorization is not None:
        if not live.authorization_lives(authorization, issued_at, client):
            return None
        if actors:
            held = Permission(more["scopes"], more["audience"])
            if not live.passed_on_lives(client, actors, authorization, issued_at, held):
                return None
        more |= {
            "sign_in": sign_in_of(authorization),
            "authorization_id": str(authorization.id),
            "claims": NO_CLAIMS if actors else requested_claims_of(authorization),  # they were allowed the first client
        }
    person = person_of(authorization) if authorization is not None else None
    more |= {"issued_at": _seconds(issued_at), "expires_at": _seconds(expires), "actors": actors}
    registry = Registry(apis=apis_near(more["audience"]))
    left = left_of(TokenFacts("access", client, person, **more), issued_at, registry)
    return Found(left, key, authorization, issued_at, expires) if left is not None else None


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
