"""The OpenID Foundation's modules for form_post, implicit and hybrid providers: each test is called after its module.

The lists are the plans' own: `formpost_op.txt`, `implicit_op.txt`, `hybrid_op.txt`. A test runs for every response type
of the plans that have its module, but for those in `EXCEPT`, as the plans say.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import time_machine
from django.test import Client as Http
from django.utils import timezone
from jwcrypto import jwk, jws

from accounts.models import User
from clients.models import Client
from provider.protocol.claims import half_hash
from provider.protocol.response_modes import CODE, LEGACY
from tests.conformance.test_basic_op import DISCOVERY, NEW, PROFILE, unsigned
from tests.world import CHALLENGE, ISSUER, VERIFIER, WEB_CB, App, Browser, Response, claims_of, header_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Variant:
    """What a plan is run with."""

    response_type: str
    mode: str = ""

    @property
    def kinds(self) -> list[str]:
        return self.response_type.split()

    def __str__(self) -> str:
        return f"{self.response_type} {self.mode}".strip()


PLANS = {
    "formpost_op.txt": [Variant(CODE, "form_post")],
    "implicit_op.txt": [Variant("id_token"), Variant("id_token token")],
    "hybrid_op.txt": [Variant("code id_token"), Variant("code token"), Variant("code id_token token")],
}
MODULES = {variant: (HERE / name).read_text().split() for name, variants in PLANS.items() for variant in variants}
# Where there is no access token, where no ID token comes through the browser, and what a plan asks once.
EXCEPT = {
    "oidcc-userinfo-get": {"id_token"},
    "oidcc-userinfo-post-header": {"id_token"},
    "oidcc-userinfo-post-body": {"id_token"},
    "oidcc-response-type-missing": {"id_token", "code token", "code id_token token"},
    "oidcc-ensure-request-without-nonce-fails": {"code token"},
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": {"code id_token", "code id_token token"},
    "oidcc-ensure-other-scope-order-succeeds": {"code token", "code id_token token"},
    "oidcc-ensure-request-with-valid-pkce-succeeds": {"code token", "code id_token token"},
}


def module_of(test: str) -> str:
    return test.removeprefix("test_").replace("_", "-")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "variant" not in metafunc.fixturenames:
        return
    module = module_of(metafunc.definition.originalname)
    without = EXCEPT.get(module, set())
    having = [one for one, modules in MODULES.items() if module in modules and one.response_type not in without]
    metafunc.parametrize("variant", having, ids=str)


def test_every_module_of_the_plans_is_a_test_here() -> None:
    ours = {module_of(name) for name in globals() if name.startswith("test_oidcc")}
    assert ours == {module for modules in MODULES.values() for module in modules}


@pytest.fixture(autouse=True)
def _offered(settings: Any, world: None) -> None:
    settings.IDP_LEGACY_RESPONSE_TYPES = True
    Client.objects.filter(client_id="web").update(response_types=[CODE, *LEGACY])


# --- What most modules do -------------------------------------------------------------------------------------------


@dataclass
class Found:
    """What arrived through the browser, and what the code brought."""

    answer: dict[str, str]
    tokens: dict[str, Any]

    @property
    def id_token(self) -> str:
        return str(self.answer.get("id_token") or self.tokens["id_token"])

    @property
    def access_token(self) -> str:
        return str(self.answer.get("access_token") or self.tokens["access_token"])


def arrived(response: Response, variant: Variant) -> dict[str, str]:
    """The answer, in the place where the response mode puts it."""
    if variant.mode == "form_post":
        assert response.status_code == 200
        text = response.content.decode()
        assert f'action="{WEB_CB}"' in text
        fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', text)
        return {unescape(name): unescape(value) for name, value in fields}
    assert response.status_code in (302, 303), response.content[:300]
    assert response["Location"].startswith(f"{WEB_CB}#")
    return dict(parse_qsl(urlsplit(response["Location"]).fragment))


def ask(browser: Browser, variant: Variant, **params: Any) -> Response:
    request = {"response_type": variant.response_type, "response_mode": variant.mode or None, **params}
    return browser.authorize("web", **request)


def log_in(variant: Variant, browser: Browser | None = None, **params: Any) -> Found:
    """A whole flow, checked."""
    browser = browser or Browser("owner")
    page = ask(browser, variant, **params)
    if b'class="card consent"' in page.content:
        page = browser.answer(page)
    return checked(variant, arrived(page, variant), **params)


def checked(variant: Variant, answer: dict[str, str], **params: Any) -> Found:
    """OpenID Connect Core 1.0 sections 3.2.2.10, 3.2.2.11, 3.3.2.8 to 3.3.2.12 and 3.3.3.6."""
    assert (answer["state"], answer["iss"]) == ("the-state", ISSUER)
    for kind, name in {"code": "code", "id_token": "id_token", "token": "access_token"}.items():
        assert (name in answer) is (kind in variant.kinds)
    assert "refresh_token" not in answer
    tokens: dict[str, Any] = {}
    if "id_token" in answer:
        claims = check_id_token(answer["id_token"])
        assert claims["nonce"] == params.get("nonce", "the-nonce")
        assert claims.get("at_hash") == (half_hash(answer["access_token"]) if "access_token" in answer else None)
        assert claims.get("c_hash") == (half_hash(answer["code"]) if "code" in answer else None)
    if "access_token" in answer:
        assert (answer["token_type"].lower(), int(answer["expires_in"]) > 0) == ("bearer", True)
    if "code" in answer:
        tokens = App("web").exchange(answer["code"]).json()
        later = check_id_token(tokens["id_token"])
        if "id_token" in answer:
            first = claims_of(answer["id_token"])
            assert {name: first[name] for name in ("iss", "sub", "aud")} == {
                name: later[name] for name in ("iss", "sub", "aud")
            }
    return Found(answer, tokens)


def check_id_token(token: str) -> dict[str, Any]:
    claims, now = claims_of(token), time.time()
    assert (claims["iss"], claims["aud"], claims["azp"], claims["sub"]) == (ISSUER, "web", "web", sub())
    assert claims["iat"] - 5 < now < claims["exp"]
    return claims


def sub() -> str:
    return str(User.objects.get(username="owner").sub)


def told(found: Found) -> dict[str, Any]:
    """What the app learns of the person: from userinfo, or from the ID token where there is no access token."""
    if not ("access_token" in found.answer or found.tokens):
        about = {"sub", "email", "email_verified", "address", "phone_number"} | PROFILE
        return {name: value for name, value in claims_of(found.id_token).items() if name in about}
    answer: dict[str, Any] = App("web").userinfo(found.access_token).json()
    return answer


def prove_again(variant: Variant, browser: Browser, **params: Any) -> Found:
    """A second flow in which the person has to give the password once more."""
    asked = ask(browser, variant, **params)
    assert urlsplit(asked["Location"]).path == "/accounts/reauthenticate/"
    here = parse_qs(urlsplit(asked["Location"]).query)["next"][0]
    browser.http.post("/accounts/reauthenticate/", {"password": "owner-pw", "next": here})
    return checked(variant, arrived(browser.http.get(here), variant))


def auth_time(found: Found) -> int:
    return int(claims_of(found.id_token)["auth_time"])


# --- The flow -------------------------------------------------------------------------------------------------------


def test_oidcc_server(variant: Variant) -> None:
    assert told(log_in(variant))["sub"] == sub()


def test_oidcc_response_type_missing(variant: Variant) -> None:
    """Without one nobody knows the mode that it has: the error is where a code would be."""
    response = ask(Browser("owner"), variant, response_type=None)
    in_query = dict(parse_qsl(urlsplit(response.get("Location", "")).query))
    answer = arrived(response, variant) if variant.mode else in_query
    assert answer["error"] in ("invalid_request", "unsupported_response_type")
    assert answer["state"] == "the-state"


def test_oidcc_idtoken_signature(variant: Variant) -> None:
    token = log_in(variant).id_token
    keys = jwk.JWKSet.from_json(Http().get("/.well-known/jwks.json").content.decode())
    signed = jws.JWS()
    signed.deserialize(token)
    signed.verify(keys.get_key(header_of(token)["kid"]))
    assert header_of(token)["alg"] == "RS256"


def test_oidcc_userinfo_get(variant: Variant) -> None:
    token = log_in(variant).access_token
    assert Http().get("/oauth2/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}").json()["sub"] == sub()


def test_oidcc_userinfo_post_header(variant: Variant) -> None:
    token = log_in(variant).access_token
    assert Http().post("/oauth2/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}").json()["sub"] == sub()


def test_oidcc_userinfo_post_body(variant: Variant) -> None:
    form = urlencode({"access_token": log_in(variant).access_token})
    response = Http().post("/oauth2/userinfo", form, content_type="application/x-www-form-urlencoded")
    assert response.json()["sub"] == sub()


def test_oidcc_ensure_request_without_nonce_fails(variant: Variant) -> None:
    answer = arrived(ask(Browser("owner"), variant, nonce=None), variant)
    assert (answer["error"], answer["state"]) == ("invalid_request", "the-state")


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(variant: Variant) -> None:
    assert "nonce" not in claims_of(log_in(variant, nonce=None).id_token)


# --- Scopes ---------------------------------------------------------------------------------------------------------


def test_oidcc_scope_profile(variant: Variant) -> None:
    assert told(log_in(variant, scope="openid profile")).keys() == {"sub"} | PROFILE


def test_oidcc_scope_email(variant: Variant) -> None:
    assert told(log_in(variant, scope="openid email")).keys() == {"sub", "email", "email_verified"}


def test_oidcc_scope_address(variant: Variant) -> None:
    assert told(log_in(variant, scope="openid address")).keys() == {"sub", "address"}


def test_oidcc_scope_phone(variant: Variant) -> None:
    assert told(log_in(variant, scope="openid phone")).keys() == {"sub", "phone_number"}


def test_oidcc_scope_all(variant: Variant) -> None:
    claims = told(log_in(variant, scope="openid profile email address phone"))
    assert claims.keys() == {"sub", "email", "email_verified", "address", "phone_number"} | PROFILE


def test_oidcc_alternate_happy_flow(variant: Variant) -> None:
    """Scopes and parameters in another order."""
    assert told(log_in(variant, scope="email openid"))["email"] == "owner@people.example"


def test_oidcc_ensure_other_scope_order_succeeds(variant: Variant) -> None:
    assert told(log_in(variant, scope="email openid"))["email"] == "owner@people.example"


# --- What is shown, and who is asked --------------------------------------------------------------------------------


def test_oidcc_display_page(variant: Variant) -> None:
    log_in(variant, display="page")


def test_oidcc_display_popup(variant: Variant) -> None:
    log_in(variant, display="popup")


def test_oidcc_prompt_login(variant: Variant) -> None:
    browser = Browser("owner")
    first = log_in(variant, browser)
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        assert auth_time(prove_again(variant, browser, prompt="login")) > auth_time(first)


def test_oidcc_prompt_none_not_logged_in(variant: Variant) -> None:
    answer = arrived(ask(Browser(), variant, prompt="none"), variant)
    assert answer["error"] in ("login_required", "interaction_required")
    assert not {"code", "id_token", "access_token"} & answer.keys()


def test_oidcc_prompt_none_logged_in(variant: Variant) -> None:
    browser = Browser("owner")
    assert auth_time(log_in(variant, browser)) == auth_time(log_in(variant, browser, prompt="none"))


def test_oidcc_max_age_1(variant: Variant) -> None:
    browser = Browser("owner")
    first = log_in(variant, browser)
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        assert auth_time(prove_again(variant, browser, max_age=1)) > auth_time(first)


def test_oidcc_max_age_10000(variant: Variant) -> None:
    browser = Browser("owner")
    assert auth_time(log_in(variant, browser)) == auth_time(log_in(variant, browser, max_age=10000))


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(variant: Variant) -> None:
    log_in(variant, extra="foobar")


def test_oidcc_id_token_hint(variant: Variant) -> None:
    browser = Browser("owner")
    log_in(variant, browser, prompt="none", id_token_hint=log_in(variant, browser).id_token)


def test_oidcc_login_hint(variant: Variant) -> None:
    log_in(variant, login_hint="bob@example.com")


def test_oidcc_ui_locales(variant: Variant) -> None:
    log_in(variant, ui_locales="se")


def test_oidcc_claims_locales(variant: Variant) -> None:
    log_in(variant, claims_locales="se")


def test_oidcc_ensure_request_with_acr_values_succeeds(variant: Variant) -> None:
    log_in(variant, acr_values="1 2")


# --- Codes, redirect URIs, clients ----------------------------------------------------------------------------------


def used_twice(variant: Variant, seconds: int, *, then: int) -> None:
    found = log_in(variant)
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        again = App("web").exchange(found.answer["code"])
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        for token in (found.access_token, found.tokens["access_token"]):
            assert App("web").userinfo(token).status_code == then


def test_oidcc_codereuse(variant: Variant) -> None:
    used_twice(variant, seconds=0, then=200)


def test_oidcc_codereuse_30seconds(variant: Variant) -> None:
    used_twice(variant, seconds=30, then=401)


def test_oidcc_ensure_registered_redirect_uri(variant: Variant) -> None:
    page = ask(Browser("owner"), variant, redirect_uri=NEW)
    assert (page.status_code, "Location" in page, b"<form" in page.content) == (400, False, False)


def test_oidcc_ensure_post_request_succeeds(variant: Variant) -> None:
    request = {"response_type": variant.response_type, "response_mode": variant.mode, "client_id": "web"}
    form = urlencode({**request, "redirect_uri": WEB_CB, "scope": "openid", "nonce": "n"})
    browser = Browser("owner", Http(enforce_csrf_checks=True))
    sent_on = browser.http.post("/oauth2/authorize", form, content_type="application/x-www-form-urlencoded")
    assert sent_on.status_code == 303
    assert browser.http.get(sent_on["Location"]).status_code == 200


def test_oidcc_server_client_secret_post(variant: Variant) -> None:
    browser = Browser("owner")
    form = {
        "grant_type": "authorization_code",
        "code": arrived(browser.answer(ask(browser, variant)), variant)["code"],
        "redirect_uri": WEB_CB,
        "code_verifier": VERIFIER,
        "client_id": "web",
        "client_secret": "web-secret",
    }
    check_id_token(App("web").post("/oauth2/token", form, auth=None).json()["id_token"])


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(variant: Variant) -> None:
    assert Http().get(DISCOVERY).json()["request_uri_parameter_supported"] is False
    answer = arrived(ask(Browser("owner"), variant, request_uri="https://web.acme.example/request.jwt"), variant)
    assert (answer["error"], answer["state"]) == ("request_uri_not_supported", "the-state")


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(variant: Variant) -> None:
    answer = arrived(ask(Browser("owner"), variant, request=unsigned(nonce="another", state="another")), variant)
    assert (answer["error"], answer["state"]) == ("request_not_supported", "the-state")


def test_oidcc_claims_essential(variant: Variant) -> None:
    place = "userinfo" if "token" in variant.kinds or "code" in variant.kinds else "id_token"
    asked = json.dumps({place: {"name": {"essential": True}}})
    assert told(log_in(variant, claims=asked)) == {"sub": sub(), "name": "Olive Owner"}


def test_oidcc_ensure_request_object_with_redirect_uri(variant: Variant) -> None:
    """A registered address inside the request object does not rescue one outside that is not."""
    page = ask(Browser("owner"), variant, redirect_uri=NEW, request=unsigned(redirect_uri=WEB_CB))
    assert (page.status_code, "Location" in page) == (400, False)


def test_oidcc_refresh_token(variant: Variant) -> None:
    first = log_in(variant, scope="openid offline_access")
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        second = App("web").refresh(first.tokens["refresh_token"]).json()
        check_id_token(second["id_token"])
        assert App("stranger").refresh(first.tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_oidcc_ensure_request_with_valid_pkce_succeeds(variant: Variant) -> None:
    log_in(variant, code_challenge=CHALLENGE, code_challenge_method="S256")
