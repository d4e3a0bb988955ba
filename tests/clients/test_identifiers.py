"""Names, secrets and addresses of apps: which may be registered, and that people come back letter by letter."""

from __future__ import annotations

import re
from typing import Any

import pytest

from clients.identifiers import (
    backchannel_uri_problem,
    client_id_problem,
    new_client_id,
    new_client_secret,
    redirect_uri_matches,
    redirect_uri_problem,
    shown_place,
)
from clients.models import Client
from tests.world import Browser, redirected

# --- Client ids and secrets ----------------------------------------------------------------------------------------

UUID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"


@pytest.mark.parametrize(
    ("client_id", "problem"),
    [
        *((bad, "visible ASCII") for bad in ("", "a b", " a", "a\n", "a\t", "a\x7f", "caf\u00e9", "\u0430cme")),
        *((bad, "UUID") for bad in (UUID, UUID.upper(), UUID.replace("-", ""), UUID.replace("-", "", 2))),
        *((bad, "address") for bad in ("https://api.acme.example", "HTTPS:x", "urn:x", "x:", "a1+.-b:x", "web:1")),
    ],
)
def test_these_client_ids_are_refused(client_id: str, problem: str) -> None:
    assert problem in client_id_problem(client_id)


@pytest.mark.parametrize(
    "client_id",
    ["web", "~", "!", "a/b:c", "1a:b", "a_b:c", UUID + "0", UUID[:-1], UUID[1:], "0" + UUID, "g" + UUID[1:]],
)
def test_these_client_ids_are_taken(client_id: str) -> None:
    assert client_id_problem(client_id) == ""


def test_no_client_id_looks_like_an_option_of_a_command() -> None:
    """One of 64 would, were it taken as it comes: `explain` could not be told about that client."""
    assert not [made for made in (new_client_id() for _ in range(2_000)) if made.startswith("-")]


def test_ids_have_128_random_bits_and_secrets_256() -> None:
    assert re.fullmatch("[A-Za-z0-9_-]{22}", new_client_id())
    assert re.fullmatch("[A-Za-z0-9_-]{43}", new_client_secret())
    assert new_client_id() != new_client_id()
    assert new_client_secret() != new_client_secret()


# --- Redirect URIs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        *("https://app.example/cb", "https://app.example", "https://app.example:8443/cb?a=b", "https://app.example/~a"),
        *("http://localhost:3000/cb", "http://127.0.0.1/cb", "http://[::1]:4000/cb"),
        *("com.example.app:/cb", "com.example.app://cb", "a-1.b+2.c-3:/cb", "com.example:cb"),
        *("cursor://anysphere.cursor-mcp/oauth/callback", "vscode://example.extension/cb", "vscode-insiders://a.b/cb"),
    ],
)
def test_these_redirect_uris_may_be_registered(uri: str) -> None:
    assert redirect_uri_problem(uri) == ""


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        *(
            (bad, "visible ASCII")
            for bad in ("", "https://a.example/ b", "https://a.example/\n", "https://\u0430.example")
        ),
        *((f"https://a.example/{bad}", "visible ASCII") for bad in '\\"<>^`{|}'),
        *((bad, "not a URI") for bad in ("https://[::1/cb", "https://a.example:99999/cb", "https://a.example:x/cb")),
        *((bad, "fragment") for bad in ("https://a.example/cb#", "https://a.example/cb#x", "com.example.app:/cb#x")),
        *((bad, "wildcards") for bad in ("https://*.example/cb", "https://u@a.example/cb", "com.example.app://u@cb")),
        *((bad, "wildcards") for bad in ("https://a.example/*", "https://a.example/a/*/b", "https://a.example/?a=*")),
        *((bad, "has no host") for bad in ("https:///cb", "https:/cb", "https:")),
        *((bad, "loopback addresses only") for bad in ("http://a.example/cb", "http://localhost.a.example/cb")),
        *((bad, "loopback addresses only") for bad in ("http://127.0.0.2/cb", "http://[::2]/cb", "http:///cb")),
        *((bad, "private-use scheme") for bad in ("app:/cb", "cursor:", "vscode2://a/cb", "slack://a/cb")),
        *((bad, "private-use scheme") for bad in ("javascript:alert(1)", "data:text/html,x", "/cb", "//h/cb")),
        *(
            (bad, "private-use scheme")
            for bad in ("com.example.app:", "com..example:/cb", "com.example.:/cb", "ftp://h/")
        ),
    ],
)
def test_these_redirect_uris_may_not(uri: str, problem: str) -> None:
    assert problem in redirect_uri_problem(uri)


LOOPBACK = "http://127.0.0.1/cb"


@pytest.mark.parametrize(
    ("registered", "asked", "same"),
    [
        ("https://app.example/cb", "https://app.example/cb", True),
        ("com.example.app:/cb", "com.example.app:/cb", True),
        ("https://app.example/cb", "https://app.example:443/cb", False),
        ("https://127.0.0.1/cb", "https://127.0.0.1:4000/cb", False),
        ("http://localhost/cb", "http://localhost:4000/cb", False),
        ("http://127.0.0.2/cb", "http://127.0.0.2:4000/cb", False),
        ("https://app.example/cb", LOOPBACK, False),
        (LOOPBACK, "https://app.example/cb", False),
        (LOOPBACK, LOOPBACK, True),
        (LOOPBACK, "http://127.0.0.1:9/cb", True),
        (LOOPBACK, "http://127.0.0.1:65535/cb", True),
        (LOOPBACK, "http://127.0.0.1:65536/cb", False),
        (LOOPBACK, "http://127.0.0.1:0/cb", False),
        (LOOPBACK, "http://[::1]:4000/cb", False),
        (LOOPBACK, "http://127.0.0.1:4000/", False),
        (LOOPBACK, "http://127.0.0.1:4000/cb/", False),
        (LOOPBACK, "http://127.0.0.1:4000/cb?x=1", False),
        (LOOPBACK, "http://127.0.0.1:4000/cb#x", False),
        ("http://127.0.0.1:4000/cb", "http://127.0.0.1:5000/cb", True),
        ("http://127.0.0.1:4000/cb?x=1", "http://127.0.0.1/cb?x=1", True),
        ("http://127.0.0.1?x=1", "http://127.0.0.1:4000?x=1", True),
        ("http://127.0.0.1", "http://127.0.0.1:4000", True),
        ("http://127.0.0.1", "http://127.0.0.1:4000/", False),
        ("http://[::1]:4000/cb", "http://[::1]:5000/cb", True),
    ],
)
def test_redirect_uris_are_compared_letter_by_letter_but_for_the_port_of_a_loopback_literal(
    registered: str, asked: str, same: bool
) -> None:
    assert redirect_uri_matches(registered, asked, native=False) is same


@pytest.mark.parametrize(
    ("registered", "asked", "same"),
    [
        ("http://localhost/cb", "http://localhost:4000/cb", True),
        ("http://localhost:3000/cb", "http://localhost/cb", True),
        ("http://localhost/cb", "http://localhost:65536/cb", False),
        ("http://localhost/cb", "http://localhost:4000/other", False),
        ("http://localhost/cb", "http://127.0.0.1:4000/cb", False),
        ("http://localhost/cb", "http://localhost.evil.example:4000/cb", False),
        ("http://localhost/cb", "https://localhost:4000/cb", False),
        (LOOPBACK, "http://127.0.0.1:9/cb", True),
        (LOOPBACK, "http://localhost:9/cb", False),
        ("https://app.example/cb", "https://app.example:4000/cb", False),
    ],
)
def test_a_native_app_may_choose_the_port_of_localhost_too(registered: str, asked: str, same: bool) -> None:
    assert redirect_uri_matches(registered, asked, native=True) is same


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("https://app.example:8443/cb?x", "app.example:8443"),
        ("http://127.0.0.1:4000/cb", "127.0.0.1:4000"),
        ("com.example.app://host/cb", "com.example.app:"),
    ],
)
def test_people_are_told_the_host_or_the_scheme(uri: str, place: str) -> None:
    assert shown_place(uri) == place


@pytest.mark.parametrize("name", ["code", "state", "iss", "error", "error_description"])
def test_a_registered_query_has_nothing_of_ours(name: str) -> None:
    """Otherwise the client would find two of them and might take the wrong one."""
    assert "which are ours" in redirect_uri_problem(f"https://app.example/cb?a=1&{name}=")
    assert redirect_uri_problem(f"https://app.example/cb?my_{name}=1") == ""


@pytest.mark.parametrize(
    "uri",
    [
        *("https://a.example/cb,", "https://a.example/cb;", "https://a.example/cb,https://b.example/cb"),
        *("http://localhost/cb;HTTP://localhost/other", "com.example.a:/,"),
    ],
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


# --- Back-channel logout URIs --------------------------------------------------------------------------------------


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
        ("ftp://localhost/logout", True, False),
        ("//localhost/logout", True, False),
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


def test_plain_http_is_for_one_machine_whatever_networks_the_deployment_names(settings: Any) -> None:
    settings.IS_LOCAL = False
    settings.IDP_PRIVATE_LOGOUT_NETWORKS = ["127.0.0.0/8"]
    assert backchannel_uri_problem("https://127.0.0.1/logout") == ""
    assert backchannel_uri_problem("http://127.0.0.1/logout").endswith(": use https.")


@pytest.mark.parametrize(("host", "fine"), [("127.0.0.1", True), ("localhost", True), ("10.0.0.1", False)])
def test_a_provider_on_loopback_reaches_this_machine_and_no_neighbour(settings: Any, host: str, fine: bool) -> None:
    settings.IS_LOCAL = True
    assert (backchannel_uri_problem(f"https://{host}/logout") == "") == fine
