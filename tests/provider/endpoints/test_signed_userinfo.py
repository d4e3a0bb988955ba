"""Userinfo as a signed JWT, for clients that registered an algorithm."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from clients.models import Client
from common.jws import ALGORITHMS
from tests.world import ISSUER, App, Browser, claims_of, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_client_that_registered_an_algorithm_gets_a_jwt(algorithm: str) -> None:
    Client.objects.filter(client_id="web").update(userinfo_signed_response_alg=algorithm)
    token = Browser("owner").tokens("web", scope="openid email")["access_token"]
    response = App("web").userinfo(token)
    assert (response["Content-Type"], response["Cache-Control"]) == ("application/jwt", "no-store")
    jwt = response.content.decode()
    claims = claims_of(jwt)
    assert (header_of(jwt)["alg"], header_of(jwt)["typ"]) == (algorithm, "JWT")
    assert (claims["iss"], claims["aud"]) == (ISSUER, "web")
    assert claims["sub"] == str(User.objects.get(username="owner").sub)
    assert claims["email"] == "owner@people.example"


def test_it_passes_for_no_other_token() -> None:
    Client.objects.filter(client_id="web").update(userinfo_signed_response_alg="RS256")
    jwt = App("web").userinfo(Browser("owner").tokens("web")["access_token"]).content.decode()
    assert App("web").userinfo(jwt).status_code == 401
    info: Any = App("web").post("/oauth2/tokeninfo", {"id_token": jwt}, auth=None)
    assert info.status_code == 400
    hinted = redirected(Browser("owner").authorize("web", id_token_hint=jwt))
    assert hinted["error"] == "invalid_request", "not even for a hint"


def test_refusals_stay_json() -> None:
    Client.objects.filter(client_id="web").update(userinfo_signed_response_alg="RS256")
    token = Browser("owner").tokens("web", scope="email")["access_token"]
    response = App("web").userinfo(token)
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
