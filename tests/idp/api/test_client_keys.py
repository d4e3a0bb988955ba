"""Keys of clients by the API."""

from __future__ import annotations

import pytest

from clients.models import Client
from tests.idp.api.caller import path, person
from tests.provider.proving import new_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]


def at(*kid: str) -> str:
    return path("projects", "acme", "clients", "sibling", "keys", *kid)


def public(kid: str) -> dict[str, str]:
    return {**new_key().export_public(as_dict=True), "kid": kid}


def test_keys_are_replaced_added_and_removed() -> None:
    owner, first, second = person("owner"), public("a/b"), public("second")
    assert owner.get(at()).json() == {"keys": []}
    assert owner.put(at(), {"keys": [first]}).json() == {"keys": [first]}
    assert owner.post(at(), second).json() == {"keys": [first, second]}
    assert owner.post(at(), second).status_code == 422
    assert [owner.delete(at("a/b")).status_code for _ in range(2)] == [204, 404]
    assert owner.get(at()).json() == {"keys": [second]}
    assert owner.put(at(), {"keys": []}).json() == {"keys": []}
    assert Client.objects.get(client_id="sibling").jwks is None


def test_a_private_key_is_refused_and_not_repeated() -> None:
    key = new_key().export_private(as_dict=True)
    for refused in (person("owner").post(at(), key), person("owner").put(at(), {"keys": [key]})):
        assert refused.status_code == 422
        assert key["d"] not in refused.content.decode()
    assert person("owner").put(at(), {"keys": "x"}).status_code == 422
