"""The one place that meets django-oauth-toolkit and oauthlib, for whoever uses their views and decorators.

Our own endpoints need neither. Here the toolkit's `TokenView` and `RevokeTokenView` are answered by ours, and its
protected views and decorators accept the tokens we made.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2 import BearerToken, ResourceEndpoint

from common import issuer
from projects.apis import apis_near
from provider import facts, parameters
from provider.endpoints.http import Answer
from provider.endpoints.revoke import revoke
from provider.endpoints.token import token
from provider.store import find

OAuthRequest: TypeAlias = Any  # oauthlib's request takes any attribute; a type would only pretend
Response = tuple[None, dict[str, str], str, int]  # no URI, headers, body and status


class Validator(OAuth2Validator):
    """Whether a bearer token is one of ours, for this place."""

    def validate_bearer_token(self, token: str, scopes: list[str], request: OAuthRequest) -> bool:
        """Access tokens only: an ID token or a refresh token is not one."""
        found = find.access_token(token) if token else None
        if found is None or found.bound or not set(scopes or ()) <= set(found.scopes):
            return False  # what is bound is no bearer token
        near = apis_near([request.uri])
        if not any(near.covers(one, request.uri) for one in found.audience):
            return False  # made for another place
        request.client, request.scopes, request.access_token = found.client, list(found.scopes), found
        request.user = facts.user_of(found.person) if found.person else None
        return True


class Server(ResourceEndpoint):
    """What asks the validator. Requests for tokens never come this far."""

    def __init__(self, request_validator: Validator, **_kwargs: Any) -> None:
        super().__init__(default_token="Bearer", token_types={"Bearer": BearerToken(request_validator)})  # noqa: S106


class Backend(OAuthLibCore):
    """What the toolkit's views ask: tokens are given and revoked by our endpoints."""

    def create_token_response(self, request: HttpRequest) -> Response:
        return _as_expected(token(request))

    def create_revocation_response(self, request: HttpRequest) -> Response:
        return _as_expected(revoke(request))

    def verify_request(self, request: HttpRequest, scopes: list[str]) -> tuple[bool, OAuthRequest]:
        """The bearer token of the header, never of the query or the body; the host is ours, never the Host header."""
        uri, method = issuer.url_of(request.path), request.method or "GET"
        sent = parameters.authorization(request)
        headers = {} if sent is None else {"Authorization": sent}
        valid, oauth_request = self.server.verify_request(uri, method, "", headers, scopes=scopes)
        return bool(valid), oauth_request


def _as_expected(answer: Answer) -> Response:
    return None, dict(answer.headers), answer.body.decode(), answer.status
