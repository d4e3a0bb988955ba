"""include_granted_scopes at the authorization endpoint: the combined authorization, as Google's clients know it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from clients.models import AudienceEntry, Authorization, Client
from projects.models import Api, ApiScope, Consent, Project
from tests.world import BILLING, ORDERS, App, Browser, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
ALLOWED = "openid email orders.read"


@pytest.fixture
def person() -> Browser:
    """Somebody who allowed the project a few things."""
    browser = Browser("owner")
    browser.code("web", scope=ALLOWED, audience=ORDERS)
    return browser


def more(person: Browser, client_id: str = "web", **params: Any) -> dict[str, Any]:
    """The tokens of a request that builds on what was allowed; no page is shown, or this fails."""
    code = redirected(person.authorize(client_id, include_granted_scopes="true", **params))["code"]
    answer: dict[str, Any] = App(client_id).exchange(code).json()
    return answer


def test_a_token_has_everything_when_nothing_narrower_is_asked(person: Browser) -> None:
    answer = more(person, scope="openid")
    assert answer["scope"] == ALLOWED
    assert App("web").introspect(answer["access_token"]).json()["aud"] == "web", "an audience has to be named"


def test_an_audience_that_came_along_is_given_to_a_request_that_names_it(person: Browser) -> None:
    page = person.authorize("web", scope="openid offline_access", include_granted_scopes="true")
    refresh = App("web").exchange(redirected(person.answer(page))["code"]).json()["refresh_token"]
    answer = App("web").refresh(refresh, audience=ORDERS).json()
    assert set(answer["scope"].split()) == {*ALLOWED.split(), "offline_access"}
    found = App("web").introspect(answer["access_token"]).json()
    assert found["aud"] == ORDERS
    assert "orders.read" in found["scope"].split()
    assert App("web").refresh(refresh, audience=BILLING).json()["error"] == "invalid_target", "never allowed"


def test_without_it_a_token_has_what_was_asked(person: Browser) -> None:
    for value in ("false", ""):
        answer = person.tokens("web", scope="openid", include_granted_scopes=value)
        assert answer["scope"] == "openid"


def test_only_what_is_new_is_asked(person: Browser) -> None:
    page = person.authorize("web", scope="openid profile", include_granted_scopes="true")
    html = page.content.decode()
    assert 'name="scope" value="profile"' in html
    for known in ("email", "orders.read"):
        assert f'name="scope" value="{known}"' not in html
    code = redirected(person.answer(page))["code"]
    assert App("web").exchange(code).json()["scope"] == "openid profile email orders.read"


def test_a_sibling_gets_what_it_registered_itself(person: Browser) -> None:
    answer = more(person, "sibling", scope="openid")
    assert answer["scope"] == "openid email"
    assert Authorization.objects.latest("created_at").audiences == [], "its allowlist is empty"


def test_a_public_client_with_an_https_address_shares_too(person: Browser) -> None:
    assert more(person, "spa", scope="openid")["scope"] == ALLOWED


@pytest.mark.parametrize("redirect_uri", ["com.acme.app:/cb", "http://127.0.0.1:4711/cb"])
def test_where_another_program_may_receive_the_code_nothing_comes_along(person: Browser, redirect_uri: str) -> None:
    Client.objects.filter(client_id="native").update(scope=ALLOWED)
    page = person.authorize("native", redirect_uri=redirect_uri, include_granted_scopes="true")
    assert 'value="email"' not in page.content.decode()
    person.answer(page)
    assert Authorization.objects.latest("created_at").scopes == ["openid"]


def test_a_client_that_registered_itself_gets_nothing_along(person: Browser) -> None:
    Client.objects.filter(client_id="sibling").update(registration_source="dcr")
    page = person.authorize("sibling", scope="openid", include_granted_scopes="true")
    person.answer(page)
    assert Authorization.objects.latest("created_at").scopes == ["openid"]


def test_first_party_projects_consented_to_nothing_that_could_come_along(person: Browser) -> None:
    Project.objects.filter(key="acme").update(consent_mode="implicit")
    assert more(person, scope="openid")["scope"] == "openid"


def test_what_the_client_lost_meanwhile_does_not_come_along(person: Browser) -> None:
    Client.objects.filter(client_id="web").update(scope="openid email profile")
    AudienceEntry.objects.filter(client__client_id="web").delete()
    assert more(person, scope="openid")["scope"] == "openid email"
    assert Authorization.objects.latest("created_at").audiences == []


def test_nothing_of_another_person_or_project_comes_along(person: Browser) -> None:
    assert Browser("member").tokens("web", include_granted_scopes="true")["scope"] == "openid"
    assert person.tokens("stranger", include_granted_scopes="true")["scope"] == "openid"


def test_prompt_consent_asks_for_all_of_it_and_what_is_left_out_does_not_come_along(person: Browser) -> None:
    page = person.authorize("web", scope="openid", prompt="consent", include_granted_scopes="true")
    for known in ("email", "orders.read"):
        assert f'name="scope" value="{known}"' in page.content.decode()
    code = redirected(person.answer(page, scope=["email"], audience=[]))["code"]
    assert App("web").exchange(code).json()["scope"] == "openid email"
    assert Authorization.objects.latest("created_at").audiences == []


def test_a_scope_allowed_elsewhere_is_asked_again_for_another_api(person: Browser) -> None:
    """What came along for one API may mean something graver at the next one."""
    ApiScope.objects.create(api=Api.objects.get(name="Billing"), name="orders.read", description="See every invoice")
    page = person.authorize("web", scope="openid", audience=BILLING, include_granted_scopes="true")
    html = page.content.decode()
    assert 'name="scope" value="orders.read"' in html
    assert "See every invoice" in html


@pytest.mark.parametrize("value", ["True", "1", "yes"])
def test_other_values_are_the_clients_mistake(person: Browser, value: str) -> None:
    assert redirected(person.authorize("web", include_granted_scopes=value))["error"] == "invalid_request"


def test_silently_too(person: Browser) -> None:
    assert more(person, scope="openid", prompt="none")["scope"] == ALLOWED


@pytest.mark.parametrize("reads_before", [1, 2])
def test_what_is_taken_back_in_the_very_moment_does_not_come_along(person: Browser, reads_before: int) -> None:
    reads: list[str] = []

    def taken_back_meanwhile(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("SELECT") and 'FROM "projects_consent"' in sql and len(reads) < reads_before:
            reads.append(sql)
            if len(reads) == reads_before:
                Consent.objects.update(scopes=["openid"], audiences=[])
        return result

    with connection.execute_wrapper(taken_back_meanwhile):
        answer = person.authorize("web", scope="openid", include_granted_scopes="true")
    assert len(reads) == reads_before
    assert answer["Location"].startswith("/oauth2/authorize?")
    assert Authorization.objects.count() == 1
