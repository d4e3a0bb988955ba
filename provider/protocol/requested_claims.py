"""The `claims` parameter: single claims, asked for by name (OpenID Connect Core 1.0 section 5.5).

A claim never gives more than a scope would: each counts as asking for the scope that stands for it, is shown to the
person as that, and is left out where the client did not register that scope.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from provider.protocol import told
from provider.protocol.claims import CLAIMS, within
from provider.protocol.errors import InvalidRequest
from provider.protocol.facts import Json, RequestedClaims
from provider.protocol.request import AuthorizationRequest

MAX_LENGTH = 8192  # characters
MAX_DEPTH = 8

_Object = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """What was asked, read. No subs: whoever it is; no acrs: however they signed in."""

    userinfo: tuple[str, ...] = ()
    id_token: tuple[str, ...] = ()
    subs: frozenset[str] = frozenset()
    acrs: tuple[str, ...] = ()
    acr_essential: bool = False


NOTHING = ClaimsRequest()


def at_authorization(request: AuthorizationRequest) -> None:
    """Keep the claims whose scopes this client registered; without `openid` there is nothing to put them in."""
    asked = parse(request.params.one("claims"))
    may_ask = request.client.scopes if "openid" in request.asked_scopes else ()
    project = request.client.project
    request.claims = within(may_ask, RequestedClaims(asked.userinfo, asked.id_token), project)
    names = (*request.claims.userinfo, *request.claims.id_token)
    wanted = {CLAIMS[name].scope if name in CLAIMS else told.scope_of(project, name) for name in names}
    # In the order of the client's scopes: the same request is shown alike every time.
    request.claim_scopes = tuple(
        scope for scope in request.client.scopes if scope in wanted and scope not in request.asked_scopes
    )


def parse(text: str) -> ClaimsRequest:
    """Unknown members and unknown claims are ignored (section 5.5); what is malformed raises InvalidRequest."""
    if not text:
        return NOTHING
    members = _read(text)
    userinfo, id_token = (_claims(members, name) for name in ("userinfo", "id_token"))
    acr = id_token.get("acr", {})
    return ClaimsRequest(
        userinfo=tuple(userinfo),
        id_token=tuple(id_token),
        subs=_subs(userinfo.get("sub", {}), id_token.get("sub", {})),
        acrs=_texts("acr", acr),
        acr_essential=bool(acr.get("essential", False)),
    )


def _read(text: str) -> _Object:
    if len(text) > MAX_LENGTH:
        raise InvalidRequest(f"claims may have at most {MAX_LENGTH} characters.")
    try:
        members: Json = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, Mapping):
        raise InvalidRequest("claims must be a JSON object (OpenID Connect Core 1.0 section 5.5).")
    if _deeper(members, MAX_DEPTH):
        raise InvalidRequest("claims is nested too deeply.")
    return members


def _once(pairs: list[tuple[str, Json]]) -> _Object:
    """Two members of one name: whoever else reads this may have seen the other one."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise InvalidRequest("claims has a member twice.")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _deeper(value: Json, levels: int) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(levels == 0 or _deeper(one, levels - 1) for one in inner)


def _claims(members: _Object, name: str) -> dict[str, _Object]:
    """The claims of one member; null, the usual way to ask for a claim, reads as no wishes (section 5.5.1)."""
    claims = members.get(name, {})
    if not isinstance(claims, Mapping):
        raise InvalidRequest(f"claims: {name} must be an object.")
    return {claim: _wishes(claim, wishes) for claim, wishes in claims.items()}


def _wishes(claim: str, wishes: Json) -> _Object:
    if wishes is None:
        return {}
    if not isinstance(wishes, Mapping):
        raise InvalidRequest(f"claims: {claim[:40]} must be null or an object.")
    if not isinstance(wishes.get("essential", False), bool):
        raise InvalidRequest(f"claims: essential of {claim[:40]} must be true or false.")
    values = wishes.get("values", ["any"])
    if not isinstance(values, list) or not values:
        raise InvalidRequest(f"claims: values of {claim[:40]} must be a list with something in it.")
    if "value" in wishes and "values" in wishes:
        raise InvalidRequest(f"claims: ask for {claim[:40]} with value or with values.")
    return wishes


def _texts(claim: str, wishes: _Object) -> tuple[str, ...]:
    several = wishes.get("values")
    values = [wishes["value"]] if "value" in wishes else several if isinstance(several, list) else []
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        raise InvalidRequest(f"claims: a value of {claim} is a text.")
    return tuple(dict.fromkeys(texts))


def _subs(*wishes: _Object) -> frozenset[str]:
    """Whom a `sub` with a value means: one person, wherever the claim was asked for."""
    named = [frozenset(texts) for one in wishes if (texts := _texts("sub", one))]
    if not named:
        return frozenset()
    subs = frozenset.intersection(*named)
    if not subs:
        raise InvalidRequest("claims: sub means two different people.")
    return subs
