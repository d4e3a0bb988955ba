"""A page that failed, or that was asked for too often, leads to the same once more: the app's request is not lost."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.db import OperationalError, connection
from django.test import Client as Http
from django.test import RequestFactory

from provider.endpoints import try_again
from tests.provider.endpoints.test_long_requests import long_request
from tests.world import Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
NEXT = "/oauth2/authorize?client_id=web&state=kept"
OWNER = {"login": "owner", "password": "owner-pw", "next": NEXT}


def again(page: Response) -> str:
    """Where *Try again* leads."""
    found = re.search(r'<a class="button" href="([^"]*)">Try again</a>', page.content.decode())
    assert found, page.content.decode()
    return html.unescape(found[1])


@pytest.fixture
def visitor() -> Http:
    return Http(raise_request_exception=False)


@pytest.fixture(params=[OperationalError, RuntimeError], ids=["503", "500"])
def failing(request: pytest.FixtureRequest) -> Iterator[Callable[[], Any]]:
    """While it is entered, nothing can be read or written, for a reason that is known or not."""

    def refuse(*_call: Any) -> Any:
        raise request.param("gone")

    return lambda: connection.execute_wrapper(refuse)  # type: ignore[return-value]


def test_an_authorization_request_is_tried_again(failing: Any) -> None:
    browser = Browser("owner")
    browser.http.raise_request_exception = False
    with failing():
        page = browser.authorize("web", state="kept")
    assert page.status_code in (500, 503)
    assert "state=kept" in again(page)
    assert browser.http.get(again(page)).status_code == 200, "the consent page"


def test_who_had_allowed_is_asked_again_and_the_app_gets_its_code(failing: Any) -> None:
    browser = Browser("owner")
    browser.http.raise_request_exception = False
    consent = browser.authorize("web", state="kept")
    with failing():
        page = browser.answer(consent)
    assert again(page).startswith("/oauth2/authorize?")
    assert redirected(browser.answer(browser.http.get(again(page))))["state"] == "kept"


def test_a_sign_in_that_failed_leads_to_the_form_and_on_to_the_app(visitor: Http, failing: Any) -> None:
    with failing():
        page = visitor.post("/accounts/login/", OWNER)
    assert again(page) == f"/accounts/login/?next={quote(NEXT, safe='')}"
    assert visitor.post(again(page), OWNER)["Location"] == NEXT


def test_whoever_asked_too_often_tries_again_with_the_apps_request(visitor: Http, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "reset_password": "1/m/ip"}
    for _time in range(2):
        page = visitor.post("/accounts/password/reset/", {"email": "owner@people.example", "next": NEXT})
    assert page.status_code == 429
    assert again(page) == f"/accounts/password/reset/?next={quote(NEXT, safe='')}"


def test_no_other_site_is_led_to(visitor: Http, failing: Any) -> None:
    with failing():
        page = visitor.post("/accounts/login/", {**OWNER, "next": "https://evil.example/"})
    assert again(page) == "/accounts/login/"


def test_what_an_app_posted_cannot_be_asked_by_a_link(visitor: Http, failing: Any) -> None:
    with failing():
        page = visitor.post("/oauth2/authorize", "client_id=web", content_type="application/x-www-form-urlencoded")
    assert page.status_code in (500, 503)
    assert "Try again</a>" not in page.content.decode()


def test_a_form_that_cannot_be_read_leads_nowhere_and_fails_nothing_more() -> None:
    form = "application/x-www-form-urlencoded"
    request = RequestFactory().post("/accounts/login/", "&".join(["a=b"] * 2_000), content_type=form)
    assert try_again.next_url(request) == ""


def test_a_request_that_is_kept_is_tried_again_under_its_key(visitor: Http, failing: Any) -> None:
    kept = visitor.get(long_request("s" * 3_000))["Location"]
    here = unquote(kept.partition("next=")[2])
    with failing():
        page = visitor.get(here)
    assert page.status_code in (500, 503)
    assert again(page) == here
