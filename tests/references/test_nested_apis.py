"""An API may lie below another one's address. It has words and scopes of its own, and is asked for by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from clients.models import Authorization, Client
from idp.configuration import apply
from projects.models import Consent, Project
from provider.explain import explain
from tests.world import ORDERS, App, Browser, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault"), pytest.mark.any_database]
VAULT = f"{ORDERS}/vault"
WORDS = "Read everything in your vault, keys included"
WORLD = f"""
version: 1
projects:
  - id: acme
    apis:
      - identifier: {VAULT}
        name: Vault
        scopes: {{orders.read: {{description: "{WORDS}", sensitive: true}}}}
    clients:
      - client_id: web
        audience: [{ORDERS}, {VAULT}]
      - {{client_id: service, audience: [{ORDERS}]}}
"""
READ = "openid orders.read"
INVALID_TARGET = (400, "invalid_target")


@pytest.fixture
def vault(world: None) -> None:
    """Below the address of Orders lies an API that uses a name of its scopes for something graver."""
    apply(WORLD, path="vault.yaml")


@pytest.fixture
def person() -> Browser:
    """Somebody who allowed Acme to see their orders."""
    browser = Browser("owner")
    browser.code("web", scope=READ, audience=ORDERS)
    return browser


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_consent_to_an_api_covers_none_below_it(person: Browser) -> None:
    page = person.authorize("web", scope=READ, audience=f"{VAULT}/7")
    html = page.content.decode()
    assert page.status_code == 200
    assert WORDS in html
    assert f'name="audience" value="{VAULT}/7"' in html
    answer = redirected(person.authorize("web", scope=READ, audience=VAULT, prompt="none"))
    assert answer["error"] == "consent_required"
    assert "code" in redirected(person.authorize("web", scope=READ, audience=f"{ORDERS}/7", prompt="none"))


def test_whoever_allows_the_one_below_hears_of_it_and_keeps_both(
    person: Browser, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        person.code("web", scope=READ, audience=VAULT)
    assert Consent.objects.get().audiences == [ORDERS, VAULT]
    assert [WORDS in one.body for one in mail.outbox] == [True]


@pytest.mark.parametrize("below", [VAULT, f"{VAULT}/7"])
def test_a_code_for_an_api_gives_no_token_for_one_below_it(below: str) -> None:
    code = Browser("owner").code("web", scope=READ, audience=ORDERS)
    assert refused(App("web").exchange(code, audience=below, scope=READ)) == INVALID_TARGET
    answer = App("web").exchange(code, audience=f"{ORDERS}/7", scope=READ).json()
    assert answer["scope"] == READ, "nothing was used up"


def test_neither_does_a_refresh_token() -> None:
    tokens = Browser("owner").tokens("web", scope=f"{READ} offline_access", audience=ORDERS)
    assert refused(App("web").refresh(tokens["refresh_token"], audience=VAULT)) == INVALID_TARGET
    assert App("web").refresh(tokens["refresh_token"], resource=f"{ORDERS}/7").status_code == 200


def test_what_was_allowed_before_brings_nothing_below_it_along(person: Browser) -> None:
    Project.objects.get(key="acme").clients.get(client_id="web").audience_entries.filter(value=ORDERS).delete()
    page = person.authorize("web", scope="openid profile", include_granted_scopes="true")
    person.answer(page)
    assert Authorization.objects.latest("created_at").audiences == []


def test_nor_do_defaults() -> None:
    web = Client.objects.get(client_id="web")
    web.audience_entries.filter(value=ORDERS).update(default=True)
    code = Browser("owner").code("web", scope=READ)
    assert refused(App("web").exchange(code, audience=VAULT)) == INVALID_TARGET


def test_a_client_that_lists_an_api_does_not_list_one_below_it() -> None:
    """With client credentials the list is all that stands before it."""
    service = App("service")
    assert service.token(grant_type="client_credentials", audience=f"{ORDERS}/7").status_code == 200
    for below in (VAULT, f"{VAULT}/7"):
        assert refused(service.token(grant_type="client_credentials", audience=below)) == INVALID_TARGET
    [value] = explain(Client.objects.get(client_id="service"), VAULT, rows=["client_credentials"]).values
    assert (value.reason.value, value.api and value.api.identifier) == ("not_listed", VAULT)


def test_a_first_party_app_gets_what_is_listed_and_nothing_below_it() -> None:
    Project.objects.filter(key="acme").update(consent_mode="implicit")
    Client.objects.get(client_id="web").audience_entries.filter(value=VAULT).delete()
    answer = redirected(Browser("owner").authorize("web", scope=READ, audience=VAULT))
    assert answer["error"] == "invalid_target"
    code = Browser("owner").code("web", scope=READ)
    assert refused(App("web").exchange(code, audience=VAULT)) == INVALID_TARGET


def test_an_entry_above_every_api_means_them_all_and_people_are_asked_for_each() -> None:
    """Only a superuser lists what is no API."""
    web = Client.objects.get(client_id="web")
    web.audience_entries.all().delete()
    web.audience_entries.create(value="https://api.acme.example", default=True)
    assert App("web").token(grant_type="client_credentials", audience=VAULT).json()["scope"] == "orders.read"
    person = Browser("owner")
    code = person.code("web", scope=READ)
    assert refused(App("web").exchange(code, audience=VAULT)) == INVALID_TARGET
    assert WORDS in person.authorize("web", scope=READ, audience=VAULT).content.decode()


def test_taking_back_one_of_them_leaves_the_other(person: Browser) -> None:
    both = f"{READ} offline_access"
    vault = person.tokens("web", scope=both, audience=VAULT)["refresh_token"]
    orders = person.tokens("web", scope=both, audience=ORDERS)["refresh_token"]
    page = person.http.get("/accounts/apps/acme/").content.decode()
    assert ORDERS in page
    assert VAULT in page
    person.http.post("/accounts/apps/acme/remove/", {"audience": VAULT})
    assert App("web").refresh(vault).status_code == 400
    assert App("web").refresh(orders).status_code == 200
    assert Consent.objects.get().audiences == [ORDERS]
