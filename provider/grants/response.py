"""What the token endpoint answers: minted as the steps decided, after everything agreed and before anything is kept."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import NotRequired, TypedDict

from django.conf import settings

from common import clock
from projects import ends
from projects.claim_table import ACCESS_TOKEN, ID_TOKEN
from provider import oversized
from provider.keys import mint as keys
from provider.protocol import claims
from provider.protocol.access_tokens import abroad, lifetime, signing_alg, token_format
from provider.protocol.claims import Issue
from provider.protocol.exchange import answered_type
from provider.protocol.request import TokenRequest
from provider.store import generations
from provider.store.authorizations import Minted
from provider.store.presented import Presented


class Answer(TypedDict):
    """RFC 6749 section 5.1, OpenID Connect Core 1.0 section 3.1.3.3, and protocol section 4."""

    access_token: str
    expires_in: int
    token_type: str
    scope: str
    audience: NotRequired[list[str]]  # when it is not what was asked
    refresh_token: NotRequired[str]
    refresh_token_expires_in: NotRequired[int]  # when it ends by itself, as far as that is known now
    id_token: NotRequired[str]
    issued_token_type: NotRequired[str]  # of an exchange (RFC 8693 section 2.2.1)


def mint(decided: TokenRequest, presented: Presented, until: datetime | None = None) -> tuple[Minted, Answer]:
    """The tokens: what is kept of them, and the answer that carries them. No token outlives `until`."""
    if decided.id_token_alone:
        return _id_token_alone(decided, presented, until)
    jwt = token_format(decided) == "jwt"
    now = clock.now()
    seconds = lifetime(decided) if until is None else min(lifetime(decided), _seconds(now, until))
    access, id_token = _tokens(decided, presented, now, seconds, jwt=jwt)
    refresh = presented.spend.successor() if gets_refresh_token(decided, presented) else ""
    answer: Answer = {
        "access_token": access,
        "expires_in": seconds,
        "token_type": "DPoP" if decided.shown.jkt else "Bearer",
        "scope": " ".join(decided.scopes),
    }
    if decided.narrowed:
        answer["audience"] = list(decided.audience)
    if refresh:
        answer["refresh_token"] = refresh
        ends_at = ends.earliest(until, _refresh_token_expires(decided, presented, now))
        if ends_at is not None:
            answer["refresh_token_expires_in"] = _seconds(now, ends_at)
    if id_token:
        answer["id_token"] = id_token
    if decided.exchanged is not None:
        answer["issued_token_type"] = answered_type(decided)
    return Minted(access, seconds, refresh, stored=not jwt), answer


def mint_in_front(
    decided: TokenRequest, presented: Presented, kinds: Collection[str], code: str, until: datetime | None
) -> tuple[Minted | None, dict[str, str]]:
    """Of these kinds, for the browser to bring (OpenID Connect Core 1.0 sections 3.2.2.5 and 3.3.2.5)."""
    jwt, now = token_format(decided) == "jwt", clock.now()
    seconds = lifetime(decided) if until is None else min(lifetime(decided), _seconds(now, until))
    issue = _issue(decided, presented, now, seconds)
    minted, access, answer = None, "", {}
    if "token" in kinds:
        access = _signed(issue, signing_alg(decided)) if jwt else keys.opaque()
        minted = Minted(access, seconds, "", stored=not jwt)
        told = {"access_token": access, "token_type": "Bearer", "expires_in": str(seconds)}
        answer = {**told, "scope": " ".join(decided.scopes)}
    if "id_token" in kinds:
        answer["id_token"] = _id_token(issue, access, code)
    return minted, answer


def _seconds(now: datetime, until: datetime) -> int:
    """Whole ones that are left: no token is said to live longer than it does."""
    return max(0, int((until - now).total_seconds()))


def _refresh_token_expires(decided: TokenRequest, presented: Presented, now: datetime) -> datetime | None:
    authorized_at = min((one.created_at for one in presented.behind), default=now)
    return generations.expiry(decided.client, authorized_at, now)


def _id_token_alone(decided: TokenRequest, presented: Presented, until: datetime | None) -> tuple[Minted, Answer]:
    """An exchange issues one token, and `access_token` is the name of its place, whatever it is."""
    now = clock.now()
    issue = _issue(decided, presented, now, 0, at_most=None if until is None else _seconds(now, until))
    answer: Answer = {
        "access_token": _id_token(issue, ""),
        "expires_in": claims.id_token_lifetime(issue),
        "token_type": "N_A",
        "scope": " ".join(decided.scopes),
        "issued_token_type": answered_type(decided),
    }
    return Minted("", 0, "", stored=False), answer


def _tokens(decided: TokenRequest, presented: Presented, now: datetime, seconds: int, *, jwt: bool) -> tuple[str, str]:
    """The access token, and the ID token of who signed in; empty: none."""
    signs_in = decided.of_a_person and "openid" in decided.scopes and decided.exchanged is None
    if not (jwt or signs_in):
        return keys.opaque(), ""
    issue = _issue(decided, presented, now, seconds)
    access = _signed(issue, signing_alg(decided)) if jwt else keys.opaque()
    return access, _id_token(issue, access) if signs_in else ""


def gets_refresh_token(decided: TokenRequest, presented: Presented) -> bool:
    """With a code when offline access was granted; with a refresh token where it rotates (protocol section 5.7)."""
    return presented.spend.renews and presented.ceiling.offline and "refresh_token" in decided.client.grant_types


def _signed(issue: Issue, algorithm: str) -> str:
    said = claims.access_token(issue)
    oversized.note(issue.client, issue.person, issue.left_out(ACCESS_TOKEN, said))
    return keys.sign(said, algorithm, keys.ACCESS_TOKEN_TYPE)


def _id_token(issue: Issue, access_token: str, code: str = "") -> str:
    signed_for = issue.target or issue.client
    said = claims.id_token(issue, access_token, code)
    oversized.note(issue.client, issue.person, issue.left_out(ID_TOKEN, said))
    return keys.sign(said, signed_for.id_token_algorithm, keys.ID_TOKEN_TYPE)


def _issue(
    decided: TokenRequest, presented: Presented, now: datetime, seconds: int, at_most: int | None = None
) -> Issue:
    unique = secrets.token_hex(16)
    return Issue(
        issuer=settings.IDP_ISSUER,
        now=int(now.timestamp()),
        # A person's token starts with its Authorization's id: ending that ends a JWT nobody stored.
        jti=f"{presented.authorization_id}.{unique}" if presented.authorization_id else unique,
        client=decided.client,
        person=presented.person,
        sign_in=presented.sign_in,
        scopes=decided.scopes,
        audience=decided.audience,
        lifetime=seconds,
        nonce=presented.nonce,
        target=decided.target,
        claims=presented.ceiling.claims,
        bound=decided.shown,
        actors=decided.exchanged.actors if decided.exchanged is not None else (),
        at_most=at_most,
        abroad=abroad(decided.audience, decided.client, decided.registry),
    )
