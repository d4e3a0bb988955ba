"""`resource` (RFC 8707) and `audience` in every grant: asked at authorize, narrowed at each token request."""

from __future__ import annotations

from typing import Any

import pytest

from clients.models import AccessToken, AudienceEntry, Authorization, Client, Grant, RefreshToken
from projects.models import Api, Project
from tests.world import BILLING, FOREIGN, ORDERS, App, Browser, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
OFFLINE = "openid offline_access"


def aud(answer: dict[str, Any], client_id: str = "web") -> Any:
    """What introspection says the token is for."""
    return App(client_id).introspect(answer["access_token"]).json()["aud"]


def counts() -> tuple[int, int, int]:
    return AccessToken.objects.count(), RefreshToken.objects.count(), Grant.objects.filter(used_at=None).count()


@pytest.mark.parametrize("name", ["resource", "audience"])
@pytest.mark.parametrize("sent", [[ORDERS, BILLING], f"{ORDERS} {BILLING}", [f"{ORDERS} {BILLING}", ORDERS]])
def test_several_values_repeated_or_in_one(name: str, sent: Any) -> None:
    assert aud(Browser("owner").tokens("web", **{name: sent})) == [ORDERS, BILLING]


def test_one_value_is_a_string() -> None:
    assert aud(Browser("owner").tokens("web", resource=ORDERS)) == ORDERS


def test_resource_values_come_before_audience_values() -> None:
    assert aud(Browser("owner").tokens("web", audience=BILLING, resource=ORDERS)) == [ORDERS, BILLING]


def test_a_path_below_is_covered_and_a_longer_name_is_not() -> None:
    assert aud(Browser("owner").tokens("web", resource=f"{ORDERS}/1234")) == f"{ORDERS}/1234"
    for value in (f"{ORDERS}-not", "https://elsewhere.example/orders", f"{ORDERS}/../billing", f"{BILLING}/below"):
        response = Browser("owner").authorize("web", resource=value)
        assert redirected(response)["error"] == "invalid_target", value


def test_the_registered_spelling_goes_into_the_token() -> None:
    assert aud(Browser("owner").tokens("web", resource="HTTPS://API.acme.example:443/orders/")) == ORDERS


def test_nothing_asked_is_the_client_itself() -> None:
    assert aud(Browser("owner").tokens("web")) == "web"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"resource": "web"}, "invalid_target"),
        ({"resource": "sibling"}, "invalid_target"),
        ({"resource": "https://api.acme.example/orders#part"}, "invalid_target"),
        ({"resource": "http://[::1"}, "invalid_target"),
        ({"resource": FOREIGN}, "invalid_target"),
        ({"audience": FOREIGN}, "invalid_target"),
        ({"audience": "urn:acme:other"}, "invalid_audience"),
        ({"audience": [f"https://api.acme.example/orders/{i}" for i in range(21)]}, "invalid_request"),
        ({"audience": "https://api.acme.example/orders/" + "x" * 2048}, "invalid_request"),
        ({"audience": f"{ORDERS}\t{BILLING}"}, "invalid_request"),
    ],
)
def test_refusals_at_authorize_and_at_the_token_endpoint(params: dict[str, Any], error: str) -> None:
    answer = redirected(Browser("owner").authorize("web", **params))
    assert (answer["error"], answer["state"]) == (error, "the-state")
    response = App("web").token(grant_type="client_credentials", **params)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_each_token_request_may_take_another_subset_and_narrowing_never_sticks() -> None:
    first = Browser("owner").tokens("web", scope=OFFLINE, resource=[ORDERS, BILLING])
    web, token = App("web"), first["refresh_token"]
    assert aud(web.refresh(token, resource=ORDERS).json()) == ORDERS
    assert aud(web.refresh(token, resource=BILLING).json()) == BILLING
    assert aud(web.refresh(token, resource=f"{ORDERS}/7").json()) == f"{ORDERS}/7"
    assert aud(web.refresh(token).json()) == [ORDERS, BILLING]


def test_a_refresh_token_never_widens() -> None:
    token = Browser("owner").tokens("web", scope=OFFLINE, resource=ORDERS)["refresh_token"]
    before = counts()
    response = App("web").refresh(token, resource=BILLING)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
    assert counts() == before, "nothing is issued"
    assert App("web").refresh(token).status_code == 200, "and nothing is consumed"


def test_a_code_granted_no_resource_gets_none_at_the_token_endpoint() -> None:
    code = Browser("owner").code("web")
    response = App("web").exchange(code, resource=ORDERS)
    assert response.json()["error"] == "invalid_target"
    assert App("web").exchange(code).status_code == 200, "the refused request did not use the code up"


def test_default_entries_can_be_asked_for_at_the_token_endpoint_alone() -> None:
    AudienceEntry.objects.filter(client__client_id="web", value=ORDERS).update(default=True)
    page = Browser("owner").authorize("web", scope=OFFLINE)
    assert "Orders" in page.content.decode(), "listed on the consent page"
    code = Browser("owner").code("web", scope=OFFLINE)
    answer = App("web").exchange(code, resource=ORDERS).json()
    assert aud(answer) == ORDERS
    assert aud(App("web").refresh(answer["refresh_token"]).json()) == ORDERS
    assert App("web").refresh(answer["refresh_token"], resource=BILLING).json()["error"] == "invalid_target"


def test_scopes_of_default_audiences_come_only_when_named() -> None:
    AudienceEntry.objects.filter(client__client_id="web", value=ORDERS).update(default=True)
    answer = Browser("owner").tokens("web", scope=OFFLINE)
    assert "orders.read" not in answer["scope"]
    assert App("web").refresh(answer["refresh_token"], scope="orders.read").json()["scope"] == "orders.read"


def test_what_leaves_the_allowlist_bites_at_the_next_refresh() -> None:
    token = Browser("owner").tokens("web", scope=OFFLINE, resource=[ORDERS, BILLING])["refresh_token"]
    AudienceEntry.objects.filter(client__client_id="web", value=ORDERS).delete()
    answer = App("web").refresh(token).json()
    assert aud(answer) == BILLING
    assert answer["audience"] == [BILLING], "the answer says what is left"
    assert App("web").refresh(token, resource=ORDERS).json()["error"] == "invalid_target"
    AudienceEntry.objects.filter(client__client_id="web", value=BILLING).delete()
    assert App("web").refresh(token).json()["error"] == "invalid_target"


def test_a_person_may_untick_an_audience_and_its_scopes_go_with_it() -> None:
    browser = Browser("owner")
    page = browser.authorize("web", scope=f"{OFFLINE} orders.read", resource=[ORDERS, BILLING])
    code = redirected(browser.answer(page, audience=[BILLING]))["code"]
    answer = App("web").exchange(code).json()
    assert aud(answer) == BILLING
    assert answer["audience"] == [BILLING]
    assert "orders.read" not in answer["scope"]
    assert App("web").refresh(answer["refresh_token"], resource=ORDERS).json()["error"] == "invalid_target"


def test_an_audience_wholly_refused_never_comes_back_through_the_defaults() -> None:
    AudienceEntry.objects.filter(client__client_id="web", value=BILLING).update(default=True)
    browser = Browser("owner")
    page = browser.authorize("web", scope=OFFLINE, resource=ORDERS)
    answer = App("web").exchange(redirected(browser.answer(page, audience=[]))["code"]).json()
    assert aud(answer) == "web"
    assert App("web").refresh(answer["refresh_token"], resource=BILLING).json()["error"] == "invalid_target"


def test_a_person_may_untick_optional_scopes() -> None:
    browser = Browser("owner")
    page = browser.authorize("web", scope="openid email profile")
    answer = App("web").exchange(redirected(browser.answer(page, scope=["email"]))["code"]).json()
    assert answer["scope"] == "openid email"
    assert "name" not in claims_of(answer["id_token"])


def test_scope_narrows_at_the_code_and_at_refresh_and_never_sticks() -> None:
    code = Browser("owner").code("web", scope=f"{OFFLINE} email")
    answer = App("web").exchange(code, scope="openid").json()
    assert answer["scope"] == "openid"
    assert App("web").refresh(answer["refresh_token"]).json()["scope"] == f"{OFFLINE} email"
    response = App("web").refresh(answer["refresh_token"], scope="openid phone")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


def test_the_audience_filters_the_scope() -> None:
    """Orders offers orders.*; a scope of nobody there has no place in its token."""
    api = Api.objects.get(identifier=BILLING)
    api.scopes.create(name="billing.read", description="See your bills")
    Client.objects.filter(client_id="web").update(scope="openid orders.read billing.read")
    answer = Browser("owner").tokens("web", scope="openid orders.read billing.read", resource=[ORDERS, BILLING])
    assert answer["scope"] == "openid orders.read billing.read"
    only = App("web").token(grant_type="client_credentials", resource=ORDERS).json()
    assert only["scope"] == "orders.read"
    response = App("web").token(grant_type="client_credentials", resource=ORDERS, scope="billing.read")
    assert response.json()["error"] == "invalid_scope"


def test_client_credentials_are_bounded_by_the_allowlist() -> None:
    answer = App("web").token(grant_type="client_credentials", resource=f"{ORDERS}/9").json()
    assert aud(answer) == f"{ORDERS}/9"
    assert aud(App("web").token(grant_type="client_credentials").json()) == "web"
    AudienceEntry.objects.filter(client__client_id="web", value=BILLING).update(default=True)
    assert aud(App("web").token(grant_type="client_credentials").json()) == BILLING
    response = App("service").token(grant_type="client_credentials", resource=ORDERS)
    assert response.json()["error"] == "invalid_target", "an empty allowlist allows nothing"


def test_first_party_projects_get_the_whole_allowlist_without_asking() -> None:
    desk = Client.objects.get(client_id="desk")
    api = Api.objects.create(project=desk.home, identifier="https://api.house.example", name="House")
    AudienceEntry.objects.create(client=desk, value=api.identifier)
    response = Browser("owner").authorize("desk", scope=OFFLINE)
    assert response.status_code == 302, "nobody is asked"
    answer = App("desk").exchange(redirected(response)["code"], resource="https://api.house.example/keys").json()
    assert aud(answer, "desk") == "https://api.house.example/keys"


def test_the_ceiling_stands_on_the_authorization() -> None:
    Browser("owner").tokens("web", scope=OFFLINE, resource=ORDERS)
    assert Authorization.objects.get().audiences == [ORDERS]


class TestAnotherProjectsApi:
    """An editor of one project wants tokens for another project's API."""

    @pytest.fixture(autouse=True)
    def _entries_that_slipped_in(self, world: None) -> None:
        """As if a row had been written past every form: requests are checked again."""
        web = Client.objects.get(client_id="web")
        for value in (FOREIGN, "https://api.other.example", "http://localhost:8000"):
            AudienceEntry.objects.create(client=web, value=value)

    @pytest.mark.parametrize(
        "value",
        [
            FOREIGN,
            f"{FOREIGN}/2024",
            "HTTPS://api.OTHER.example:443/%72eports",
            "http://localhost:8000/api/v1",
            "http://localhost:8000/api/v1/clients",
        ],
    )
    def test_no_url_reaches_it(self, value: str) -> None:
        assert App("web").token(grant_type="client_credentials", resource=value).json()["error"] == "invalid_target"
        assert redirected(Browser("owner").authorize("web", resource=value))["error"] == "invalid_target"

    def test_default_entries_do_not_either(self) -> None:
        AudienceEntry.objects.filter(value=FOREIGN).update(default=True)
        assert App("web").token(grant_type="client_credentials").json()["error"] == "invalid_target"

    def test_sharing_opens_it_and_unsharing_closes_it(self) -> None:
        api = Api.objects.get(identifier=FOREIGN)
        Api.objects.filter(pk=api.pk).update(shared="listed")
        assert App("web").token(grant_type="client_credentials", resource=FOREIGN).status_code == 400
        api.shared_with.add(Project.objects.get(key="acme"))
        token = Browser("owner").tokens("web", scope=OFFLINE, resource=FOREIGN)["refresh_token"]
        api.shared_with.clear()
        assert App("web").refresh(token).json()["error"] == "invalid_target"
        Api.objects.filter(pk=api.pk).update(shared="public")
        assert App("web").refresh(token).status_code == 200
