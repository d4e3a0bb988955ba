"""However long the request of an app is, its person gets through a proxy with nginx's default buffers."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client as Http
from django.utils import timezone

from accounts.models import User
from clients.models import KeptRequest
from provider import kept_requests
from provider.endpoints.authorize import MAX_QUERY
from tests.world import CHALLENGE, REDIRECTS, App, Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
HEAD = 4_096  # proxy_buffer_size: the status line and all headers of an answer
LINE = 8_192  # large_client_header_buffers: the request line
OWNER = {"login": "owner", "password": "owner-pw"}
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}
STATES = {
    "2,500 letters": "s" * 2_500,
    "3,000 letters": "s" * 3_000,
    "JSON of 1,200 characters": json.dumps({"a": ['"'] * 150}) + "x" * 440,
    "as long as it may be": "s" * 4_096,
}


@dataclass
class Visit:
    """Somebody at a browser behind a proxy that measures."""

    http: Http = field(default_factory=lambda: Http(headers=BROWSER))

    def get(self, address: str) -> Response:
        return self._measured("GET", address, self.http.get(address))

    def post(self, address: str, form: dict[str, Any]) -> Response:
        return self._measured("POST", address, self.http.post(address, form))

    def _measured(self, method: str, address: str, response: Response) -> Response:
        assert len(f"{method} {address} HTTP/1.1") <= LINE
        lines = [f"HTTP/1.1 {response.status_code} {response.reason_phrase}"]
        lines += [f"{name}: {value}" for name, value in response.items()]
        lines += [cookie.output() for cookie in response.cookies.values()]
        head = len("\r\n".join([*lines, "", ""]).encode())
        assert head <= HEAD - 200, "the server and the proxy add lines of their own"
        return response

    def follow(self, response: Response) -> tuple[str, Response]:
        """Where redirects within the provider end."""
        address = ""
        while response.status_code in (302, 303) and response["Location"].startswith("/"):
            address = response["Location"]
            response = self.get(address)
        return address, response


def long_request(state: str, **params: str) -> str:
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": REDIRECTS["web"],
        "scope": "openid",
        "state": state,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **params,
    }
    return f"/oauth2/authorize?{urlencode(query)}"


def consent_form(page: Response) -> tuple[str, dict[str, Any]]:
    text = page.content.decode()
    action = re.search(r'<form class="card consent" method="post" action="([^"]*)"', text)
    seen = re.search(r'name="seen" value="([^"]*)"', text)
    assert action
    assert seen
    return html.unescape(action[1]), {"decision": "allow", "seen": seen[1]}


def leads_to(page: Response) -> str:
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', page.content.decode())
    assert found
    return html.unescape(found[1])


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_somebody_signs_in_allows_and_the_app_gets_its_state(state: str) -> None:
    visit = Visit()
    more = MAX_QUERY - len(long_request(state, unknown="x")) if len(state) > 4_000 else 0
    address, page = visit.follow(visit.get(long_request(state, unknown="x" * more)))
    assert address.startswith("/accounts/login/?next=%2Foauth2%2Fauthorize%3F")
    assert len(address) < 2_100
    next_url = html.unescape(re.search(r'name="next" value="([^"]*)"', page.content.decode())[1])  # type: ignore[index]
    _address, page = visit.follow(visit.post("/accounts/login/", {**OWNER, "next": next_url}))
    action, form = consent_form(page)
    app = leads_to(visit.post(action, form))
    assert app.startswith(f"{REDIRECTS['web']}?code=")
    assert urlencode({"state": state}) in app


def test_what_is_short_goes_on_travelling_and_leaves_nothing() -> None:
    sent_on = Browser().authorize("web", state="s" * 500)
    assert "state" in sent_on["Location"]
    assert not KeptRequest.objects.exists()


def test_who_is_signed_in_gets_to_an_app_with_a_long_state_by_a_page() -> None:
    browser = Browser("owner", Http(headers={"Accept": "text/html"}))
    browser.code("web")
    visit = Visit(browser.http)
    state = STATES["3,000 letters"]
    assert urlencode({"state": state}) in leads_to(visit.get(long_request(state)))


def test_a_program_is_redirected_however_long_it_is() -> None:
    browser = Browser("owner")
    browser.code("web")
    assert redirected(browser.http.get(long_request("s" * 3_000)))["state"] == "s" * 3_000


def test_a_silent_request_is_never_answered_with_a_page() -> None:
    http = Http(headers={"Accept": "text/html"})
    assert redirected(http.get(long_request("s" * 3_000, prompt="none")))["error"] == "login_required"


def test_a_posted_request_goes_on_under_its_key() -> None:
    path, _mark, query = long_request("s" * 3_000).partition("?")
    sent_on = Http().post(path, query, content_type="application/x-www-form-urlencoded")
    assert sent_on.status_code == 303
    assert len(sent_on["Location"]) < 100
    assert Browser("owner").http.get(sent_on["Location"]).context["client_name"] == "Acme web"


def test_two_tabs_go_on_to_their_own_apps() -> None:
    visit = Visit()
    for letter in "ab":
        visit.get(long_request(letter * 3_000))
    assert KeptRequest.objects.count() == 2


def test_the_language_an_app_asks_for_is_kept_with_the_request() -> None:
    key = Browser().http.get(long_request("s" * 3_000, ui_locales="de"))["Location"]
    assert key
    page = Browser("owner").http.get(kept_requests.shortened(long_request("s" * 3_000, ui_locales="de")))
    assert page["Content-Language"] == "de"


def test_a_fresh_sign_in_that_was_asked_for_is_still_asked_for() -> None:
    """The request that comes back by its key is the one that wanted it."""
    visit = Visit()
    visit.http.force_login(User.objects.get(username="owner"))
    address, page = visit.follow(visit.get(long_request("s" * 3_000, prompt="login")))
    assert address.startswith("/accounts/reauthenticate/?next=")
    next_url = page.context["redirect_field_value"]
    _address, page = visit.follow(visit.post("/accounts/reauthenticate/", {"password": "owner-pw", "next": next_url}))
    assert consent_form(page)


# --- What is kept ----------------------------------------------------------------------------------------------------


def test_a_visitor_leaves_one_sealed_row_for_a_quarter_of_an_hour_and_no_session() -> None:
    for _time in range(3):
        Http().get(long_request("s" * 3_000, login_hint="owner@people.example"))
    row = KeptRequest.objects.get()
    assert timedelta(minutes=14) < row.expires_at - timezone.now() <= timedelta(minutes=15)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM clients_keptrequest")
        assert "people" not in str(cursor.fetchall())
    assert not Session.objects.exists()


def test_who_takes_longer_is_told_to_go_back_to_the_app() -> None:
    short = kept_requests.shortened(long_request("s" * 3_000))
    browser = Browser("owner")
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        page = browser.http.get(short)
    assert page.status_code == 400
    assert "This took too long" in page.content.decode()
    assert browser.http.get(short).status_code == 200, "and nothing was wrong with it before"


@pytest.mark.parametrize("key", ["", "x", "x" * 5_000, "é"])
def test_a_key_that_nobody_was_given_opens_nothing(key: str) -> None:
    page = Browser("owner").http.get(f"/oauth2/authorize?{urlencode({'kept': key})}")
    assert page.status_code == 400


def test_beside_other_parameters_it_is_a_parameter_nobody_knows() -> None:
    assert Browser("owner").authorize("web", kept="x").status_code == 200


def test_a_request_that_leads_nowhere_is_not_kept() -> None:
    for wrong in ({"client_id": "nobody"}, {"redirect_uri": "https://evil.example/"}, {"scope": "\N{EURO SIGN}"}):
        Http().get(long_request("s" * 3_000, **wrong))
    assert not KeptRequest.objects.exists()


def test_a_flood_fills_no_table_and_takes_nothing_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_requests, "MAX_KEPT", 3)
    mine = kept_requests.shortened(long_request("m" * 3_000))
    for number in range(10):
        Http().get(long_request(str(number) * 3_000))
    assert KeptRequest.objects.count() == 3
    assert Browser("owner").http.get(mine).status_code == 200
    travels = Http().get(long_request("x" * 3_000))["Location"]
    assert "x" * 3_000 in travels, "as without this table: a proxy with larger buffers lets it pass"
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert "kept" in Http().get(long_request("x" * 3_000))["Location"], "what has expired makes room"


def test_a_long_request_to_sign_out_goes_on_under_its_key_too() -> None:
    person = Browser("owner")
    hint = person.tokens("web")["id_token"]
    form = urlencode({"id_token_hint": hint, "state": "s" * 3_000})
    sent_on = person.http.post("/oauth2/logout", form, content_type="application/x-www-form-urlencoded")
    assert (sent_on.status_code, len(sent_on["Location"]) < 100) == (303, True)
    assert "You are signed out" in person.http.get(sent_on["Location"]).content.decode()


def test_the_code_is_for_the_request_that_was_kept() -> None:
    browser = Browser("owner")
    page = browser.http.get(kept_requests.shortened(long_request("s" * 3_000)))
    code = redirected(browser.answer(page))["code"]
    assert App("web").exchange(code).status_code == 200
