"""Tokens bound to the certificate of the TLS connection (RFC 8705 section 3), which a configured proxy passes on."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client as Http
from jwcrypto import jwk

from clients import rules
from clients.metadata import ClientMetadata
from clients.models import AccessToken, Client
from clients.models.values import CHOICES
from idp import discovery
from tests.provider.certified import HEADER, SUBJECT, VERIFIED_HEADER, Connected
from tests.provider.proving import Holder
from tests.world import ISSUER, App, Browser, Response, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
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
    others: list[dict[str, Any]] = [
        {},
        Connected().headers,
        {"HTTP_X_CLIENT_CERT": "x"},
        {**till.headers, "REMOTE_ADDR": "192.0.2.1"},
    ]
    for headers in others:
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
    sent: dict[str, Any] = {"HTTP_AUTHORIZATION": f"DPoP {token}"}
    for headers, status in ((till.headers, 200), (Connected().headers, 401)):
        proof = holder.proof(f"{ISSUER}{USERINFO}", "GET", token)
        assert Http().get(USERINFO, HTTP_DPOP=proof, **sent, **headers).status_code == status
    assert shows(token, **till.headers).status_code == 401, "a certificate is no proof of the other key"


def test_tokeninfo_tells_the_holder_alone(till: Connected) -> None:
    token = persons_tokens(till)["access_token"]
    sent: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
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


def test_wherever_clients_authenticate_they_may_connect_with_a_certificate(settings: Any) -> None:
    settings.IDP_MTLS_URL = MTLS
    said = discovery.metadata()
    own = {"token", "introspection", "revocation", "device_authorization", "pushed_authorization_request"}
    methods = {name.partition("_endpoint_auth_methods_")[0] for name in said if "_endpoint_auth_methods_" in name}
    assert {f"{name}_endpoint" for name in own | methods} <= said["mtls_endpoint_aliases"].keys()


def test_a_proof_may_name_the_other_address(till: Connected, settings: Any) -> None:
    settings.IDP_MTLS_URL = MTLS
    holder = Holder()
    assert own_token(HTTP_DPOP=holder.proof(f"{MTLS}/oauth2/token"), **till.headers).status_code == 200
    settings.IDP_MTLS_URL = ""
    assert own_token(HTTP_DPOP=holder.proof(f"{MTLS}/oauth2/token"), **till.headers).status_code == 400


# --- Who a client is -------------------------------------------------------------------------------------------------


def known_by(method: str, **fields: Any) -> None:
    Client.objects.filter(client_id="service").update(token_endpoint_auth_method=method, **fields)


def by_certificate(**headers: Any) -> Response:
    """With its client_id and nothing else."""
    asked = {"grant_type": "client_credentials", "client_id": "service"}
    return App("service").post("/oauth2/token", asked, auth=None, **headers)


NAMES = {
    "subject_dn": SUBJECT,
    "san_dns": "TILL.acme.example",
    "san_uri": "urn:acme:till",
    "san_ip": "192.0.2.7",
    "san_email": "till@acme.example",
}
NO_NAMES = {f"tls_client_auth_{name}": "" for name in NAMES}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"A9 {name}")
def test_a_client_is_the_one_whose_certificate_has_its_name(till: Connected, name: str) -> None:
    known_by("tls_client_auth", **{f"tls_client_auth_{name}": NAMES[name]})
    assert by_certificate(**till.verified).status_code == 200
    other = Connected("CN=till2,O=Acme", (x509.DNSName("till2.acme.example"),))
    for headers in (
        {},
        till.headers,  # made by anybody
        other.verified,
        {**till.verified, "REMOTE_ADDR": "192.0.2.1"},
    ):
        refused = by_certificate(**headers)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    known_by("tls_client_auth", **NO_NAMES)
    assert by_certificate(**till.verified).status_code == 401


@pytest.mark.parametrize(
    ("name", "value"), [("san_dns", "urn:acme:till"), ("san_uri", "till.acme.example"), ("san_email", "192.0.2.7")]
)
def test_a_name_of_one_kind_is_none_of_another(till: Connected, name: str, value: str) -> None:
    """A9."""
    known_by("tls_client_auth", **{**NO_NAMES, f"tls_client_auth_{name}": value})
    assert by_certificate(**till.verified).status_code == 401


def test_a_client_is_the_one_whose_key_the_certificate_has(till: Connected) -> None:
    key = jwk.JWK.from_pem(till.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    known_by("self_signed_tls_client_auth", jwks={"keys": [key.export_public(as_dict=True)]})
    assert by_certificate(**till.headers).status_code == 200
    assert by_certificate(**till.verified).status_code == 200, "who vouches for it is no matter"
    others: list[dict[str, Any]] = [{}, Connected().headers, {**till.headers, "REMOTE_ADDR": "192.0.2.1"}]
    for headers in others:
        refused = by_certificate(**headers)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_a_certificate_proves_nothing_for_clients_of_other_methods(till: Connected) -> None:
    assert by_certificate(**till.verified).status_code == 401
    assert own_token(**till.verified).status_code == 200, "beside a secret it is there to bind tokens to"
    known_by("tls_client_auth", tls_client_auth_san_dns="till.acme.example")
    assert own_token(**till.verified).status_code == 401, "and a secret is nothing for one of this method"


def test_it_proves_who_asks_at_every_endpoint(till: Connected) -> None:
    known_by("tls_client_auth", tls_client_auth_san_dns="till.acme.example")
    token = by_certificate(**till.verified).json()["access_token"]
    for path in ("/oauth2/introspect", "/oauth2/revoke"):
        sent = {"token": token, "client_id": "service"}
        assert App("service").post(path, sent, auth=None, **till.verified).status_code == 200
        assert App("service").post(path, sent, auth=None).status_code == 401


def test_discovery_lists_the_methods_that_the_proxy_makes_possible(settings: Any) -> None:
    both = {"tls_client_auth", "self_signed_tls_client_auth"}
    assert both <= set(discovery.metadata()["token_endpoint_auth_methods_supported"])
    settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER = ""
    listed = discovery.metadata()["introspection_endpoint_auth_methods_supported"]
    assert both & set(listed) == {"self_signed_tls_client_auth"}
    settings.IDP_CLIENT_CERTIFICATE_HEADER = ""
    assert not both & set(discovery.metadata()["token_endpoint_auth_methods_supported"])


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"san_dns": "till.acme.example"}, set()),
        ({}, {"subject_dn"}),
        ({"subject_dn": "x"}, {"subject_dn"}),
        ({"san_ip": "till.acme.example"}, {"san_ip"}),
        ({"subject_dn": SUBJECT, "san_dns": "till.acme.example"}, {"san_dns"}),
    ],
    ids=["one", "none", "no name", "no address", "two"],
)
def test_one_name_is_registered(fields: dict[str, str], wrong: set[str]) -> None:
    named = {f"tls_client_auth_{name}": value for name, value in fields.items()}
    wanted = ClientMetadata(client_id="till", token_endpoint_auth_method="tls_client_auth", **named)  # type: ignore[arg-type]
    assert {one.name.removeprefix("tls_client_auth_") for one in rules.problems(wanted, CHOICES)} == wrong


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_nobody_registers_what_the_deployment_cannot_do(settings: Any, method: str) -> None:
    settings.IDP_CLIENT_CERTIFICATE_HEADER = ""
    wanted = ClientMetadata(
        client_id="till", token_endpoint_auth_method=method, tls_client_auth_san_dns="till.acme.example"
    )
    assert {one.name for one in rules.problems(wanted, CHOICES)} == {"token_endpoint_auth_method"}
