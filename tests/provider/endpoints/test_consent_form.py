"""The consent form answers one request, of one person, in one session; nobody else can send it."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core import signing
from django.test import Client as Http
from django.utils import timezone

from accounts.models import SignIn
from clients.models import Authorization, Client
from projects.models import Consent, Project
from tests.world import WEB_CB, Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture
def page() -> Response:
    return Browser("owner").authorize("web", scope="openid email")


def send(http: Http, page: Response, **form: Any) -> Response:
    return http.post(page.context["action"], {"decision": "allow", "seen": page.context["seen"], **form})


def starts_again(answer: Response) -> bool:
    """Nothing happened; the request is asked once more, on our own site."""
    url = urlsplit(answer["Location"])
    assert not Authorization.objects.exists()
    assert not Consent.objects.exists()
    return (answer.status_code, url.netloc, url.path) == (303, "", "/oauth2/authorize")


def test_it_answers_as_it_was_shown() -> None:
    browser = Browser("owner")
    page = browser.authorize("web", scope="openid email")
    answer = send(browser.http, page, scope=["email"])
    assert answer.status_code == 303
    assert redirected(answer)["code"]


@pytest.mark.any_database
@pytest.mark.parametrize("seen", ["", "garbage", "a:b:c", "\u00e9", "x" * 10_000, "."])
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_without_its_seal_it_answers_nothing(seen: str, decision: str) -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    assert starts_again(send(browser.http, page, seen=seen, decision=decision))


def test_a_changed_seal_answers_nothing() -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    seen = page.context["seen"]
    elsewhere = signing.dumps(signing.loads(seen, salt="clients.consent"), salt="another purpose")
    for changed in (seen[:-1], seen + "A", seen[1:], seen.swapcase(), elsewhere):
        assert starts_again(send(browser.http, page, seen=changed))


@pytest.mark.any_database
@pytest.mark.parametrize("content", [[], {}, 1, "text", None, ["a", "b", "c"], ["a", "b", "c", 1, 2]])
def test_a_seal_for_something_else_answers_nothing(content: Any) -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    assert starts_again(send(browser.http, page, seen=signing.dumps(content, salt="clients.consent")))
    assert starts_again(send(browser.http, page, seen=signing.dumps(content)))


def test_another_persons_page_answers_nothing(page: Response) -> None:
    assert starts_again(send(Browser("member").http, page))


def test_another_session_of_the_same_person_answers_nothing(page: Response) -> None:
    assert starts_again(send(Browser("owner").http, page))


def test_somebody_not_signed_in_answers_nothing(page: Response) -> None:
    assert starts_again(send(Http(), page))


def test_a_page_shown_for_another_request_answers_nothing() -> None:
    browser = Browser("owner")
    narrow, wide = browser.authorize("web", scope="openid"), browser.authorize("web", scope="openid email profile")
    answer = browser.http.post(wide.context["action"], {"decision": "allow", "seen": narrow.context["seen"]})
    assert starts_again(answer)


@pytest.mark.parametrize(
    ("this", "that"),
    [
        ("scope=openid+email", "scope=openid+profile"),
        ("nonce=the-nonce", "nonce=other"),
        ("state=the-state", "state=other"),
        ("code_challenge=7", "code_challenge=8"),
        ("response_type=code", "response_type=code&max_age=99999"),
    ],
)
def test_an_address_changed_by_hand_answers_nothing(this: str, that: str) -> None:
    browser = Browser("owner")
    page = browser.authorize("web", scope="openid email")
    action = page.context["action"]
    assert this in action
    answer = browser.http.post(action.replace(this, that), {"decision": "allow", "seen": page.context["seen"]})
    assert starts_again(answer)


def test_a_page_left_open_for_too_long_answers_nothing() -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    with time_machine.travel(timezone.now() + timedelta(seconds=3590)):
        assert redirected(browser.answer(page, "deny"))["error"] == "access_denied"
    with time_machine.travel(timezone.now() + timedelta(seconds=3610)):
        assert starts_again(browser.answer(page))


def test_a_sign_in_that_ended_meanwhile_answers_nothing() -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    SignIn.objects.update(ended_at=timezone.now())
    assert starts_again(send(browser.http, page))


def test_another_site_cannot_send_it() -> None:
    browser = Browser("owner", Http(enforce_csrf_checks=True))
    page = browser.authorize("web")
    for token in ("", "x" * 64):
        assert send(browser.http, page, csrfmiddlewaretoken=token).status_code == 403
    assert not Authorization.objects.exists()
    token = html.unescape(re.findall(r'csrfmiddlewaretoken" value="([^"]+)', page.content.decode())[0])
    assert redirected(send(browser.http, page, csrfmiddlewaretoken=token))["code"]


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options"])
def test_only_a_post_decides(method: str, page: Response) -> None:
    assert getattr(Http(), method)(page.context["action"]).status_code == 405


# --- The page ------------------------------------------------------------------------------------------------------


def test_the_page_is_kept_by_no_cache_and_framed_by_nobody(page: Response) -> None:
    assert page["Cache-Control"] == "no-store"
    assert page["X-Frame-Options"] == "DENY"
    policy = page["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.content.decode()


@pytest.mark.parametrize(
    ("client_id", "redirect_uri"),
    [("web", WEB_CB), ("native", "com.acme.app:/cb"), ("native", "http://127.0.0.1:4711/cb")],
)
def test_its_form_never_ends_at_another_origin(client_id: str, redirect_uri: str) -> None:
    page = Browser("owner").authorize(client_id, redirect_uri=redirect_uri)
    assert re.findall(r"form-action ([^;]*)", page["Content-Security-Policy"]) == ["'self'"]


def test_names_cannot_inject() -> None:
    nasty = "<script>alert(1)</script>\"'\u202e"
    Client.objects.filter(client_id="web").update(name=nasty)
    Project.objects.filter(key="acme").update(name=nasty)
    page = Browser("owner").authorize("web", audience="sibling").content.decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_seal_shows_no_more_than_the_page(page: Response) -> None:
    """Signed, not encrypted: what is in it may be read by whoever sees the page."""
    content = signing.loads(page.context["seen"], salt="clients.consent")
    assert content[3:] == ["", ["openid", "email"], [], [], []], "no guest app, and nothing is said of an end"
    assert "web.acme.example" not in str(content)
