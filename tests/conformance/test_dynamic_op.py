"""Dynamic OP and 3rd Party-Init OP of the OpenID Foundation: each test checks what the module of its name does.

The suite registers a client for every module, with `private_key_jwt` and no PKCE, and ends it when the module is over.
Two modules cannot pass: they demand `request_uri` of an address (OpenID Connect Core 1.0 section 15.2), which is not
offered. Their tests say that discovery, the registration and the answer are honest about it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client as Http
from django.utils import timezone

from clients.models import Client
from common import outbound
from idp import discovery
from projects.actors import Actor
from projects.models import Project
from provider import fetched_keys, logos
from provider.keys import rotation
from tests.conformance.modules import unmatched
from tests.foreign_keys import KEYS, OTHERS, public, signed
from tests.provider.assertions import claims as assertion_claims
from tests.provider.assertions import proving
from tests.provider.key_server import KeyServer, serving_keys
from tests.provider.registering import Registrar, initial_token, refusal
from tests.world import ISSUER, App, Browser, Response, claims_of, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
HERE = Path(__file__).parent
MODULES = [*(HERE / "dynamic_op.txt").read_text().split(), *(HERE / "third_party_init_op.txt").read_text().split()]
CALLBACK = "https://suite.example/test/a/vestibule/callback"
TOKEN_ENDPOINT = f"{ISSUER}/oauth2/token"
PNG = b"\x89PNG\r\n\x1a\n and the rest of it"
Answer = dict[str, Any]


def test_every_module_has_its_test() -> None:
    assert unmatched(MODULES, sys.modules[__name__]) == set()
    assert len(MODULES) == 25


@dataclass
class Suite:
    """The suite's relying party, and the person's browser. `signs_with`: its key, and the key's ID."""

    registrar: Registrar
    person: Browser = field(default_factory=lambda: Browser("owner"))
    key: Any = KEYS["RS256"]
    algorithm: str = "RS256"
    kid: str = "first"
    client: Answer = field(default_factory=dict)

    def asks(self, **more: Any) -> Answer:
        """The registration that every module sends."""
        usual = {
            "client_name": "OIDF Conformance Test",
            "grant_types": ["authorization_code"],
            "jwks": {"keys": [public(KEYS["RS256"], kid="first", use="sig", alg="RS256")]},
            "token_endpoint_auth_method": "private_key_jwt",
            "response_types": ["code"],
            "redirect_uris": [CALLBACK],
            "contacts": ["certification@oidf.org"],
        }
        return {name: value for name, value in {**usual, **more}.items() if value is not None}

    def register(self, **more: Any) -> Answer:
        self.client = self.registrar.made(self.asks(**more))
        return self.client

    def authorize(self, redirect_uri: str | None = CALLBACK, **more: Any) -> Response:
        asked: Answer = {"code_challenge": None, "code_challenge_method": None, "redirect_uri": redirect_uri, **more}
        return self.person.authorize(self.client["client_id"], **asked)

    def code(self, redirect_uri: str = CALLBACK, **more: Any) -> str:
        page = self.authorize(redirect_uri, **more)
        return redirected(self.person.answer(page) if page.status_code == 200 else page)["code"]

    def assertion(self, **others: Any) -> str:
        said = assertion_claims(self.client["client_id"], **{"aud": TOKEN_ENDPOINT, **others})
        return signed(self.key, self.algorithm, said, kid=self.kid)

    def token(self, assertion: str = "", **form: Any) -> Response:
        return App("", Http()).post("/oauth2/token", proving(assertion or self.assertion(), **form), auth=None)

    def tokens(self, redirect_uri: str = CALLBACK, **more: Any) -> Answer:
        """A whole flow, checked."""
        code = self.code(redirect_uri, **more)
        answer = self.token(grant_type="authorization_code", code=code, redirect_uri=redirect_uri)
        assert answer.status_code == 200, answer.content
        found: Answer = answer.json()
        said = claims_of(found["id_token"])
        assert (said["iss"], said["aud"], said["nonce"]) == (ISSUER, self.client["client_id"], "the-nonce")
        return found


@pytest.fixture
def suite(world: None, settings: Any) -> Iterator[Suite]:
    """As the plan is run: with a token for apps that have no PKCE, and assertions for the token endpoint."""
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"
    settings.IDP_LEGACY_ASSERTION_AUDIENCE = True
    discovery._metadata_document.cache_clear()
    yield Suite(Registrar(initial_token(require_pkce=False)))
    discovery._metadata_document.cache_clear()


@pytest.fixture
def server(settings: Any) -> Iterator[KeyServer]:
    settings.IS_LOCAL = True
    with serving_keys() as server:
        yield server


def metadata() -> Answer:
    found: Answer = Http().get("/.well-known/openid-configuration").json()
    return found


def error_page(response: Response) -> bool:
    return response.status_code == 400 and "Location" not in response


# --- ID tokens and userinfo ------------------------------------------------------------------------------------------


def test_idtoken_rs256(suite: Suite) -> None:
    """An ID token signed with RS256, as registered, names its key."""
    suite.register(id_token_signed_response_alg="RS256")
    header = header_of(suite.tokens()["id_token"])
    assert header["alg"] == "RS256"
    assert header["kid"]


def test_idtoken_unsigned(suite: Suite) -> None:
    """Unsigned ID tokens are tested where discovery lists them; here they are not, and nobody gets one."""
    assert "none" not in metadata()["id_token_signing_alg_values_supported"]
    assert suite.register(id_token_signed_response_alg="none")["id_token_signed_response_alg"] == "RS256"
    assert header_of(suite.tokens()["id_token"])["alg"] == "RS256"


def test_userinfo_rs256(suite: Suite) -> None:
    """Userinfo signed with RS256, as registered, with iss and aud and without the nonce."""
    assert "RS256" in metadata()["userinfo_signing_alg_values_supported"]
    suite.register(userinfo_signed_response_alg="RS256")
    answer = App("").userinfo(suite.tokens()["access_token"])
    assert answer["Content-Type"] == "application/jwt"
    jwt = answer.content.decode()
    said = claims_of(jwt)
    assert (header_of(jwt)["alg"], said["iss"], said["aud"]) == ("RS256", ISSUER, suite.client["client_id"])
    assert "nonce" not in said


# --- Redirect URIs ---------------------------------------------------------------------------------------------------


def test_ensure_redirect_uri_in_authorization_request(suite: Suite) -> None:
    """A request without a redirect URI ends on a page."""
    suite.register()
    assert error_page(suite.authorize(None))


def test_redirect_uri_query_OK(suite: Suite) -> None:  # noqa: N802 - the module's name
    """A redirect URI with a query of its own, as registered, works."""
    with_query = f"{CALLBACK}?foo=bar"
    suite.register(redirect_uris=[with_query])
    suite.tokens(with_query)


def test_redirect_uri_query_mismatch(suite: Suite) -> None:
    """Another query than the registered one ends on a page."""
    suite.register(redirect_uris=[f"{CALLBACK}?dummy1=lorem&dummy2=ipsum"])
    assert error_page(suite.authorize(f"{CALLBACK}?dummy1=lorem&dummy2=other"))


def test_redirect_uri_query_added(suite: Suite) -> None:
    """A query that was not registered ends on a page."""
    suite.register()
    assert error_page(suite.authorize(f"{CALLBACK}?dummy1=lorem"))


def test_redirect_uri_regfrag(suite: Suite) -> None:
    """A redirect URI with a fragment is not registered: 400, JSON, and one of two codes."""
    answer = suite.registrar.register(suite.asks(redirect_uris=[f"{CALLBACK}#fragment"]))
    assert refusal(answer) == (400, "invalid_redirect_uri")
    assert answer["Content-Type"] == "application/json"


# --- Discovery and registration --------------------------------------------------------------------------------------


def test_discovery_endpoint_verification(suite: Suite) -> None:
    """Discovery names the registration endpoint, https or not as the issuer, and what registrations may ask for."""
    found = metadata()
    assert found["registration_endpoint"] == f"{ISSUER}/oauth2/register"
    assert found["subject_types_supported"] == ["public", "pairwise"]
    assert {"private_key_jwt", "client_secret_basic"} <= set(found["token_endpoint_auth_methods_supported"])
    assert "RS256" in found["token_endpoint_auth_signing_alg_values_supported"]


def test_server(suite: Suite) -> None:
    """A client is registered with a key, signs somebody in, and is gone when it says so."""
    made = suite.register()
    assert made["registration_access_token"]
    assert made["jwks"]["keys"][0]["kid"] == "first"
    assert "client_secret" not in made
    assert App("").userinfo(suite.tokens()["access_token"]).status_code == 200
    assert suite.registrar.delete(made).status_code == 204
    assert error_page(suite.authorize())


def test_registration_logo_uri(suite: Suite, server: KeyServer) -> None:
    """The logo is shown to people: from here, and their browsers never ask the address that the app chose."""
    logos.forget()
    server.body = PNG
    suite.register(logo_uri=server.url)
    page = suite.authorize().content.decode()
    shown = re.findall(r'<img [^>]*src="([^"]*)"', page)
    assert [urlsplit(one).path for one in shown] == [f"/oauth2/logo/{suite.client['client_id']}"]
    assert server.url not in page
    assert suite.person.http.get(shown[0]).content == PNG


def test_registration_policy_uri(suite: Suite) -> None:
    """The policy is a link for people."""
    suite.register(policy_uri="https://suite.example/policy")
    assert 'href="https://suite.example/policy"' in suite.authorize().content.decode()


def test_registration_tos_uri(suite: Suite) -> None:
    """The terms are a link for people."""
    suite.register(tos_uri="https://suite.example/tos")
    assert 'href="https://suite.example/tos"' in suite.authorize().content.decode()


def test_registration_jwks_uri(suite: Suite, server: KeyServer) -> None:
    """A client whose keys are at an address proves itself by them."""
    server.has(public(KEYS["RS256"], kid="first", use="sig", alg="RS256"))
    made = suite.register(jwks=None, jwks_uri=server.url)
    assert made["jwks_uri"] == server.url
    suite.tokens()


def test_registration_sector_uri(suite: Suite, server: KeyServer) -> None:
    """The list has its redirect URIs. Which subjects it gets is for its project to say, and the answer says it."""
    server.body = json.dumps([CALLBACK, "https://other.example/cb"]).encode()
    for kind in ("public", "pairwise"):
        Project.objects.filter(key="acme").update(subject_type=kind, subject_salt="s" * 43)
        made = suite.register(subject_type="pairwise", sector_identifier_uri=server.url)
        assert made["subject_type"] == kind
        assert "sector_identifier_uri" not in made


# As the suite itself does: in a network that IDP_PRIVATE_LOGOUT_NETWORKS names, where no stranger leads us.
@pytest.mark.parametrize("guest", [True, False])
def test_the_list_may_be_where_apps_of_projects_are(
    suite: Suite, settings: Any, monkeypatch: pytest.MonkeyPatch, guest: bool
) -> None:
    led: list[bool] = []

    def get(_uri: str, _accept: str, _most: int, _seconds: float, *, for_strangers: bool = False) -> bytes:
        led.append(not for_strangers)
        return json.dumps([CALLBACK]).encode()

    monkeypatch.setattr(outbound, "get", get)
    settings.IDP_DYNAMIC_REGISTRATION = "guests"
    registrar = Registrar("" if guest else suite.registrar.token)
    method = {"token_endpoint_auth_method": "none", "jwks": None} if guest else {}
    answer = registrar.register(suite.asks(sector_identifier_uri="https://suite.example/list", **method))
    assert (answer.status_code, led) == (201, [not guest])


@pytest.mark.parametrize("body", [b'["https://other.example/cb"]', b'{"a": 1}', b"[", b"null"])
def test_registration_sector_bad(suite: Suite, server: KeyServer, body: bytes) -> None:
    """The list has not its redirect URI, or is none."""
    server.body = body
    answer = suite.registrar.register(suite.asks(subject_type="pairwise", sector_identifier_uri=server.url))
    assert refusal(answer) == (400, "invalid_client_metadata")
    assert Client.objects.filter(name="OIDF Conformance Test").count() == 0


@pytest.mark.parametrize("uri", ["http://suite.example/list", "https://169.254.169.254/", 5, "javascript:alert(1)"])
def test_no_list_is_fetched_from_an_address_that_is_not_public(suite: Suite, uri: object) -> None:
    answer = suite.registrar.register(suite.asks(sector_identifier_uri=uri))
    assert refusal(answer) == (400, "invalid_client_metadata")


def test_3rd_party_init_login(suite: Suite) -> None:
    """`initiate_login_uri` is in the answer, and at the client configuration endpoint."""
    made = suite.register(
        jwks=None, token_endpoint_auth_method="client_secret_basic", initiate_login_uri="https://suite.example/login"
    )
    assert made["initiate_login_uri"] == "https://suite.example/login"
    answer = suite.registrar.look(made)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json()["initiate_login_uri"] == "https://suite.example/login"


def test_3rd_party_init_login_nohttps(suite: Suite) -> None:
    """One that is not https is refused."""
    answer = suite.registrar.register(suite.asks(initiate_login_uri="http://suite.example/login"))
    assert refusal(answer) == (400, "invalid_client_metadata")


# --- Keys that rotate ------------------------------------------------------------------------------------------------


def test_server_rotate_keys(suite: Suite) -> None:
    """After a rotation the key set has a new key, and the old one still."""
    before = {key["kid"] for key in Http().get("/.well-known/jwks.json").json()["keys"]}
    with time_machine.travel(timezone.now() + timedelta(minutes=7), tick=True):
        rotation.rotate("RS256", Actor.operator("test"))
        after = {key["kid"] for key in Http().get("/.well-known/jwks.json").json()["keys"]}
    assert before < after


def test_refresh_token_rp_key_rotation(suite: Suite, server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh proved by a new key, which the client has put at its address a minute ago."""
    monkeypatch.setattr(fetched_keys, "RETRY", 0.0)  # in place of the minute
    server.has(public(KEYS["RS256"], kid="first", use="sig", alg="RS256"))
    suite.register(jwks=None, jwks_uri=server.url, grant_types=["authorization_code", "refresh_token"])
    tokens = suite.tokens(scope="openid offline_access", prompt="consent")
    server.has(public(OTHERS["ES256"], kid="second", use="sig", alg="ES256"))
    suite.key, suite.algorithm, suite.kid = OTHERS["ES256"], "ES256", "second"
    answer = suite.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert answer.json()["access_token"]


# --- Request objects, refresh tokens, assertions ---------------------------------------------------------------------


def request_object(suite: Suite, **said: Any) -> str:
    usual = {"iss": suite.client["client_id"], "aud": ISSUER, "client_id": suite.client["client_id"], **said}
    return signed(KEYS["RS256"], "RS256", usual, kid="first")


def test_request_uri_unsigned(suite: Suite) -> None:
    """`request_uri` of an address is mandatory for a Dynamic OP; not offered here: discovery and the answer say so."""
    assert metadata()["request_uri_parameter_supported"] is False
    assert "none" not in metadata()["request_object_signing_alg_values_supported"]
    assert "request_uris" not in suite.register(request_uris=["https://suite.example/request.jwt#x"])
    answer = redirected(suite.authorize(request_uri="https://suite.example/request.jwt#x"))
    assert answer["error"] == "request_uri_not_supported"


def test_request_uri_signed_rs256(suite: Suite) -> None:
    """The same, signed."""
    made = suite.register(request_uris=["https://suite.example/r"], request_object_signing_alg="RS256")
    assert {"request_uris", "request_object_signing_alg"}.isdisjoint(made)
    assert redirected(suite.authorize(request_uri="https://suite.example/r"))["error"] == "request_uri_not_supported"
    assert suite.authorize().status_code == 200, "requests need not be signed because an algorithm was named"


def test_ensure_request_object_with_redirect_uri(suite: Suite) -> None:
    """The redirect URI of a request object counts, and not another one beside it."""
    suite.register()
    said = {"response_type": "code", "scope": "openid", "redirect_uri": CALLBACK, "nonce": "the-nonce"}
    page = suite.authorize("https://suite.example/other", request=request_object(suite, **said, state="in the object"))
    assert redirected(suite.person.answer(page))["state"] == "in the object"


def test_refresh_token(suite: Suite) -> None:
    """A refresh token works for the client that has it, and for no other."""
    suite.register(grant_types=["authorization_code", "refresh_token"])
    tokens = suite.tokens(scope="openid offline_access", prompt="consent")
    again = suite.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert again["access_token"] != tokens["access_token"]
    suite.register(grant_types=["authorization_code", "refresh_token"])
    newest = again.get("refresh_token", tokens["refresh_token"])
    assert refusal(suite.token(grant_type="refresh_token", refresh_token=newest)) == (400, "invalid_grant")


def test_ensure_client_assertion_with_iss_aud_succeeds(suite: Suite) -> None:
    """An assertion for the issuer is taken; everywhere else than in this plan it is the only one."""
    suite.register()
    code = suite.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    assert suite.token(suite.assertion(aud=ISSUER), **form).status_code == 200


def test_without_the_old_audience_an_assertion_for_the_token_endpoint_is_refused(suite: Suite, settings: Any) -> None:
    settings.IDP_LEGACY_ASSERTION_AUDIENCE = False
    suite.register()
    form = {"grant_type": "authorization_code", "code": suite.code(), "redirect_uri": CALLBACK}
    assert refusal(suite.token(**form)) == (401, "invalid_client")
    assert Client.objects.filter(client_id=suite.client["client_id"]).exists()
