"""UserInfo (OpenID Connect Core 1.0 section 5.3)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from clients.endpoints.http import bearer_refusal, bearer_token, json_answer, protocol_endpoint
from clients.oauth import find, parameters
from clients.protocol import claims
from clients.protocol.errors import InvalidToken, Refusal


@protocol_endpoint("GET", "POST", cors=True)
def userinfo(request: HttpRequest) -> HttpResponse:
    try:
        found = find.access_token(bearer_token(request, _token_in_body(request)))
        if found is None:
            raise InvalidToken("The access token is unknown, expired or revoked.")
        return json_answer(claims.userinfo(found))
    except Refusal as refusal:
        return bearer_refusal(refusal)


def _token_in_body(request: HttpRequest) -> str:
    """A POST without a form is fine: the token is in the header then."""
    if request.method != "POST" or not request.META.get("CONTENT_TYPE"):
        return ""
    return parameters.from_body(request).one("access_token")
