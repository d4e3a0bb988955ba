"""oauthlib's questions, answered from facts the store loaded."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError

from projects.matcher import covers
from provider import facts
from provider.client_authentication import authenticate
from provider.protocol.errors import InvalidGrant, Refusal, UnauthorizedClient
from provider.protocol.facts import ClientFacts
from provider.server import OAuthRequest, WireError, own
from provider.store import authorizations, find
from provider.store.generations import Reused


class Validator(OAuth2Validator):
    """Every answer the toolkit gives from its own columns is given here from ours."""

    # --- The client ---

    def client_authentication_required(self, request: OAuthRequest, *_args: Any, **_kwargs: Any) -> bool:
        return True  # public clients too: authenticate() knows who needs no secret

    def authenticate_client(self, request: OAuthRequest, *_args: Any, **_kwargs: Any) -> bool:
        try:
            client = authenticate(
                own(request, "params"),
                request.headers.get("Authorization"),
                request.headers.get("X-Address", ""),
            )
        except Refusal as refusal:
            raise WireError(refusal, request) from refusal
        request.client, request.client_id = client, client.client_id
        return True

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: ClientFacts, request: OAuthRequest, *_args: Any, **_kwargs: Any
    ) -> bool:
        if not client.may_use(grant_type):  # oauthlib's own refusal does not say why
            raise WireError(UnauthorizedClient(), request)
        return True

    # --- The token request ---

    def is_pkce_required(self, client_id: str, request: OAuthRequest) -> bool:
        return False  # the steps decide (provider.protocol.pkce)

    def get_code_challenge(self, code: str, request: OAuthRequest) -> None:
        return None

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: ClientFacts, request: OAuthRequest, *_args: Any, **_kwargs: Any
    ) -> bool:
        return True  # the steps decide (provider.protocol.scopes)

    def get_default_scopes(self, client_id: str, request: OAuthRequest, *_args: Any, **_kwargs: Any) -> list[str]:
        return []

    def validate_code(
        self, client_id: str, code: str, client: ClientFacts, request: OAuthRequest, *_a: Any, **_k: Any
    ) -> bool:
        open_code = partial(authorizations.open_code, verifier=own(request, "params").one("code_verifier"))
        request.opened = self._open(open_code, code, client, request)
        request.user = None
        return True

    def get_default_redirect_uri(
        self, client_id: str, request: OAuthRequest, *_args: Any, **_kwargs: Any
    ) -> str | None:
        """The only one registered; OpenID Connect Core 1.0 section 3.1.2.1 wants it named in every request."""
        uris = request.client.redirect_uris
        named_anyway = "openid" in (request.scope or "").split(" ")
        return uris[0] if len(uris) == 1 and not named_anyway else None

    def confirm_redirect_uri(
        self,
        client_id: str,
        code: str,
        redirect_uri: str,
        client: ClientFacts,
        request: OAuthRequest,
        *_a: Any,
        **_k: Any,
    ) -> bool:
        """What the authorization request named has to be named again (RFC 6749 section 4.1.3)."""
        named = own(request, "opened").redirect_uri
        expected = named or self.get_default_redirect_uri(client_id, request)
        if redirect_uri != expected or (named and own(request, "using_default_redirect_uri")):
            raise InvalidGrantError("redirect_uri is not the one of the authorization request.", request=request)
        return True

    def validate_refresh_token(
        self, refresh_token: str, client: ClientFacts, request: OAuthRequest, *_args: Any, **_kwargs: Any
    ) -> bool:
        request.opened = self._open(authorizations.open_refresh, refresh_token, client, request)
        return True

    def get_original_scopes(self, refresh_token: str, request: OAuthRequest, *_args: Any, **_kwargs: Any) -> list[str]:
        return list(own(request, "opened").ceiling.scopes)

    def is_within_original_scope(
        self, request_scopes: list[str], refresh_token: str, request: OAuthRequest, *_args: Any, **_kwargs: Any
    ) -> bool:
        return True  # the steps decide (provider.protocol.scopes)

    def save_bearer_token(self, token: dict[str, Any], request: OAuthRequest, *_args: Any, **_kwargs: Any) -> None:
        minted = request.minted
        try:
            authorizations.issue(
                request.decided,
                own(request, "opened"),
                access_token=minted.access_token,
                lifetime=minted.lifetime,
                refresh_token=minted.refresh_token,
                stored=minted.stored,
            )
        except Reused as reused:
            authorizations.end_reused(reused, request.client)
            raise WireError(reused, request) from reused
        except InvalidGrant as refusal:
            raise WireError(refusal, request) from refusal

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: OAuthRequest, *_a: Any, **_k: Any
    ) -> None:
        """Nothing left to do: the code was used up in the transaction that kept the tokens."""

    def _open(self, opener: Any, text: str, client: ClientFacts, request: OAuthRequest) -> authorizations.Opened:
        try:
            opened: authorizations.Opened = opener(text, client)
        except Reused as reused:
            authorizations.end_reused(reused, client)
            raise WireError(reused, request) from reused
        except InvalidGrant as refusal:
            raise WireError(refusal, request) from refusal
        return opened

    # --- Whoever protects views with the toolkit's own decorators ---

    def validate_bearer_token(self, token: str, scopes: list[str], request: OAuthRequest) -> bool:
        """Access tokens only: an ID token or a refresh token is not one."""
        found = find.access_token(token) if token else None
        if found is None or not set(scopes or ()) <= set(found.scopes):
            return False
        if not any(covers(one, request.uri) for one in found.audience):
            return False  # made for another place
        request.client, request.scopes, request.access_token = found.client, list(found.scopes), found
        request.user = facts.user_of(found.person) if found.person else None
        return True

    def get_oidc_issuer_endpoint(self, request: OAuthRequest) -> str:
        return str(settings.IDP_ISSUER)
