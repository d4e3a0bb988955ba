"""Addresses of apps: which may be registered, and that people come back to them letter by letter."""

from __future__ import annotations

from typing import Any

import pytest

from clients.identifiers import backchannel_uri_problem, redirect_uri_problem
from clients.models import Client
from tests.world import Browser, redirected


@pytest.mark.parametrize("name", ["code", "state", "iss", "error", "error_description"])
def test_a_registered_query_has_nothing_of_ours(name: str) -> None:
    """Otherwise the client would find two of them and might take the wrong one."""
    assert "which are ours" in redirect_uri_problem(f"https://app.example/cb?a=1&{name}=")
    assert redirect_uri_problem(f"https://app.example/cb?my_{name}=1") == ""


@pytest.mark.parametrize(
    "uri",
    ["https://a.example/cb,", "https://a.example/cb;", "https://a.example/cb,https://b.example/cb", "com.example.a:/,"],
)
def test_several_uris_on_one_line_are_refused(uri: str) -> None:
    """The comma would belong to the address, and no sign-in would match it."""
    assert redirect_uri_problem(uri) == f"{uri}: write one per line, without commas."


def test_commas_inside_a_uri_stay() -> None:
    assert redirect_uri_problem("https://a.example/cb;v=1,2?list=a,b") == ""


@pytest.mark.django_db
@pytest.mark.parametrize("uri", ["https://web.acme.example/cb?flag", "https://web.acme.example/cb?a=b%20c&d="])
@pytest.mark.parametrize("asked", [{}, {"scope": "unknown"}])
def test_a_registered_query_comes_back_letter_by_letter(world: None, uri: str, asked: dict[str, str]) -> None:
    Client.objects.filter(client_id="web").update(redirect_uris=uri)
    browser = Browser("owner")
    response = browser.authorize("web", redirect_uri=uri, **asked)
    if response.status_code == 200:
        response = browser.answer(response)
    assert response["Location"].startswith(f"{uri}&")
    assert redirected(response)["state"] == "the-state"


@pytest.mark.parametrize(
    ("uri", "local", "fine"),
    [
        ("", False, True),
        ("https://app.example/logout?tenant=1", False, True),
        ("https://app.example:8443", False, True),
        ("http://app.example/logout", True, False),
        ("http://localhost:3000/logout", True, True),
        ("http://127.0.0.1/logout", True, True),
        ("http://[::1]:3000/logout", True, True),
        ("http://localhost:3000/logout", False, False),
        ("https://app.example/logout#x", False, False),
        ("https://user@app.example/logout", False, False),
        ("https:///logout", False, False),
        ("https://*.example/logout", False, False),
        ("https://app.example:99999/", False, False),
        ("com.example.app:/logout", True, False),
        ("javascript:alert(1)", True, False),
        ("https://app.example/a\nb", False, False),
    ],
)
def test_logout_tokens_go_over_https_and_on_one_machine_over_http(
    settings: Any, uri: str, local: bool, fine: bool
) -> None:
    settings.IS_LOCAL = local
    assert (backchannel_uri_problem(uri) == "") == fine


NOT_PUBLIC = [
    "127.0.0.1:9",
    "10.0.0.1",
    "169.254.169.254",
    "[::1]",
    "[::ffff:10.0.0.1]",
    "[fd00::1]",
    "127.1",
    "0x7f.1",
]


@pytest.mark.parametrize("host", [*NOT_PUBLIC, "2130706433", "localhost", "LOCALHOST:8443", "app.localhost"])
def test_an_address_no_logout_token_would_go_to_is_refused_at_once(settings: Any, host: str) -> None:
    settings.IS_LOCAL = False
    uri = f"https://{host}/logout"
    assert backchannel_uri_problem(uri).startswith(f"{uri}: no logout tokens go to this address: it is not public.")


@pytest.mark.parametrize(
    "host", ["1.1.1.1", "[2606:4700:4700::1111]:8443", "10.example", "intranet", "127.0.0.1.example"]
)
def test_public_addresses_and_names_are_taken(settings: Any, host: str) -> None:
    """What a name leads to is seen when a token is sent."""
    settings.IS_LOCAL = False
    assert backchannel_uri_problem(f"https://{host}/logout") == ""


def test_an_address_in_a_network_the_deployment_names_is_taken(settings: Any) -> None:
    settings.IS_LOCAL = False
    settings.IDP_PRIVATE_LOGOUT_NETWORKS = ["10.0.0.0/8"]
    assert backchannel_uri_problem("https://10.0.0.1/logout") == ""
    assert backchannel_uri_problem("https://192.168.0.1/logout") != ""


@pytest.mark.parametrize(("host", "fine"), [("127.0.0.1", True), ("localhost", True), ("10.0.0.1", False)])
def test_a_provider_on_loopback_reaches_this_machine_and_no_neighbour(settings: Any, host: str, fine: bool) -> None:
    settings.IS_LOCAL = True
    assert (backchannel_uri_problem(f"https://{host}/logout") == "") == fine
