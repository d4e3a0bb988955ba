"""The code a browser brought back (RFC 6749 section 4.1.3)."""

from __future__ import annotations

from provider.protocol.errors import InvalidGrant, InvalidRequest
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params
from provider.store import authorizations
from provider.store.presented import Presented


def opened(params: Params, client: ClientFacts) -> Presented:
    redirect_uri = params.one("redirect_uri")
    presented = authorizations.open_code(params.one("code"), client, params.one("code_verifier"), redirect_uri)
    _refuse_another_redirect_uri(redirect_uri, presented.redirect_uri, client)
    return presented


def _refuse_another_redirect_uri(sent: str, named: str, client: ClientFacts) -> None:
    """What the authorization request named has to be named again; the only one registered goes without saying."""
    only = client.redirect_uris[0] if len(client.redirect_uris) == 1 else ""
    if not sent and not only:
        raise InvalidRequest("redirect_uri is missing.")
    if sent != named and (named or sent != only):
        raise InvalidGrant("redirect_uri is not the one of the authorization request.")
