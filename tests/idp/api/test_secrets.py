"""Secrets of clients by the API: shown once."""

from __future__ import annotations

import pytest

from clients.models import Client, KeptAnswer
from projects.events import SecurityEvent
from tests.idp.api.caller import path, person
from tests.world import SECRETS, App

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
OF_SERVICE = path("projects", "acme", "clients", "service", "secrets")


def works(secret: str) -> bool:
    SECRETS["service"] = secret
    return App("service").token(grant_type="client_credentials").status_code == 200


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECRETS, "service", "service-secret")


def test_a_secret_is_rotated() -> None:
    owner = person("owner")
    [first] = owner.get(OF_SERVICE).json()["items"]
    made = owner.post(OF_SERVICE, {"label": "second", "expires_at": "2099-01-01T00:00:00Z"})
    assert made.status_code == 201
    secret = made.json()["client_secret"]
    assert works(secret)
    shown = owner.get(made["Location"].removeprefix("http://localhost:8000"))
    assert (shown.json()["label"], shown.json()["expires_at"]) == ("second", "2099-01-01T00:00:00Z")
    for answer in (shown, owner.get(OF_SERVICE)):
        assert "client_secret" not in answer.content.decode()
        assert secret not in answer.content.decode()
    third = owner.post(OF_SERVICE)
    assert (third.status_code, third["Content-Type"]) == (409, "application/problem+json")
    assert owner.delete(f"{OF_SERVICE}/{first['id']}").status_code == 204
    assert not works("service-secret")
    assert works(secret)
    assert owner.delete(f"{OF_SERVICE}/{first['id']}").status_code == 404
    kinds = SecurityEvent.objects.filter(client_id="service", kind__startswith="client.secret_").values_list("kind")
    assert {kind for (kind,) in kinds} >= {"client.secret_generated", "client.secret_revoked"}


def test_a_request_that_comes_again_hears_which_secret_it_made_and_not_what_it_is() -> None:
    owner = person("owner")
    made = owner.post(OF_SERVICE, {"label": "x"}, Idempotency_Key="one")
    again = owner.post(OF_SERVICE, {"label": "x"}, Idempotency_Key="one")
    assert (again.status_code, again["Location"]) == (409, made["Location"])
    assert again.json()["errors"][0]["code"] == "answered_already"
    assert made.json()["client_secret"] not in again.content.decode()
    assert Client.objects.get(client_id="service").secrets.count() == 2
    assert [row.body for row in KeptAnswer.objects.all()] == [""]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"label": "x" * 101}, "/label"),
        ({"expires_at": "soon"}, "/expires_at"),
        ({"client_secret": "x"}, "/client_secret"),
    ],
)
def test_a_wrong_wish_makes_none(body: dict[str, str], pointer: str) -> None:
    refused = person("owner").post(OF_SERVICE, body)
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])
    assert Client.objects.get(client_id="service").secrets.count() == 1


def test_a_public_client_gets_none() -> None:
    refused = person("owner").post(path("projects", "acme", "clients", "spa", "secrets"))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/client_secret")


@pytest.mark.any_database
@pytest.mark.parametrize("number", ["0", "99999999999999999999999999", "-1", "x"])
def test_a_secret_that_is_none_is_not_found(number: str) -> None:
    for method in ("GET", "DELETE"):
        assert person("owner").ask(method, f"{OF_SERVICE}/{number}").status_code == 404
