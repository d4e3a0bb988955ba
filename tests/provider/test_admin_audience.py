"""The allowlist's tester on a client's page: everybody who sees the client may look, and sees no more than that."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from clients.models import AudienceEntry, Client, SecurityEvent
from projects.models import Shared
from tests.console import OPEN, ORDERS, REPORTS, api, browser, client, page

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]
OTHERS = ("project other", "Other people", "Hidden reports", "Foreign app")


def ask(audience: str | None, username: str = "viewer", client_id: str = "web") -> Any:
    url = page("clients_client_audience", client(client_id).pk)
    return browser(username).get(url, {} if audience is None else {"audience": audience})


def text(response: Any) -> str:
    """What stands in the page's content, without its markup and the question that is repeated in the field."""
    assert response.status_code == 200
    content = response.content.decode().partition('id="content-main"')[2]
    content = re.sub(r"<input[^>]*>", "", content)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", content)).split())


@pytest.mark.parametrize("username", ["viewer", "editor", "owner", "root"])
def test_everybody_who_sees_the_client_may_look(username: str) -> None:
    said = text(ask(f"{ORDERS}/7", username))
    assert "Yes, it would be allowed" in said
    assert f"Rule 1 covers it: {ORDERS} and everything below." in said
    assert "authorization_code : allowed" in said
    assert f"aud {ORDERS}/7" in said


@pytest.mark.parametrize("username", ["outsider", "nobody", "person"])
def test_nobody_else_may(username: str) -> None:
    answers = [ask(ORDERS, username), browser(username).get(page("clients_client_audience", 10**6))]
    assert len({(one.status_code, one.get("Location", "").partition("?")[0]) for one in answers}) == 1
    assert answers[0].status_code != 200


def test_the_page_of_a_client_leads_there() -> None:
    shown = browser("viewer").get(page("clients_client_change", client().pk)).content.decode()
    assert page("clients_client_audience", client().pk) in shown


def test_without_a_question_the_allowlist_is_shown_with_its_rules_counted() -> None:
    said = text(ask(None))
    assert "would be" not in said.replace("Would it be allowed?", "")
    assert f"1 {ORDERS} this and everything below" in said
    assert "2 urn:acme:queue exactly this" in said
    AudienceEntry.objects.all().delete()
    assert "Empty: no audience may be asked for." in text(ask(None))


def test_the_rule_that_decides_is_marked() -> None:
    assert "2 decides urn:acme:queue" in text(ask("urn:acme:queue"))


def test_a_refusal_says_where_and_what_the_app_is_told() -> None:
    said = text(ask(f"{ORDERS}-else"))
    assert "No, it would be refused" in said
    assert "No rule of the allowlist covers it." in said
    assert "refused at audience.at_authorization with invalid_target: This audience is not allowed" in said


def test_a_sibling_and_what_stands_in_its_way() -> None:
    assert "The ID token is made for it" in text(ask("spa"))
    said = text(ask("spa"))
    assert "aud spa, azp web" in said
    Client.objects.filter(client_id="spa").update(enabled=False)
    assert "This is another client. It is disabled." in text(ask("spa"))


# --- What is another project's stays theirs ------------------------------------------------------------------------


def without(said: str, *names: str) -> str:
    for name in names:
        said = said.replace(name, "…")
    return said


@pytest.mark.parametrize("username", ["viewer", "editor", "owner"])
def test_a_foreign_client_reads_like_one_that_does_not_exist(username: str) -> None:
    answers = {without(text(ask(name, username)), name) for name in ("foreign", "missing")}
    assert len(answers) == 1
    assert "No client of this project has this ID, and no rule of the allowlist names it." in answers.pop()


@pytest.mark.parametrize("username", ["viewer", "editor", "owner"])
def test_a_foreign_api_reads_like_an_address_nobody_registered(username: str) -> None:
    nobodys = "https://api.other.example/nothing"
    for below in ("", "/7"):
        answers = {without(text(ask(one + below, username)), one + below) for one in (REPORTS, nobodys)}
        assert len(answers) == 1


def test_a_rule_above_a_foreign_api_says_no_more_than_that_it_is_refused() -> None:
    AudienceEntry.objects.create(client=client(), value="https://api.other.example")
    said = text(ask(f"{REPORTS}/7"))
    assert "No, it would be refused" in said
    assert "It is refused all the same: the address is not this project's to use." in said
    assert "API" not in said
    assert not [name for name in OTHERS if name in said]


def test_the_providers_own_api_is_just_another_address() -> None:
    AudienceEntry.objects.create(client=client(), value="http://localhost:8000")
    for username in ("viewer", "root"):
        said = text(ask("http://localhost:8000/api/v1/clients", username))
        assert "No, it would be refused" in said
        assert "which a superuser opens to a client by its address" in said


def test_a_shared_api_is_named_and_its_project_is_not() -> None:
    AudienceEntry.objects.create(client=client(), value=OPEN)
    said = text(ask(OPEN))
    assert f"It belongs to the API {OPEN}, which another project shares." in said
    assert not [name for name in OTHERS if name in said]


def test_who_sees_both_projects_reads_whose_it_is() -> None:
    assert f"It belongs to the API {REPORTS} of the project other, which does not share it." in text(
        ask(REPORTS, "both")
    )
    assert "It is a client of another project." in text(ask("foreign", "both"))
    api(REPORTS).shared_with.set([client().home])
    type(api(REPORTS)).objects.filter(identifier=REPORTS).update(shared=Shared.LISTED)
    AudienceEntry.objects.create(client=client(), value=REPORTS)
    assert f"It belongs to the API {REPORTS}, which the project other shares." in text(ask(REPORTS, "both"))


# --- Looking changes nothing, and nothing typed is a fault ---------------------------------------------------------


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_is_for_looking_only(method: str) -> None:
    url = page("clients_client_audience", client().pk)
    assert getattr(browser("root"), method)(url, {"audience": ORDERS}).status_code == 405


def test_nothing_is_on_record_afterwards() -> None:
    ask(f"{ORDERS} foreign spa")
    assert not SecurityEvent.objects.filter(client_id="web").exists()


@pytest.mark.any_database
@pytest.mark.parametrize(
    "audience",
    ["", " ", "https://[::1", "https://h/..", "x" * 5000, "é", "\ud7ff", "<script>alert(1)</script>", "a " * 30, "%00"],
)
def test_anything_typed_gets_an_answer(audience: str) -> None:
    response = ask(audience)
    assert response.status_code == 200
    assert b"<script>alert" not in response.content


def test_the_page_loads_nothing_inline_and_is_not_kept() -> None:
    response = ask(ORDERS)
    html = response.content.decode()
    assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=", html.partition('id="content-main"')[2])
    assert "no-store" in response["Cache-Control"]
