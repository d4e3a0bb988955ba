"""From a request to oauthlib's, strictly: what was sent, and nothing a client could smuggle in."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauthlib.oauth2 import OAuth2Error

from common.address import address_of
from provider import parameters
from provider.parameters import Request
from provider.server import Server, TokenCall
from provider.validator import Validator

# oauthlib keeps parameters and its own state in one place; what is not a parameter of ours must not land there.
# RFC 6749 section 3.1: unrecognized parameters are ignored.
KNOWN = frozenset(
    (
        *("acr_values", "access_type", "approval_prompt", "audience", "claims", "claims_locales", "client_id"),
        *("client_assertion", "client_assertion_type"),
        *("client_secret", "code", "code_challenge", "code_challenge_method", "code_verifier", "display"),
        *("grant_type", "id_token_hint", "include_granted_scopes", "login_hint", "max_age", "nonce", "prompt"),
        *("redirect_uri", "refresh_token", "request", "request_uri", "resource", "response_mode", "response_type"),
        *("scope", "state", "token", "token_type_hint", "ui_locales"),
    )
)


class Backend(OAuthLibCore):
    """What the toolkit's wrapper of oauthlib reads from a request, read strictly."""

    def create_token_response(self, request: Request) -> tuple[None, dict[str, str], str, int]:
        """No URI, headers, body and status; an empty value counts as omitted (RFC 6749 section 3.2)."""
        pairs = [(name, value) for name, value in parameters.from_body(request) if name in KNOWN and value]
        try:
            return None, *self.server.answer(TokenCall(pairs, _headers(request)))
        except OAuth2Error as error:
            return None, error.headers, error.json, error.status_code

    def verify_request(self, request: HttpRequest, scopes: list[str]) -> tuple[bool, Any]:
        """For views behind the toolkit's decorators: the bearer token of the header, never the query or the body."""
        uri, method = f"{settings.IDP_ISSUER}{request.path}", request.method or "GET"
        valid, oauth_request = self.server.verify_request(uri, method, "", _headers(request), scopes=scopes)
        return bool(valid), oauth_request


def _headers(request: Request) -> dict[str, str]:
    sent, address = parameters.authorization(request), {"X-Address": address_of(request)}
    return address if sent is None else {"Authorization": sent, **address}


@lru_cache(maxsize=1)
def server() -> Server:
    """One per process: it holds no state of a request."""
    return Server(Validator())


@lru_cache(maxsize=1)
def core() -> Backend:
    return Backend(server())
