"""A service gets a token for itself: opaque or JWT, as long as its client says, for its own id or what it asks."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Http

from clients.models import AudienceEntry, Client, RefreshToken
from projects.models import Api
from tests.world import BILLING, ISSUER, ORDERS, App, Response, claims_of, header_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]


def own_token(client_id: str = "service", **params: Any) -> dict[str, Any]:
    response = App(client_id).token(grant_type="client_credentials", **params)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def test_the_answer_has_no_refresh_token_and_no_id_token() -> None:
    answer = own_token()
    assert set(answer) == {"access_token", "expires_in", "token_type", "scope"}
    assert (answer["expires_in"], answer["token_type"], answer["scope"]) == (3600, "Bearer", "orders.read")
    assert not RefreshToken.objects.exists()


def test_subject_and_audience_are_the_client() -> None:
    described = App("service").introspect(own_token()["access_token"]).json()
    assert (described["sub"], described["aud"], described["client_id"]) == ("service", "service", "service")


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_token_may_live_a_week(token_format: str) -> None:
    Client.objects.filter(client_id="service").update(access_token_lifetime=604_800, access_token_format=token_format)
    answer = own_token()
    described = App("service").introspect(answer["access_token"]).json()
    assert answer["expires_in"] == described["exp"] - described["iat"] == 604_800


def test_a_jwt_says_what_introspection_says() -> None:
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    token = own_token()["access_token"]
    claims, described = claims_of(token), App("service").introspect(token).json()
    assert header_of(token)["typ"] == "at+jwt"
    assert (claims["iss"], claims["sub"], claims["client_id"]) == (ISSUER, "service", "service")
    for name in ("iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope"):
        assert claims[name] == described[name], name


def test_an_api_may_decide_the_format_and_shorten_the_lifetime() -> None:
    Api.objects.filter(identifier=ORDERS).update(token_format="jwt", token_lifetime=60)
    answer = own_token("web", resource=ORDERS)
    assert answer["access_token"].count(".") == 2
    assert answer["expires_in"] == 60
    Api.objects.filter(identifier=BILLING).update(token_format="opaque")
    both = own_token("web", resource=[ORDERS, BILLING])
    assert "." not in both["access_token"], "one API that wants to introspect is enough"
    assert both["expires_in"] == 60


@pytest.mark.parametrize("scope", ["openid", "orders.read profile", "offline_access"])
def test_scopes_that_speak_of_people_do_not_apply(scope: str) -> None:
    Client.objects.filter(client_id="service").update(scope="openid profile offline_access orders.read")
    response = App("service").token(grant_type="client_credentials", scope=scope)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


def test_credentials_work_in_the_header_or_in_the_body() -> None:
    form = {"grant_type": "client_credentials", "client_id": "service", "client_secret": "service-secret"}
    assert App("service").post("/oauth2/token", form, auth=None).status_code == 200
    assert App("service").token(grant_type="client_credentials").status_code == 200


def _in_the_uri(**extra: str) -> Response:
    query = {"client_id": "service", "client_secret": "service-secret", **extra}
    form = "application/x-www-form-urlencoded"
    return Http().post(f"/oauth2/token?{urlencode(query)}", "grant_type=client_credentials", content_type=form)


def test_credentials_in_the_uri_are_refused_and_the_answer_says_why() -> None:
    response = _in_the_uri()
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert "logs" in response.json()["error_description"]


def test_old_apps_may_keep_them_there_when_the_deployment_says_so(settings: Any) -> None:
    settings.IDP_LEGACY_QUERY_CREDENTIALS = True
    assert _in_the_uri().status_code == 200
    assert _in_the_uri(client_secret="wrong").status_code == 401
    assert _in_the_uri(grant_type="client_credentials").json()["error"] == "invalid_request", "sent twice"


def test_old_apps_may_send_everything_in_the_uri_where_a_deployment_lets_them(settings: Any) -> None:
    query = "grant_type=client_credentials&client_id=service&client_secret=service-secret"
    without_a_type = partial(Http().generic, "POST", f"/oauth2/token?{query}", b"", content_type="")
    refused = without_a_type().json()
    assert (refused["error"], "logs" in refused["error_description"]) == ("invalid_request", True)
    settings.IDP_LEGACY_QUERY_CREDENTIALS = True
    assert without_a_type().json()["token_type"] == "Bearer"
    twice = Http().generic("POST", f"/oauth2/token?{query}&grant_type=x", b"", content_type="")
    assert twice.json()["error"] == "invalid_request"


def test_default_entries_are_what_nothing_asked_means() -> None:
    AudienceEntry.objects.filter(client__client_id="web", value=ORDERS).update(default=True)
    described = App("web").introspect(own_token("web")["access_token"]).json()
    assert described["aud"] == ORDERS


def test_userinfo_tells_a_service_who_it_is() -> None:
    assert App("service").userinfo(own_token()["access_token"]).json() == {
        "sub": "service",
        "client_id": "service",
        "name": "Acme service",
    }


def test_a_public_client_has_no_credentials_to_use() -> None:
    response = App("spa").token(grant_type="client_credentials")
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")
