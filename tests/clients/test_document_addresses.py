"""A client that an operator registers by the address of its document: policy from here, keys from there (C13, C16)."""

from __future__ import annotations

from typing import Any

import pytest

from clients import registration
from clients.metadata import ClientMetadata
from clients.models import Client
from projects.actors import Actor
from projects.models import Project
from projects.problems import RegistrationError
from tests.world import ISSUER, ORDERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
ADDRESS = "https://agent.example.org/client.json"
WANTED = ClientMetadata(
    client_id=ADDRESS,
    client_name="Agent",
    token_endpoint_auth_method="private_key_jwt",
    grant_types=("authorization_code",),
    redirect_uris=("https://agent.example.org/callback",),
    scope="openid",
)


@pytest.fixture(autouse=True)
def taken(settings: Any) -> None:
    settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = True


def register(**changes: Any) -> Client:
    project = Project.objects.get(key="acme")
    return registration.register(WANTED.changed(changes), project, Actor.operator("the tests"))


def refused_fields(**changes: Any) -> set[str]:
    with pytest.raises(RegistrationError) as refused:
        register(**changes)
    return {one.name for one in refused.value.problems}


def test_an_operator_registers_it_like_any_other_c13() -> None:
    client = register()
    assert (client.client_id, client.guest) == (ADDRESS, False)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "client_id",
    [
        "http://agent.example.org/client.json",
        "https://Agent.example.org/client.json",
        "https://agent.example.org",
        f"{ISSUER}/client.json",
        "urn:agent",
    ],
)
def test_an_address_at_which_no_client_can_be_is_refused_c1_c2_c16(client_id: str) -> None:
    assert refused_fields(client_id=client_id) == {"client_id"}


def test_no_address_of_an_api_is_one_of_a_client() -> None:
    """A token for the client alone has its id as `aud`."""
    assert refused_fields(client_id=f"{ORDERS}/client.json") == {"client_id"}


@pytest.mark.any_database
@pytest.mark.parametrize("name", ["jwks", "jwks_uri"])
def test_its_keys_are_never_registered_here_c13(name: str) -> None:
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    values: dict[str, Any] = {"jwks": {"keys": [key]}, "jwks_uri": "https://agent.example.org/keys"}
    assert refused_fields(**{name: values[name]}) == {name}


@pytest.mark.any_database
def test_where_documents_are_not_taken_no_id_begins_like_an_address(settings: Any) -> None:
    settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = False
    assert refused_fields() == {"client_id"}
