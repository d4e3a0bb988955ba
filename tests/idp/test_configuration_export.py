"""What is exported is what is there: applied again it changes nothing, and elsewhere it makes the same."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from clients import registration, secrets
from clients.document import MEMBERS, represent
from clients.metadata import ClientMetadata
from clients.models import Client, ClientSecret, SecurityEvent
from clients.policy import metadata_of
from common.json_type import Json
from idp.configuration import apply
from idp.configuration.problems import Problems
from idp.configuration.reading import read
from idp.configuration.written import as_json_text, as_yaml
from projects.actors import Actor
from projects.document import API, PROJECT, represent_api, represent_project
from projects.metadata import ApiMetadata, ProjectMetadata
from projects.models import Api, Project
from tests.idp.configuration import EXAMPLE

pytestmark = pytest.mark.django_db

KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "one"}
# Beside the example: what cannot stand together in its clients, each with values that are no defaults.
MORE: dict[str, Any] = {
    "version": 1,
    "projects": [
        {
            "id": "harbour",
            "consent_mode": "implicit",
            "cross_client": "off",
            "status": "testing",
            "longest_grant": 86_400,
            "require_pushed_authorization_requests": True,
            "guest_apps": "listed",
            "guest_hosts": ["agents.example"],
            "guest_longest_grant": 3_600,
            "subject_type": "pairwise",
            "apis": [
                {
                    "identifier": "https://api.harbour.example/",
                    "name": "Ships",
                    "shared": "public",
                    "token_format": "jwt",
                    "scopes": {"ships.read": {"description": "See ships", "guests": True}, "off": "Off", "1e3": "010"},
                }
            ],
            "clients": [
                {
                    "client_id": "keyed",
                    "token_endpoint_auth_method": "private_key_jwt",
                    "token_endpoint_auth_signing_alg": "EdDSA",
                    "jwks": {"keys": [KEY]},
                    "request_object_signing_alg": "EdDSA",
                    "grant_types": ["authorization_code", "refresh_token"],
                    "response_types": ["code", "id_token"],
                    "redirect_uris": ["https://keyed.example/cb"],
                    "require_pkce": False,
                    "rotate_refresh_tokens": True,
                    "require_pushed_authorization_requests": True,
                    "dpop_bound_access_tokens": True,
                    "access_token_format": "jwt",
                    "application_type": "native",
                    "refresh_tokens": "always",
                    "default_max_age": 60,
                    "default_acr_values": ["urn:mace:incommon:iap:silver"],
                    "access_token_lifetime": 60,
                    "id_token_lifetime": 61,
                    "refresh_token_lifetime": 62,
                    "refresh_token_idle_lifetime": None,
                    "id_token_signed_response_alg": "ES256",
                    "userinfo_signed_response_alg": "PS256",
                    "authorization_signed_response_alg": "EdDSA",
                    "enabled": False,
                },
                {"client_id": "fetched", "jwks_uri": "https://fetched.example/jwks", "introspection": "none"},
            ],
        }
    ],
}


@pytest.fixture
def everything(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["common.hashers.Argon2Hasher"]
    apply(EXAMPLE)
    apply(MORE)
    off = Client.objects.get(client_id="fetched")
    member = Actor.operator("a member")
    registration.change(off, metadata_of(off).changed({"enabled": False, "held": False}), member)


def exported(*arguments: str) -> tuple[str, str]:
    output, told = io.StringIO(), io.StringIO()
    call_command("exportconfig", *arguments, stdout=output, stderr=told)
    return output.getvalue(), told.getvalue()


def checked(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`exportconfig | applyconfig --check -`, as a shell sees it: silent, and no error."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    output, told = io.StringIO(), io.StringIO()
    call_command("applyconfig", "--check", "-", stdout=output, stderr=told)
    assert (output.getvalue(), told.getvalue()) == ("", "")


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_what_is_exported_is_no_drift(everything: None, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for more in (
        (),
        ("--users",),
        ("--secrets-as", "hash", "--users"),
        ("--project", "harbour"),
        ("--without-people",),
    ):
        checked(exported("--format", kind, *more)[0], monkeypatch)


def test_what_is_exported_has_every_key_with_another_value_than_its_default(everything: None) -> None:
    """So that the silence above means something."""
    plain = represent(ClientMetadata())
    clients = [represent(metadata_of(client)) for client in Client.objects.all()]
    same = {name for name in MEMBERS if all(client[name] == plain[name] for client in clients)}
    behind_a_proxy = {name for name in same if name.startswith("tls_client_")}
    assert same - behind_a_proxy <= {"profile", "administers", "tokens_not_before"}


def test_an_exported_installation_can_be_made_anew(everything: None) -> None:
    text, _told = exported("--users", "--secrets-as", "hash")
    for model in (Client, Api, Project, User):
        model.objects.all().delete()
    SecurityEvent.objects.all().delete()
    apply(text)
    assert exported("--users", "--secrets-as", "hash")[0] == text
    assert User.objects.get(username="demo").check_password("correct horse battery staple")


def test_an_exported_file_is_the_same_each_time_and_in_one_order(everything: None) -> None:
    text, _told = exported()
    assert exported()[0] == text
    found = yaml.safe_load(text)
    assert [project["id"] for project in found["projects"]] == ["harbour", "orchard"]
    assert [client["client_id"] for client in found["projects"][0]["clients"]] == ["fetched", "harbour-shop", "keyed"]


def test_no_secret_is_exported(everything: None) -> None:
    for kind in ("none", "env", "file"):
        text, _told = exported("--users", "--secrets-as", kind)
        assert "ünïcode" not in text
        assert not [row.digest for row in ClientSecret.objects.all() if row.digest in text]
        assert "password" not in text


def test_secrets_are_exported_as_references_that_can_be_filled(everything: None) -> None:
    secrets.generate(Client.objects.get(client_id="orchard-web"), label="rolled out")
    text, told = exported("--project", "orchard", "--secrets-as", "env")
    [_phone, web] = yaml.safe_load(text)["projects"][0]["clients"]
    assert web["client_secrets"] == [
        {"secret_from": "env:ORCHARD_WEB_SECRET_1", "label": "configuration file", "expires_at": None},
        {"secret_from": "env:ORCHARD_WEB_SECRET_2", "label": "rolled out", "expires_at": None},
    ]
    assert "Has to be there where it is applied: ORCHARD_WEB_SECRET_1, ORCHARD_WEB_SECRET_2." in told
    text, told = exported("--project", "harbour", "--secrets-as", "file", "--secrets-in", "/etc/idp/")
    assert "file:/etc/idp/harbour_shop_secret" in text


def test_one_secret_of_a_file_is_a_reference_in_the_short_form() -> None:
    apply(
        {"version": 1, "projects": [{"id": "a", "name": "A", "clients": [{"client_id": "7.a", "client_secret": "s"}]}]}
    )
    [client] = yaml.safe_load(exported("--secrets-as", "env")[0])["projects"][0]["clients"]
    assert client["client_secret_from"] == "env:_7_A_SECRET"
    assert not apply(exported("--secrets-as", "env")[0], environ={"_7_A_SECRET": "s"}).changed


def test_what_a_file_cannot_say_is_told_beside_it(everything: None) -> None:
    client = Client.objects.get(client_id="orchard-web")
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    by = Actor.operator("tests")
    registration.change(client, metadata_of(client).changed({"tokens_not_before": moment, "introspection": "own"}), by)
    text, told = exported("--project", "orchard")
    assert "Client orchard-web: tokens_not_before (2026-01-02T00:00:00Z) is not in the file." in told
    assert "Client orchard-web: introspects is not in the file." in told
    assert "tokens_not_before" not in text
    assert not apply(text).changed


def test_the_salt_of_a_pairwise_project_goes_where_secrets_go(everything: None) -> None:
    salt = Project.objects.get(key="harbour").subject_salt
    text, told = exported("--project", "harbour")
    assert salt not in text + told
    assert "Project harbour: subject_salt is not in the file." in told
    assert salt in exported("--project", "harbour", "--secrets-as", "hash")[0]


def test_one_project_goes_to_another_installation_without_its_people(everything: None) -> None:
    [project] = yaml.safe_load(exported("--project", "orchard", "--without-people")[0])["projects"]
    assert project.keys() & {"members", "test_users"} == set()
    named = yaml.safe_load(exported("--project", "orchard", "--users")[0])["users"]
    assert [user["username"] for user in named] == ["demo"]


def test_what_is_asked_in_a_wrong_way_exits_with_2() -> None:
    for wrong in (["--project", "nix"], ["--users", "--without-people"], ["--secrets-in", "here"]):
        with pytest.raises(CommandError) as refused:
            exported(*wrong)
        assert refused.value.returncode == 2


def test_every_key_of_projects_and_apis_is_in_the_file(everything: None) -> None:
    [project, _other] = yaml.safe_load(exported()[0])["projects"]
    assert set(project) == set(PROJECT) - {"tokens_not_before"} | {"roles", "apis", "clients"}
    assert set(project["apis"][0]) == set(API) - {"tokens_not_before"}
    assert represent_project(ProjectMetadata(id="")).keys() == PROJECT.keys()
    assert represent_api(ApiMetadata(identifier="")).keys() == API.keys()


values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    | st.sampled_from(
        ["off", "010", "1:30", "2026-01-01", "~", " a ", "- b", "#", "é\u2028\x85", "\U0001f34e", "\ufeff"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab-: é", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.any_database
@pytest.mark.parametrize("written", [as_yaml, as_json_text])
@settings(deadline=None)
@given(document=st.dictionaries(st.text("abc", min_size=1, max_size=3), values, max_size=3))
def test_what_is_written_is_read_as_the_same(written: Any, document: dict[str, Json]) -> None:
    problems = Problems("x")
    assert read(written(document), problems).plain() == json.loads(json.dumps(document))
    assert problems.found == []
