"""What is missing for the profile `fapi2`: told by name, at every door, before it is switched on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from accounts.models import User
from clients import profile, registration, rules
from clients.metadata import ClientMetadata
from clients.models import Client
from clients.models.values import CHOICES
from clients.policy import metadata_of
from idp.configuration import ConfigurationError, apply
from projects import registration as of_projects
from projects.actors import Actor
from projects.models import Project
from projects.problems import RegistrationError
from tests.conformance.bank import BANKS, configuration
from tests.console import browser, form_of, page
from tests.foreign_keys import KEYS, public

READY = ClientMetadata(
    client_id="bank",
    profile="fapi2",
    token_endpoint_auth_method="private_key_jwt",
    jwks={"keys": [public(KEYS["ES256"], kid="one")]},
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
    redirect_uris=("https://bank.example/cb",),
    id_token_signed_response_alg="ES256",
    authorization_signed_response_alg="PS256",
    require_pushed_authorization_requests=True,
    dpop_bound_access_tokens=True,
)
ROOT = Actor.operator("test")


def lacks(**fields: Any) -> list[str]:
    return [one.field for one in profile.missing(replace(READY, **fields))]


def test_nothing_is_missing_where_all_is_there() -> None:
    assert lacks() == []
    assert lacks(jwks=None, jwks_uri="https://bank.example/jwks.json") == []


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "token_endpoint_auth_method"),
        ({"jwks": None}, "jwks"),
        ({"jwks": {"keys": []}}, "jwks"),
        ({"jwks": {"keys": [public(KEYS["RS256"], kid="one", alg="RS256")]}}, "jwks"),
        ({"grant_types": ("authorization_code", "urn:ietf:params:oauth:grant-type:device_code")}, "grant_types[1]"),
        ({"response_types": ("code", "code id_token")}, "response_types[1]"),
        ({"redirect_uris": ("https://a.example/cb", "http://127.0.0.1/cb")}, "redirect_uris[1]"),
        ({"require_pushed_authorization_requests": False}, "require_pushed_authorization_requests"),
        ({"require_pkce": False}, "require_pkce"),
        ({"dpop_bound_access_tokens": False}, "dpop_bound_access_tokens"),
        ({"rotate_refresh_tokens": True}, "rotate_refresh_tokens"),
        *(({name: "RS256"}, name) for name in profile.SIGNATURES),
    ],
    ids=[
        *(
            "F1 secret",
            "F1 secret in the body",
            "F1 no key",
            "F1 no keys",
            "F3 a key for RS256",
            "F1 grant",
            "F1 token by the browser",
        ),
        *("F5 http", "F4 not pushed", "F6 no PKCE", "F12 not bound", "F9 rotates"),
        *(f"F3 {name}" for name in profile.SIGNATURES),
    ],
)
def test_each_thing_is_missing_by_name(fields: dict[str, Any], missing: str) -> None:
    assert lacks(**fields) == [missing]


def test_f12_a_certificate_binds_as_well_as_a_proof() -> None:
    assert lacks(dpop_bound_access_tokens=False, tls_client_certificate_bound_access_tokens=True) == []
    assert lacks(token_endpoint_auth_method="tls_client_auth", jwks=None) == []


def test_a_client_without_people_need_not_push() -> None:
    assert lacks(grant_types=("client_credentials",), require_pushed_authorization_requests=False) == []


def test_a_public_client_lacks_the_most() -> None:
    assert "token_endpoint_auth_method" in lacks(token_endpoint_auth_method="none")


# --- The doors -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("world")
def test_a_file_is_told_what_is_missing_line_by_line() -> None:
    apply(configuration(*BANKS), path="banks.yaml")
    without = {**BANKS[0], "require_pushed_authorization_requests": False, "id_token_signed_response_alg": "RS256"}
    with pytest.raises(ConfigurationError) as refused:
        apply(configuration(without), path="banks.yaml")
    said = str(refused.value)
    assert "pushed authorization requests" in said
    assert "choose PS256, ES256 or EdDSA" in said


@pytest.mark.usefixtures("console")
def test_the_console_lists_it_before_the_profile_is_switched_on() -> None:
    row = Client.objects.get(client_id="web")
    where = page("clients_client_change", row.pk)
    text = browser("editor").get(where).content.decode()
    for words in ("choose private_key_jwt", "register one, or its address", "pushed authorization requests: switch"):
        assert words in text, words
    answer = browser("editor").post(where, {**form_of(browser("editor").get(where)), "profile": "fapi2"})
    assert answer.status_code == 200
    assert "choose private_key_jwt" in str(answer.context["adminform"].form.errors)
    row.refresh_from_db()
    assert row.profile == ""


@pytest.mark.usefixtures("world")
def test_a_profile_is_not_left_behind_by_what_is_changed_later() -> None:
    apply(configuration(BANKS[0]), path="banks.yaml")
    bank = Client.objects.get(client_id="bank")
    loose = replace(metadata_of(bank), dpop_bound_access_tokens=False)
    with pytest.raises(RegistrationError) as refused:
        registration.change(bank, loose, ROOT)
    assert [one.field for one in refused.value.problems] == ["dpop_bound_access_tokens"]


@pytest.mark.usefixtures("world")
def test_a_project_takes_it_on_for_clients_that_are_there_and_for_those_to_come() -> None:
    """What an old one lacks stands in no way of another change; a new one meets it or is not made."""
    apply(json.dumps({"version": 1, "projects": [{"id": "acme", "profile": "fapi2"}]}), path="acme.yaml")
    acme, web = Project.objects.get(key="acme"), Client.objects.get(client_id="web")
    registration.change(web, replace(metadata_of(web), client_name="Renamed"), ROOT)
    with pytest.raises(RegistrationError):
        registration.register(ClientMetadata(client_name="New", grant_types=("client_credentials",)), acme, ROOT)
    registration.register(replace(READY, profile=""), acme, ROOT)


@pytest.mark.usefixtures("world")
def test_only_an_owner_takes_it_off_a_project_again() -> None:
    apply(json.dumps({"version": 1, "projects": [{"id": "acme", "profile": "fapi2"}]}), path="acme.yaml")
    acme = Project.objects.get(key="acme")
    editor = Actor.person(User.objects.get(username="member"))
    with pytest.raises(RegistrationError):
        of_projects.change(acme, replace(of_projects.metadata_of(acme), profile=""), editor)


def test_an_unknown_profile_is_refused() -> None:
    found = rules.problems(replace(READY, profile="fapi1"), CHOICES)
    assert [one.field for one in found] == ["profile"]
