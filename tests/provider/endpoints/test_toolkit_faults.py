"""What the toolkit gets wrong, measured, and we do not: one test per fault that lies on a path we offer."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from oauth2_provider.views.generic import ProtectedResourceView

from accounts.models import User
from clients.models import AccessToken, Client
from provider import throttle
from tests.world import (
    BILLING,
    CHALLENGE,
    ISSUER,
    ORDERS,
    VERIFIER,
    App,
    Browser,
    basic,
    header_of,
    redirected,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]


@pytest.fixture
def tokens() -> dict[str, Any]:
    return Browser("owner").tokens("web", scope="openid email offline_access")


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


# --- It answered 500 -----------------------------------------------------------------------------------------------


def test_prompt_none_fails() -> None:
    for browser in (Browser(), Browser("owner")):
        assert redirected(browser.authorize("web", prompt="none"))["error"] in ("login_required", "consent_required")


def test_userinfo_fails_with_a_client_token() -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    assert App("service").userinfo(token).json()["sub"] == "service"


def test_a_tampered_client_id_of_the_consent_form_fails() -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    for other in ("nobody", "%00", "stranger"):
        action = page.context["action"].replace("client_id=web", f"client_id={other}")
        answer = browser.http.post(action, {"decision": "allow", "seen": page.context["seen"]})
        assert (answer.status_code, "Location" in answer) == (400, False)


def test_a_malformed_ipv6_resource_fails(tokens: dict[str, Any]) -> None:
    assert redirected(Browser("owner").authorize("web", resource="http://[::1"))["error"] == "invalid_target"
    assert error(App("web").refresh(tokens["refresh_token"], resource="http://[::1")) == (400, "invalid_target")


# --- Security ------------------------------------------------------------------------------------------------------


def test_any_client_introspects_any_token(tokens: dict[str, Any]) -> None:
    for client_id in ("sibling", "service", "stranger"):
        assert App(client_id).introspect(tokens["access_token"]).json() == {"active": False}


def test_introspection_by_get(tokens: dict[str, Any]) -> None:
    query = f"/oauth2/introspect?token={tokens['access_token']}"
    response = App("web").http.get(query, HTTP_AUTHORIZATION=basic("web", "web-secret"))
    assert response.status_code == 405


def test_introspection_without_no_store_sub_and_iss(tokens: dict[str, Any]) -> None:
    response = App("web").introspect(tokens["access_token"])
    assert response["Cache-Control"] == "no-store"
    assert response.json()["iss"] == ISSUER
    assert response.json()["sub"] == str(User.objects.get(username="owner").sub)


def test_deactivated_users_keep_their_tokens_and_codes(tokens: dict[str, Any]) -> None:
    code = Browser("owner").code("web")
    User.objects.filter(username="owner").update(is_active=False)
    assert App("web").userinfo(tokens["access_token"]).status_code == 401
    assert App("web").introspect(tokens["access_token"]).json() == {"active": False}
    assert error(App("web").refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert error(App("web").exchange(code)) == (400, "invalid_grant")


def test_a_public_client_authenticates_with_an_empty_secret() -> None:
    """It is named, as by its client_id alone, and gets no more than that."""
    form = {"grant_type": "client_credentials", "token": "x"}
    assert error(App("spa").post("/oauth2/token", form, auth=basic("spa", ""))) == (400, "unauthorized_client")
    assert App("spa").post("/oauth2/introspect", form, auth=basic("spa", "")).status_code == 403
    assert error(App("web").post("/oauth2/token", form, auth=basic("web", ""))) == (401, "invalid_client")
    assert App("spa").post("/oauth2/introspect", {"token": "x", "client_secret": ""}).status_code == 403
    form = {"grant_type": "client_credentials", "client_secret": ""}
    assert error(App("spa").post("/oauth2/token", form)) == (400, "unauthorized_client")


def test_a_wrong_header_is_rescued_by_the_body() -> None:
    form = {"grant_type": "client_credentials", "client_id": "web", "client_secret": "web-secret"}
    for secret in ("wrong", "web-secret"):
        response = App("web").post("/oauth2/token", form, auth=basic("web", secret))
        assert error(response) == (400, "invalid_request"), "nor are both at once accepted"


def test_the_scheme_is_case_sensitive() -> None:
    header = basic("web", "web-secret").replace("Basic", "bASIC")
    response = App("web").post("/oauth2/token", {"grant_type": "client_credentials"}, auth=header)
    assert response.status_code == 200


def test_the_401_challenge_says_bearer() -> None:
    response = App("web").post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("web", "wrong"))
    assert response["WWW-Authenticate"].startswith("Basic ")


def test_of_duplicate_parameters_the_last_wins() -> None:
    pairs = [("grant_type", "client_credentials"), ("scope", "orders.read"), ("scope", "orders.write")]
    assert error(App("web").post("/oauth2/token", pairs)) == (400, "invalid_request")


def test_a_replayed_code_revokes_nothing() -> None:
    code = Browser("owner").code("web", scope="openid offline_access")
    answer = App("web").exchange(code).json()
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        assert error(App("web").exchange(code)) == (400, "invalid_grant")
    assert App("web").userinfo(answer["access_token"]).status_code == 401
    assert error(App("web").refresh(answer["refresh_token"])) == (400, "invalid_grant")


def test_narrowing_shrinks_the_grant_for_ever() -> None:
    token = Browser("owner").tokens("web", scope="openid email offline_access", resource=[ORDERS, BILLING])
    App("web").refresh(token["refresh_token"], scope="openid", resource=ORDERS)
    after = App("web").refresh(token["refresh_token"]).json()
    assert after["scope"] == "openid email offline_access"
    assert App("web").introspect(after["access_token"]).json()["aud"] == [ORDERS, BILLING]


def test_a_refresh_token_granted_no_resource_asks_for_any(tokens: dict[str, Any]) -> None:
    assert error(App("web").refresh(tokens["refresh_token"], resource=ORDERS)) == (400, "invalid_target")


def test_a_replay_in_the_grace_window_gives_the_old_token() -> None:
    first = Browser("owner").tokens("spa", scope="openid offline_access")["refresh_token"]
    one, two = App("spa").refresh(first).json(), App("spa").refresh(first).json()
    assert one["access_token"] != two["access_token"]
    assert one["refresh_token"] == two["refresh_token"]


def test_any_resource_for_any_client() -> None:
    response = App("service").token(grant_type="client_credentials", resource=ORDERS)
    assert error(response) == (400, "invalid_target")


@pytest.mark.parametrize("challenge", [(VERIFIER, "plain"), (VERIFIER, None), ("short", "S256"), (CHALLENGE, "S512")])
def test_plain_and_malformed_challenges_are_accepted(challenge: tuple[str, str | None]) -> None:
    value, method = challenge
    answer = Browser("owner").authorize("spa", code_challenge=value, code_challenge_method=method)
    assert redirected(answer)["error"] == "invalid_request"


def test_a_bearer_token_in_the_query_of_userinfo(tokens: dict[str, Any]) -> None:
    assert error(App("web").http.get(f"/oauth2/userinfo?access_token={tokens['access_token']}"))[0] == 400


def test_denying_a_tampered_form_redirects_to_the_attacker() -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    action = page.context["action"].replace("web.acme.example", "evil.example")
    form = {"decision": "deny", "seen": page.context["seen"], "redirect_uri": "https://evil.example/cb"}
    assert "Location" not in browser.http.post(action, form)


def test_approval_prompt_auto_skips_consent() -> None:
    assert Browser("owner").authorize("web", approval_prompt="auto").status_code == 200


def test_secrets_may_be_guessed_without_a_limit() -> None:
    def ask(secret: str) -> int:
        return (
            App("web")
            .post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("web", secret))
            .status_code
        )

    assert {ask("wrong") for _ in range(throttle.PER_CLIENT)} == {401}
    assert ask("wrong") == 429


def test_an_id_token_is_a_bearer_token_at_protected_views(tokens: dict[str, Any]) -> None:
    """At views behind the toolkit's own mixin too, where an access token for that place is let in."""

    class Orders(ProtectedResourceView):
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("let in")

    def get(token: str) -> int:
        request = RequestFactory().get("/orders", HTTP_AUTHORIZATION=f"Bearer {token}")
        return int(Orders.as_view()(request).status_code)

    AccessToken.objects.update(resource=[f"{ISSUER}/orders"])
    assert get(tokens["access_token"]) == 200
    for wrong in (tokens["id_token"], tokens["refresh_token"], "x", ""):
        assert get(wrong) == 403
    AccessToken.objects.update(resource=["https://api.acme.example/orders"])
    assert get(tokens["access_token"]) == 403, "made for another place"


def test_hs256_with_a_hashed_secret() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Client.objects.filter(client_id="web").update(id_token_signed_response_alg="HS256")
    assert header_of(Browser("owner").tokens("web")["id_token"])["alg"] == "RS256"


def test_oauthlib_logs_tokens_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = Browser("owner").tokens("web", scope="openid offline_access")
    second = App("web").refresh(answer["refresh_token"]).json()
    for secret in (answer["access_token"], answer["refresh_token"], second["access_token"]):
        assert secret not in caplog.text
    assert not logging.getLogger("oauthlib.oauth2.rfc6749.grant_types.base").isEnabledFor(logging.ERROR)
