"""Which scopes a token gets (RFC 6749 section 3.3, protocol sections 4 and 5)."""

from __future__ import annotations

import re

from projects.scopes import SIGN_IN_SCOPES
from provider.protocol.audience import filter_scopes
from provider.protocol.errors import InvalidRequest, InvalidScope
from provider.protocol.request import AuthorizationRequest, Params, TokenRequest

MAX_SCOPES = 100
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def asked(params: Params) -> tuple[str, ...]:
    """The scopes of a request, in order, each once."""
    words = tuple([word for word in dict.fromkeys(params.one("scope").split(" ")) if word])
    if len(words) > MAX_SCOPES:
        raise InvalidRequest(f"At most {MAX_SCOPES} scopes may be asked for.")
    if not all(map(_SCOPE.fullmatch, words)):
        raise InvalidScope("A scope has a character RFC 6749 section 3.3 does not allow.")
    return words


def at_authorization(request: AuthorizationRequest) -> None:
    """What the client registered of it; `access_type=offline` asks for a refresh token (protocol section 11).

    Some clients ask for it with every sign-in: they come from a provider where nobody has to.
    """
    request.asked_scopes = _registered(asked(request.params), request.client.scopes) or request.client.default_scopes
    access_type = request.params.one("access_type")
    if access_type not in ("", "online", "offline"):
        raise InvalidRequest("access_type must be online or offline.")
    wanted = access_type == "offline" or (request.client.asks_offline and "openid" in request.asked_scopes)
    offline = wanted and "refresh_token" in request.client.grant_types
    request.access_type_scopes = ("offline_access",) if offline and "offline_access" not in request.asked_scopes else ()


def something_asked(request: AuthorizationRequest) -> None:
    """No scope, no audience and no default for either: nobody would be asked, and yet the code would say who they are.

    RFC 6749 section 3.3 lets such a request fail. What `include_granted_scopes` brings along asks for nothing itself.
    """
    scopes = (*request.asked_scopes, *request.implied_scopes, *request.claim_scopes)
    if not (scopes or request.access_type_scopes) and not request.asked_audiences and not request.implied_audiences:
        raise InvalidScope("Nothing is asked for. Send a scope (openid signs the person in) or an audience.")


def at_token(request: TokenRequest) -> None:
    """Nothing asked: what authorize asked for; else a subset of the ceiling. Then what the audiences offer.

    A request that names no scope may be left without one: another project's API that offers none gets none.
    """
    named = wanted = asked(request.params)
    if not request.has_ceiling:
        wanted = _registered(wanted, request.client.scopes)
        if any(scope in SIGN_IN_SCOPES for scope in wanted):
            raise InvalidScope("There is no person in this grant: openid, profile and the like do not apply.")
        wanted = wanted or tuple(scope for scope in request.client.scopes if scope not in SIGN_IN_SCOPES)
    elif not wanted:
        # What the client may no longer ask for drops out.
        wanted = tuple(scope for scope in request.ceiling.asked_scopes if _allowed(scope, request))
    else:
        wanted = _registered(wanted, (*request.client.scopes, "offline_access"))
        if any(scope not in request.ceiling.scopes for scope in wanted):
            raise InvalidScope("A scope was not granted to this authorization.")
    request.scopes = wanted
    request.scopes = filter_scopes(request)
    if named and not request.scopes:
        raise InvalidScope("None of the scopes is offered by the requested audience.")


def _allowed(scope: str, request: TokenRequest) -> bool:
    return scope in request.client.scopes or scope == "offline_access"


def _registered(scopes: tuple[str, ...], registered: tuple[str, ...]) -> tuple[str, ...]:
    """Those of them that the client registered. Others are ignored (OpenID Connect Core 1.0 section 3.1.2.1).

    The answer's `scope` says what was granted. Where nothing would be left of what was asked, that is refused.
    """
    kept = tuple(scope for scope in scopes if scope in registered)
    if scopes and not kept:
        raise InvalidScope(f"Not registered for this client: {' '.join(scopes)[:200]}")
    return kept
