"""Apps whose client id is the address of their document, as browsers and the apps meet them (protocol section 19)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import User
from clients.models import Client
from common import counters
from idp import discovery
from provider import fetched_documents
from tests.provider.document_server import CALLBACK, publish, taking_documents
from tests.provider.key_server import KeyServer
from tests.world import CHALLENGE, ORDERS, App, Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture
def agent(settings: Any) -> Iterator[KeyServer]:
    """The server of an app that nobody registered."""
    with taking_documents(settings) as server:
        yield server


def page_of(response: Response, status: int = 400) -> str:
    assert (response.status_code, "Location" in response) == (status, False)
    assert "no-store" in response["Cache-Control"]
    return response.content.decode()


def ask(client_id: str, browser: Browser | None = None, **params: Any) -> Response:
    return (browser or Browser()).authorize(client_id, **{"redirect_uri": CALLBACK, "resource": ORDERS, **params})


def test_a_page_names_the_host_and_the_cause_before_anybody_signs_in_c14(agent: KeyServer) -> None:
    publish(agent, client_name=None)
    page = page_of(ask(agent.url))
    for words in ("This app cannot be identified", agent.url.split("/")[2], "It has no client_name."):
        assert words in page
    assert "C7" not in page


@pytest.mark.any_database
@pytest.mark.parametrize("status", [302, 404, 410, 500])
def test_an_answer_that_is_none_leads_nowhere_whatever_it_says_c3_c14(agent: KeyServer, status: int) -> None:
    agent.status, agent.headers["Location"] = status, "https://evil.example/"
    assert f"the status is {status}, not 200" in page_of(ask(agent.url))
    assert agent.asked == 1


@pytest.mark.any_database
def test_an_address_that_is_no_client_id_is_not_asked_c1_c14(agent: KeyServer) -> None:
    page = page_of(ask(f"{agent.url}?x=1"))
    assert "It must not have a query" in page
    assert "?x=1" not in page
    assert agent.asked == 0


@pytest.mark.any_database
def test_when_too_much_is_asked_the_page_says_to_try_again_c5(
    agent: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched_documents, "IN_ALL", counters.Limit("test-all", 0, 60))
    page = page_of(ask(agent.url), status=503)
    assert "Try again in a minute" in page
    assert agent.asked == 0


@pytest.mark.any_database
def test_administrators_read_what_each_rule_says(agent: KeyServer) -> None:
    publish(agent, client_name=None, client_secret="s")
    User.objects.filter(username="owner").update(is_staff=True)
    page = page_of(ask(agent.url, Browser("owner")))
    for words in ("C6: It has client_secret", "C7: It has no client_name.", "manage.py explain", agent.url):
        assert words in page


@pytest.mark.any_database
def test_a_deployment_that_does_not_take_them_asks_nobody_and_knows_nobody(agent: KeyServer, settings: Any) -> None:
    settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = False
    assert "not registered" in page_of(ask(agent.url))
    assert agent.asked == 0


def test_an_answer_goes_to_an_address_of_the_document_alone_c8(agent: KeyServer) -> None:
    assert "cannot be answered" in page_of(ask(agent.url, redirect_uri="http://127.0.0.1/elsewhere"))
    assert "cannot be answered" in page_of(ask(agent.url, redirect_uri="https://evil.example/callback"))


def test_no_request_makes_a_row_c15(agent: KeyServer) -> None:
    before = Client.objects.count()
    ask(agent.url)
    ask(agent.url, Browser("owner"))
    assert Client.objects.count() == before


def test_at_the_token_endpoint_nothing_is_fetched_and_nobody_is_known_by_a_document_c14(agent: KeyServer) -> None:
    answer = App(agent.url).token(grant_type="authorization_code", code="x", redirect_uri=CALLBACK)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert agent.asked == 0
    ask(agent.url)
    again = App(agent.url).token(grant_type="authorization_code", code="x", redirect_uri=CALLBACK)
    assert again.json() == answer.json()
    assert agent.asked == 1


# --- Pushed --------------------------------------------------------------------------------------------------------


def push(client_id: str, **params: Any) -> Response:
    asked = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "resource": ORDERS}
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    return App(client_id).post("/oauth2/par", {**asked, **pkce, **params})


@pytest.mark.any_database
def test_an_app_that_pushes_is_told_what_is_wrong_with_its_document_c14(agent: KeyServer) -> None:
    publish(agent, redirect_uris=[])
    answer = push(agent.url)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["error_description"] == "It has no redirect_uris."


@pytest.mark.any_database
def test_an_app_that_pushes_is_told_to_come_back_c5(agent: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_documents, "IN_ALL", counters.Limit("test-all", 0, 60))
    answer = push(agent.url)
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert agent.asked == 0


# --- What is said of it --------------------------------------------------------------------------------------------


@pytest.mark.any_database
def test_discovery_says_so_exactly_where_it_works(settings: Any) -> None:
    for taken in (True, False):
        settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = taken
        assert discovery.metadata().get("client_id_metadata_document_supported", False) is taken
