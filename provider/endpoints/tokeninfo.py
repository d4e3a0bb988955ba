"""tokeninfo: whoever has a token may ask what it is (protocol section 9). No client authentication."""

from __future__ import annotations

from django.conf import settings

from common import clock
from provider import parameters
from provider.endpoints import access_token
from provider.endpoints.http import Answer, json_answer, protocol_endpoint, sent_token
from provider.parameters import Request
from provider.protocol import claims
from provider.protocol.errors import InvalidRequest, InvalidToken, Refusal
from provider.protocol.facts import Json, TokenFacts
from provider.protocol.request import Params
from provider.store import find


class InvalidValue(Refusal):
    """Google's answer for whatever is no live token."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__("Invalid Value")


@protocol_endpoint("GET", "POST", proofs=True)
def tokeninfo(request: Request) -> Answer:
    params = _params(request)
    id_token = params.one("id_token")
    if id_token and (params.one("access_token") or parameters.authorization(request)):
        raise InvalidRequest("Send one token.")
    answer = find.id_token(id_token) if id_token else _about(_access_token(request, params))
    if not answer:
        raise InvalidValue
    return json_answer(answer)


def _params(request: Request) -> Params:
    """The form of a POST; the query only where the deployment still accepts tokens there.

    Who sends the token in the header may send a body of anything else, as at userinfo: no token is in it.
    """
    if request.method == "POST" and request.META.get("CONTENT_TYPE"):
        elsewhere = parameters.authorization(request) and not parameters.is_form(request)
        return parameters.NOTHING if elsewhere else parameters.from_body(request)
    if not settings.IDP_TOKENINFO_QUERY:
        return Params()
    query = parameters.from_query(request)
    parameters.refuse_repeats(query)
    return query


def _access_token(request: Request, params: Params) -> TokenFacts | None:
    token, scheme = _sent(request, params)
    try:
        return access_token.checked(request, "tokeninfo", token, scheme)
    except InvalidToken:  # bound, and shown by somebody else
        return None


def _sent(request: Request, params: Params) -> tuple[str, str]:
    try:
        return sent_token(request, params.one("access_token"), or_query=settings.IDP_TOKENINFO_QUERY)
    except InvalidToken as refusal:  # says what is wrong with the header, or nothing when no token came
        raise InvalidRequest(str(refusal) or "Send access_token or id_token in the request body.") from None


def _about(found: TokenFacts | None) -> dict[str, Json] | None:
    if found is None:
        return None
    return claims.tokeninfo(found, offline=find.has_refresh_token(found), now=clock.seconds())
