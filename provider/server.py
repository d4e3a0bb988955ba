"""Our protocol table hung on oauthlib's grants; the one place where a Refusal becomes an OAuth error.

oauthlib keeps the grammar (which parameters a grant needs, the order of checks), our steps decide, and a token type of
ours mints. Steps run as `post_token` hooks (the client authenticated, the code or refresh token loaded).
"""

from __future__ import annotations

from typing import Any, TypeAlias

from oauthlib.common import Request
from oauthlib.oauth2 import ResourceEndpoint, TokenEndpoint
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error
from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from oauthlib.oauth2.rfc6749.utils import scope_to_list

from provider import facts
from provider.bearer import Bearer
from provider.protocol import AT_TOKEN, audience
from provider.protocol.errors import InvalidAudience, InvalidClient, Refusal, TemporarilyUnavailable, TooManyGuesses
from provider.protocol.request import Params, TokenRequest
from provider.protocol.runner import run
from provider.store import events

# oauthlib's request takes any attribute; a type would only pretend.
OAuthRequest: TypeAlias = Any


class WireError(CustomOAuth2Error):
    """A Refusal as oauthlib carries it, with the headers the refusal calls for."""

    def __init__(self, refusal: Refusal, request: OAuthRequest) -> None:
        self.refusal = refusal
        super().__init__(error=refusal.code, description=str(refusal), status_code=refusal.status, request=request)

    @property
    def headers(self) -> dict[str, str]:
        return headers_of(self.refusal)


def headers_of(refusal: Refusal) -> dict[str, str]:
    """A challenge when the Authorization header was used (RFC 6749 section 5.2), and when to come back."""
    headers = {}
    if isinstance(refusal, InvalidClient) and refusal.challenge:
        headers["WWW-Authenticate"] = 'Basic realm="vestibule", charset="UTF-8"'
    if isinstance(refusal, (TooManyGuesses, TemporarilyUnavailable)):
        headers["Retry-After"] = str(refusal.retry_after)
    return headers


def own(request: OAuthRequest, name: str) -> Any:
    """What we put on oauthlib's request. Never its getattr: that answers with parameters a client sent."""
    return vars(request).get(name)


def decide_token(request: OAuthRequest) -> None:
    """Run the table's steps of this grant; what they decided is minted next."""
    params = own(request, "params")
    opened = own(request, "opened")
    decided = TokenRequest(
        grant_type=request.grant_type,
        params=params,
        client=request.client,
        ceiling=opened.ceiling if opened else None,
    )
    try:
        granted = decided.ceiling.audiences if decided.ceiling else ()
        decided.registry = facts.registry(audience.named(params), decided.client, granted)
        if opened:
            decided.challenge = opened.challenge
        run(AT_TOKEN[request.grant_type], decided)
    except Refusal as refusal:
        if isinstance(refusal, InvalidAudience):
            asked = " ".join(params.many("audience"))
            events.cross_client_refused(decided.client, asked, opened.person.sub if opened else "")
        raise WireError(refusal, request) from refusal
    request.decided = decided


class TokenCall(Request):
    """A token request as oauthlib works with it, of parameters that were read already.

    oauthlib would have them encoded, to decode them once more. A query and repeats were refused before it is asked.
    """

    uri_query = ""
    duplicate_params: tuple[str, ...] = ()

    scopes: list[str] | None
    headers: Any
    _params: dict[str, Any]

    def __init__(self, pairs: list[tuple[str, str]], headers: dict[str, str]) -> None:
        self.uri, self.http_method, self.body = "", "POST", ""
        self.headers, self.decoded_body = headers, pairs
        self.params = Params(pairs)
        self._params = {**NOTHING_SENT, **dict(pairs)}


NOTHING_SENT = Request("")._params  # what oauthlib asks for has to be there


class Server(TokenEndpoint, ResourceEndpoint):
    """Three grants. What is not here is not offered; authorization requests do not come here."""

    def __init__(self, request_validator: Any, **_kwargs: Any) -> None:
        code = AuthorizationCodeGrant(request_validator, post_token=[decide_token])
        refresh = RefreshTokenGrant(request_validator, post_token=[decide_token])
        credentials = ClientCredentialsGrant(request_validator, post_token=[decide_token])
        bearer = Bearer(request_validator)
        TokenEndpoint.__init__(
            self,
            default_grant_type="",
            default_token_type=bearer,
            grant_types={
                "authorization_code": code,
                "refresh_token": refresh,
                "client_credentials": credentials,
                "": Unsupported(),
            },
        )
        ResourceEndpoint.__init__(self, default_token="Bearer", token_types={"Bearer": bearer})  # noqa: S106

    def answer(self, request: TokenCall) -> tuple[dict[str, str], str, int]:
        """Headers, body and status for a token request (RFC 6749 section 3.2); raises OAuth2Error."""
        request.scopes = scope_to_list(request.scope)
        grant = self.grant_types.get(request.grant_type, self.default_grant_type_handler)
        answer: tuple[dict[str, str], str, int] = grant.create_token_response(request, self.default_token_type)
        return answer


class Unsupported:
    """Answers every grant type that is not offered (RFC 6749 section 5.2)."""

    def create_token_response(self, request: OAuthRequest, _bearer: Any) -> Any:
        if not request.grant_type:
            raise CustomOAuth2Error("invalid_request", description="grant_type is missing.", request=request)
        raise CustomOAuth2Error(
            "unsupported_grant_type", description="This grant type is not offered.", request=request
        )
