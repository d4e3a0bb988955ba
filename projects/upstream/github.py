"""GitHub speaks OAuth 2.0 and no OpenID Connect: who came is asked of its API. PKCE and state hold all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from common.json_type import Json
from projects.upstream import fetched, oidc
from projects.upstream.oidc import Party, Wish
from projects.upstream.told import Refused, Told, text_of, uid_of

SITE = "https://github.com"
API = "https://api.github.com"
SCOPES = "read:user user:email"


def begin(us: Party, state: str, wish: Wish) -> str:
    asked = {
        "client_id": us.client_id,
        "redirect_uri": us.redirect_uri,
        "scope": " ".join(dict.fromkeys(f"{SCOPES} {us.scope}".split())),
        "state": state,
        "code_challenge": oidc.challenge_of(oidc.made_of(state, "verifier")),
        "code_challenge_method": "S256",
    }
    if wish.login_hint:
        asked["login"] = wish.login_hint
    if wish.fresh or wish.max_age is not None:
        raise Refused("not_fresh", "GitHub never asks people again, and does not say when it did.")
    return oidc.with_query(f"{us.issuer or SITE}/login/oauth/authorize", asked)


def finish(us: Party, state: str, code: str) -> Told:
    metadata = {
        "token_endpoint": f"{us.issuer or SITE}/login/oauth/access_token",
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }
    token = oidc.text_of_token(oidc.redeemed(us, metadata, state, code).get("access_token"))
    api = f"{us.issuer}/api/v3" if us.issuer else API
    person = fetched.read(oidc.get(f"{api}/user", token))
    address, verified = _primary(_list(oidc.get(f"{api}/user/emails", token)))
    number = person.get("id")
    if isinstance(number, bool) or not isinstance(number, int):
        raise Refused("malformed", "GitHub does not say who it is about.")
    claims = {**person, "preferred_username": person.get("login"), "email": address, "email_verified": verified}
    return Told(uid=uid_of(str(number)), email=address, email_verified=verified, claims=claims)


def _list(body: bytes) -> Sequence[Json]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, list) else []


def _primary(addresses: Sequence[Json]) -> tuple[str, bool]:
    """The address that its person uses there, and whether GitHub verified it."""
    for one in addresses:
        if isinstance(one, Mapping) and one.get("primary") is True:
            return text_of(one.get("email")), one.get("verified") is True
    return "", False
