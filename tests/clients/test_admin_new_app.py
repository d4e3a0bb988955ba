"""A new app in three questions: who may ask them, what becomes of the answers, and where what is wrong is said."""

from __future__ import annotations

import re
from typing import Any

import pytest

from clients.models import Client, SecurityEvent
from clients.new_app import KINDS, Answers, Permission, wanted
from clients.policy import metadata_of
from projects.models import Api, Project
from tests.console import OPEN, ORDERS, REPORTS, browser, form_of, page, project, send
from tests.world import Response

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
CALLBACK = "https://shop.acme.example/callback"
READ = f"{ORDERS} orders.read"
MACHINE = {"kind": "machine", "redirect_uris": "", "permissions": READ}


@pytest.fixture(autouse=True)
def _world(console: None) -> None:
    """Every test begins with the projects and people of tests/console.py."""


def url(key: str = "acme", kind: str = "") -> str:
    return f"{page('clients_client_new')}?project={key}&kind={kind}"


def ask(who: str = "editor", key: str = "acme", **said: object) -> Response:
    return send(browser(who), url(key), {"name": "Shop", "redirect_uris": CALLBACK, **said})


def made() -> Client:
    return Client.objects.get(name="Shop")


def errors(response: Response) -> dict[str, list[str]]:
    context: Any = response.context
    return {name: list(texts) for name, texts in context["form"].errors.items()}


# --- What becomes of the answers ---


def test_a_web_app_is_the_first_answer() -> None:
    shown = ask(permissions=READ)
    assert shown.status_code == 200
    client = metadata_of(made())
    assert (client.grant_types, client.public) == (("authorization_code", "refresh_token"), False)
    assert client.scope == "openid profile email offline_access orders.read"
    assert [(one.value, one.default) for one in client.audience] == [(ORDERS, False)]
    assert 'id="shown-secret"' in shown.content.decode()
    assert made().secrets.count() == 1


def test_a_service_asks_for_its_only_api_by_itself() -> None:
    ask(**MACHINE)
    client = metadata_of(made())
    assert (client.grant_types, client.scope) == (("client_credentials",), "orders.read")
    assert [(one.value, one.default) for one in client.audience] == [(ORDERS, True)]


def test_a_public_app_has_no_secret_and_is_led_to_its_page() -> None:
    answer = ask(kind="spa")
    assert (answer.status_code, answer["Location"]) == (302, page("clients_client_connect", made().pk))
    assert made().public
    assert not made().secrets.exists()


def test_an_api_that_checks_tokens_acts_for_the_one_that_was_ticked() -> None:
    ask(kind="api", redirect_uris="", apis=ORDERS)
    client = metadata_of(made())
    assert (client.acts_for, client.grant_types, client.introspection) == ((ORDERS,), (), "own")
    assert client.audience == ()


ANSWERS = Answers(
    client_id="it",
    name="It",
    redirect_uris=(CALLBACK,),
    people=("openid", "email"),
    permissions=(Permission(ORDERS, "orders.read"),),
    apis=(ORDERS,),
    apis_elsewhere=(OPEN,),
    scopes_elsewhere=("open.read",),
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_what_a_kind_is_not_asked_counts_for_nothing(kind: Any) -> None:
    became = wanted(kind, ANSWERS)
    assert became.redirect_uris == ((CALLBACK,) if kind.redirects else ())
    assert ("openid" in became.scopes) is kind.people
    assert ("orders.read" in became.scopes) is kind.apis
    assert [one.value for one in became.audience] == ([ORDERS, OPEN] if kind.apis else [])
    assert became.acts_for == ((ORDERS, OPEN) if kind.acts else ())
    assert "refresh_token" not in became.grant_types, "nobody wants it to go on without them"


# --- Who may ---


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("root", 200),
        ("owner", 200),
        ("editor", 200),
        ("viewer", 403),
        ("both", 404),
        ("outsider", 404),
        ("nobody", 403),
    ],
)
def test_who_changes_the_apps_of_the_project_makes_one(who: str, status: int) -> None:
    http = browser(who)
    assert http.get(url()).status_code == status
    assert http.post(url(), {"name": "Shop"}).status_code == status
    assert not Client.objects.filter(name="Shop").exists()


def test_whoever_edits_one_project_is_not_asked_which() -> None:
    assert "form" in (browser("editor").get(page("clients_client_new")).context or {})
    shown = browser("root").get(page("clients_client_new")).content.decode()
    assert re.findall(r'<option value="(\w+)"', shown) == ["acme", "other"]


def test_nothing_of_other_projects_is_offered() -> None:
    shown = browser("editor").get(url()).content.decode()
    assert ORDERS in shown
    assert not [one for one in (REPORTS, OPEN, "Hidden reports", "open.read") if one in shown]


def test_more_statements_are_not_needed_for_more_apis(django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        Api.objects.create(project=project(), identifier=f"https://more.acme.example/{number}", name=f"More {number}")
    http = browser("editor")
    http.get(url())
    with django_assert_max_num_queries(12):
        http.get(url())


# --- What is wrong is said where it stands ---


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        ({"redirect_uris": "https://shop.acme.example/*"}, "redirect_uris", "wildcards"),
        ({"redirect_uris": ""}, "redirect_uris", "Say where people are sent back to"),
        ({"apis_elsewhere": REPORTS}, "apis_elsewhere", "Not an API of this project or shared with it"),
        ({"apis_elsewhere": "https://api.acme.example/bred"}, "apis_elsewhere", "Not an API of this project"),
        ({"scopes_elsewhere": "reports.read"}, "scopes_elsewhere", "Unknown: reports.read"),
        ({"name": ""}, "name", "required"),
        ({"kind": "api", "apis_elsewhere": REPORTS}, "apis_elsewhere", "Not found in this project"),
        ({"permissions": f"{REPORTS} reports.read"}, "permissions", "not one of the available choices"),
        ({"kind": "starship"}, "kind", "not one of the available choices"),
    ],
)
def test_a_problem_stands_beside_what_caused_it(said: dict[str, str], field: str, words: str) -> None:
    answer = ask(**said)
    found = errors(answer)
    assert list(found) == [field]
    assert words in found[field][0]
    assert found[field][0].split(" ")[0] in answer.content.decode()
    assert not Client.objects.filter(name="Shop").exists()


def test_what_was_typed_and_ticked_is_there_again() -> None:
    shown = ask(redirect_uris="https://shop.acme.example/*", permissions=READ, people=["openid"])
    again = form_of(shown)
    assert (again["permissions"], again["people"], again["name"]) == (READ, "openid", "Shop")


def test_an_api_that_another_project_shares_is_typed_exactly() -> None:
    ask(apis_elsewhere=OPEN, scopes_elsewhere="open.read")
    client = metadata_of(made())
    assert [one.value for one in client.audience] == [OPEN]
    assert "open.read" in client.scopes


def test_sent_twice_it_is_one_app() -> None:
    http = browser("editor")
    fields = {**form_of(http.get(url())), "name": "Shop", "redirect_uris": CALLBACK}
    assert http.post(url(), fields).status_code == 200
    again = http.post(url(), fields)
    assert again["Location"] == page("clients_client_connect", made().pk)
    assert made().secrets.count() == 1


def test_an_id_of_another_project_is_told_as_the_long_form_tells_it() -> None:
    assert "already exists" in str(errors(ask(client_id="foreign")))


def test_it_stands_in_the_history_and_among_the_events() -> None:
    http = browser("editor")
    send(http, url(), {"name": "Shop", "redirect_uris": CALLBACK})
    assert SecurityEvent.objects.filter(kind="client.created", client_id=made().client_id).count() == 1
    assert "Added" in http.get(page("clients_client_history", made().pk)).content.decode()


# --- The way there ---


def test_the_list_leads_to_the_questions_and_they_to_the_long_form() -> None:
    listed = browser("editor").get(page("clients_client_changelist") + "?project=acme").content.decode()
    assert f'href="{page("clients_client_new")}?project=acme"' in listed
    assert f'href="{page("clients_client_add")}?project=acme"' in browser("editor").get(url()).content.decode()


def test_the_page_of_a_project_leads_to_a_new_app_and_a_new_api_in_it() -> None:
    shown = browser("owner").get(page("projects_project_change", project().pk)).content.decode()
    for name in ("clients_client_new", "projects_api_add"):
        assert f'href="{page(name)}?project=acme"' in shown


@pytest.mark.parametrize("key", ["other", "missing"])
def test_an_address_chooses_only_a_project_that_they_change(key: str) -> None:
    http = browser("editor")
    assert http.get(url(key)).status_code == 404
    assert form_of(http.get(f"{page('projects_api_add')}?project={key}")).get("project", "") == ""


def test_a_new_api_belongs_to_the_project_one_came_from_and_leads_back_there() -> None:
    where = f"{page('projects_api_add')}?project=acme"
    answer = send(browser("owner"), where, {"identifier": "https://bread.acme.example", "name": "Bread"})
    assert answer["Location"] == page("projects_project_change", project().pk)
    assert Api.objects.get(name="Bread").project == project()


def test_a_key_that_nobody_typed_is_made_of_the_name() -> None:
    send(browser("root"), page("projects_project_add"), {"name": "The Bakery & Sons"})
    assert Project.objects.get(name="The Bakery & Sons").key == "the-bakery-sons"
