"""Apps whose client id is the address of their document, as browsers and the apps meet them (protocol section 19)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.models import User
from clients import registration
from clients.models import Client
from common import clock, counters
from idp import discovery
from projects.actors import Actor
from projects.models import Api, Project
from provider import fetched_documents
from tests.foreign_keys import KEYS, OTHERS, public, signed
from tests.guests import open_door, open_scopes
from tests.provider.assertions import claims, proving
from tests.provider.document_server import CALLBACK, grown_old, publish, taking_documents
from tests.provider.key_server import KeyServer
from tests.world import CHALLENGE, ISSUER, ORDERS, REDIRECTS, VERIFIER, App, Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture
def agent(settings: Any) -> Iterator[KeyServer]:
    """The server of an app that nobody registered."""
    open_door("acme")
    open_scopes("orders.read")
    with taking_documents(settings) as server:
        publish(server, grant_types=["authorization_code", "refresh_token"])
        REDIRECTS[server.url] = CALLBACK
        yield server
        del REDIRECTS[server.url]


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


# --- The whole way -------------------------------------------------------------------------------------------------


@pytest.fixture
def read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed may be asked for again at once."""
    monkeypatch.setattr(fetched_documents, "_refuse_too_soon", lambda _client_id: None)


ASKED: dict[str, Any] = {"scope": "orders.read", "resource": ORDERS}


def changed(agent: KeyServer, **members: Any) -> None:
    publish(agent, **{"grant_types": ["authorization_code", "refresh_token"], **members})
    grown_old()


def refreshed(client_id: str, refresh_token: str, **sent: Any) -> Response:
    """The second one knows what the first one's thread found."""
    answer = App(client_id).refresh(refresh_token, **sent)
    for thread in threading.enumerate():
        if thread.name == "client-document":
            thread.join(timeout=10)
    return answer


def test_an_app_that_nobody_registered_gets_what_a_person_allows_it_c15(agent: KeyServer) -> None:
    first = ask(agent.url, scope="orders.read")
    assert first["Location"].startswith("/accounts/login/")
    assert agent.asked == 1, "before anybody signed in"
    page = ask(agent.url, Browser("owner"), scope="orders.read").content.decode()
    assert page.index(agent.url.split("/")[2]) < page.index("Agent"), "where it is, and then what it calls itself"
    assert "not verified" in page
    tokens = Browser("owner").tokens(agent.url, **ASKED)
    row = Client.objects.get(client_id=agent.url)
    assert (row.guest, row.registration_source) == (True, "cimd")
    again = App(agent.url).refresh(tokens["refresh_token"]).json()
    Client.objects.get(client_id="service").acts_for.add(Api.objects.get(identifier=ORDERS))
    for token in (tokens["access_token"], again["access_token"]):
        said = App("service").introspect(token).json()
        assert (said["active"], said["aud"], said["client_id"]) == (True, ORDERS, agent.url)
    assert agent.asked == 1


def test_who_denies_makes_no_row_c15(agent: KeyServer) -> None:
    browser = Browser("owner")
    denied = browser.answer(ask(agent.url, browser, scope="orders.read"), "deny")
    assert redirected(denied)["error"] == "access_denied"
    assert not Client.objects.filter(client_id=agent.url).exists()


def test_a_project_lets_in_the_host_of_the_document_c9(agent: KeyServer) -> None:
    open_door("acme", guest_apps="listed", guest_hosts=("agent.example",))
    assert redirected(ask(agent.url, Browser("owner"), scope="orders.read"))["error"] == "invalid_target"
    open_door("acme", guest_apps="listed", guest_hosts=("localhost",))
    assert "access_token" in Browser("owner").tokens(agent.url, **ASKED)


@pytest.mark.usefixtures("read_again")
def test_what_changes_while_the_page_is_shown_is_shown_again_c10(agent: KeyServer) -> None:
    browser = Browser("owner")
    page = ask(agent.url, browser, scope="orders.read")
    changed(agent, client_name="Another")
    answer = browser.answer(page)
    assert answer["Location"].startswith("/oauth2/authorize")
    assert "Another" in browser.http.get(answer["Location"]).content.decode()


@pytest.mark.usefixtures("read_again")
def test_when_the_document_changes_what_it_had_is_over_and_people_are_asked_anew_c10(agent: KeyServer) -> None:
    tokens = Browser("owner").tokens(agent.url, **ASKED)
    changed(agent, client_name="Another")
    refreshed(agent.url, tokens["refresh_token"])
    assert refreshed(agent.url, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert "Another" in ask(agent.url, Browser("owner"), scope="orders.read").content.decode()
    anew = Browser("owner").tokens(agent.url, **ASKED)
    assert refreshed(agent.url, anew["refresh_token"]).status_code == 200


@pytest.mark.usefixtures("read_again")
def test_when_the_document_is_gone_nothing_begins_and_refreshing_goes_on_for_a_while_c11(agent: KeyServer) -> None:
    tokens = Browser("owner").tokens(agent.url, **ASKED)
    agent.status = 410
    grown_old()
    assert "the status is 410" in page_of(ask(agent.url, Browser("owner")))
    once = refreshed(agent.url, tokens["refresh_token"]).json()
    assert Client.objects.get(client_id=agent.url).document_gone_since is not None
    twice = refreshed(agent.url, once["refresh_token"])
    assert twice.status_code == 200
    long_ago = clock.now() - timedelta(days=8)
    Client.objects.filter(client_id=agent.url).update(document_gone_since=long_ago)
    assert refreshed(agent.url, twice.json()["refresh_token"]).json()["error"] == "invalid_grant"


def test_one_that_was_deleted_may_come_again(agent: KeyServer) -> None:
    before = Browser("owner").tokens(agent.url, **ASKED)
    registration.delete(Client.objects.get(client_id=agent.url), Actor.operator("the tests"))
    assert App(agent.url).refresh(before["refresh_token"]).json()["error"] == "invalid_client"
    after = Browser("owner").tokens(agent.url, **ASKED)
    assert App(agent.url).refresh(after["refresh_token"]).status_code == 200
    assert App(agent.url).refresh(before["refresh_token"]).json()["error"] == "invalid_grant"


def test_no_app_is_where_an_api_is(agent: KeyServer) -> None:
    origin = agent.url.removesuffix("client.json")
    Api.objects.create(project=Project.objects.get(key="acme"), identifier=origin, name="At home")
    assert "It is the address of an API" in page_of(ask(agent.url))
    assert agent.asked == 0


# --- A moment after somebody allowed it something -------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("remembering")
def test_it_redeems_its_first_code_at_once_whichever_process_asked_for_it_before_c15(agent: KeyServer) -> None:
    """Programs do so within a tenth of a second, and what a process remembers is half a second old."""
    browser = Browser("owner")
    page = ask(agent.url, browser, scope="openid offline_access orders.read")
    assert App(agent.url).refresh("x").json()["error"] == "invalid_client", "it has no row yet"
    tokens = App(agent.url).exchange(redirected(browser.answer(page))["code"]).json()
    assert App(agent.url).userinfo(tokens["access_token"]).status_code == 200
    assert App(agent.url).refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("remembering")
def test_the_request_that_reads_a_new_document_goes_by_it_c10(agent: KeyServer) -> None:
    tokens = Browser("owner").tokens(agent.url, **ASKED)
    assert App(agent.url).refresh(tokens["refresh_token"]).status_code == 200
    changed(agent, redirect_uris=[CALLBACK, "http://127.0.0.1/elsewhere"], client_name="Another")
    page = ask(agent.url, Browser("owner"), scope="orders.read", redirect_uri="http://127.0.0.1/elsewhere")
    assert "Another" in page_of(page, status=200)


# --- With keys -----------------------------------------------------------------------------------------------------


def with_keys(agent: KeyServer, *keys: Any) -> None:
    method = "private_key_jwt"
    changed(agent, token_endpoint_auth_method=method, jwks={"keys": [public(key, kid=kid) for key, kid in keys]})


def proof(agent: KeyServer, key: Any = KEYS["ES256"], kid: str = "first") -> dict[str, str]:
    return proving(signed(key, "ES256", claims(agent.url), kid=kid))


@pytest.mark.usefixtures("read_again")
def test_one_with_keys_always_proves_itself_and_a_key_that_is_removed_proves_nothing_c6_c10(agent: KeyServer) -> None:
    with_keys(agent, (KEYS["ES256"], "first"))
    code = Browser("owner").code(agent.url, **ASKED)
    sent = {"redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": code, "grant_type": "authorization_code"}
    app = App(agent.url)
    assert app.token(**sent).json()["error"] == "invalid_client"
    tokens = app.post("/oauth2/token", {**sent, **proof(agent)}, auth=None).json()
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    with_keys(agent, (OTHERS["ES256"], "second"))
    ask(agent.url)
    assert app.post("/oauth2/token", {**again, **proof(agent)}, auth=None).json()["error"] == "invalid_client"
    by_the_new = {**again, **proof(agent, OTHERS["ES256"], "second")}
    assert app.post("/oauth2/token", by_the_new, auth=None).json()["error"] == "invalid_grant"


def test_one_without_a_row_pushes_a_signed_request(agent: KeyServer) -> None:
    method = "private_key_jwt"
    publish(agent, token_endpoint_auth_method=method, jwks={"keys": [public(KEYS["ES256"], kid="first")]})
    now = int(time.time())
    asked = {"response_type": "code", "redirect_uri": CALLBACK, "state": "s", **ASKED, "client_id": agent.url}
    said = {**asked, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    said |= {"iss": agent.url, "aud": ISSUER, "exp": now + 60, "nbf": now}
    request = signed(KEYS["ES256"], "ES256", said, kid="first", typ="oauth-authz-req+jwt")
    form = {"client_id": agent.url, "request": request}
    assert App(agent.url).post("/oauth2/par", form, auth=None).json()["error"] == "invalid_client"
    pushed = App(agent.url).post("/oauth2/par", {**form, **proof(agent)}, auth=None)
    assert pushed.status_code == 201, pushed.content
    where = urlencode({"client_id": agent.url, "request_uri": pushed.json()["request_uri"]})
    browser = Browser("owner")
    code = redirected(browser.answer(browser.http.get(f"/oauth2/authorize?{where}")))["code"]
    sent = {"redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": code, "grant_type": "authorization_code"}
    assert App(agent.url).post("/oauth2/token", {**sent, **proof(agent)}, auth=None).status_code == 200


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
