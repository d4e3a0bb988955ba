"""Back-Channel Logout OP, the 2 modules of the OpenID Foundation's plan."""

from __future__ import annotations

import sys

import pytest
from django.core.management import call_command
from django.test import Client as Http
from jwcrypto import jwk, jws

from clients.models import Client
from tests.conformance.modules import unmatched
from tests.provider.receiver import receiving
from tests.world import ISSUER, Browser, claims_of, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
MODULES = ["oidcc-backchannel-logout-discovery-endpoint-verification", "oidcc-backchannel-rp-initiated-logout"]
OUT = "https://rp.certification.example/post_logout_redirect"


def test_every_module_has_its_test() -> None:
    assert unmatched(MODULES, sys.modules[__name__]) == set()


def test_backchannel_logout_discovery_endpoint_verification() -> None:
    """Discovery says that the back channel is offered, with a session, and where a sign-out begins."""
    metadata = Http().get("/.well-known/openid-configuration").json()
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"].startswith(ISSUER)


def test_backchannel_rp_initiated_logout() -> None:
    """The RP signs the person out and gets a valid logout token of the session its ID token named."""
    with receiving() as rp:
        Client.objects.filter(client_id="web").update(backchannel_logout_uri=rp.url, post_logout_redirect_uris=OUT)
        browser = Browser("owner")
        id_token = browser.tokens("web")["id_token"]
        sent = {"id_token_hint": id_token, "post_logout_redirect_uri": OUT, "state": "s"}
        assert browser.http.get("/oauth2/logout", sent)["Location"] == f"{OUT}?state=s"
        call_command("deliverevents")
        assert redirected(browser.authorize("web", prompt="none"))["error"] == "login_required"
    (token,) = rp.tokens
    header, claims, before = header_of(token), claims_of(token), claims_of(id_token)
    keys = Http().get("/.well-known/jwks.json").json()["keys"]
    key = next(one for one in keys if one["kid"] == header["kid"])
    signed = jws.JWS()
    signed.deserialize(token, jwk.JWK(**key))
    assert signed.is_valid
    assert header["alg"] == header_of(id_token)["alg"] == key["alg"]
    assert {name: claims[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: before[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims
    assert claims["jti"]
    assert claims["iat"] <= claims["exp"] <= claims["iat"] + 120
