"""What the toolkit gets wrong about OpenID Connect, measured, and we do not: one test per fault."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from clients.models import Authorization
from tests.world import ISSUER, WEB_CB, App, Browser, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]


@pytest.fixture
def tokens() -> dict[str, Any]:
    return Browser("owner").tokens("web", scope="openid email offline_access")


def test_max_age_is_ignored() -> None:
    browser = Browser("owner")
    with time_machine.travel(timezone.now() + timedelta(seconds=60)):
        assert browser.authorize("web", max_age=30)["Location"].startswith("/accounts/reauthenticate/")


def test_prompt_login_is_skipped_by_following_next() -> None:
    browser = Browser("owner")
    here = browser.authorize("web", prompt="login").wsgi_request.get_full_path()
    assert browser.http.get(here)["Location"].startswith("/accounts/reauthenticate/")


def test_auth_time_is_the_last_login(tokens: dict[str, Any]) -> None:
    User.objects.filter(username="owner").update(last_login=timezone.now() + timedelta(days=1))
    claims = claims_of(App("web").refresh(tokens["refresh_token"]).json()["id_token"])
    assert claims["auth_time"] == int(Authorization.objects.get().auth_time.timestamp())


def test_id_token_hint_is_unchecked() -> None:
    assert redirected(Browser("owner").authorize("web", id_token_hint="x"))["error"] == "invalid_request"


def test_posted_authorization_requests_are_forbidden() -> None:
    form = {"response_type": "code", "client_id": "web", "redirect_uri": WEB_CB, "scope": "openid"}
    assert App("web").post("/oauth2/authorize", form, auth=None).status_code == 303


@pytest.mark.parametrize("name", ["request", "request_uri", "response_mode", "claims"])
def test_request_objects_and_modes_are_silently_ignored(name: str) -> None:
    assert redirected(Browser("owner").authorize("web", **{name: "x"}))["error"]


def test_iss_is_missing_on_errors() -> None:
    assert redirected(Browser("owner").authorize("web", scope="nonsense"))["iss"] == ISSUER


def test_the_issuer_is_taken_from_the_host_header() -> None:
    document = App("web").http.get("/.well-known/openid-configuration", HTTP_HOST="127.0.0.1:1").json()
    assert document["issuer"] == ISSUER
    assert {urlsplit(value).netloc for name, value in document.items() if name.endswith(("_endpoint", "_uri"))} == {
        urlsplit(ISSUER).netloc
    }


def test_sub_is_the_row_number(tokens: dict[str, Any]) -> None:
    owner = User.objects.get(username="owner")
    assert claims_of(tokens["id_token"])["sub"] == str(owner.sub) != str(owner.pk)


def test_signing_out_deletes_every_clients_tokens(tokens: dict[str, Any]) -> None:
    browser = Browser("owner")
    hint = browser.tokens("web")["id_token"]
    browser.http.get("/oauth2/logout", {"id_token_hint": hint})
    assert App("web").userinfo(tokens["access_token"]).status_code == 200
    assert App("web").refresh(tokens["refresh_token"]).status_code == 200


def test_signing_out_with_an_unknown_client_or_a_garbage_hint_is_a_500() -> None:
    unknown = {"client_id": "unknown", "post_logout_redirect_uri": "https://web.acme.example/"}
    for params in (unknown, {"id_token_hint": "garbage"}, {"id_token_hint": "a.b.c"}):
        assert Browser("owner").http.get("/oauth2/logout", params).status_code == 400


def test_a_code_exchange_takes_22_queries(django_assert_max_num_queries: Any) -> None:
    code = Browser("owner").code("web", scope="openid offline_access")
    with django_assert_max_num_queries(21) as asked:
        assert App("web").exchange(code).status_code == 200
    grants = [query for query in asked.captured_queries if 'FROM "clients_grant"' in query["sql"]]
    assert len(grants) <= 1, "the code's row, eight times"
