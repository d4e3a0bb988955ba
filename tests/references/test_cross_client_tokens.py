"""With its own refresh token and `audience=<another client of the project>` a client gets that client an ID token."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from clients.models import AccessToken, Client, RefreshToken, SecurityEvent
from projects.models import Project
from tests.world import ISSUER, App, Browser, claims_of, header_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
REFUSAL = {
    "error": "invalid_audience",
    "error_description": "The audience client and the client need to be in the same project.",
}


@pytest.fixture
def refresh_token(world: None) -> str:
    return str(Browser("owner").tokens("web", scope="openid email offline_access")["refresh_token"])


def test_a_client_gets_an_id_token_for_its_sibling(refresh_token: str) -> None:
    response = App("web").refresh(refresh_token, audience="sibling")
    assert response.status_code == 200, response.content
    answer = response.json()
    assert set(answer) == {"access_token", "expires_in", "scope", "token_type", "id_token"}
    assert answer["token_type"] == "Bearer"
    claims = claims_of(answer["id_token"])
    own = claims_of(App("web").refresh(refresh_token).json()["id_token"])
    assert (claims["aud"], claims["azp"], claims["iss"]) == ("sibling", "web", ISSUER)
    assert claims["sub"] == own["sub"]
    assert claims["email"] == "owner@people.example"
    assert header_of(answer["id_token"])["alg"] == "ES256", "signed as the target registered"
    assert claims["exp"] - claims["iat"] == 600, "the shorter of both lifetimes"
    assert claims["auth_time"] == own["auth_time"]
    assert {"at_hash", "jti"} <= set(claims)
    assert not {"nonce", "sid", "c_hash"} & set(claims)


def test_the_access_token_still_belongs_to_the_caller(refresh_token: str) -> None:
    answer = App("web").refresh(refresh_token, audience="sibling").json()
    described = App("web").introspect(answer["access_token"]).json()
    assert (described["client_id"], described["aud"]) == ("web", "web")
    assert App("sibling").introspect(answer["access_token"]).json() == {"active": False}


def test_it_writes_an_event_with_both_client_ids(refresh_token: str) -> None:
    App("web").refresh(refresh_token, audience="sibling")
    event = SecurityEvent.objects.get(kind="token.cross_client")
    assert (event.client_id, event.target_client_id) == ("web", "sibling")


def test_it_works_at_the_code_too(world: None) -> None:
    code = Browser("owner").code("web", scope="openid", audience="sibling")
    claims = claims_of(App("web").exchange(code, audience="sibling").json()["id_token"])
    assert (claims["aud"], claims["azp"]) == ("sibling", "web")
    assert "nonce" not in claims


def test_asking_at_authorize_alone_gives_the_callers_own_id_token(world: None) -> None:
    code = Browser("owner").code("web", scope="openid", audience="sibling")
    claims = claims_of(App("web").exchange(code).json()["id_token"])
    assert (claims["aud"], claims["azp"], claims["nonce"]) == ("web", "web", "the-nonce")


def _policy_off() -> None:
    Project.objects.filter(key="acme").update(cross_client="off")


def _disabled() -> None:
    Client.objects.filter(client_id="sibling").update(enabled=False)


@pytest.mark.parametrize(
    ("audience", "change"),
    [
        ("nobody", None),
        ("stranger", None),
        ("retired", None),
        ("picky", None),
        ("SIBLING", None),
        ("sibling", _policy_off),
        ("sibling", _disabled),
        ("sibling picky", None),
        ("urn:acme:unknown", None),
        ("sibling\u00e9", None),
    ],
)
def test_every_refusal_is_the_same_answer(refresh_token: str, audience: str, change: Any) -> None:
    if change:
        change()
    tokens = AccessToken.objects.count(), RefreshToken.objects.count()
    response = App("web").refresh(refresh_token, audience=audience)
    assert (response.status_code, response.json()) == (400, REFUSAL)
    assert (AccessToken.objects.count(), RefreshToken.objects.count()) == tokens, "nothing is issued"
    event = SecurityEvent.objects.get(kind="token.cross_client_refused", client_id="web")
    assert event.sub == str(User.objects.get(username="owner").sub)
    assert App("web").refresh(refresh_token).status_code == 200, "and nothing is consumed"


def test_two_targets_at_once_are_refused(refresh_token: str) -> None:
    Client.objects.get(client_id="picky").allowed_callers.clear()
    assert App("web").refresh(refresh_token, audience=["sibling", "picky"]).json() == REFUSAL


def test_a_public_client_needs_an_administrators_leave(world: None) -> None:
    answer = Browser("owner").tokens("spa", scope="openid offline_access")
    assert App("spa").refresh(answer["refresh_token"], audience="sibling").json() == REFUSAL
    Client.objects.filter(client_id="spa").update(cross_client_public=True)
    response = App("spa").refresh(answer["refresh_token"], audience="sibling")
    assert response.status_code == 200
    assert "refresh_token" in response.json(), "a public client's refresh token rotates"


def test_without_openid_there_is_no_id_token_to_give(refresh_token: str) -> None:
    response = App("web").refresh(refresh_token, audience="sibling", scope="email")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


def test_client_credentials_speak_of_nobody(world: None) -> None:
    response = App("web").token(grant_type="client_credentials", audience="sibling")
    assert (response.status_code, response.json()) == (400, REFUSAL)


def test_the_own_client_id_is_no_target(refresh_token: str) -> None:
    claims = claims_of(App("web").refresh(refresh_token, audience="web").json()["id_token"])
    assert claims["aud"] == "web"


def test_a_foreign_target_at_authorize_is_refused_at_once(world: None) -> None:
    response = Browser("owner").authorize("web", audience="stranger")
    assert "error=invalid_audience" in response["Location"]
    assert "state=the-state" in response["Location"]


def test_the_consent_page_names_the_target(world: None) -> None:
    assert "Acme sibling" in Browser("owner").authorize("web", audience="sibling").content.decode()
