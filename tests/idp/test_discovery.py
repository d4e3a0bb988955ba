"""Discovery says what works, all of it, and nothing else: every statement is tried out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client as Http
from jwcrypto import jwk, jws

from accounts.models import User
from clients.models import Client, SigningKey
from clients.models.keys import KeyState
from common.jws import ALGORITHMS, MEMBERS
from idp import discovery
from idp.discovery import MAX_AGE
from provider.keys import keyring
from provider.protocol.claims import CLAIMS
from tests.foreign_keys import KEYS, public, signed
from tests.world import (
    BILLING,
    CHALLENGE,
    EVERY_CLAIM,
    ISSUER,
    WEB_CB,
    App,
    Browser,
    basic,
    claims_of,
    header_of,
    redirected,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
EVERY_SCOPE = "openid profile email address phone offline_access groups roles"


@pytest.fixture
def metadata() -> dict[str, Any]:
    document: dict[str, Any] = Http().get(OPENID).json()
    return document


def path_of(address: str) -> str:
    assert address.startswith(f"{ISSUER}/")
    return address.removeprefix(ISSUER)


def test_both_documents_say_the_same_and_may_be_kept_for_a_while() -> None:
    one, other = Http().get(OPENID), Http().get(OAUTH)
    assert one.content == other.content
    assert (one["Content-Type"], one["Cache-Control"]) == ("application/json", f"public, max-age={MAX_AGE}")
    assert Http().get("/.well-known/jwks.json")["Cache-Control"] == f"public, max-age={MAX_AGE}"


def test_what_the_specifications_require_is_there(metadata: dict[str, Any]) -> None:
    """OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2."""
    assert metadata["issuer"] == ISSUER, "and not with a slash"
    assert {
        *("authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported"),
        *("subject_types_supported", "id_token_signing_alg_values_supported", "userinfo_endpoint", "scopes_supported"),
        *("claims_supported", "grant_types_supported", "token_endpoint_auth_methods_supported"),
    } <= metadata.keys()
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "none" not in metadata["id_token_signing_alg_values_supported"]
    assert "openid" in metadata["scopes_supported"]


def test_every_address_leads_somewhere(metadata: dict[str, Any]) -> None:
    addresses = {name: value for name, value in metadata.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(addresses) >= 7
    for name, address in addresses.items():
        assert Http().get(path_of(address)).status_code != 404, name


def test_every_endpoint_of_ours_is_listed(metadata: dict[str, Any]) -> None:
    listed = {path_of(value) for name, value in metadata.items() if name.endswith("_endpoint")}
    assert {f"/oauth2/{name}" for name in ("authorize", "token", "userinfo", "introspect", "revoke")} <= listed
    assert metadata["pushed_authorization_request_endpoint"] == f"{ISSUER}/oauth2/par"


def test_response_types_and_modes(metadata: dict[str, Any]) -> None:
    browser = Browser("owner")
    assert metadata["response_types_supported"] == ["code"]
    plain = ["query", "fragment", "form_post"]
    assert metadata["response_modes_supported"] == [*plain, *(f"{one}.jwt" for one in plain), "jwt"]
    for mode in metadata["response_modes_supported"]:
        assert browser.authorize("web", response_mode=mode).status_code == 200
    for other in ("web_message", "query.jwt.jwt"):
        assert redirected(browser.authorize("web", response_mode=other))["error"]


def test_grant_types(metadata: dict[str, Any]) -> None:
    listed = set(metadata["grant_types_supported"])
    known = {*listed, "password", "urn:ietf:params:oauth:grant-type:device_code", "implicit"}
    answers = {one: App("service").token(grant_type=one).json().get("error") for one in known}
    assert {one for one, error in answers.items() if error != "unsupported_grant_type"} == listed


def test_challenge_methods(metadata: dict[str, Any]) -> None:
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    page = Browser("owner").authorize("spa", code_challenge=CHALLENGE, code_challenge_method="S256")
    assert page.status_code == 200
    assert redirected(Browser("owner").authorize("spa", code_challenge_method="plain"))["error"] == "invalid_request"


def test_prompts(metadata: dict[str, Any]) -> None:
    for prompt in metadata["prompt_values_supported"]:
        answer = Browser("owner").authorize("web", prompt=prompt)
        assert answer.status_code == 200 or "invalid_request" not in answer["Location"]
    assert redirected(Browser("owner").authorize("web", prompt="create"))["error"] == "invalid_request"


def test_scopes_and_claims(metadata: dict[str, Any]) -> None:
    assert metadata["scopes_supported"] == EVERY_SCOPE.split()
    Client.objects.filter(client_id="web").update(scope=EVERY_SCOPE)
    User.objects.filter(username="owner").update(attributes=EVERY_CLAIM)
    answer = Browser("owner").tokens("web", scope=EVERY_SCOPE)
    told = {*claims_of(answer["id_token"]), *App("web").userinfo(answer["access_token"]).json()}
    # amr and acr depend on how somebody signed in; the driver of these tests does not sign in by a method.
    assert told | {"amr", "acr"} >= set(metadata["claims_supported"])
    assert told <= set(metadata["claims_supported"])


def test_subjects_are_the_same_for_every_client(metadata: dict[str, Any]) -> None:
    assert metadata["subject_types_supported"] == ["public", "pairwise"]
    subjects = {claims_of(Browser("owner").tokens(name)["id_token"])["sub"] for name in ("web", "stranger", "desk")}
    assert len(subjects) == 1, "of projects that do not say otherwise"


def test_id_tokens_are_signed_with_what_is_listed(metadata: dict[str, Any]) -> None:
    for algorithm in metadata["id_token_signing_alg_values_supported"]:
        Client.objects.filter(client_id="web").update(id_token_signed_response_alg=algorithm)
        assert header_of(Browser("owner").tokens("web")["id_token"])["alg"] == algorithm


def test_client_authentication_methods(metadata: dict[str, Any]) -> None:
    methods = {"client_secret_basic", "client_secret_post", "private_key_jwt", "none"}
    assert set(metadata["token_endpoint_auth_methods_supported"]) == methods
    assert set(metadata["revocation_endpoint_auth_methods_supported"]) == methods
    assert set(metadata["introspection_endpoint_auth_methods_supported"]) == methods - {"none"}
    form = {"token": "x", "grant_type": "client_credentials"}
    for name in ("token", "introspection", "revocation"):
        path = path_of(metadata[f"{name}_endpoint"])
        body = {**form, "client_id": "web", "client_secret": "web-secret"}
        assert App("web").post(path, form, auth=basic("web", "web-secret")).status_code == 200
        assert App("web").post(path, body, auth=None).status_code == 200
    assert App("spa").post(path_of(metadata["revocation_endpoint"]), form).status_code == 200
    assert App("spa").post(path_of(metadata["introspection_endpoint"]), form).status_code == 403


def test_what_is_not_supported_says_so_and_is_refused(metadata: dict[str, Any]) -> None:
    assert metadata["request_uri_parameter_supported"] is False
    assert redirected(Browser("owner").authorize("web", request_uri="x"))["error"] == "request_uri_not_supported"


def test_signed_requests_are_read_and_answers_signed_by_what_is_listed(metadata: dict[str, Any]) -> None:
    assert metadata["request_parameter_supported"] is True
    for algorithm in metadata["request_object_signing_alg_values_supported"]:
        Client.objects.filter(client_id="web").update(jwks={"keys": [public(KEYS[algorithm])]})
        said = {"iss": "web", "aud": ISSUER, "response_type": "code", "redirect_uri": WEB_CB, "scope": "openid"}
        form = {"request": signed(KEYS[algorithm], algorithm, said)}
        path = path_of(metadata["pushed_authorization_request_endpoint"])
        assert App("web").post(path, form).status_code == 201, algorithm
    for algorithm in metadata["authorization_signing_alg_values_supported"]:
        Client.objects.filter(client_id="web").update(authorization_signed_response_alg=algorithm)
        answered = redirected(Browser().authorize("web", response_mode="jwt", prompt="none"))
        assert header_of(answered["response"])["alg"] == algorithm


def test_single_claims_may_be_asked_for(metadata: dict[str, Any]) -> None:
    assert metadata["claims_parameter_supported"] is True
    User.objects.filter(username="owner").update(attributes=EVERY_CLAIM)
    for claim in set(metadata["claims_supported"]) & set(CLAIMS):
        asked = json.dumps({"userinfo": {claim: None}})
        token = Browser("owner").tokens("web", claims=asked)["access_token"]
        assert set(App("web").userinfo(token).json()) == {"sub", claim}


def test_levels_of_signing_in(metadata: dict[str, Any]) -> None:
    assert metadata["acr_values_supported"] == ["aal1", "aal2"], "weakest first"
    browser = Browser()
    browser.http.post("/accounts/login/", {"login": "owner", "password": "owner-pw"})
    assert claims_of(browser.tokens("web")["id_token"])["acr"] in metadata["acr_values_supported"]


def test_languages(metadata: dict[str, Any]) -> None:
    assert "en" in metadata["ui_locales_supported"]
    for locale in metadata["ui_locales_supported"]:
        page = Browser("owner").authorize("web", ui_locales=locale)
        assert page["Content-Language"] == locale


def test_what_was_granted_before_comes_along(metadata: dict[str, Any]) -> None:
    assert metadata["include_granted_scopes_supported"] is True
    browser = Browser("owner")
    browser.code("web", scope="openid email")
    assert browser.tokens("web", include_granted_scopes="true")["scope"] == "openid email"


def test_answers_carry_the_issuer(metadata: dict[str, Any]) -> None:
    assert metadata["authorization_response_iss_parameter_supported"] is True
    browser = Browser("owner")
    assert redirected(browser.answer(browser.authorize("web")))["iss"] == ISSUER


def test_signing_out(metadata: dict[str, Any]) -> None:
    """What the back channel promises is tried out in tests/conformance/test_backchannel_logout.py."""
    person = Browser("owner")
    hint = person.tokens("web")["id_token"]
    response = person.http.get(path_of(metadata["end_session_endpoint"]), {"id_token_hint": hint})
    assert b"You are signed out" in response.content
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True


def test_nothing_is_promised_that_is_not_offered_yet(metadata: dict[str, Any]) -> None:
    for name in metadata:
        assert not name.startswith(("registration_", "frontchannel", "check_session", "mtls"))


# --- The keys ------------------------------------------------------------------------------------------------------


def keys() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Http().get("/.well-known/jwks.json").json()["keys"]
    return found


def test_the_keys_are_public_parts_with_their_thumbprints() -> None:
    assert len(keys()) == SigningKey.objects.count() >= 4
    for key in keys():
        assert set(key) == {"kty", "kid", "use", "alg", *MEMBERS[key["kty"]]}
        assert key["kid"] == jwk.JWK(**key).thumbprint()
        assert key["use"] == "sig"


def test_next_and_retired_keys_are_shown_too() -> None:
    before = {key["kid"] for key in keys()}
    following = SigningKey.objects.get(algorithm="RS256", state=KeyState.NEXT)
    assert following.pk in before
    keyring.activate(following)
    assert {key["kid"] for key in keys()} == before


def test_both_addresses_show_the_same_keys_whatever_the_host() -> None:
    one = Http().get("/.well-known/jwks.json").content
    assert (
        Http().get("/openid/jwks.json").content == Http(HTTP_HOST="127.0.0.1:1").get("/openid/jwks.json").content == one
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_token_verifies_with_keys_that_were_cached_before_the_change(algorithm: str) -> None:
    Client.objects.filter(client_id="web").update(id_token_signed_response_alg=algorithm, access_token_format="jwt")
    cached = jwk.JWKSet.from_json(Http().get("/.well-known/jwks.json").content.decode())
    before = Browser("owner").tokens("web", audience=BILLING)
    for one in ALGORITHMS:
        keyring.activate(SigningKey.objects.get(algorithm=one, state=KeyState.NEXT))
    after = Browser("owner").tokens("web", audience=BILLING)
    assert header_of(before["id_token"])["kid"] != header_of(after["id_token"])["kid"]
    for token in (before["id_token"], after["id_token"], before["access_token"], after["access_token"]):
        signed = jws.JWS()
        signed.deserialize(token)
        signed.verify(cached.get_key(header_of(token)["kid"]))


def test_other_methods_are_refused_in_json() -> None:
    for path in (OPENID, OAUTH, "/.well-known/jwks.json"):
        for method in ("post", "put", "delete"):
            response = getattr(Http(), method)(path)
            assert (response.status_code, response["Allow"]) == (405, "GET")
            assert response.json()["error"] == "invalid_request"
        assert Http().head(path).status_code == 200


@pytest.mark.parametrize(("mode", "listed"), [("off", False), ("tokens", True), ("guests", True)])
def test_the_registration_endpoint_is_listed_when_it_works(mode: str, listed: bool, settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = mode
    discovery._metadata_document.cache_clear()
    metadata = Http().get("/.well-known/openid-configuration").json()
    discovery._metadata_document.cache_clear()
    assert metadata.get("registration_endpoint") == ("http://localhost:8000/oauth2/register" if listed else None)


@pytest.mark.parametrize("legacy", [False, True])
def test_implicit_is_listed_where_tokens_may_come_through_the_browser(legacy: bool, settings: Any) -> None:
    settings.IDP_LEGACY_RESPONSE_TYPES = legacy
    metadata = discovery.metadata()
    assert ("implicit" in metadata["grant_types_supported"]) is legacy
    assert ("id_token token" in metadata["response_types_supported"]) is legacy
