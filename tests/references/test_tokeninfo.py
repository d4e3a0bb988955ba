"""tokeninfo: possession is enough, and it tells the truth about live tokens only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Http
from django.utils import timezone

from accounts.models import User
from clients.models import Authorization, Client
from projects.models import Consent, Project
from tests.provider.endpoints.forging import resigned
from tests.world import ORDERS, App, Browser, Response, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
INVALID = {"error": "invalid_token", "error_description": "Invalid Value"}


def tokeninfo(**params: Any) -> Response:
    return App("web").post("/oauth2/tokeninfo", params, auth=None)


def test_an_access_token_of_a_person() -> None:
    tokens = Browser("owner").tokens("web", scope="openid email offline_access", resource=ORDERS)
    info = tokeninfo(access_token=tokens["access_token"]).json()
    sub = str(User.objects.get(username="owner").sub)
    assert info.pop("exp") > 0
    assert 3590 < info.pop("expires_in") <= 3600
    assert info == {
        "issued_to": "web",
        "azp": "web",
        "audience": ORDERS,
        "aud": ORDERS,
        "scope": "openid email offline_access",
        "access_type": "offline",
        "user_id": sub,
        "sub": sub,
        "email": "owner@people.example",
        "email_verified": True,
    }


def test_without_openid_and_email_it_says_nothing_of_the_person() -> None:
    info = tokeninfo(access_token=Browser("owner").tokens("web", scope="orders.read")["access_token"]).json()
    assert not {"sub", "user_id", "email"} & set(info)


def test_access_type_is_online_without_a_live_refresh_token() -> None:
    token = Browser("owner").tokens("web", scope="openid")["access_token"]
    assert tokeninfo(access_token=token).json()["access_type"] == "online"


def test_a_clients_own_token() -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    info = tokeninfo(access_token=token).json()
    assert (info["sub"], info["aud"]) == ("service", "service")
    assert "user_id" not in info


def test_the_authorization_header_works_by_get_and_post() -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    got = Http().get("/oauth2/tokeninfo", HTTP_AUTHORIZATION=f"bearer {token}")
    posted = App("web").post("/oauth2/tokeninfo", {}, auth=f"Bearer {token}")
    assert got.json()["sub"] == posted.json()["sub"] == "service"


@pytest.mark.parametrize("path", ["/oauth2/tokeninfo", "/oauth2/userinfo"])
@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_with_the_token_in_the_header_the_body_may_be_of_any_type(path: str, content_type: str) -> None:
    """Only a form can carry a token (RFC 6750 section 2.2): in anything else none is looked for."""
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    body = f'{{"access_token": "{token}"}}'
    answer = Http().post(path, body, content_type=content_type, HTTP_AUTHORIZATION=f"Bearer {token}")
    assert (answer.status_code, answer.json().get("sub")) == (200, "service")
    wrong = Http().post(path, body, content_type=content_type, HTTP_AUTHORIZATION="Bearer x")
    assert (wrong.status_code >= 400, wrong.json()["error"]) == (True, "invalid_token")
    assert Http().post(path, body, content_type=content_type).status_code >= 400


def test_an_id_token_gives_its_verified_claims() -> None:
    tokens = Browser("owner").tokens("web")
    assert tokeninfo(id_token=tokens["id_token"]).json()["azp"] == "web"
    head, body, _signature = tokens["id_token"].split(".")
    forged = tokeninfo(id_token=f"{head}.{body}.{'A' * 342}")
    assert (forged.status_code, forged.json()) == (400, INVALID)


def test_one_kind_of_token_is_not_the_other() -> None:
    tokens = Browser("owner").tokens("web", scope="openid offline_access")
    for params in (
        {"access_token": tokens["id_token"]},
        {"access_token": tokens["refresh_token"]},
        {"id_token": tokens["access_token"]},
        {"access_token": "unknown"},
    ):
        response = tokeninfo(**params)
        assert (response.status_code, response.json()) == (400, INVALID)


def soon() -> dict[str, object]:
    return {"tokens_not_before": timezone.now() + timedelta(seconds=1)}


ENDINGS: dict[str, Callable[[], object]] = {
    "person deactivated": lambda: User.objects.filter(username="member").update(is_active=False),
    "person deleted": lambda: User.objects.get(username="member").delete(),
    "person's tokens ended": lambda: User.objects.filter(username="member").update(**soon()),
    "client disabled": lambda: Client.objects.filter(client_id="web").update(enabled=False),
    "client deleted": lambda: Client.objects.get(client_id="web").delete(),
    "client's tokens ended": lambda: Client.objects.filter(client_id="web").update(**soon()),
    "project's tokens ended": lambda: Project.objects.filter(key="acme").update(**soon()),
    "project back in testing": lambda: Project.objects.filter(key="acme").update(status="testing"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_ends_tokens_ends_both_kinds(ending: str) -> None:
    tokens = Browser("member").tokens("web")
    other = Browser("owner").tokens("stranger")["id_token"]
    ENDINGS[ending]()
    assert tokeninfo(access_token=tokens["access_token"]).json() == INVALID
    assert tokeninfo(id_token=tokens["id_token"]).json() == INVALID
    assert tokeninfo(id_token=other).json()["azp"] == "stranger", "whom it does not concern keeps theirs"


@pytest.mark.parametrize("party", ["web", "sibling"])
@pytest.mark.parametrize("ending", [lambda one: one.update(enabled=False), lambda one: one.get().delete()])
def test_an_id_token_for_a_sibling_needs_both_clients(party: str, ending: Callable[[Any], object]) -> None:
    refresh_token = Browser("owner").tokens("web", scope="openid offline_access")["refresh_token"]
    token = App("web").refresh(refresh_token, audience="sibling").json()["id_token"]
    assert tokeninfo(id_token=token).json()["aud"] == "sibling"
    ending(Client.objects.filter(client_id=party))
    assert tokeninfo(id_token=token).json() == INVALID


def test_an_id_token_is_ours_and_not_expired() -> None:
    token = Browser("owner").tokens("web")["id_token"]
    claims = claims_of(token)
    assert tokeninfo(id_token=token).json() == claims
    for issuer in ("https://other.example", "http://localhost:8000/", None):
        assert tokeninfo(id_token=resigned(token, iss=issuer)).json() == INVALID
    assert tokeninfo(id_token=resigned(token, without="iss")).json() == INVALID
    with time_machine.travel(claims["exp"] - 1, tick=False):
        assert tokeninfo(id_token=token).status_code == 200
    with time_machine.travel(claims["exp"], tick=False):
        assert tokeninfo(id_token=token).json() == INVALID


@pytest.mark.parametrize("model", [Consent, Authorization])
def test_a_taken_back_consent_ends_the_access_token(model: Any) -> None:
    tokens = Browser("owner").tokens("web")
    model.objects.all().delete()
    assert tokeninfo(access_token=tokens["access_token"]).json() == INVALID


def test_a_token_in_the_uri_is_refused_unless_the_deployment_accepts_it(settings: Any) -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    response = Http().get(f"/oauth2/tokeninfo?access_token={token}")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    settings.IDP_TOKENINFO_QUERY = True
    assert Http().get(f"/oauth2/tokeninfo?access_token={token}").json()["sub"] == "service"


def test_two_tokens_are_one_too_many() -> None:
    tokens = Browser("owner").tokens("web")
    assert tokeninfo(id_token=tokens["id_token"]).status_code == 200
    answers = (
        tokeninfo(id_token=tokens["id_token"], access_token="x"),
        App("web").post("/oauth2/tokeninfo", {"id_token": tokens["id_token"]}, auth="Bearer x"),
    )
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("in_query", [False, True])
def test_one_token_in_two_places_is_one_too_many(settings: Any, *, in_query: bool) -> None:
    """RFC 6750 section 2, also where the deployment takes one in the URI."""
    settings.IDP_TOKENINFO_QUERY = in_query
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    answer = App("web").post("/oauth2/tokeninfo", {"access_token": token}, auth=f"Bearer {token}")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    twice = Http().get(f"/oauth2/tokeninfo?access_token={token}", HTTP_AUTHORIZATION="Bearer x")
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
    assert ("once" in twice.json()["error_description"]) is in_query


def test_an_empty_token_in_a_uri_is_none_where_one_is_taken(settings: Any) -> None:
    settings.IDP_TOKENINFO_QUERY = True
    answer = Http().get("/oauth2/tokeninfo?access_token=")
    assert answer.json()["error_description"] == "Send access_token or id_token in the request body."


def test_no_token_at_all_is_a_bad_request() -> None:
    assert tokeninfo().json()["error"] == "invalid_request"


def test_a_header_that_cannot_be_read_is_what_is_wrong() -> None:
    """Servers hand over one that is not ASCII as an empty one; whoever sent the token in the body need not hear how."""
    form = "application/x-www-form-urlencoded"
    answer = Http().post("/oauth2/tokeninfo", "access_token=x", content_type=form, HTTP_AUTHORIZATION="")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer.json()["error_description"] == "The Authorization header is empty, or not ASCII."
    assert tokeninfo().json()["error_description"] == "Send access_token or id_token in the request body."
