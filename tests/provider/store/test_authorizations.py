"""Writing codes, tokens and authorizations: used once, all or nothing, and nothing where a request is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from clients import secrets
from clients.models import AccessToken, Authorization, Client, Grant, RefreshToken, RevokedToken, SecurityEvent
from projects.models import Consent
from provider.facts import find_client
from provider.grants import response as token_response
from provider.protocol.authorization import MAX_NONCE
from provider.protocol.facts import ClientFacts
from provider.store import authorizations, find
from tests.world import BILLING, FOREIGN, ORDERS, VERIFIER, App, Browser, basic, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def facts(client_id: str) -> ClientFacts:
    found = find_client(client_id)
    assert found is not None
    return found


def everything() -> list[Any]:
    """Every row a token request could change."""
    tables: list[Any] = [Grant, AccessToken, RefreshToken, RevokedToken, Authorization]
    return [list(table.objects.order_by("pk").values()) for table in tables]


def offline(client_id: str = "web", **params: Any) -> dict[str, Any]:
    return Browser("owner").tokens(client_id, **{"scope": "openid offline_access", **params})


# --- Codes ---------------------------------------------------------------------------------------------------------


def test_an_authorization_keeps_what_was_decided_and_how_the_person_signed_in() -> None:
    Browser("owner").code("web", scope="openid orders.read", audience=ORDERS, access_type="offline")
    row = Authorization.objects.get()
    assert (row.client.client_id, row.user.username) == ("web", "owner")
    assert row.asked_scopes == ["openid", "orders.read"], "access_type names no scope"
    assert row.scopes == ["openid", "orders.read", "offline_access"]
    assert row.audiences == row.asked_audiences == [ORDERS]
    assert (row.offline, row.narrowed, row.generation, row.ended_at) == (True, False, 0, None)
    assert row.sign_in is not None
    assert (row.auth_time, row.amr) == (row.sign_in.auth_time, row.sign_in.amr)
    assert row.consent == Consent.objects.get()


def test_a_second_use_of_a_code_ends_the_authorization_and_every_token() -> None:
    browser, app = Browser("owner"), App("web")
    code = browser.code("web", scope="openid offline_access")
    answer = app.exchange(code).json()
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        again = app.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    row = Authorization.objects.get()
    assert row.ended_at is not None
    assert row.ended_because == "code used twice"
    assert app.userinfo(answer["access_token"]).status_code == 401
    assert app.refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"
    event = SecurityEvent.objects.get(kind="token.reuse")
    assert (event.client_id, event.detail["authorization"]) == ("web", str(row.pk))


def test_a_used_code_ends_nothing_in_anybody_elses_hands() -> None:
    code = Browser("owner").code("web")
    assert App("web").exchange(code).status_code == 200
    for other in ("sibling", "stranger"):
        refused = App(other).exchange(code)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    wrong = App("web").post(
        "/oauth2/token", {"grant_type": "authorization_code", "code": code}, auth="Basic d2ViOndyb25n"
    )
    assert wrong.json()["error"] == "invalid_client"
    assert Authorization.objects.get().ended_at is None
    assert not SecurityEvent.objects.filter(kind="token.reuse").exists()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uri": "https://web.acme.example/other"}, "invalid_grant"),
        ({"redirect_uri": "https://web.acme.example/cb/"}, "invalid_grant"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"audience": BILLING}, "invalid_target"),
        ({"resource": "https://else.example"}, "invalid_target"),
        ({"audience": "stranger"}, "invalid_audience"),
        ({"audience": "\t"}, "invalid_request"),
        ({"scope": "openid"}, None),
    ],
    ids=str,
)
def test_a_refused_exchange_consumes_and_stores_nothing(change: dict[str, Any], error: str | None) -> None:
    code = Browser("owner").code("web", scope="openid orders.read", audience=ORDERS)
    before = everything()
    response = App("web").exchange(code, **change)
    if error is None:
        assert response.status_code == 200
        return
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert everything() == before
    assert App("web").exchange(code).status_code == 200, "the right request still works"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"audience": BILLING}, "invalid_target"),
        ({"audience": "stranger"}, "invalid_audience"),
        ({"scope": "openid profile"}, "invalid_scope"),
        ({"audience": "sibling", "scope": "offline_access"}, "invalid_scope"),
        ({"resource": "x" * 3000}, "invalid_request"),
    ],
    ids=str,
)
@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_a_refused_refresh_consumes_and_stores_nothing(client_id: str, change: dict[str, Any], error: str) -> None:
    Client.objects.filter(client_id="spa").update(cross_client_public=True)
    token = offline(client_id)["refresh_token"]
    before = everything()
    response = App(client_id).refresh(token, **change)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert everything() == before
    assert App(client_id).refresh(token).status_code == 200, "the right request still works"


@pytest.mark.parametrize(
    ("client_id", "params", "error"),
    [
        ("service", {"audience": ORDERS}, "invalid_target"),
        ("service", {"scope": "orders.write"}, "invalid_scope"),
        ("web", {"scope": "openid"}, "invalid_scope"),
        ("web", {"audience": "sibling"}, "invalid_audience"),
        ("desk", {}, "unauthorized_client"),
    ],
)
def test_refused_client_credentials_store_nothing(client_id: str, params: dict[str, Any], error: str) -> None:
    response = App(client_id).token(grant_type="client_credentials", **params)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert not AccessToken.objects.exists()


def test_no_client_gets_tokens_for_an_api_by_having_its_address_as_id() -> None:
    project = Client.objects.get(client_id="web").project
    [impostor] = Client.objects.bulk_create(  # a row cannot be saved with this id
        [Client(client_id=FOREIGN, project=project, client_type="confidential", grant_types=["client_credentials"])]
    )
    secret = secrets.generate(impostor)
    response = App(FOREIGN).post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic(FOREIGN, secret))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("grant", ["code", "refresh", "client credentials"])
def test_nothing_is_minted_before_every_step_agreed(grant: str, monkeypatch: Any) -> None:
    code, token = Browser("owner").code("web"), offline()["refresh_token"]

    def minted(*_args: Any, **_kwargs: Any) -> None:
        raise AssertionError("a refused request was given a token")

    monkeypatch.setattr(token_response, "mint", minted)
    app = App("web")
    response = {
        "code": lambda: app.exchange(code, audience="stranger"),
        "refresh": lambda: app.refresh(token, audience="stranger"),
        "client credentials": lambda: app.token(grant_type="client_credentials", audience="stranger"),
    }[grant]()
    assert response.json()["error"] == "invalid_audience"
    with pytest.raises(AssertionError):
        app.refresh(token)


def test_what_a_request_may_say_fits_its_column() -> None:
    """On SQLite a longer nonce would be kept, on PostgreSQL it would be a fault."""
    assert (Grant._meta.get_field("nonce").max_length or 0) >= MAX_NONCE
    code = Browser("owner").code("web", nonce="n" * MAX_NONCE)
    assert claims_of(App("web").exchange(code).json()["id_token"])["nonce"] == "n" * MAX_NONCE


# --- At rest -------------------------------------------------------------------------------------------------------


def test_no_code_token_or_verifier_is_at_rest() -> None:
    code = Browser("owner").code("web", scope="openid offline_access")
    answer = App("web").exchange(code).json()
    kept = str(everything()) + str(list(SecurityEvent.objects.values()))
    for text in (code, answer["access_token"], answer["refresh_token"], answer["id_token"], VERIFIER, "the-state"):
        assert text not in kept


# --- Revocation ----------------------------------------------------------------------------------------------------


def test_revoking_an_access_token_ends_that_token_alone() -> None:
    answer, app = offline(), App("web")
    other = app.refresh(answer["refresh_token"]).json()["access_token"]
    authorizations.revoke(answer["access_token"], facts("web"))
    assert find.access_token(answer["access_token"]) is None
    assert find.access_token(other) is not None
    assert app.refresh(answer["refresh_token"]).status_code == 200


def test_revoking_a_refresh_token_ends_its_authorization() -> None:
    answer, untouched = offline(), offline()
    authorizations.revoke(answer["refresh_token"], facts("web"))
    assert find.access_token(answer["access_token"]) is None
    assert App("web").refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"
    assert find.access_token(untouched["access_token"]) is not None


@pytest.mark.parametrize("kind", ["access_token", "refresh_token", "jwt", "id_token", "garbage", "a.b.c", "", "\ud800"])
def test_nobody_revokes_what_is_not_theirs(kind: str) -> None:
    answer = offline()
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    answer["jwt"] = offline()["access_token"]
    before = everything()
    authorizations.revoke(answer.get(kind, kind), facts("sibling"))
    assert everything() == before


def test_revoking_twice_changes_nothing() -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    answer = offline()
    for token in (answer["access_token"], answer["refresh_token"]):
        authorizations.revoke(token, facts("web"))
        before = everything()
        authorizations.revoke(token, facts("web"))
        assert everything() == before


def test_ending_an_authorization_twice_keeps_the_first_reason() -> None:
    Browser("owner").code("web")
    row = Authorization.objects.get()
    authorizations.end(str(row.pk), "the first reason")
    authorizations.end(str(row.pk), "another one")
    assert Authorization.objects.get().ended_because == "the first reason"


# --- Without a browser ---------------------------------------------------------------------------------------------


def test_an_operator_may_vouch_for_a_person() -> None:
    owner = User.objects.get(username="owner")
    row = authorizations.grant_refresh_token(facts("web"), owner, ("openid", "offline_access"), "the-refresh-token")
    answer = App("web").refresh("the-refresh-token").json()
    assert answer["scope"] == "openid offline_access"
    assert App("web").userinfo(answer["access_token"]).json() == {"sub": str(owner.sub)}
    Consent.objects.all().delete()
    assert not Authorization.objects.filter(pk=row.pk).exists()
