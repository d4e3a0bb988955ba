"""Tokens bound to the certificate of the TLS connection (RFC 8705 section 3), which a configured proxy passes on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Http

from clients.models import AccessToken, Client
from idp import discovery
from tests.provider.certified import HEADER, VERIFIED_HEADER, Connected
from tests.provider.proving import Holder
from tests.world import ISSUER, App, Browser, Response, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
USERINFO = "/oauth2/userinfo"
MTLS = "https://mtls.localhost:8443"


@pytest.fixture(autouse=True)
def _proxy(world: None, settings: Any) -> None:
    settings.IDP_TRUSTED_PROXIES = ["127.0.0.1"]
    settings.IDP_CLIENT_CERTIFICATE_HEADER = HEADER
    settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER = VERIFIED_HEADER
    Client.objects.filter(client_id__in=["web", "spa", "service"]).update(
        tls_client_certificate_bound_access_tokens=True
    )


@pytest.fixture
def till() -> Connected:
    return Connected()


def own_token(client_id: str = "service", **headers: Any) -> Response:
    return App(client_id).post("/oauth2/token", {"grant_type": "client_credentials"}, **headers)


def persons_tokens(till: Connected, client_id: str = "web", **asked: Any) -> dict[str, Any]:
    code = Browser("owner").code(client_id, **asked)
    body: dict[str, Any] = App(client_id).exchange_with(code, **till.headers).json()
    return body


def shows(token: str, **headers: Any) -> Response:
    return Http().get(USERINFO, HTTP_AUTHORIZATION=f"Bearer {token}", **headers)


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_token_works_over_connections_with_its_certificate_only(till: Connected, token_format: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=token_format)
    tokens = persons_tokens(till)
    token = tokens["access_token"]
    assert tokens["token_type"] == "Bearer", "RFC 8705 has no scheme of its own"
    if token_format == "jwt":
        assert claims_of(token)["cnf"] == {"x5t#S256": till.thumbprint}
    assert shows(token, **till.headers).status_code == 200
    assert shows(token, HTTP_X_CLIENT_CERT=till.structured).status_code == 200
    for headers in ({}, Connected().headers, {"HTTP_X_CLIENT_CERT": "x"}, {**till.headers, "REMOTE_ADDR": "192.0.2.1"}):
        refused = shows(token, **headers)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    told = App("web").introspect(token).json()
    assert (told["token_type"], told["cnf"]) == ("Bearer", {"x5t#S256": till.thumbprint})


def test_the_client_gets_none_without_a_certificate(till: Connected) -> None:
    """G4: whatever the grant."""
    refresh_token = persons_tokens(till, scope="openid offline_access")["refresh_token"]
    before = AccessToken.objects.count()
    for answer in (
        own_token(),
        own_token(**{**till.headers, "REMOTE_ADDR": "192.0.2.1"}),
        App("web").refresh(refresh_token),
        App("web").exchange(Browser("owner").code("web")),
    ):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert AccessToken.objects.count() == before
    assert own_token(**till.headers).status_code == 200


def test_a_public_clients_refresh_token_is_bound_as_well(till: Connected) -> None:
    """RFC 8705 section 4; a confidential one authenticates, and may renew its certificate."""
    token = persons_tokens(till, "spa", scope="openid offline_access")["refresh_token"]
    asked = {"grant_type": "refresh_token", "refresh_token": token}
    refused = App("spa").post("/oauth2/token", asked, **Connected().headers)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert App("spa").post("/oauth2/token", asked, **till.headers).status_code == 200
    token = persons_tokens(till, scope="openid offline_access")["refresh_token"]
    asked = {"grant_type": "refresh_token", "refresh_token": token}
    assert App("web").post("/oauth2/token", asked, **Connected().headers).status_code == 200


def test_a_token_may_be_bound_to_both(till: Connected) -> None:
    holder = Holder()
    token = own_token(HTTP_DPOP=holder.proof(), **till.headers).json()["access_token"]
    told = App("service").introspect(token).json()
    assert told["cnf"] == {"jkt": holder.jkt, "x5t#S256": till.thumbprint}
    sent = {"HTTP_AUTHORIZATION": f"DPoP {token}"}
    for headers, status in ((till.headers, 200), (Connected().headers, 401)):
        proof = holder.proof(f"{ISSUER}{USERINFO}", "GET", token)
        assert Http().get(USERINFO, HTTP_DPOP=proof, **sent, **headers).status_code == status
    assert shows(token, **till.headers).status_code == 401, "a certificate is no proof of the other key"


def test_tokeninfo_tells_the_holder_alone(till: Connected) -> None:
    token = persons_tokens(till)["access_token"]
    sent = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert Http().get("/oauth2/tokeninfo", **sent, **till.headers).status_code == 200
    assert Http().get("/oauth2/tokeninfo", **sent).status_code == 400


def test_other_clients_may_connect_with_a_certificate_and_get_what_they_always_get(till: Connected) -> None:
    Client.objects.filter(client_id="service").update(tls_client_certificate_bound_access_tokens=False)
    token = own_token(**till.headers).json()["access_token"]
    assert shows(token).status_code == 200


@pytest.mark.parametrize("header", ["", ",", "x" * 20_000, "%00", ":::", "\u00e9", ":AAAA:"])
def test_no_header_is_a_failure_of_ours(header: str) -> None:
    assert own_token(HTTP_X_CLIENT_CERT=header).status_code == 400


def test_discovery_says_it_where_a_proxy_does_it(settings: Any) -> None:
    said = discovery.metadata()
    assert said["tls_client_certificate_bound_access_tokens"] is True
    assert "mtls_endpoint_aliases" not in said
    settings.IDP_MTLS_URL = MTLS
    aliases = discovery.metadata()["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"{MTLS}/oauth2/token"
    assert aliases["userinfo_endpoint"] == f"{MTLS}/oauth2/userinfo"
    assert "authorization_endpoint" not in aliases, "browsers are not asked for certificates"
    settings.IDP_CLIENT_CERTIFICATE_HEADER = ""
    assert not {"tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases"} & discovery.metadata().keys()


def test_a_proof_may_name_the_other_address(till: Connected, settings: Any) -> None:
    settings.IDP_MTLS_URL = MTLS
    holder = Holder()
    assert own_token(HTTP_DPOP=holder.proof(f"{MTLS}/oauth2/token"), **till.headers).status_code == 200
    settings.IDP_MTLS_URL = ""
    assert own_token(HTTP_DPOP=holder.proof(f"{MTLS}/oauth2/token"), **till.headers).status_code == 400
