"""Guest apps: what an app may be that registered itself, and who changes it (protocol section 19)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from clients import guests, registration
from clients.guest_registration import register_guest
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from clients.models.values import CHOICES
from clients.policy import metadata_of
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.models import Project
from projects.problems import RegistrationError

WANTED = ClientMetadata(
    client_name="Agent",
    token_endpoint_auth_method="none",
    grant_types=("authorization_code", "refresh_token"),
    redirect_uris=("http://127.0.0.1/cb",),
    scope="unknown notes.read",
)
ITSELF = Actor.itself("whoever")
KEY = {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}  # fmt: skip  # noqa: E501


def of_guest(wanted: ClientMetadata, source: str = guests.DCR) -> set[str]:
    found = guests.problems(guests.as_guest(replace(wanted, client_id=wanted.client_id or "id1")), source, CHOICES)
    return {one.field for one in found}


def test_r3_r12_what_a_guest_may_not_be_is_left_out() -> None:
    greedy = replace(
        WANTED,
        grant_types=("authorization_code", "client_credentials", "implicit", "refresh_token"),
        response_types=("code", "token"),
        introspection="all",
        introspects=("web",),
        acts_for=("https://api.acme.example",),
        allowed_callers=("web",),
        audience=(Audience("https://api.acme.example"),),
        cross_client_public=True,
        access_token_lifetime=10**7,
        backchannel_logout_uri="https://evil.example/out",
        require_pkce=False,
        profile="fapi2",
    )
    assert guests.as_guest(greedy) == replace(guests.as_guest(WANTED))
    assert guests.as_guest(greedy).grant_types == ("authorization_code", "refresh_token")


@pytest.mark.parametrize(
    ("changes", "source", "fields"),
    [
        ({}, guests.DCR, set()),
        ({"client_id": "https://agent.example/c.json"}, guests.CIMD, set()),
        ({"client_id": "https://agent.example/c.json"}, guests.DCR, {"client_id"}),
        ({}, guests.CIMD, {"client_id"}),
        ({"grant_types": ("client_credentials",)}, guests.DCR, {"grant_types"}),
        ({"redirect_uris": ()}, guests.DCR, {"redirect_uris"}),
        ({"redirect_uris": ("http://evil.example/cb",)}, guests.DCR, {"redirect_uris[0]"}),
        ({"redirect_uris": tuple(f"https://a.example/{n}" for n in range(21))}, guests.DCR, {"redirect_uris"}),
        (
            {"post_logout_redirect_uris": tuple(f"https://a.example/{n}" for n in range(21))},
            guests.DCR,
            {"post_logout_redirect_uris"},
        ),
        ({"redirect_uris": ("https://%65vil.example/cb",)}, guests.DCR, {"redirect_uris[0]"}),
        ({"redirect_uris": ("https://a.example/", "https://evil.example./cb")}, guests.DCR, {"redirect_uris[1]"}),
        ({"redirect_uris": ("http://[::1]/cb", "com.example.app:/cb", "https://A.example:8443/")}, guests.DCR, set()),
        ({"token_endpoint_auth_method": "client_secret_basic"}, guests.DCR, set()),
        ({"token_endpoint_auth_method": "tls_client_auth"}, guests.DCR, {"token_endpoint_auth_method"}),
        ({"token_endpoint_auth_method": "private_key_jwt"}, guests.DCR, {"jwks"}),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY]}}, guests.DCR, set()),
    ],
)
def test_r6_r14_c6_what_a_guest_must_be(changes: dict[str, Any], source: str, fields: set[str]) -> None:
    assert of_guest(replace(WANTED, **changes), source) >= fields
    assert bool(of_guest(replace(WANTED, **changes), source)) is bool(fields)


@pytest.mark.parametrize("name", ["client_secret_basic", "client_secret_post"])
def test_c6_a_document_has_no_shared_secret(name: str) -> None:
    wanted = replace(WANTED, client_id="https://agent.example/c.json", token_endpoint_auth_method=name)
    assert of_guest(wanted, guests.CIMD) == {"token_endpoint_auth_method"}


@pytest.mark.django_db
def test_r12_a_guest_is_of_no_project_and_has_no_right() -> None:
    made = register_guest(WANTED, ITSELF, guests.DCR)
    stored = Client.objects.get(pk=made.pk)
    assert stored.guest
    assert stored.project is None
    assert (stored.introspection, stored.require_pkce, stored.rotate_refresh_tokens) == ("none", True, True)
    assert metadata_of(stored).scope == WANTED.scope
    [event] = SecurityEvent.objects.filter(client_id=made.client_id)
    assert (event.kind, event.detail["hosts"], event.detail["by"]) == (
        "client.created",
        ["localhost"],
        "the app itself",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "column",
    [
        {"registration_source": "manual"},
        {"introspection": "own"},
        {"grant_types": ["authorization_code", "client_credentials"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]},
        {"cross_client_public": True},
        {"require_pkce": False},
    ],
)
def test_r12_whatever_writes_the_row_gives_a_guest_no_right(column: dict[str, Any]) -> None:
    made = register_guest(replace(WANTED, token_endpoint_auth_method="client_secret_basic"), ITSELF, guests.DCR)
    with pytest.raises(IntegrityError), transaction.atomic():
        Client.objects.filter(pk=made.pk).update(**column)


@pytest.mark.usefixtures("world")
def test_r12_nobody_moves_a_client_out_of_its_project_or_a_document_into_one() -> None:
    made = register_guest(replace(WANTED, client_id="https://agent.example/c.json"), ITSELF, guests.CIMD)
    for row, project in (("web", None), (made.client_id, Project.objects.get(key="other").pk)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Client.objects.filter(client_id=row).update(project=project)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({"client_name": "Another"}, True),
        ({"redirect_uris": ("http://127.0.0.1/other",)}, True),
        ({"jwks": {"keys": [KEY]}}, True),
        ({"token_endpoint_auth_method": "client_secret_basic"}, True),
        ({"scope": "else"}, False),
    ],
)
def test_c10_what_people_did_not_see_has_lost_what_they_allowed(changes: dict[str, Any], *, ends: bool) -> None:
    made = register_guest(WANTED, ITSELF, guests.DCR)
    by, before = Actor.itself(made.client_id), made.tokens_not_before
    assert registration.change(made, metadata_of(made).changed(changes), by)
    made.refresh_from_db()
    assert (made.tokens_not_before != before) is ends


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(("source", "ends"), [("dcr", True), ("manual", False)])
def test_c10_the_same_holds_for_whoever_registered_itself_in_a_project(source: str, *, ends: bool) -> None:
    acme, operator = Project.objects.get(key="acme"), Actor.operator("test")
    wanted = replace(WANTED, scope="openid", redirect_uris=("https://a.example/cb",))
    made = registration.register(wanted, acme, operator, source=source)
    registration.change(made, metadata_of(made).changed({"scope": "openid email"}), operator)
    assert made.tokens_not_before is None, "that is nothing people saw"
    registration.change(made, metadata_of(made).changed({"redirect_uris": ("https://b.example/cb",)}), operator)
    made.refresh_from_db()
    assert (made.tokens_not_before is not None) is ends


@pytest.mark.django_db
def test_r8_a_guest_changes_itself_only_and_never_enables_itself() -> None:
    made, other = register_guest(WANTED, ITSELF, guests.DCR), register_guest(WANTED, ITSELF, guests.DCR)
    superuser = Actor.operator("test")
    renamed = metadata_of(made).changed({"client_name": "Another"})
    for by in (Actor.itself(other.client_id), Actor.itself("")):
        with pytest.raises(RegistrationError):
            registration.change(made, renamed, by)
        with pytest.raises(RegistrationError):
            registration.delete(made, by)
        with pytest.raises(RegistrationError):
            registration.generate_secret(made, by)
    registration.change(made, metadata_of(made).changed({"enabled": False}), superuser)
    with pytest.raises(RegistrationError):
        registration.change(made, metadata_of(made).changed({"enabled": True}), Actor.itself(made.client_id))
    registration.delete(made, Actor.itself(made.client_id))
    assert not Client.objects.filter(client_id=made.client_id).exists()


@pytest.mark.django_db
def test_r10_nobody_chooses_an_id_and_a_document_comes_back_anew() -> None:
    chosen = register_guest(replace(WANTED, client_id="chosen"), ITSELF, guests.DCR)
    assert chosen.client_id != "chosen", "an id of our own, which nobody had or will have"
    document = register_guest(replace(WANTED, client_id="https://agent.example/c.json"), ITSELF, guests.CIMD)
    with pytest.raises(RegistrationError):
        register_guest(replace(WANTED, client_id=document.client_id), ITSELF, guests.CIMD)
    registration.delete(document, Actor.operator("test"))
    again = register_guest(replace(WANTED, client_id="https://agent.example/c.json"), ITSELF, guests.CIMD)
    assert again.tokens_not_before is not None, "what was signed for it before is over"
    kinds = SecurityEvent.objects.filter(client_id=again.client_id).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["client.created", "guest.deleted", "client.created"]
