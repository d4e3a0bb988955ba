"""Tokens through the browser (implicit and hybrid flows): behind two switches, and bounded like all others."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from clients.models import AccessToken, Authorization, Client, Grant, RefreshToken
from clients.models.response_type import ResponseType
from idp import checks
from idp.discovery import metadata
from projects.models import Api
from provider.protocol.claims import half_hash
from provider.protocol.response_modes import CODE, LEGACY
from tests.world import BILLING, FOREIGN, ISSUER, ORDERS, WEB_CB, App, Browser, Response, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]


@pytest.fixture
def legacy(settings: Any) -> None:
    settings.IDP_LEGACY_RESPONSE_TYPES = True
    Client.objects.filter(client_id__in=["web", "spa"]).update(response_types=[CODE, *LEGACY])


def in_fragment(response: Response) -> dict[str, str]:
    assert response.status_code in (302, 303), response.content[:300]
    url = urlsplit(response["Location"])
    assert response["Location"].startswith(f"{WEB_CB}#")
    return dict(parse_qsl(url.fragment))


def answer(response_type: str, browser: Browser | None = None, **params: Any) -> dict[str, str]:
    browser = browser or Browser("owner")
    page = browser.authorize("web", response_type=response_type, **params)
    return in_fragment(browser.answer(page) if page.status_code == 200 else page)


def refused(response_type: str, **params: Any) -> str:
    answered = in_fragment(Browser("owner").authorize("web", response_type=response_type, **params))
    assert answered["state"] == "the-state"
    return answered["error"]


# --- The switches --------------------------------------------------------------------------------------------------


def test_the_registry_and_the_protocol_know_the_same() -> None:
    assert tuple(ResponseType.values) == (CODE, *LEGACY)


@pytest.mark.parametrize("response_type", LEGACY)
@pytest.mark.parametrize("switch", ["deployment", "client"])
def test_one_switch_is_not_enough(settings: Any, response_type: str, switch: str) -> None:
    settings.IDP_LEGACY_RESPONSE_TYPES = switch == "deployment"
    if switch == "client":
        Client.objects.filter(client_id="web").update(response_types=[CODE, *LEGACY])
    answered = redirected(Browser("owner").authorize("web", response_type=response_type))
    assert (answered["error"], answered["state"]) == ("unsupported_response_type", "the-state")


def test_a_client_gets_those_it_registered_and_no_others(legacy: None) -> None:
    Client.objects.filter(client_id="web").update(response_types=["id_token"])
    assert answer("id_token").keys() == {"id_token", "state", "iss"}
    for other in ("code", "token", "code id_token"):
        answered = redirected(Browser("owner").authorize("web", response_type=other))
        assert answered["error"] == "unsupported_response_type"


def test_discovery_and_the_checks_say_so(settings: Any) -> None:
    assert metadata()["response_types_supported"] == [CODE]
    assert checks.legacy_response_types(None) == []
    settings.IDP_LEGACY_RESPONSE_TYPES = True
    assert metadata()["response_types_supported"] == [CODE, *LEGACY]
    assert [one.id for one in checks.legacy_response_types(None)] == ["idp.W010"]


# --- What arrives --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("response_type", LEGACY)
@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_what_the_type_names_arrives_and_nothing_else(legacy: None, response_type: str, token_format: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=token_format)
    found = answer(response_type, scope="openid email offline_access")
    kinds = set(response_type.split())
    assert ("code" in found, "id_token" in found) == ("code" in kinds, "id_token" in kinds)
    assert ("access_token" in found, "expires_in" in found) == ("token" in kinds, "token" in kinds)
    assert (found["state"], found["iss"]) == ("the-state", ISSUER)
    assert "refresh_token" not in found
    assert not RefreshToken.objects.exists()
    assert AccessToken.objects.count() == ("token" in kinds and token_format == "opaque")
    if "token" in kinds:
        assert (found["token_type"], found["scope"]) == ("Bearer", "openid email offline_access")
        assert App("web").userinfo(found["access_token"]).json()["email"] == "owner@people.example"
        assert App("web").introspect(found["access_token"]).json()["aud"] == "web"
    if "id_token" in kinds:
        claims = claims_of(found["id_token"])
        assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "web", "the-nonce")
        assert claims.get("at_hash") == (half_hash(found["access_token"]) if "token" in kinds else None)
        assert claims.get("c_hash") == (half_hash(found["code"]) if "code" in kinds else None)
    if "code" in kinds:
        tokens = App("web").exchange(found["code"]).json()
        assert tokens["refresh_token"], "the code is like any other"
        assert claims_of(tokens["id_token"])["nonce"] == "the-nonce"


@pytest.mark.parametrize("response_type", ["token id_token", "id_token token"])
def test_the_order_of_response_types_is_no_matter(legacy: None, response_type: str) -> None:
    assert {"id_token", "access_token"} <= answer(response_type).keys()


@pytest.mark.parametrize("response_type", LEGACY)
@pytest.mark.parametrize("mode", ["query", "query.jwt"])
def test_no_token_stands_in_a_query(legacy: None, response_type: str, mode: str) -> None:
    assert refused(response_type, response_mode=mode) == "invalid_request"


def test_a_form_and_a_signed_answer_bring_them_too(legacy: None) -> None:
    browser = Browser("owner")
    browser.code("web")
    page = browser.authorize("web", response_type="id_token", response_mode="form_post")
    assert 'name="id_token"' in page.content.decode()
    signed = answer("id_token token", browser, response_mode="jwt")
    assert signed.keys() == {"response"}
    assert {"access_token", "id_token", "state", "iss", "aud", "exp"} <= claims_of(signed["response"]).keys()


@pytest.mark.parametrize("response_type", LEGACY)
def test_an_id_token_through_the_browser_needs_a_nonce_and_openid(legacy: None, response_type: str) -> None:
    browser = Browser("owner")
    for params, error in (({"nonce": None}, "invalid_request"), ({"scope": "email"}, "invalid_scope")):
        response = browser.authorize("web", response_type=response_type, **params)
        if "id_token" in response_type.split():
            assert in_fragment(response)["error"] == error
        else:
            assert response.status_code == 200


def test_nobody_is_asked_for_a_challenge_where_there_is_no_code(legacy: None) -> None:
    none = {"code_challenge": None, "code_challenge_method": None}
    browser = Browser("owner")
    assert browser.authorize("spa", response_type="id_token", **none).status_code == 200
    hybrid = browser.authorize("spa", response_type="code id_token", **none)
    assert "code_challenge+is+required" in hybrid["Location"]


def test_errors_of_the_sign_in_arrive_in_the_fragment(legacy: None) -> None:
    silent = Browser().authorize("web", response_type="id_token", prompt="none")
    assert in_fragment(silent)["error"] == "login_required"
    browser = Browser("owner")
    denied = browser.answer(browser.authorize("web", response_type="token"), "deny")
    assert in_fragment(denied)["error"] == "access_denied"


def test_no_program_on_the_device_gets_tokens_that_nobody_redeems_unseen(legacy: None) -> None:
    """RFC 8252 section 8.6: only a code brings a confidential client back to prove itself."""
    Client.objects.filter(client_id="desk").update(redirect_uris="com.house.desk:/cb", response_types=[CODE, *LEGACY])
    browser = Browser("owner")
    asked = {"redirect_uri": "com.house.desk:/cb", "scope": "openid email"}
    assert browser.authorize("desk", **asked).status_code == 302, "nobody is asked in this project"
    for _time in range(2):
        page = browser.authorize("desk", response_type="id_token token", **asked)
        assert page.status_code == 200, "but here every time"
        assert "access_token=" in browser.answer(page)["Location"]


# --- What they are good for ----------------------------------------------------------------------------------------


def test_audiences_are_bounded_as_anywhere(legacy: None) -> None:
    found = answer("token", scope="openid orders.read", audience=[ORDERS])
    looked = App("web").introspect(found["access_token"]).json()
    assert (looked["aud"], looked["scope"]) == (ORDERS, "openid orders.read")
    assert refused("token", audience="https://elsewhere.example/") == "invalid_target"
    assert refused("token", audience="stranger") == "invalid_audience"


def test_what_the_person_did_not_allow_is_not_in_it(legacy: None) -> None:
    browser = Browser("owner")
    page = browser.authorize("web", response_type="token", scope="openid email", audience=[ORDERS, BILLING])
    found = in_fragment(browser.answer(page, scope=[], audience=[BILLING]))
    looked = App("web").introspect(found["access_token"]).json()
    assert (looked["aud"], looked["scope"]) == (BILLING, "openid")


def test_an_api_decides_what_tokens_for_it_are_like(legacy: None) -> None:
    Api.objects.filter(identifier=ORDERS).update(token_format="jwt", token_lifetime=77)
    found = answer("token", scope="orders.read", audience=ORDERS)
    claims = claims_of(found["access_token"])
    assert (claims["aud"], claims["exp"] - claims["iat"], found["expires_in"]) == (ORDERS, 77, "77")
    assert claims["jti"].startswith(f"{Authorization.objects.get().pk}.")


def test_another_projects_api_shares_no_token_and_that_is_told_before_anybody_is_asked(legacy: None) -> None:
    Api.objects.filter(identifier=FOREIGN).update(shared="public")
    web = Client.objects.get(client_id="web")
    web.audience_entries.create(value=FOREIGN)
    assert refused("token", audience=[ORDERS, FOREIGN]) == "invalid_target"
    assert not Authorization.objects.exists()


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_they_die_with_their_authorization(legacy: None, token_format: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=token_format)
    found = answer("code token")
    assert App("web").userinfo(found["access_token"]).status_code == 200
    Authorization.objects.update(ended_at="2026-01-01T00:00:00Z", ended_because="test")
    assert App("web").userinfo(found["access_token"]).status_code == 401
    assert App("web").exchange(found["code"]).status_code == 400


def test_a_code_that_comes_twice_ends_the_token_that_came_with_it(legacy: None) -> None:
    found = answer("code token")
    assert App("web").exchange(found["code"]).status_code == 200
    Grant.objects.update(used_at="2026-01-01T00:00:00Z")
    assert App("web").exchange(found["code"]).status_code == 400
    assert App("web").userinfo(found["access_token"]).status_code == 401


@pytest.mark.parametrize("bound", ["dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"])
def test_a_client_whose_tokens_are_bound_gets_none_this_way(legacy: None, bound: str) -> None:
    """Rule G4: what is demanded of a client holds for every path that mints for it."""
    Client.objects.filter(client_id="web").update(**{bound: True})
    for response_type in LEGACY:
        if "token" in response_type.split():
            assert refused(response_type) == "unauthorized_client"
    assert answer("code id_token")["id_token"]
