"""Guest apps from the outside: whom a project lets in, what people see, and what ends it (protocol section 19)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from clients import registration
from clients.guests import DCR
from clients.models import AccessToken, Authorization, Client
from clients.policy import metadata_of
from common import clock
from projects.actors import Actor
from projects.models import Api, Consent, Project
from tests.guests import AGENT_CB, DOCUMENT, LOOPBACK_CB, OPERATOR, make_guest, open_door, open_scopes
from tests.sweep import meeting
from tests.world import BILLING, CHALLENGE, FOREIGN, ORDERS, REDIRECTS, App, Browser, Response, redirected

pytestmark = pytest.mark.usefixtures("agent")

ASKED: dict[str, Any] = {"scope": "orders.read", "resource": ORDERS}


def service() -> App:
    """The API's own client, which introspects for it."""
    Client.objects.get(client_id="service").acts_for.add(Api.objects.get(identifier=ORDERS))
    return App("service")


def refused(**asked: Any) -> str:
    return redirected(Browser("owner").authorize(DOCUMENT, **{**ASKED, **asked}))["error"]


def got(**asked: Any) -> dict[str, Any]:
    return Browser("owner").tokens(DOCUMENT, **{**ASKED, **asked})


# --- Let in ---------------------------------------------------------------------------------------------------------


def test_r12_a_guest_gets_what_the_person_allowed_and_nothing_else() -> None:
    answer = got()
    assert (answer["scope"], "id_token" in answer, "refresh_token" in answer) == ("orders.read", False, True)
    said = service().introspect(answer["access_token"]).json()
    assert (said["active"], said["aud"], said["scope"], said["client_id"]) == (True, ORDERS, "orders.read", DOCUMENT)
    [row] = Authorization.objects.filter(client__client_id=DOCUMENT)
    assert (row.project, row.consent, row.audiences) == (Project.objects.get(key="acme"), None, [ORDERS])
    assert row.ends_at is not None, "the longest grant of guests"
    assert not Consent.objects.exists()


def test_c12_without_scope_it_asks_for_all_that_is_open_and_knows_nobody() -> None:
    open_scopes("orders.read", "orders.write")
    assert got(scope=None)["scope"].split() == ["orders.read", "orders.write"]
    registration.change(agent(), metadata_of(agent()).changed({"scope": "orders.write other"}), OPERATOR)
    assert got(scope=None)["scope"] == "orders.write"


def agent() -> Client:
    return Client.objects.get(client_id=DOCUMENT)


def test_r12_what_is_not_open_to_guests_is_left_out_and_alone_refused() -> None:
    assert got(scope="orders.read orders.write admin.write address")["scope"] == "orders.read"
    assert refused(scope="orders.write") == "invalid_scope"


def test_who_they_are_a_guest_learns_only_if_they_see_and_allow_it() -> None:
    page = Browser("owner").authorize(DOCUMENT, scope="openid email orders.read", resource=ORDERS)
    assert "See your e-mail address" in page.content.decode()
    answer = got(scope="openid email orders.read")
    assert "id_token" in answer
    assert App(DOCUMENT).userinfo(answer["access_token"]).json()["email"] == "owner@people.example"


@pytest.mark.parametrize(
    "asked",
    [
        {"resource": None},
        {"resource": None, "scope": "openid"},
        {"resource": None, "audience": DOCUMENT},
        {"resource": None, "audience": "web"},
        {"resource": "https://nobody.example/api"},
        {"resource": BILLING},
        {"resource": FOREIGN},
        {"resource": [ORDERS, FOREIGN]},
        {"resource": [ORDERS, BILLING]},
        {"resource": "http://localhost:8000/api/v1"},
        {"audience": "web"},
    ],
)
def test_r12_a_guest_is_refused_alike_wherever_nobody_lets_it_in(asked: dict[str, Any]) -> None:
    assert refused(**asked) == "invalid_target"


def test_its_own_id_as_audience_asks_for_nothing() -> None:
    """As of every other client (protocol section 1): in the browser, pushed, and at the token endpoint."""
    person = Browser("owner")
    answer = person.tokens(DOCUMENT, **ASKED, audience=DOCUMENT)
    assert service().introspect(answer["access_token"]).json()["aud"] == ORDERS
    again = App(DOCUMENT).refresh(answer["refresh_token"], audience=DOCUMENT).json()
    assert service().introspect(again["access_token"]).json()["aud"] == ORDERS
    sent = {"response_type": "code", "redirect_uri": AGENT_CB, "code_challenge": CHALLENGE, **ASKED}
    pushed = App(DOCUMENT).post("/oauth2/par", {**sent, "code_challenge_method": "S256", "audience": DOCUMENT})
    assert pushed.status_code == 201, pushed.content
    assert refused(resource=[ORDERS, DOCUMENT]) == "invalid_target", "resource is never a client"


def test_apis_of_two_projects_are_refused_though_both_let_guests_in() -> None:
    open_door("other")
    Api.objects.get(identifier=FOREIGN).scopes.create(name="reports.read", description="Reports", guests=True)
    assert refused(resource=[ORDERS, FOREIGN]) == "invalid_target"


@pytest.mark.parametrize(
    ("said", "let_in"),
    [
        ({"guest_apps": "none"}, False),
        ({"guest_apps": "listed", "guest_hosts": ("other.example",)}, False),
        ({"guest_apps": "listed", "guest_hosts": ("agent.example",)}, True),
    ],
)
def test_r12_the_door_of_the_project_decides(said: dict[str, Any], *, let_in: bool) -> None:
    open_door(**said)
    answer = Browser("owner").authorize(DOCUMENT, **ASKED)
    assert (answer.status_code == 200) is let_in
    if not let_in:
        assert redirected(answer)["error"] == "invalid_target"


def test_a_project_in_testing_lets_in_its_test_users_only() -> None:
    Project.objects.filter(key="acme").update(status="testing")
    assert refused() == "access_denied"


def test_a_guest_brings_nobody_in_whom_the_project_does_not_let_in() -> None:
    Project.objects.filter(key="acme").update(sign_in="groups")
    page = Browser("owner").authorize(DOCUMENT, **ASKED)
    assert page.status_code == 403
    assert "You have no access to" in page.content.decode()


# --- What people see ------------------------------------------------------------------------------------------------


def page_of(**asked: Any) -> str:
    return Browser("owner").authorize(DOCUMENT, **{**ASKED, **asked}).content.decode()


def test_c8_c9_the_page_shows_the_hosts_first_and_the_name_as_not_verified() -> None:
    page = page_of()
    assert page.index("agent.example</bdi></dd>") < page.index("Agent of all trades") < page.index("not verified")
    assert "agent.example</bdi> wants to use your account" in page


def test_c8_the_page_warns_where_a_program_on_the_device_answers() -> None:
    assert "a program on your own device" in page_of(redirect_uri=LOOPBACK_CB)
    assert "a program on your own device" not in page_of()


def test_a_guest_that_is_at_no_host_is_called_by_where_its_codes_go() -> None:
    made = make_guest("dcr", redirect_uris=("https://elsewhere.example/cb",))
    asked = {**ASKED, "redirect_uri": "https://elsewhere.example/cb"}
    page = Browser("owner").authorize(made.client_id, **asked).content.decode()
    assert "elsewhere.example</bdi> wants to use your account" in page


def test_r12_consent_is_never_skipped() -> None:
    person = Browser("owner")
    person.tokens(DOCUMENT, **ASKED)
    assert person.authorize(DOCUMENT, **ASKED).status_code == 200
    assert redirected(person.authorize(DOCUMENT, prompt="none", **ASKED))["error"] == "consent_required"


def test_r12_a_first_party_project_asks_for_guests_too() -> None:
    Project.objects.filter(key="acme").update(consent_mode="implicit")
    assert Browser("owner").authorize(DOCUMENT, **ASKED).status_code == 200


def test_r12_what_apps_of_the_project_were_allowed_is_not_a_guests() -> None:
    person = Browser("owner")
    person.tokens("web", scope="openid orders.read orders.write", resource=ORDERS)
    answer = person.tokens(DOCUMENT, include_granted_scopes="true", **ASKED)
    assert answer["scope"] == "orders.read"
    hint = person.tokens("web", scope="openid")["id_token"]
    assert redirected(person.authorize(DOCUMENT, id_token_hint=hint, **ASKED))["error"] == "invalid_request"


def test_without_an_api_nothing_is_allowed() -> None:
    person = Browser("owner")
    page = person.authorize(DOCUMENT, scope="openid orders.read", resource=ORDERS)
    assert redirected(person.answer(page, audience=[]))["error"] == "access_denied"


def change_document() -> None:
    registration.change(agent(), metadata_of(agent()).changed({"client_name": "Somebody else"}), Actor.itself(DOCUMENT))


def test_c10_a_page_that_showed_another_app_allows_nothing() -> None:
    person = Browser("owner")
    page = person.authorize(DOCUMENT, **ASKED)
    change_document()
    again = person.answer(page)
    assert again["Location"].startswith("/oauth2/authorize?"), "asked again"
    assert not Authorization.objects.exists()


# --- What ends it ---------------------------------------------------------------------------------------------------


def close_door() -> None:
    open_door(guest_apps="none")


def delist() -> None:
    open_door(guest_apps="listed", guest_hosts=("other.example",))


def close_scope() -> None:
    open_scopes()


def disable() -> None:
    registration.change(agent(), metadata_of(agent()).changed({"enabled": False}), OPERATOR)


def delete() -> None:
    registration.delete(agent(), OPERATOR)


def reopen_door() -> None:
    close_door()
    open_door()


def reopen_scope() -> None:
    close_scope()
    open_scopes("orders.read")


def shorten() -> None:
    open_door(guest_longest_grant=1)
    Authorization.objects.update(created_at=clock.now() - timedelta(seconds=2))


def row_goes() -> None:
    Api.objects.get(identifier=ORDERS).delete()


ENDS = [close_door, delist, close_scope, disable, delete, reopen_door, reopen_scope, change_document, shorten, row_goes]


@pytest.mark.parametrize(("end", "token_format"), meeting(ENDS, ["opaque", "jwt"]))
def test_c11_r12_what_a_guest_has_ends_at_once_and_stays_ended(end: Any, token_format: str) -> None:
    Api.objects.filter(identifier=ORDERS).update(token_format=token_format)
    Client.objects.filter(client_id="web").update(introspection="all")
    answer, code = got(scope="openid orders.read offline_access"), Browser("owner").code(DOCUMENT, **ASKED)
    assert AccessToken.objects.count() == (token_format == "opaque")
    Authorization.objects.exclude(
        pk=Authorization.objects.earliest("created_at").pk
    ).delete() if end is shorten else None
    end()
    assert App("web").introspect(answer["access_token"]).json() == {"active": False}
    assert App("web").introspect(answer["refresh_token"]).json() == {"active": False}
    assert App(DOCUMENT).userinfo(answer["access_token"]).status_code == 401
    for tried in (App(DOCUMENT).refresh(answer["refresh_token"]), App(DOCUMENT).exchange(code)):
        assert (tried.status_code, tried.json()["error"]) in [(400, "invalid_grant"), (401, "invalid_client")]


def test_a_refresh_goes_on_while_nothing_ended_it() -> None:
    answer = got()
    again = App(DOCUMENT).refresh(answer["refresh_token"]).json()
    assert again["scope"] == "orders.read"
    assert service().introspect(again["access_token"]).json()["aud"] == ORDERS


def test_a_scope_that_is_closed_is_gone_from_the_tokens_there_are() -> None:
    open_scopes("orders.read", "orders.write")
    answer = got(scope="orders.read orders.write")
    Api.objects.get(identifier=ORDERS).scopes.filter(name="orders.write").update(guests=False)
    assert service().introspect(answer["access_token"]).json()["scope"] == "orders.read"
    assert App(DOCUMENT).refresh(answer["refresh_token"]).json()["scope"] == "orders.read"


def test_tokens_of_a_project_end_those_of_its_guests_too() -> None:
    answer = got()
    Project.objects.filter(key="acme").update(tokens_not_before="2100-01-01T00:00:00Z")
    assert service().introspect(answer["access_token"]).json() == {"active": False}


# --- What guests never get ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grant_type",
    [
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ],
)
def test_r12_v13_no_other_grant(grant_type: str) -> None:
    sent = {"device_code": "x", "subject_token": "x", "subject_token_type": "x"}
    answer = App(DOCUMENT).token(grant_type=grant_type, **sent)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_v13_no_device_begins_as_a_guest() -> None:
    answer = App(DOCUMENT).post("/oauth2/device_authorization", dict(ASKED))
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_r12_no_introspection_of_anybody() -> None:
    made = make_guest("dcr", token_endpoint_auth_method="client_secret_basic")
    secret = registration.generate_secret(made, Actor.itself(made.client_id))
    sent = {"token": got()["access_token"], "client_id": made.client_id, "client_secret": secret}
    answer = App("").post("/oauth2/introspect", sent, auth="")
    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")


def test_r12_no_id_token_for_a_sibling() -> None:
    answer = got(scope="openid offline_access orders.read")
    assert App(DOCUMENT).refresh(answer["refresh_token"], audience="sibling").json()["error"] == "invalid_audience"


def test_r12_nobody_gets_an_id_token_for_a_guest() -> None:
    answer = Browser("owner").tokens("web", scope="openid offline_access")
    tried = App("web").refresh(answer["refresh_token"], audience=DOCUMENT)
    assert tried.json()["error"] == "invalid_target", "the address of a document is no audience"


def test_r12_the_right_to_introspect_a_project_is_not_one_to_introspect_its_guests() -> None:
    Client.objects.filter(client_id="web").update(introspection="project")
    assert App("web").introspect(got()["access_token"]).json() == {"active": False}


def test_an_api_passes_on_no_more_than_the_guest_was_allowed() -> None:
    """The project is first party, and its clients may have anything unasked: nothing of that is a guest's."""
    Project.objects.filter(key="acme").update(consent_mode="implicit")
    web = Client.objects.get(client_id="web")
    Client.objects.filter(pk=web.pk).update(grant_types=["urn:ietf:params:oauth:grant-type:token-exchange"])
    web.acts_for.add(Api.objects.get(identifier=ORDERS))
    tried = exchange(got()["access_token"], BILLING)
    assert (tried.status_code, tried.json()["error"]) == (400, "invalid_target")
    assert exchange(got()["access_token"], ORDERS).json()["scope"] == "orders.read"


def exchange(token: str, audience: str) -> Response:
    return App("web").token(
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token=token,
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        audience=audience,
    )


def test_what_came_of_a_guests_token_ends_with_it() -> None:
    web = Client.objects.get(client_id="web")
    Client.objects.filter(pk=web.pk).update(grant_types=["urn:ietf:params:oauth:grant-type:token-exchange"])
    web.acts_for.add(Api.objects.get(identifier=ORDERS))
    passed_on = exchange(got()["access_token"], ORDERS).json()["access_token"]
    assert App("web").introspect(passed_on).json()["active"]
    close_door()
    assert App("web").introspect(passed_on).json() == {"active": False}


def test_the_address_of_the_app_is_no_audience_of_its_tokens() -> None:
    answer = got(scope="openid orders.read")
    assert AGENT_CB not in str(answer)
    said = service().introspect(answer["access_token"]).json()
    assert said["aud"] == ORDERS


# --- Where a link to us leads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{}, {"prompt": "none"}, {"response_mode": "form_post"}, {"resource": FOREIGN}])
def test_nobody_is_led_unasked_to_an_address_that_a_stranger_registered(asked: dict[str, str]) -> None:
    made = make_guest(DCR, client_name="Your bank", redirect_uris=("https://evil.example/cb",))
    said = {"redirect_uri": "https://evil.example/cb", "scope": "nothing.open", **asked}
    page = Browser("owner").authorize(made.client_id, **said)
    text = page.content.decode()
    assert (page.status_code, "Location" in page) == (400, False)
    assert '<bdi class="host">evil.example</bdi>' in text
    assert "not verified" in text
    assert "form_post.js" not in text


def test_a_guest_that_a_project_lists_and_a_program_on_the_device_hear_of_a_refusal_at_once() -> None:
    listed = Browser("owner").authorize(DOCUMENT, **ASKED, redirect_uri="http://127.0.0.1/cb", prompt="none")
    assert listed["Location"].startswith("http://127.0.0.1/cb?error=consent_required")
    open_door(guest_apps="listed", guest_hosts=("agent.example",))
    listed = Browser("owner").authorize(DOCUMENT, **ASKED, prompt="none")
    assert listed["Location"].startswith(f"{AGENT_CB}?error=consent_required")


def test_whoever_is_signed_out_sees_where_a_guest_leads_and_not_what_it_calls_itself() -> None:
    uris = {"redirect_uris": ("https://evil.example/cb",), "post_logout_redirect_uris": ("https://evil.example/bye",)}
    made = make_guest(DCR, client_name="Your bank", **uris)
    REDIRECTS[made.client_id] = "https://evil.example/cb"
    hint = Browser("outsider").tokens(made.client_id, **{**ASKED, "scope": "openid orders.read"})["id_token"]
    asked = {"client_id": made.client_id, "post_logout_redirect_uri": "https://evil.example/bye"}
    for sent in (asked, {**asked, "id_token_hint": hint}):
        page = Browser().http.get("/oauth2/logout", sent, HTTP_ACCEPT="text/html")
        assert page.status_code == 200
        assert "<bdi>evil.example</bdi>" in page.content.decode()
        assert "Your bank" not in page.content.decode()
    question = Browser("owner").http.get("/oauth2/logout", asked).content.decode()
    assert ("evil.example" in question, "Your bank" in question) == (True, False)
