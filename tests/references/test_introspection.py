"""Services prove who they are, and learn of others' tokens only what their right allows."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import models

from accounts.models import User
from clients.models import Authorization, Client
from projects.models import Api, Consent
from tests.world import FOREIGN, ISSUER, ORDERS, App, Browser, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
INACTIVE = {"active": False}


def give(client_id: str, right: str, *listed: str) -> None:
    Client.objects.filter(client_id=client_id).update(introspection=right)
    Client.objects.get(client_id=client_id).introspects.set(Client.objects.filter(client_id__in=listed))


def token_of(client_id: str, **params: Any) -> str:
    return str(App(client_id).token(grant_type="client_credentials", **params).json()["access_token"])


def test_a_service_introspects_its_own_token() -> None:
    answer = App("service").introspect(token_of("service")).json()
    assert answer.pop("exp") - answer.pop("iat") == 3600
    answer.pop("nbf")
    assert answer == {
        "active": True,
        "scope": "orders.read",
        "client_id": "service",
        "clientId": "service",
        "token_type": "Bearer",
        "sub": "service",
        "aud": "service",
        "iss": ISSUER,
    }


def test_a_persons_token_names_the_person() -> None:
    answer = App("web").introspect(Browser("owner").tokens("web", scope="openid profile")["access_token"]).json()
    owner = User.objects.get(username="owner")
    assert (answer["sub"], answer["username"], answer["azp"]) == (str(owner.sub), "owner", "web")


@pytest.mark.parametrize(
    ("right", "listed", "sees"),
    [
        ("own", [], {"service"}),
        ("project", [], {"service", "web"}),
        ("listed", ["stranger"], {"service", "stranger"}),
        ("all", [], {"service", "web", "stranger"}),
    ],
)
def test_each_right_sees_exactly_its_tokens(right: str, listed: list[str], sees: set[str]) -> None:
    give("service", right, *listed)
    tokens = {name: token_of(name) for name in ("service", "web", "stranger")}
    for name, token in tokens.items():
        answer = App("service").introspect(token).json()
        assert (answer != INACTIVE) == (name in sees), (right, name)


def test_without_the_right_every_token_is_refused_alike() -> None:
    web = Browser("owner").tokens("web", scope="openid offline_access")
    for token in (web["access_token"], web["refresh_token"], web["id_token"], "unknown", token_of("stranger")):
        response = App("service").introspect(token)
        assert (response.status_code, response.json()) == (200, INACTIVE)


def test_none_and_public_clients_may_not_introspect_at_all() -> None:
    for client_id in ("blind", "spa"):
        response = App(client_id).introspect("anything")
        assert (response.status_code, response.json()["error"]) == (403, "access_denied")


def test_none_beats_acting_for_an_api() -> None:
    Client.objects.get(client_id="blind").acts_for.add(Api.objects.get(identifier=ORDERS))
    assert App("blind").introspect(token_of("web", resource=ORDERS)).status_code == 403


def test_an_apis_own_client_sees_only_its_own_audience() -> None:
    Client.objects.get(client_id="service").acts_for.add(Api.objects.get(identifier=ORDERS))
    both = Browser("owner").tokens("web", resource=[f"{ORDERS}/7", "https://api.acme.example/billing"])
    answer = App("service").introspect(both["access_token"]).json()
    assert (answer["active"], answer["aud"]) == (True, f"{ORDERS}/7")
    assert App("service").introspect(token_of("web", resource="https://api.acme.example/billing")).json() == INACTIVE


def test_a_more_specific_api_is_not_seen_by_the_one_above() -> None:
    acme = Client.objects.get(client_id="service").home
    Api.objects.create(project=acme, identifier=f"{ORDERS}/secret", name="Secret orders")
    Client.objects.get(client_id="web").audience_entries.create(value=f"{ORDERS}/secret")
    Client.objects.get(client_id="service").acts_for.add(Api.objects.get(identifier=ORDERS))
    assert App("service").introspect(token_of("web", resource=f"{ORDERS}/secret/1")).json() == INACTIVE


def test_another_projects_api_client_sees_nothing_of_ours() -> None:
    Client.objects.get(client_id="stranger").acts_for.add(Api.objects.get(identifier=FOREIGN))
    assert App("stranger").introspect(token_of("web", resource=ORDERS)).json() == INACTIVE


def test_refresh_tokens_are_seen_by_their_own_client_and_by_all_only() -> None:
    token = Browser("owner").tokens("web", scope="openid offline_access")["refresh_token"]
    answer = App("web").introspect(token, token_type_hint="refresh_token").json()
    assert (answer["active"], answer["client_id"]) == (True, "web")
    assert "token_type" not in answer
    give("service", "project")
    assert App("service").introspect(token).json() == INACTIVE
    give("service", "all")
    assert App("service").introspect(token).json()["active"] is True


def _deactivate() -> None:
    User.objects.update(is_active=False)


def _disable() -> None:
    Client.objects.filter(client_id="web").update(enabled=False)


def _end() -> None:
    Authorization.objects.update(ended_at=models.F("created_at"), ended_because="a test")


def _take_back() -> None:
    Consent.objects.all().delete()


@pytest.mark.parametrize("jwt", [False, True])
@pytest.mark.parametrize("change", [_deactivate, _disable, _end, _take_back])
def test_what_ends_a_token_ends_it_for_everybody(change: Any, jwt: bool) -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt" if jwt else "opaque")
    give("service", "all")
    token = Browser("owner").tokens("web")["access_token"]
    assert App("service").introspect(token).json()["active"] is True
    change()
    assert App("service").introspect(token).json() == INACTIVE


def test_a_signed_answer_is_for_its_caller_alone() -> None:
    response = App("service").post(
        "/oauth2/introspect",
        {"token": token_of("service")},
        HTTP_ACCEPT="application/token-introspection+jwt",
    )
    assert response["Content-Type"] == "application/token-introspection+jwt"
    assert response["Cache-Control"] == "no-store"
    claims = claims_of(response.content.decode())
    assert (claims["iss"], claims["aud"]) == (ISSUER, "service")
    assert abs(claims["iat"] - time.time()) < 60
    assert claims["token_introspection"]["client_id"] == "service"


@pytest.mark.parametrize(
    ("accept", "signed"),
    [
        ("Application/Token-Introspection+JWT", True),
        ("application/json, application/token-introspection+jwt;q=0.5", True),
        ("application/token-introspection+jwt;q=0, application/json", False),
        ("application/token-introspection+jwt; q=0.000", False),
        ("application/token-introspection+jwts", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_the_answer_is_signed_for_who_accepts_that(accept: str, signed: bool) -> None:
    response = App("service").post("/oauth2/introspect", {"token": "x"}, HTTP_ACCEPT=accept)
    assert (response["Content-Type"] == "application/token-introspection+jwt") == signed


def test_get_is_not_offered() -> None:
    response = App("service").http.get("/oauth2/introspect")
    assert (response.status_code, response["Allow"]) == (405, "POST")
