"""Keys of clients in the console: shown, added and removed by those who edit the client; two at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from django.test import Client as Http

from clients.models import Client, SecurityEvent
from common import jws
from provider import fetched_keys
from tests.console import browser, client, keep_web_within_its_project, page, send
from tests.foreign_keys import KEYS, OTHERS, pem, public
from tests.provider.key_server import KeyServer, serving_keys
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console", "within_its_project")
FIRST, SECOND = public(KEYS["ES256"], kid="first"), public(OTHERS["ES256"], kid="second")


@pytest.fixture
def within_its_project(console: None) -> None:
    keep_web_within_its_project()


def url(name: str = "keys", client_id: str = "web", *args: object) -> str:
    return page(f"clients_client_{name}", client(client_id).pk, *args)


def add(http: Http, key: Any, client_id: str = "web") -> Response:
    text = key if isinstance(key, str) else json.dumps(key)
    return http.post(url("new_key", client_id), {"key": text}, follow=True)


def remove(http: Http, key: dict[str, Any]) -> Response:
    return http.post(url("remove_key", "web", jws.thumbprint(key)), follow=True)


def kids(client_id: str = "web") -> list[str]:
    jwks = client(client_id).jwks
    return [key["kid"] for key in jwks["keys"]] if jwks else []


def test_a_key_is_added_shown_and_followed_by_another() -> None:
    http = browser("editor")
    assert "There is no key." in http.get(url()).content.decode()
    shown = add(http, FIRST).content.decode()
    assert "first" in shown
    assert jws.thumbprint(FIRST) in shown
    add(http, {"keys": [SECOND]})
    assert kids() == ["first", "second"]
    assert "Remove first" in http.get(url()).content.decode()
    assert "What it signs proves nothing" in http.get(url("remove_key", "web", jws.thumbprint(FIRST))).content.decode()
    remove(http, FIRST)
    assert kids() == ["second"]
    assert http.get(url("remove_key", "web", jws.thumbprint(FIRST))).status_code == 404
    remove(http, SECOND)
    assert client().jwks is None


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_key_in_pem_will_do(algorithm: str) -> None:
    add(browser("editor"), KEYS[algorithm].export_to_pem().decode())
    assert kids() == [jws.thumbprint(public(KEYS[algorithm]))]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("rubbish", "neither a JWK nor"),
        ("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "neither a JWK nor"),
        ("[" * 5_000, "neither a JWK nor"),
        ("x" * 10_001, "at most 10000 characters"),
        (KEYS["ES256"].export_private(as_dict=True), "private part"),
        (KEYS["ES256"].export_to_pem(private_key=True, password=None).decode(), "private part"),
        ({"kty": "oct", "k": "AAAA"}, "shared secret"),
        (KEYS["ES256"].export_to_pem(private_key=True, password=b"passphrase").decode(), "neither a JWK nor"),
        (pem(dsa.generate_private_key(1024).public_key()), "neither a JWK nor"),  # noqa: S505 - it is refused
        (pem(ec.generate_private_key(ec.SECP224R1()).public_key()), "neither a JWK nor"),
        ("1", "A key is a JSON object"),
    ],
)
def test_what_is_no_public_key_is_refused_with_a_reason(key: Any, why: str) -> None:
    response = add(browser("editor"), key)
    assert why in response.content.decode()
    assert client().jwks is None


def in_pem(key: ec.EllipticCurvePublicKey | dsa.DSAPublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("kind", ["encrypted", "another curve", "DSA"])
def test_a_key_in_pem_that_the_library_stumbles_over_is_no_fault_of_ours(kind: str) -> None:
    if kind == "encrypted":
        text = KEYS["ES256"].export_to_pem(private_key=True, password=b"secret").decode()
    elif kind == "another curve":
        text = in_pem(ec.generate_private_key(ec.SECP224R1()).public_key())
    else:
        text = in_pem(dsa.generate_private_key(2048).public_key())
    assert "neither a JWK nor" in add(browser("editor"), text).content.decode()
    assert client().jwks is None


def test_the_same_key_is_not_added_twice() -> None:
    http = browser("editor")
    add(http, FIRST)
    assert "has the ID of another one" in add(http, FIRST).content.decode()
    assert kids() == ["first"]


def test_who_looks_only_sees_keys_and_changes_none() -> None:
    add(browser("editor"), FIRST)
    http = browser("viewer")
    shown = http.get(url()).content.decode()
    assert "first" in shown
    assert "New key" not in shown
    assert "Remove first" not in shown
    assert add(http, SECOND).status_code == 403
    assert remove(http, FIRST).status_code == 403
    assert browser("outsider").get(url()).status_code in (302, 403, 404)
    assert kids() == ["first"]


def test_each_change_is_on_record_with_thumbprints() -> None:
    http = browser("editor")
    add(http, FIRST)
    remove(http, FIRST)
    added, removed = SecurityEvent.objects.filter(kind="client.keys_changed").order_by("pk")
    name = f"first (EC, {jws.thumbprint(FIRST)})"
    assert (added.client_id, added.detail["jwks"]) == ("web", {"before": None, "after": [name]})
    assert removed.detail["jwks"] == {"before": [name], "after": None}
    assert "Keys of an app changed" in browser("root").get(page("clients_securityevent_changelist")).content.decode()


def test_only_a_superuser_adds_a_key_to_a_client_that_reaches_outside_its_project() -> None:
    """A key lets somebody else be the client (`clients.reach`)."""
    Client.objects.filter(client_id="web").update(introspection="all")
    http = browser("editor")
    assert "Only a superuser adds a key" in http.get(url()).content.decode()
    assert "Only a superuser adds a key" in add(http, FIRST).content.decode()
    assert client().jwks is None
    add(browser("root"), FIRST)
    assert kids() == ["first"]
    remove(http, FIRST)
    assert client().jwks is None, "taking one away hands out nothing"


def test_a_client_that_gets_a_key_for_its_secret_loses_the_secret() -> None:
    changed = {"token_endpoint_auth_method": "private_key_jwt"}
    assert client().secrets.filter(slot__isnull=False).exists()
    send(browser("editor"), page("clients_client_change", client().pk), changed)
    assert client().token_endpoint_auth_method == "private_key_jwt"
    assert not client().secrets.filter(slot__isnull=False).exists()


def test_the_page_says_where_keys_are_not_what_the_client_proves_itself_by() -> None:
    for method, said in (
        ("client_secret_basic", True),
        ("private_key_jwt", False),
        ("self_signed_tls_client_auth", False),
    ):
        Client.objects.filter(client_id="web").update(token_endpoint_auth_method=method)
        assert ("proves who it is in another way" in browser("editor").get(url()).content.decode()) is said, method


@pytest.fixture
def server(settings: Any) -> Iterator[KeyServer]:
    settings.IS_LOCAL = True
    fetched_keys.shared.clear()
    with serving_keys() as made:
        yield made
    fetched_keys.shared.clear()


def test_keys_at_an_address_are_shown_and_added_there(server: KeyServer) -> None:
    server.has(SECOND)
    Client.objects.filter(client_id="web").update(jwks_uri=server.url)
    shown = browser("editor").get(url()).content.decode()
    assert server.url in shown
    assert jws.thumbprint(SECOND) in shown
    assert "New key" not in shown
    server.status = 404
    fetched_keys.shared.clear()
    assert "the status is 404" in browser("editor").get(url()).content.decode()
