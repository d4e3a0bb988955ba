"""What an app that registers itself may say, and what becomes of it (RFC 7591). Tests carry the ids of our rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.metadata import ClientMetadata
from clients.models.values import CHOICES
from clients.rules import DEVICE_CODE, problems
from clients.self_registration import MADE_HERE, MEMBERS, Bounds, read, shown

pytestmark = pytest.mark.any_database

CALLBACK = "https://new.example/cb"
CODE = ("authorization_code",)
KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
BOUNDS = Bounds(scopes=("openid", "email", "orders.read"))


def registered(bounds: Bounds = BOUNDS, /, **values: Any) -> dict[str, Any]:
    """What is left of it, as the answer shows it."""
    said, found = read({"redirect_uris": [CALLBACK], **values}, bounds)
    assert found == []
    metadata = ClientMetadata(client_id="new").changed(said)
    assert problems(metadata, CHOICES) == []
    return dict(shown(metadata, "public"))


def wrong(bounds: Bounds = BOUNDS, /, **values: Any) -> set[str]:
    said, found = read({"redirect_uris": [CALLBACK], **values}, bounds)
    found = found or problems(ClientMetadata(client_id="new").changed(said), CHOICES)
    return {one.name for one in found}


def test_r2_everything_is_told_with_its_defaults_and_nothing_that_is_empty() -> None:
    assert registered(client_name="New", scope="openid") == {
        "client_id": "new",
        "client_name": "New",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "openid",
        "application_type": "web",
        "id_token_signed_response_alg": "RS256",
        "authorization_signed_response_alg": "RS256",
        "subject_type": "public",
        "require_auth_time": True,
    }


@pytest.mark.parametrize(
    "name",
    ["client_id", "client_secret", "software_id", "client_name#de", "request_uris", "frontchannel_logout_uri", "else"],
)
def test_r3_what_nobody_knows_is_ignored(name: str) -> None:
    assert registered(**{name: ["x"]}) == registered()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("audience", ["https://api.acme.example/orders"]),
        ("introspection", "all"),
        ("introspects", ["web"]),
        ("acts_for", ["https://api.acme.example/orders"]),
        ("allowed_callers", ["web"]),
        ("cross_client_public", True),
        ("access_token_lifetime", 10**8),
        ("require_pkce", False),
        ("enabled", False),
        ("held", True),
        ("profile", "fapi2"),
        ("client_type", "confidential"),
        ("tokens_not_before", "2026-01-01T00:00:00Z"),
    ],
)
def test_r12_what_is_for_whoever_registers_others_to_say_is_ignored(name: str, value: Any) -> None:
    assert read({name: value}, BOUNDS) == read({}, BOUNDS)
    assert name not in MEMBERS


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({}, (["authorization_code"], ["code"])),
        ({"grant_types": [], "response_types": []}, (["authorization_code"], ["code"])),
        ({"grant_types": ["authorization_code", "refresh_token"]}, (["authorization_code", "refresh_token"], ["code"])),
        ({"grant_types": ["refresh_token"]}, (["authorization_code", "refresh_token"], ["code"])),
        ({"grant_types": ["authorization_code", "implicit", "password"]}, (["authorization_code"], ["code"])),
        ({"response_types": ["code", "id_token", "code id_token"]}, (["authorization_code"], ["code"])),
        ({"grant_types": ["implicit"], "response_types": ["code"]}, (["authorization_code"], ["code"])),
        ({"grant_types": ["authorization_code"], "response_types": ["token"]}, (["authorization_code"], ["code"])),
        ({"grant_types": ["authorization_code", "authorization_code"]}, (["authorization_code"], ["code"])),
        ({"grant_types": ["authorization_code", "client_credentials"]}, (["authorization_code"], ["code"])),
        ({"grant_types": [DEVICE_CODE, "refresh_token"]}, ([DEVICE_CODE, "refresh_token"], None)),
    ],
)
def test_r3_r4_grants_and_response_types_are_filtered_and_made_to_match(asked: Any, left: Any) -> None:
    found = registered(**asked)
    assert (found["grant_types"], found.get("response_types")) == left


@pytest.mark.parametrize(
    "asked",
    [
        {"grant_types": ["implicit"]},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]},
        {"response_types": ["id_token"]},
        {"grant_types": ["implicit"], "response_types": ["id_token token"]},
    ],
)
def test_r3_an_app_of_which_nothing_is_left_is_refused(asked: Any) -> None:
    assert wrong(**asked) == {"grant_types"}


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (None, "openid email orders.read"),
        ("", "openid email orders.read"),
        ("email openid billing.write", "openid email"),
    ],
)
def test_r3_scopes_that_are_not_open_are_filtered(asked: Any, left: str) -> None:
    assert registered(scope=asked)["scope"] == left


def test_r3_scopes_of_which_none_is_open_are_refused() -> None:
    assert wrong(scope="billing.write") == {"scope"}
    assert wrong(Bounds(scopes=()), scope="openid") == {"scope"}
    assert "scope" not in registered(Bounds(scopes=()))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1", ""])
@pytest.mark.parametrize("name", [name for name in MEMBERS if name.endswith("_alg")])
def test_r3_an_algorithm_that_is_not_offered_leaves_the_default(name: str, algorithm: str) -> None:
    assert registered(**{name: algorithm}) == registered()


def test_a_request_has_to_be_signed_only_when_the_app_says_so() -> None:
    said = {"request_object_signing_alg": "ES256", "jwks_uri": "https://new.example/jwks"}
    assert "request_object_signing_alg" not in registered(**said)
    assert registered(**said, require_signed_request_object=True)["request_object_signing_alg"] == "ES256"


def test_r5_keys_are_registered_or_at_an_address_and_not_both() -> None:
    keys, address = {"jwks": {"keys": [KEY]}}, {"jwks_uri": "https://new.example/jwks"}
    assert registered(**keys)["jwks"]["keys"][0]["x"] == KEY["x"]
    assert registered(**address)["jwks_uri"] == "https://new.example/jwks"
    assert wrong(**keys, **address) == {"jwks_uri"}
    assert wrong(jwks={"keys": [{**KEY, "d": "secret"}]}) == {"jwks"}
    assert wrong(jwks_uri="https://127.0.0.1.example/\\") == {"jwks_uri"}


def test_r5_keys_for_encryption_are_left_out() -> None:
    found = registered(jwks={"keys": [KEY, {**KEY, "use": "enc", "kid": "other"}]})
    assert len(found["jwks"]["keys"]) == 1


@pytest.mark.parametrize(
    "uri", ["http://new.example/", "javascript:alert(1)", "not an address", "https://u@new.example/"]
)
@pytest.mark.parametrize("name", ["client_uri", "logo_uri", "policy_uri", "tos_uri"])
def test_r5_an_address_that_people_cannot_be_led_to_is_left_out(name: str, uri: str) -> None:
    assert registered(**{name: uri}) == registered()
    assert registered(**{name: "https://new.example/x"})[name] == "https://new.example/x"


@pytest.mark.parametrize("uri", ["http://new.example/login", "https://new.example/login#x", "javascript:alert(1)"])
def test_an_address_that_begins_no_sign_in_is_refused(uri: str) -> None:
    assert wrong(initiate_login_uri=uri) == {"initiate_login_uri"}


@pytest.mark.parametrize(
    "uris",
    [
        ["https://*.new.example/cb"],
        ["https://new.example/cb#part"],
        ["http://new.example/cb"],
        ["javascript:alert(1)"],
        ["https://new.example/cb", "https://u:p@new.example/cb"],
        [],
        [7],
        "https://new.example/cb",
        {"uri": CALLBACK},
        None,
    ],
)
def test_r6_a_redirect_uri_that_no_app_may_have_is_told_as_that(uris: Any) -> None:
    assert wrong(redirect_uris=uris) == {"redirect_uris"}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, "web"),
        ({"application_type": "native"}, "native"),
        ({"application_type": "desktop"}, "web"),
        ({"token_endpoint_auth_method": "none"}, "web"),
        ({"token_endpoint_auth_method": "none", "redirect_uris": ["http://localhost:3334/callback"]}, "native"),
        ({"token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/cb", CALLBACK]}, "native"),
        ({"token_endpoint_auth_method": "none", "redirect_uris": ["cursor://anysphere.cursor/callback"]}, "native"),
        ({"redirect_uris": ["http://localhost:3334/callback"]}, "web"),
        (
            {"token_endpoint_auth_method": "none", "redirect_uris": ["http://localhost/cb"], "application_type": "web"},
            "web",
        ),
    ],
)
def test_r6_an_app_on_a_device_is_native_also_when_it_does_not_say_so(said: Any, kind: str) -> None:
    assert registered(**said)["application_type"] == kind


def test_r14_an_app_without_a_secret_always_needs_pkce() -> None:
    said, _found = read({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}, BOUNDS)
    assert ClientMetadata().changed(said).settled().require_pkce


@pytest.mark.parametrize("method", ["client_secret_jwt", "password", "private_key_jwt_", "PRIVATE_KEY_JWT"])
def test_a_way_to_prove_itself_that_is_not_offered_is_refused(method: str) -> None:
    assert wrong(token_endpoint_auth_method=method) == {"token_endpoint_auth_method"}


@pytest.mark.parametrize("name", ["redirect_uris", "grant_types", "contacts", "default_acr_values"])
def test_no_list_is_endless(name: str) -> None:
    assert wrong(**{name: [f"https://new.example/{number}" for number in range(13_000)]}) == {name}


def test_twice_the_same_is_once() -> None:
    found = registered(redirect_uris=[CALLBACK, CALLBACK], contacts=["a@new.example", "a@new.example"])
    assert (found["redirect_uris"], found["contacts"]) == ([CALLBACK], ["a@new.example"])


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([CALLBACK, "none"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("keys"), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*MEMBERS, *MADE_HERE, "client_id"]), anything, max_size=8))
def test_nothing_that_an_app_says_breaks_it(values: dict[str, Any]) -> None:
    said, found = read(values, BOUNDS)
    if not found:
        metadata = ClientMetadata(client_id="new").changed(said)
        if not problems(metadata, CHOICES):
            assert shown(metadata, "public")["client_id"] == "new"
