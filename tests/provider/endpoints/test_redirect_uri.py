"""Nobody is ever sent to an address the client did not register, whatever else a request says."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from clients.models import Client
from tests.world import WEB_CB, App, Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
EVIL = "https://evil.example/cb"


def is_a_page(response: Response) -> bool:
    """An answer for the person, which leads nowhere."""
    return response.status_code == 400 and "Location" not in response and b"<h1>" in response.content


@pytest.mark.parametrize(
    "redirect_uri",
    [
        EVIL,
        WEB_CB + "/",
        WEB_CB + "?x=1",
        WEB_CB + "#fragment",
        WEB_CB.replace("https", "http"),
        WEB_CB.replace("https", "HTTPS"),
        WEB_CB.replace("/cb", ":443/cb"),
        WEB_CB.replace("/cb", "/CB"),
        WEB_CB.replace("/cb", "/x/../cb"),
        WEB_CB.replace("/cb", "/%63b"),
        WEB_CB.replace("web.", "WEB."),
        WEB_CB.replace("https://", "https://user@"),
        WEB_CB.replace(".example/", ".example.evil.example/"),
        WEB_CB.replace(".example/", ".example\\@evil.example/"),
        WEB_CB + "\n",
        " " + WEB_CB,
        "/cb",
        "//web.acme.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:web.acme.example/cb",
        "https://spa.acme.example/cb",
        "http://127.0.0.1:4000/cb",
        "https://[::1",
        "https://web.acme.example:port/cb",
        "not a uri",
    ],
)
def test_a_redirect_uri_that_is_not_registered_gets_a_page(redirect_uri: str) -> None:
    assert is_a_page(Browser("owner").authorize("web", redirect_uri=redirect_uri))


@pytest.mark.parametrize("client_id", ["nobody", "", None, "web ", "WEB", "retired", "web\u00e9"])
def test_an_unknown_or_disabled_client_gets_a_page(client_id: Any) -> None:
    assert is_a_page(Browser("owner").authorize("web", client_id=client_id, redirect_uri=WEB_CB))


@pytest.mark.parametrize(
    "other",
    [
        {"response_type": None},
        {"response_type": "token"},
        {"scope": "nonsense"},
        {"prompt": "none"},
        {"prompt": "none login"},
        {"request": "x.y.z"},
        {"request_uri": "https://evil.example/request"},
        {"response_mode": "fragment"},
        {"code_challenge_method": "plain"},
        {"audience": "nobody"},
        {"id_token_hint": "rubbish"},
        {"state": ["one", "two"]},
    ],
)
@pytest.mark.parametrize("signed_in", ["", "owner"])
def test_other_errors_never_turn_the_page_into_a_redirect(other: dict[str, Any], signed_in: str) -> None:
    assert is_a_page(Browser(signed_in).authorize("web", redirect_uri=EVIL, **other))
    assert is_a_page(Browser(signed_in).authorize("nobody", redirect_uri=EVIL, **other))


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_second_client_id_or_redirect_uri_gets_a_page(name: str) -> None:
    for values in (["web", "web"], [WEB_CB, EVIL], [EVIL, WEB_CB], ["", WEB_CB], [WEB_CB, WEB_CB]):
        assert is_a_page(Browser("owner").authorize("web", **{name: values}))


def test_openid_requests_name_the_redirect_uri() -> None:
    assert is_a_page(Browser("owner").authorize("web", redirect_uri=None))
    assert is_a_page(Browser("owner").authorize("native", redirect_uri=None, scope="offline_access")), "it has two"


def test_plain_oauth_requests_may_leave_out_the_only_one_registered() -> None:
    page = Browser("owner").authorize("web", redirect_uri=None, scope="email")
    assert page.status_code == 200
    browser = Browser("owner")
    page = browser.authorize("web", redirect_uri=None, scope="email")
    answer = browser.answer(page)
    assert answer["Location"].startswith(WEB_CB + "?code=")
    code = redirected(answer)["code"]
    assert App("web").exchange(code, redirect_uri=EVIL).json()["error"] == "invalid_grant"
    assert App("web").exchange(code, redirect_uri=None).status_code == 200


# --- Native apps (RFC 8252) ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "redirect_uri", ["http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", "com.acme.app:/cb"]
)
def test_loopback_takes_any_port_and_private_use_schemes_work(redirect_uri: str) -> None:
    browser = Browser("owner")
    answer = browser.answer(browser.authorize("native", redirect_uri=redirect_uri))
    assert answer["Location"].startswith(redirect_uri + "?code=")
    code = redirected(answer)["code"]
    assert App("native").exchange(code, redirect_uri=redirect_uri).status_code == 200


def test_ipv6_loopback_takes_any_port_too() -> None:
    Client.objects.filter(client_id="native").update(redirect_uris="http://[::1]/cb")
    browser = Browser("owner")
    answer = browser.answer(browser.authorize("native", redirect_uri="http://[::1]:4711/cb"))
    assert answer["Location"].startswith("http://[::1]:4711/cb?code=")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://localhost:4000/cb",
        "http://127.0.0.2:4000/cb",
        "http://127.0.0.1:4000/other",
        "http://127.0.0.1:4000/cb?x=1",
        "http://127.0.0.1:4000/cb#x",
        "https://127.0.0.1:4000/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://user@127.0.0.1:4000/cb",
        "http://127.0.0.1:4000@evil.example/cb",
        "http://127.0.0.1:70000/cb",
        "http://127.0.0.1:abc/cb",
        "http://[::1]:4000/cb",
        "http://2130706433:4000/cb",
        "com.acme.app:/other",
        "com.acme.app://cb",
        "com.acme.other:/cb",
    ],
)
def test_loopback_and_private_use_schemes_are_otherwise_exact(redirect_uri: str) -> None:
    assert is_a_page(Browser("owner").authorize("native", redirect_uri=redirect_uri))


def test_a_query_that_was_registered_is_kept() -> None:
    Client.objects.filter(client_id="web").update(redirect_uris=WEB_CB + "?tenant=a%20b")
    browser = Browser("owner")
    answer = browser.answer(browser.authorize("web", redirect_uri=WEB_CB + "?tenant=a%20b"))
    query = dict(parse_qsl(urlsplit(answer["Location"]).query))
    assert (query["tenant"], query["state"]) == ("a b", "the-state")
    assert query["code"]


@pytest.mark.parametrize("odd", ["/[x]", "/100%", "/?q=[1]"])
def test_whatever_was_registered_is_compared_letter_by_letter_and_read_no_further(odd: str) -> None:
    Client.objects.filter(client_id="web").update(redirect_uris=WEB_CB + odd)
    browser = Browser("owner")
    answer = browser.answer(browser.authorize("web", redirect_uri=WEB_CB + odd))
    assert answer["Location"].startswith(WEB_CB + odd)
    assert redirected(answer)["code"]


# --- After tampering with the consent form -------------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["allow", "deny", ""])
@pytest.mark.parametrize(
    "change", [{"redirect_uri": EVIL}, {"client_id": "nobody"}, {"client_id": "stranger"}, {"redirect_uri": None}]
)
def test_a_tampered_consent_address_leads_nowhere(decision: str, change: dict[str, Any]) -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    url = urlsplit(page.context["action"])
    query = {**dict(parse_qsl(url.query)), **change}
    tampered = f"{url.path}?{urlencode({name: value for name, value in query.items() if value})}"
    answer = browser.http.post(tampered, {"decision": decision, "seen": page.context["seen"]})
    assert is_a_page(answer)


def test_fields_of_the_consent_form_change_no_address() -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    form = {
        "decision": "deny",
        "seen": page.context["seen"],
        "redirect_uri": EVIL,
        "client_id": "stranger",
        "state": "x",
        "next": EVIL,
    }
    answer = browser.http.post(page.context["action"], form)
    assert answer["Location"].startswith(WEB_CB + "?error=access_denied")
    assert redirected(answer)["state"] == "the-state"


def test_a_redirect_uri_taken_away_while_the_page_is_open_gets_no_answer() -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    Client.objects.filter(client_id="web").update(redirect_uris="https://web.acme.example/new")
    assert is_a_page(browser.answer(page))
    assert is_a_page(browser.answer(page, "deny"))


@pytest.mark.parametrize(("client_id", "admitted"), [("native", True), ("web", False)])
def test_a_native_app_gets_its_code_at_the_port_of_localhost_it_happened_to_get(client_id: str, admitted: bool) -> None:
    Client.objects.filter(client_id=client_id).update(redirect_uris="http://localhost/callback")
    browser, uri = Browser("owner"), "http://localhost:53117/callback"
    page = browser.authorize(client_id, redirect_uri=uri)
    if not admitted:
        assert page.status_code == 400
        return
    assert browser.answer(page)["Location"].startswith(f"{uri}?code=")
