"""The OpenID Foundation's conformance modules for a basic provider: each test checks what the module of its name does.

The list is basic_op.txt: the plan "Basic Certification Profile", and the one module of "Config". The suite also warns
where claims of a scope stand in the ID token of a code flow: ours stand there as Google's do, and on purpose.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.test import Client as Http
from django.utils import timezone
from jwcrypto import jwk, jws

from accounts.models import User
from clients.models import Client
from idp.configuration import ConfigurationError, apply
from tests.world import CHALLENGE, ISSUER, VERIFIER, WEB_CB, WORLD, App, Browser, claims_of, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
PLAN = (Path(__file__).parent / "basic_op.txt").read_text().split()
DISCOVERY = "/.well-known/openid-configuration"
NEW = "https://web.acme.example/not-registered"


def test_every_module_of_the_plan_is_a_test_here() -> None:
    ours = [name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_oidcc")]
    assert sorted(ours) == sorted(PLAN)
    assert len(set(PLAN)) == 39


# --- What most modules do -------------------------------------------------------------------------------------------


def sub(username: str = "owner") -> str:
    return str(User.objects.get(username=username).sub)


def check_id_token(tokens: dict[str, Any], client_id: str = "web") -> dict[str, Any]:
    """The checks of every module that gets an ID token (OpenID Connect Core 1.0 section 3.1.3.7)."""
    claims = claims_of(tokens["id_token"])
    now = time.time()
    assert (claims["iss"], claims["aud"], claims["azp"], claims["sub"]) == (ISSUER, client_id, client_id, sub())
    assert claims["iat"] - 5 < now < claims["exp"]
    assert len(claims["sub"]) <= 255
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert (tokens["token_type"].lower(), "openid" in tokens["scope"].split()) == ("bearer", True)
    return claims


def log_in(browser: Browser | None = None, client_id: str = "web", **params: Any) -> dict[str, Any]:
    """A whole flow, checked: the tokens."""
    tokens = (browser or Browser("owner")).tokens(client_id, **params)
    check_id_token(tokens, client_id)
    return tokens


def userinfo(tokens: dict[str, Any]) -> dict[str, Any]:
    response = App("web").userinfo(tokens["access_token"])
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    claims: dict[str, Any] = response.json()
    assert claims["sub"] == claims_of(tokens["id_token"])["sub"]
    return claims


def prove_again(browser: Browser, **params: Any) -> dict[str, Any]:
    """A second flow in which the person has to give the password once more."""
    asked = browser.authorize("web", **params)
    assert urlsplit(asked["Location"]).path == "/accounts/reauthenticate/", "a page to sign in on, not a code"
    here = parse_qs(urlsplit(asked["Location"]).query)["next"][0]
    browser.http.post("/accounts/reauthenticate/", {"password": "owner-pw", "next": here})
    tokens: dict[str, Any] = App("web").exchange(redirected(browser.http.get(here))["code"]).json()
    check_id_token(tokens)
    return tokens


def auth_time(tokens: dict[str, Any]) -> int:
    return int(claims_of(tokens["id_token"])["auth_time"])


# --- The code flow --------------------------------------------------------------------------------------------------


def test_oidcc_server() -> None:
    tokens = log_in()
    assert claims_of(tokens["id_token"])["nonce"] == "the-nonce"
    assert userinfo(tokens)["sub"] == sub()


def test_oidcc_response_type_missing() -> None:
    answer = redirected(Browser("owner").authorize("web", response_type=None))
    assert answer["error"] in ("invalid_request", "unsupported_response_type")
    assert answer["state"] == "the-state"


def test_oidcc_idtoken_signature() -> None:
    token = log_in()["id_token"]
    keys = jwk.JWKSet.from_json(Http().get("/.well-known/jwks.json").content.decode())
    signed = jws.JWS()
    signed.deserialize(token)
    signed.verify(keys.get_key(header_of(token)["kid"]))
    assert header_of(token)["alg"] == "RS256"


def test_oidcc_idtoken_unsigned() -> None:
    """Not offered, so the suite skips it: discovery says so, and no client can be registered for it."""
    assert "none" not in Http().get(DISCOVERY).json()["id_token_signing_alg_values_supported"]
    unsigned = WORLD.replace("id_token_signed_response_alg: ES256", "id_token_signed_response_alg: none")
    assert unsigned != WORLD
    with pytest.raises(ConfigurationError):
        apply(unsigned, path="world.yaml")


def test_oidcc_userinfo_get() -> None:
    token = log_in()["access_token"]
    response = Http().get("/oauth2/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert response.json()["sub"] == sub()


def test_oidcc_userinfo_post_header() -> None:
    token = log_in()["access_token"]
    response = Http().post("/oauth2/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert response.json()["sub"] == sub()


def test_oidcc_userinfo_post_body() -> None:
    form = urlencode({"access_token": log_in()["access_token"]})
    response = Http().post("/oauth2/userinfo", form, content_type="application/x-www-form-urlencoded")
    assert response.json()["sub"] == sub()


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow() -> None:
    assert "nonce" not in claims_of(log_in(nonce=None)["id_token"])


# --- Scopes: their claims arrive in userinfo ------------------------------------------------------------------------

PROFILE = {"name", "given_name", "family_name", "preferred_username", "updated_at"}


def test_oidcc_scope_profile() -> None:
    claims = userinfo(log_in(scope="openid profile"))
    assert claims.keys() == {"sub"} | PROFILE
    assert isinstance(claims["updated_at"], int)


def test_oidcc_scope_email() -> None:
    claims = userinfo(log_in(scope="openid email"))
    assert claims.keys() == {"sub", "email", "email_verified"}
    assert claims["email_verified"] is True


def test_oidcc_scope_address() -> None:
    claims = userinfo(log_in(scope="openid address"))
    assert claims.keys() == {"sub", "address"}
    assert claims["address"]["formatted"]


def test_oidcc_scope_phone() -> None:
    assert userinfo(log_in(scope="openid phone")).keys() == {"sub", "phone_number"}


def test_oidcc_scope_all() -> None:
    claims = userinfo(log_in(scope="openid profile email address phone"))
    assert claims.keys() == {"sub", "email", "email_verified", "address", "phone_number"} | PROFILE


def test_oidcc_alternate_happy_flow() -> None:
    """Scopes and parameters in another order."""
    request = {
        "state": "the-state",
        "scope": "email openid",
        "nonce": "the-nonce",
        "redirect_uri": WEB_CB,
        "client_id": "web",
        "response_type": "code",
    }
    browser = Browser("owner")
    page = browser.http.get("/oauth2/authorize?" + urlencode(request))
    code = redirected(browser.answer(page))["code"]
    tokens = App("web").exchange(code, code_verifier=None).json()
    assert check_id_token(tokens)["nonce"] == "the-nonce"
    assert userinfo(tokens)["email"] == "owner@people.example"


# --- What is shown, and who is asked --------------------------------------------------------------------------------


def test_oidcc_display_page() -> None:
    log_in(display="page")


def test_oidcc_display_popup() -> None:
    log_in(display="popup")


def test_oidcc_prompt_login() -> None:
    browser = Browser("owner")
    first = log_in(browser)
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        assert auth_time(prove_again(browser, prompt="login")) > auth_time(first)


def test_oidcc_prompt_none_not_logged_in() -> None:
    answer = redirected(Browser().authorize("web", prompt="none"))
    assert answer["error"] in ("login_required", "interaction_required")
    assert (answer["state"], answer["iss"], "code" in answer) == ("the-state", ISSUER, False)


def test_oidcc_prompt_none_logged_in() -> None:
    browser = Browser("owner")
    first = log_in(browser)
    second = log_in(browser, prompt="none")
    assert auth_time(first) == auth_time(second)


def test_oidcc_max_age_1() -> None:
    browser = Browser("owner")
    first = log_in(browser)
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        assert auth_time(prove_again(browser, max_age=1)) > auth_time(first)


def test_oidcc_max_age_10000() -> None:
    browser = Browser("owner")
    assert auth_time(log_in(browser)) == auth_time(log_in(browser, max_age=10000))


def test_oidcc_ensure_request_with_unknown_parameter_succeeds() -> None:
    log_in(extra="foobar")


def test_oidcc_id_token_hint() -> None:
    browser = Browser("owner")
    hint = log_in(browser)["id_token"]
    log_in(browser, prompt="none", id_token_hint=hint)


def test_oidcc_login_hint() -> None:
    log_in(login_hint="bob@example.com")
    assert "login_hint=bob%40example.com" in Browser().authorize("web", login_hint="bob@example.com")["Location"]


def test_oidcc_ui_locales() -> None:
    log_in(ui_locales="se")


def test_oidcc_claims_locales() -> None:
    log_in(claims_locales="se")


def test_oidcc_ensure_request_with_acr_values_succeeds() -> None:
    offered = Http().get(DISCOVERY).json()["acr_values_supported"]
    for values in ("1 2", " ".join(offered)):
        log_in(acr_values=values)


# --- Codes, redirect URIs, clients ----------------------------------------------------------------------------------


def used_twice(seconds: int, *, then: int) -> None:
    """The second use of a code is refused; what the first one brought ends, unless it may have been a retry."""
    code = Browser("owner").code("web")
    tokens = App("web").exchange(code).json()
    assert App("web").userinfo(tokens["access_token"]).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        again = App("web").exchange(code)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert App("web").userinfo(tokens["access_token"]).status_code == then


def test_oidcc_codereuse() -> None:
    used_twice(seconds=0, then=200)


def test_oidcc_codereuse_30seconds() -> None:
    used_twice(seconds=30, then=401)


def test_oidcc_ensure_registered_redirect_uri() -> None:
    page = Browser("owner").authorize("web", redirect_uri=NEW)
    assert (page.status_code, "Location" in page) == (400, False)


def test_oidcc_ensure_post_request_succeeds() -> None:
    request = {"response_type": "code", "client_id": "web", "redirect_uri": WEB_CB, "scope": "openid", "nonce": "n"}
    browser = Browser("owner", Http(enforce_csrf_checks=True))
    form = "application/x-www-form-urlencoded"
    sent_on = browser.http.post("/oauth2/authorize", urlencode(request), content_type=form)
    assert sent_on.status_code == 303
    assert browser.http.get(sent_on["Location"]).status_code == 200


def test_oidcc_server_client_secret_post() -> None:
    Client.objects.filter(client_id="web").update(token_endpoint_auth_method="client_secret_post")
    form = {
        "grant_type": "authorization_code",
        "code": Browser("owner").code("web"),
        "redirect_uri": WEB_CB,
        "code_verifier": VERIFIER,
        "client_id": "web",
        "client_secret": "web-secret",
    }
    check_id_token(App("web").post("/oauth2/token", form, auth=None).json())


def unsigned(**members: str) -> str:
    """An unsigned request object (RFC 9101, `alg` none)."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, {"iss": "web", "aud": ISSUER, **members})]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported() -> None:
    assert Http().get(DISCOVERY).json()["request_uri_parameter_supported"] is False
    answer = redirected(Browser("owner").authorize("web", request_uri="https://web.acme.example/request.jwt"))
    assert (answer["error"], answer["state"]) == ("request_uri_not_supported", "the-state")


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() -> None:
    """Signed ones are read of clients that registered keys; one that nobody signed is not."""
    assert "none" not in Http().get(DISCOVERY).json()["request_object_signing_alg_values_supported"]
    answer = redirected(Browser("owner").authorize("web", request=unsigned(nonce="another", state="another")))
    assert (answer["error"], answer["state"]) == ("request_not_supported", "the-state")


def test_oidcc_claims_essential() -> None:
    asked = json.dumps({"userinfo": {"name": {"essential": True}}})
    assert userinfo(log_in(claims=asked)) == {"sub": sub(), "name": "Olive Owner"}


def test_oidcc_ensure_request_object_with_redirect_uri() -> None:
    """A registered address inside the request object does not rescue one outside that is not."""
    page = Browser("owner").authorize("web", redirect_uri=NEW, request=unsigned(redirect_uri=WEB_CB))
    assert (page.status_code, "Location" in page) == (400, False)


def test_oidcc_refresh_token() -> None:
    first = log_in(scope="openid offline_access")
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        second = App("web").refresh(first["refresh_token"]).json()
        was, now = claims_of(first["id_token"]), check_id_token(second)
        assert {name: now[name] for name in ("iss", "sub", "aud", "azp", "auth_time")} == {
            name: was[name] for name in ("iss", "sub", "aud", "azp", "auth_time")
        }
        assert now["iat"] > was["iat"]
        assert App("web").userinfo(second["access_token"]).status_code == 200
        other = App("stranger").refresh(first["refresh_token"])
        assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")


def test_oidcc_ensure_request_with_valid_pkce_succeeds() -> None:
    log_in(code_challenge=CHALLENGE, code_challenge_method="S256")


# --- Config ---------------------------------------------------------------------------------------------------------


def test_oidcc_discovery_endpoint_verification() -> None:
    response = Http().get(DISCOVERY)
    metadata = response.json()
    assert (response.status_code, response["Content-Type"], metadata["issuer"]) == (200, "application/json", ISSUER)
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert metadata[name].startswith(f"{ISSUER}/")
        assert "#" not in metadata[name]
    assert "code" in metadata["response_types_supported"]
    assert set(metadata["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "openid" in metadata["scopes_supported"]
    assert {"sub", "name", "email"} <= set(metadata["claims_supported"])
    assert metadata["claims_parameter_supported"] is True
    keys = Http().get(urlsplit(metadata["jwks_uri"]).path).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) > 0
    assert not any({"d", "p", "q", "k"} & key.keys() for key in keys), "public parts only"
