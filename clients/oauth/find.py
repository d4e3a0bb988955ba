"""Finding a live token: what userinfo, introspection and whoever else accepts a token stand on."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from clients.models import AccessToken, Authorization, Client, RefreshToken, RevokedToken
from clients.oauth import live, store
from clients.oauth.facts import client_facts, person_facts, requested_claims_of, sign_in_of
from clients.oauth.mint import ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, digest, verify
from clients.protocol.errors import InvalidGrant
from clients.protocol.facts import TokenFacts
from idp.accounts.models import User


def access_token(token: str) -> TokenFacts | None:
    """The live access token behind this text; None for unknown, expired, revoked, dead or another kind of token."""
    return _jwt(token) if token.count(".") == 2 else _opaque(token)


def refresh_token(token: str) -> TokenFacts | None:
    """The live refresh token behind this text, for introspection only: nothing is used up."""
    row = RefreshToken.objects.select_related(*live.AUTHORIZATION).filter(digest=digest(token)).first()
    if row is None:
        return None
    client = client_facts(row.authorization.client)
    try:
        store.open_refresh(token, client)
    except InvalidGrant:
        return None
    return TokenFacts(
        kind="refresh",
        client=client,
        person=person_facts(row.authorization.user),
        scopes=tuple(row.authorization.scopes),
        audience=tuple(row.authorization.audiences),
        issued_at=_seconds(row.created),
        expires_at=_seconds(row.expires) if row.expires else None,
        sign_in=sign_in_of(row.authorization),
        authorization_id=str(row.authorization_id),
    )


def has_refresh_token(token: TokenFacts) -> bool:
    """Whether a live refresh token stands behind this access token."""
    if not token.authorization_id:
        return False
    rows = RefreshToken.objects.filter(authorization=uuid.UUID(token.authorization_id))
    current = rows.filter(generation=F("authorization__generation"))
    return current.filter(Q(expires__isnull=True) | Q(expires__gt=timezone.now())).exists()


def id_token(token: str) -> dict[str, Any] | None:
    """The claims of a live ID token of ours: signed, not expired, and its person, client and project still there."""
    claims = verify(token, ID_TOKEN_TYPE)
    if claims is None or claims.get("iss") != settings.IDP_ISSUER or time.time() >= claims["exp"]:
        return None
    issued_at = datetime.fromtimestamp(claims["iat"], UTC)
    parties = {claims["aud"], claims["azp"]}
    clients = list(Client.objects.select_related("project").filter(client_id__in=parties))
    user = User.objects.filter(sub=claims["sub"]).first()
    if len(clients) < len(parties) or not all(live.client_lives(client, issued_at) for client in clients):
        return None
    if user is None or not live.person_lives(user, issued_at):
        return None
    return claims if all(client.project.admits(user) for client in clients) else None


def _opaque(token: str) -> TokenFacts | None:
    rows = AccessToken.objects.select_related(*live.AUTHORIZATION, "application__project")
    row = rows.filter(digest=digest(token), revoked_at__isnull=True).first()
    if row is None or live.expired(row.expires):
        return None
    return _live(
        row.application,
        row.authorization,
        row.created,
        scopes=tuple(row.scope.split()),
        audience=tuple(row.resource),
        expires_at=_seconds(row.expires),
    )


def _jwt(token: str) -> TokenFacts | None:
    """A JWT access token: our signature and type, its time, the deny-list, and what can end it."""
    claims = verify(token, ACCESS_TOKEN_TYPE)
    if claims is None or claims.get("iss") != settings.IDP_ISSUER:
        return None
    if time.time() >= claims["exp"] or RevokedToken.objects.filter(pk=claims["jti"]).exists():
        return None
    client = Client.objects.select_related("project").filter(client_id=claims["client_id"]).first()
    authorization = _authorization_of(claims["jti"])
    if client is None or (authorization is None) != (claims["sub"] == client.client_id):
        return None
    audience = claims["aud"]
    return _live(
        client,
        authorization,
        datetime.fromtimestamp(claims["iat"], UTC),
        scopes=tuple(claims["scope"].split()),
        audience=(audience,) if isinstance(audience, str) else tuple(audience),
        expires_at=claims["exp"],
        jti=claims["jti"],
    )


def _authorization_of(jti: str) -> Authorization | None:
    """A person's token carries its Authorization's id before the dot."""
    prefix, dot, _rest = jti.partition(".")
    if not dot:
        return None
    related = [name.removeprefix("authorization__") for name in live.AUTHORIZATION[1:]]
    return Authorization.objects.select_related(*related).filter(pk=uuid.UUID(prefix)).first()


def _live(client: Client, authorization: Authorization | None, issued_at: datetime, **facts: Any) -> TokenFacts | None:
    if not live.client_lives(client, issued_at):
        return None
    if authorization is None:
        return TokenFacts("access", client_facts(client), None, issued_at=_seconds(issued_at), **facts)
    if not live.authorization_lives(authorization, issued_at):
        return None
    return TokenFacts(
        "access",
        client_facts(client),
        person_facts(authorization.user),
        issued_at=_seconds(issued_at),
        sign_in=sign_in_of(authorization),
        authorization_id=str(authorization.pk),
        claims=requested_claims_of(authorization),
        **facts,
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
