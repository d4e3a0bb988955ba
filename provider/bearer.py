"""Our token type: mints what the steps decided, and remembers it for the store."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.conf import settings
from oauthlib.oauth2 import BearerToken

from provider.keys import mint
from provider.protocol import claims
from provider.protocol.access_tokens import lifetime, token_format
from provider.protocol.claims import Issue
from provider.protocol.facts import NO_CLAIMS
from provider.protocol.refresh import Use
from provider.protocol.request import TokenRequest
from provider.store.authorizations import Opened

OAuthRequest: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Minted:
    """What save_bearer_token writes."""

    access_token: str = field(repr=False)
    lifetime: int
    refresh_token: str = field(repr=False)
    stored: bool


class Bearer(BearerToken):
    # oauthlib's class has slots; nothing of ours is kept between requests.
    __slots__ = ()

    def create_token(self, request: OAuthRequest, refresh_token: bool = False, **_kwargs: Any) -> dict[str, Any]:
        """The answer of the token endpoint (RFC 6749 section 5.1)."""
        decided: TokenRequest = request.decided
        opened: Opened | None = vars(request).get("opened")
        issue = _issue(decided, opened)
        jwt = token_format(decided) == "jwt"
        access = (
            mint.sign(claims.access_token(issue), mint.ACCESS_TOKEN_ALGORITHM, mint.ACCESS_TOKEN_TYPE)
            if jwt
            else mint.opaque()
        )
        refresh = mint.opaque() if gets_refresh_token(decided, opened) else ""
        request.minted = Minted(access, issue.lifetime, refresh, stored=not jwt)
        answer = {
            "access_token": access,
            "expires_in": issue.lifetime,
            "token_type": "Bearer",
            "scope": " ".join(decided.scopes),
        }
        if decided.narrowed:
            answer["audience"] = list(decided.audience)
        if refresh:
            answer["refresh_token"] = refresh
        if opened is not None and "openid" in decided.scopes:
            signed_for = decided.target or decided.client
            answer["id_token"] = mint.sign(
                claims.id_token(issue, access), signed_for.id_token_algorithm, mint.ID_TOKEN_TYPE
            )
        return answer


def _issue(decided: TokenRequest, opened: Opened | None) -> Issue:
    unique = secrets.token_hex(16)
    return Issue(
        issuer=settings.IDP_ISSUER,
        now=int(time.time()),
        # A person's token starts with its Authorization's id: ending that ends a JWT nobody stored.
        jti=f"{opened.authorization_id}.{unique}" if opened else unique,
        client=decided.client,
        person=opened.person if opened else None,
        sign_in=opened.sign_in if opened else None,
        scopes=decided.scopes,
        audience=decided.audience,
        lifetime=lifetime(decided),
        nonce=opened.nonce if opened else "",
        target=decided.target,
        claims=opened.ceiling.claims if opened else NO_CLAIMS,
    )


def gets_refresh_token(decided: TokenRequest, opened: Opened | None) -> bool:
    """With a code when offline access was granted; with a refresh token where it rotates (protocol section 5.7)."""
    if opened is None or "refresh_token" not in decided.client.grant_types or not opened.ceiling.offline:
        return False
    return opened.generation is None or decided.client.rotates or opened.use is Use.REPLAY
