"""Projects and apps that let in by groups or roles, at every endpoint (protocol section 32)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import groups
from accounts.models import User
from clients import registration as clients
from clients.models import Authorization, Client, RefusedRequest
from clients.stored import metadata_of_all
from common import cache
from projects import registration
from projects.actors import Actor
from projects.models import Project
from projects.sign_in import EVERYBODY, LetIn
from provider.inspection import inspect
from provider.store import belonging
from tests.provider.devices import Device, add_devices, connect, page
from tests.world import App, Browser, Response, redirected

pytestmark = pytest.mark.usefixtures("staff")

OPERATOR = Actor.operator("test")
STAFF = LetIn("groups", ("Staff",))
SCOPE = "openid email offline_access"


@pytest.fixture
def staff(world: None) -> None:
    """The owner and the member are staff."""
    groups.make("Staff", OPERATOR)
    join("owner", "member")


def join(*usernames: str) -> None:
    group = groups.named("Staff")
    assert group is not None
    groups.set_members(group, User.objects.filter(username__in=usernames), "", OPERATOR)


def project_lets_in(rule: LetIn = STAFF, key: str = "acme") -> None:
    project = Project.objects.get(key=key)
    registration.change(project, replace(registration.metadata_of(project), sign_in=rule), OPERATOR)


def client_lets_in(client_id: str, rule: LetIn = STAFF) -> None:
    client = Client.objects.get(client_id=client_id)
    [before] = metadata_of_all([client])
    clients.change(client, replace(before, sign_in=rule), OPERATOR)


RULES: dict[str, Callable[[], None]] = {"project": project_lets_in, "client": lambda: client_lets_in("web")}
each_rule = pytest.mark.parametrize("rule", RULES)


# --- At the authorization endpoint ---------------------------------------------------------------------------------


@each_rule
def test_whoever_is_let_in_signs_in_and_others_see_whom_to_ask(rule: str) -> None:
    RULES[rule]()
    assert "id_token" in Browser("owner").tokens("web")
    page = Browser("outsider").authorize("web")
    html = page.content.decode()
    assert page.status_code == 403
    assert "You have no access to <bdi>Acme web</bdi>" in html
    assert "help@acme.example" in html
    assert "Staff" not in html, "which groups are let in is nobody's to know who is in none of them"
    assert "/accounts/switch/" in html
    assert not Authorization.objects.filter(user__username="outsider").exists()


def test_without_a_support_address_it_is_the_owners_who_are_asked() -> None:
    project_lets_in(key="other")
    html = Browser("outsider").authorize("stranger").content.decode()
    assert "ask the owners of <bdi>Other</bdi>" in html


def test_the_app_hears_of_it_by_the_way_back() -> None:
    project_lets_in()
    html = Browser("outsider").authorize("web").content.decode()
    assert 'href="https://web.acme.example/cb?error=access_denied' in html
    assert "state=the-state" in html


def test_an_app_that_wants_a_form_hears_of_it_by_the_button() -> None:
    project_lets_in()
    page = Browser("outsider").authorize("web", response_mode="form_post")
    assert '<input type="hidden" name="error" value="access_denied">' in page.content.decode()


def test_with_prompt_none_no_page_is_shown() -> None:
    project_lets_in(key="house")
    assert "code" in redirected(Browser("owner").authorize("desk", prompt="none"))
    assert redirected(Browser("outsider").authorize("desk", prompt="none"))["error"] == "access_denied"


def test_what_was_refused_is_on_record_with_its_step() -> None:
    project_lets_in()
    Browser("outsider").authorize("web")
    row = RefusedRequest.objects.get()
    assert (row.client_id, row.endpoint, row.error, row.step) == ("web", "authorize", "access_denied", "sign_in")


def test_a_client_narrows_and_never_widens() -> None:
    project_lets_in()
    client_lets_in("web", EVERYBODY)
    assert Browser("outsider").authorize("web").status_code == 403
    groups.set_members(groups.make("Tills", OPERATOR), User.objects.filter(username="outsider"), "", OPERATOR)
    client_lets_in("web", LetIn("groups", ("Tills",)))
    for username in ("owner", "outsider"):
        assert Browser(username).authorize("web").status_code == 403, "both have to let somebody in"


def test_whoever_leaves_while_the_page_is_open_gets_no_code() -> None:
    project_lets_in()
    browser = Browser("owner")
    page = browser.authorize("web")
    join("member")
    assert browser.answer(page).status_code == 403


def test_nobody_is_told_of_a_sibling_they_may_not_use() -> None:
    client_lets_in("sibling")
    assert "Acme sibling" in Browser("owner").authorize("web").content.decode()
    assert "Acme sibling" not in Browser("outsider").authorize("web").content.decode()


# --- Tokens --------------------------------------------------------------------------------------------------------


def refused_everywhere(tokens: dict[str, Any]) -> None:
    app = App("web")
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.userinfo(tokens["access_token"]).status_code == 401
    for name in ("access_token", "refresh_token"):
        assert app.introspect(tokens[name]).json() == {"active": False}
    for name in ("access_token", "id_token"):
        assert app.post("/oauth2/tokeninfo", {name: tokens[name]}, auth="").status_code == 400


def works_everywhere(tokens: dict[str, Any]) -> None:
    app = App("web")
    assert app.userinfo(tokens["access_token"]).status_code == 200
    assert app.introspect(tokens["access_token"]).json()["active"]
    assert app.introspect(tokens["refresh_token"]).json()["active"]
    assert app.post("/oauth2/tokeninfo", {"id_token": tokens["id_token"]}, auth="").status_code == 200


@each_rule
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_leaving_the_group_ends_what_stands_on_it_at_once(rule: str, form: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=form)
    RULES[rule]()
    tokens = Browser("owner").tokens("web", scope=SCOPE)
    works_everywhere(tokens)
    join("member")
    refused_everywhere(tokens)
    join("owner")
    works_everywhere(tokens)  # as with a project in testing, whoever comes back goes on


@each_rule
def test_a_rule_that_is_made_later_ends_what_others_have(rule: str) -> None:
    tokens = Browser("outsider").tokens("web", scope=SCOPE)
    works_everywhere(tokens)
    RULES[rule]()
    refused_everywhere(tokens)


@each_rule
def test_a_code_of_somebody_who_left_since_gets_nothing(rule: str) -> None:
    RULES[rule]()
    code = Browser("owner").code("web")
    join("member")
    assert App("web").exchange(code).json()["error"] == "invalid_grant"


def test_a_device_of_somebody_who_left_since_gets_nothing() -> None:
    add_devices()
    project_lets_in()
    device = Device().begin()
    connect(device)
    join("member")
    assert device.error() == "invalid_grant"


def test_who_is_not_let_in_sees_whom_to_ask_and_connects_no_device() -> None:
    add_devices()
    project_lets_in()
    device = Device().begin()
    shown = page(Browser("outsider"), device.code)
    assert (shown.status_code, b"help@acme.example" in shown.content) == (403, True)
    assert device.error() != "invalid_grant", "whoever is let in may still connect it"


@each_rule
def test_inspecttoken_says_why(rule: str) -> None:
    RULES[rule]()
    tokens = Browser("owner").tokens("web", scope=SCOPE)
    join("member")
    for name in ("access_token", "refresh_token", "id_token"):
        assert "groups or roles" in str(inspect(tokens[name])), name


# --- ID tokens for a sibling ---------------------------------------------------------------------------------------


def for_sibling(tokens: dict[str, Any]) -> Response:
    return App("web").refresh(tokens["refresh_token"], audience="sibling")


def test_whom_the_sibling_does_not_let_in_gets_no_id_token_for_it() -> None:
    client_lets_in("sibling")
    inside, outside = (Browser(name).tokens("web", scope=SCOPE) for name in ("owner", "outsider"))
    assert "id_token" in for_sibling(inside).json()
    refused = for_sibling(outside)
    assert refused.json() == for_sibling_of_another_project(outside), "as for a client that there is not"
    join("member")
    assert for_sibling(inside).json()["error"] == "invalid_audience"


def for_sibling_of_another_project(tokens: dict[str, Any]) -> Any:
    return App("web").refresh(tokens["refresh_token"], audience="stranger").json()


def test_at_the_authorization_endpoint_a_sibling_is_checked_with_the_person() -> None:
    client_lets_in("sibling")
    assert Browser("owner").authorize("web", audience="sibling").status_code == 200
    assert redirected(Browser("outsider").authorize("web", audience="sibling"))["error"] == "invalid_audience"


# --- What it costs -------------------------------------------------------------------------------------------------


def statements(make: Callable[[], object]) -> int:
    make()  # facts are remembered
    with CaptureQueriesContext(connection) as seen:
        make()
    return len(seen)


def test_a_rule_costs_no_statement_at_the_token_endpoints() -> None:
    tokens = Browser("owner").tokens("web", scope=SCOPE)
    app = App("web")

    def all_of_it() -> None:
        assert app.refresh(tokens["refresh_token"]).status_code == 200
        assert app.introspect(tokens["access_token"]).json()["active"]
        assert app.userinfo(tokens["access_token"]).status_code == 200

    assert not cache.once(belonging.are_needed)
    before = statements(all_of_it)
    project_lets_in()
    client_lets_in("web")
    assert cache.once(belonging.are_needed)
    assert statements(all_of_it) == before
