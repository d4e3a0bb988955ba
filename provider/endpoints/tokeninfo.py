"""tokeninfo: whoever has a token may ask what it is (protocol section 9). No client authentication."""

from __future__ import annotations

from django.conf import settings

from common import clock
from provider import parameters
from provider.endpoints.http import Answer, bearer_token, json_answer, protocol_endpoint
from provider.parameters import Request
from provider.protocol import claims
from provider.protocol.errors import InvalidRequest, InvalidToken, Refusal
from provider.protocol.facts import Json
from provider.protocol.request import Params
from provider.store import find


class InvalidValue(Refusal):
    """Google's answer for whatever is no live token."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__("Invalid Value")


@protocol_endpoint("GET", "POST")
def tokeninfo(request: Request) -> Answer:
    params = _params(request)
    id_token = params.one("id_token")
    if id_token and (params.one("access_token") or parameters.authorization(request)):
        raise InvalidRequest("Send one token.")
    answer = find.id_token(id_token) if id_token else _access_token(_token(request, params))
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


def _token(request: Request, params: Params) -> str:
    if settings.IDP_TOKENINFO_QUERY and params.one("access_token"):
        return params.one("access_token")
    try:
        return bearer_token(request, params.one("access_token"))
    except InvalidToken as refusal:  # says what is wrong with the header, or nothing when no token came
        raise InvalidRequest(str(refusal) or "Send access_token or id_token in the request body.") from None


def _access_token(token: str) -> dict[str, Json] | None:
    found = find.access_token(token)
    if found is None:
        return None
    return claims.tokeninfo(found, offline=find.has_refresh_token(found), now=clock.seconds())
