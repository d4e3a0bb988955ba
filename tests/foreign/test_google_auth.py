"""google-auth, as a backend that gets ID tokens from apps and checks them: cross-client tokens as at Google."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from google.auth.transport.requests import Request
from google.oauth2 import id_token as google

from accounts.models import User
from clients.models import Client
from tests.foreign.person import sign_in_and_allow
from tests.world import CHALLENGE, REDIRECTS, SECRETS, VERIFIER

pytestmark = [pytest.mark.foreign, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=["RS256", "ES256"])
def id_token(request: Any, metadata: dict[str, Any]) -> str:
    """An ID token for `sibling`, signed with its algorithm, that `web` got for somebody who signed in there."""
    Client.objects.filter(client_id="sibling").update(id_token_signed_response_alg=request.param)
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": REDIRECTS["web"],
        "scope": "openid email offline_access",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    address = str(requests.Request("GET", metadata["authorization_endpoint"], params=query).prepare().url)
    code = parse_qs(urlsplit(sign_in_and_allow(address)).query)["code"][0]

    def token(**form: str) -> dict[str, str]:
        auth = ("web", SECRETS["web"])
        answer: dict[str, str] = requests.post(metadata["token_endpoint"], form, auth=auth, timeout=30).json()
        return answer

    form = {"code": code, "redirect_uri": REDIRECTS["web"], "code_verifier": VERIFIER}
    refresh_token = token(grant_type="authorization_code", **form)["refresh_token"]
    return token(grant_type="refresh_token", refresh_token=refresh_token, audience="sibling")["id_token"]


def test_a_backend_knows_the_person_and_the_app(metadata: dict[str, Any], id_token: str) -> None:
    def verified(token: str, audience: str) -> Any:
        return google.verify_token(token, Request(), audience=audience, certs_url=metadata["jwks_uri"])

    claims = verified(id_token, "sibling")
    assert claims["sub"] == str(User.objects.get(username="owner").sub)
    assert (claims["iss"], claims["aud"], claims["azp"]) == (metadata["issuer"], "sibling", "web")
    assert (claims["email"], claims["email_verified"]) == ("owner@people.example", True)

    with pytest.raises(jwt.InvalidAudienceError):
        verified(id_token, "web")
    header, payload, signature = id_token.split(".")
    forged = f"{header}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    with pytest.raises(jwt.InvalidSignatureError):
        verified(forged, "sibling")
