"""Account pages let their forms end at one app's origin when they lead there, and nowhere else otherwise."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import form_targets
from accounts.models import User

NEXT = "/oauth/authorize?client_id=web&state=s&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
ORIGIN = "https://app.example"


def policy(response: Any) -> dict[str, list[str]]:
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def form_action(response: Any) -> list[str]:
    return policy(response)["form-action"]


def note(client: Client, next_url: str = NEXT, origin: str = ORIGIN) -> None:
    request = RequestFactory().get("/")
    request.session = client.session
    form_targets.remember(request, next_url, origin)
    request.session.save()


@pytest.fixture
def request_() -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    return request


@pytest.mark.parametrize(
    ("redirect_uri", "source"),
    [
        ("https://app.example/cb?x=1", "https://app.example"),
        ("https://APP.example:8443/cb", "https://app.example:8443"),
        ("http://127.0.0.1:51004/cb", "http://127.0.0.1:51004"),
        ("http://localhost/cb", "http://localhost"),
        ("http://[::1]:51004/cb", ""),
        ("com.example.app:/cb", "com.example.app:"),
        ("com.example.app://cb", "com.example.app:"),
        ("https://user@app.example/cb", "https://app.example"),
        ("https:///cb", ""),
        ("https://app.example:99999/cb", ""),
        ("http://[::1/cb", ""),
        ("https://app.example;script-src/cb", ""),
        ("https://*.example/cb", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("/cb", ""),
        ("", ""),
    ],
)
def test_a_redirect_uri_gives_exactly_its_own_origin(redirect_uri: str, source: str) -> None:
    assert form_targets.origin_of(redirect_uri) == source


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "https:",
        "http:",
        "data:",
        "javascript:",
        "'unsafe-inline'",
        "https://*",
        "https://*.example",
        "https://app.example/cb",
        "https://app.example; script-src *",
        "https://app.example https://other.example",
        "https://app.example\n",
        "app.example",
        "http://[::1]:51004",
    ],
)
def test_what_is_not_one_origin_never_enters_the_policy(request_: HttpRequest, origin: str) -> None:
    with pytest.raises(ValueError, match="Not the origin"):
        form_targets.allow_form_redirect(HttpResponse(), origin)
    with pytest.raises(ValueError, match="Not the origin"):
        form_targets.remember(request_, NEXT, origin)
    assert form_targets.SESSION_KEY not in request_.session


def test_only_the_last_ten_are_remembered(request_: HttpRequest) -> None:
    for number in range(11):
        form_targets.remember(request_, f"/authorize?n={number}", ORIGIN)
    form_targets.remember(request_, "/authorize?n=10", "com.example.app:")
    assert form_targets.remembered(request_, "/authorize?n=0") == ""
    assert form_targets.remembered(request_, "/authorize?n=1") == ORIGIN
    assert form_targets.remembered(request_, "/authorize?n=10") == "com.example.app:"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["account_login", "account_reauthenticate", "account_switch", "account_signup"])
@pytest.mark.parametrize("origin", [ORIGIN, "http://127.0.0.1:5000", "com.example.app:"])
def test_a_page_on_the_way_to_an_app_allows_that_app(client: Client, name: str, origin: str) -> None:
    if name in ("account_reauthenticate", "account_switch"):
        client.force_login(User.objects.create_user("person", password="correct horse battery staple"))
    note(client, origin=origin)
    response = client.get(f"{reverse(name)}?{urlencode({'next': NEXT})}")
    assert response.status_code == 200
    assert form_action(response) == ["'self'", origin]


@pytest.mark.django_db
def test_a_form_sent_back_with_an_error_still_leads_to_the_app(client: Client) -> None:
    note(client)
    response = client.post(reverse("account_login"), {"login": "nobody", "password": "wrong", "next": NEXT})
    assert response.status_code == 200
    assert form_action(response) == ["'self'", ORIGIN]


@pytest.mark.django_db
@pytest.mark.parametrize("next_url", ["", "/", NEXT + "&x=1", NEXT[:-1], ORIGIN])
def test_any_other_next_allows_nothing(client: Client, next_url: str) -> None:
    note(client)
    response = client.get(f"{reverse('account_login')}?{urlencode({'next': next_url})}")
    assert form_action(response) == ["'self'"]


@pytest.mark.django_db
def test_what_another_browser_is_doing_allows_nothing(client: Client) -> None:
    note(Client())
    response = client.get(f"{reverse('account_login')}?{urlencode({'next': NEXT})}")
    assert form_action(response) == ["'self'"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["home", "account_reset_password", "account_email", "account_change_password"])
def test_pages_that_lead_to_no_app_allow_nothing(client: Client, name: str) -> None:
    client.force_login(User.objects.create_user("person", password="correct horse battery staple"))
    note(client)
    response = client.get(f"{reverse(name)}?{urlencode({'next': NEXT})}")
    assert response.status_code == 200
    assert form_action(response) == ["'self'"]


@pytest.mark.django_db
def test_the_app_is_still_known_after_using_another_account(client: Client) -> None:
    client.force_login(User.objects.create_user("person"))
    note(client)
    response = client.post(f"{reverse('account_switch')}?{urlencode({'next': NEXT})}", follow=True)
    assert response.request["PATH_INFO"] == reverse("account_login")
    assert form_action(response) == ["'self'", ORIGIN]


@pytest.mark.django_db
@pytest.mark.urls("tests.idp.page_urls")
@pytest.mark.parametrize(
    ("app", "mode", "status"),
    [
        ("http://[::1]:51004/cb?code=x", "navigate", 200),
        ("http://[::1]:51004/cb?code=x", "", 302),  # not a browser's page: the redirect itself is wanted
        ("http://127.0.0.1:51004/cb?code=x", "navigate", 302),
    ],
)
def test_only_a_browser_sent_to_an_ipv6_address_gets_a_page_in_between(
    client: Client, app: str, mode: str, status: int
) -> None:
    client.force_login(User.objects.create_user("person"))
    response = client.get("/test/authorize/", {"app": app}, headers={"sec-fetch-mode": mode})
    assert response.status_code == status
    if status == 200:
        assert f'content="0; url={app}"' in response.content.decode()
        assert "no-store" in response["Cache-Control"]
    else:
        assert response["Location"] == app
