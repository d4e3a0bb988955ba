"""A form that came too late changes nothing, and whoever sent it goes on to where they were going."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client as Http

from accounts.models import SignIn, User
from clients.models import Authorization
from tests.accounts.second_steps import enrol
from tests.world import Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
NEXT = "/oauth2/authorize?client_id=web&state=s"
OWNER = {"login": "owner", "password": "owner-pw"}


def strict(username: str = "") -> Http:
    return Browser(username, Http(enforce_csrf_checks=True)).http


def token(page: Response) -> str:
    return page.content.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]


@pytest.mark.parametrize("address", ["login", "signup", "two-step/sign-in", "passkeys/sign-in"])
@pytest.mark.parametrize(("next_url", "there"), [(NEXT, NEXT), ("", "/"), ("https://evil.example/", "/")])
def test_whoever_is_signed_in_already_goes_on(address: str, next_url: str, there: str) -> None:
    """The morning of every office: the tabs of yesterday are all at the sign-in page."""
    http = strict("owner")
    before = SignIn.objects.get().pk
    response = http.post(f"/accounts/{address}/", {**OWNER, "next": next_url})
    assert (response.status_code, response["Location"]) == (303, there)
    assert SignIn.objects.get().pk == before, "nobody was signed in or out"


@pytest.mark.parametrize(("next_url", "there"), [("/a\nb", "/a%0Ab"), ("/\N{EURO SIGN}", "/%E2%82%AC")])
def test_what_no_header_can_carry_is_written_as_a_uri(next_url: str, there: str) -> None:
    response = strict("owner").post("/accounts/login/", {**OWNER, "next": next_url})
    assert (response.status_code, response["Location"]) == (303, there)


def test_the_second_of_two_tabs_goes_on_to_its_own_app() -> None:
    http = strict()
    tabs = [http.get("/accounts/login/", {"next": f"{NEXT}{tab}"}) for tab in "ab"]
    sent = [
        {**OWNER, "next": f"{NEXT}{tab}", "csrfmiddlewaretoken": token(page)}
        for tab, page in zip("ab", tabs, strict=True)
    ]
    assert http.post("/accounts/login/", sent[0])["Location"] == f"{NEXT}a"
    second = http.post("/accounts/login/", sent[1])
    assert (second.status_code, second["Location"]) == (303, f"{NEXT}b")


def test_a_second_step_says_where_it_leads_too() -> None:
    enrol(User.objects.get(username="owner"))
    http = Http()
    page = http.post("/accounts/login/", {**OWNER, "next": NEXT}, follow=True).content.decode()
    assert f'name="next" value="{NEXT.replace("&", "&amp;")}"' in page


def test_otherwise_the_form_comes_back_filled_in_but_for_the_password() -> None:
    http = strict()
    response = http.post("/accounts/login/", {**OWNER, "next": NEXT, "csrfmiddlewaretoken": "x" * 64})
    page = response.content.decode()
    assert response.status_code == 403
    assert 'value="owner"' in page
    assert "owner-pw" not in page
    assert "This form was no longer valid" in page
    sent = {**OWNER, "next": NEXT, "csrfmiddlewaretoken": token(response)}
    assert http.post("/accounts/login/", sent)["Location"] == NEXT, "and works"


def test_a_form_of_another_site_signs_nobody_in() -> None:
    http = strict()
    assert http.post("/accounts/login/", OWNER).status_code == 403
    assert settings.SESSION_COOKIE_NAME not in http.cookies or not SignIn.objects.exists()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9000"])
@pytest.mark.parametrize(
    "address",
    [
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/two-step/sign-in/",
        "/accounts/switch/",
        "/oauth2/logout/confirm",
        "/admin/login/",
    ],
)
def test_a_form_of_another_site_takes_no_cookie_away(address: str, origin: str) -> None:
    """Browsers keep ours back with it, and would take new ones for them: whoever is signed in would be signed out."""
    response = strict().post(address, {**OWNER, "next": NEXT}, HTTP_ORIGIN=origin)
    assert response.status_code == 403
    assert response.cookies == {}


def test_who_is_led_here_by_another_site_may_still_sign_in() -> None:
    http = strict()
    refused = http.post("/accounts/login/", {**OWNER, "next": NEXT}, HTTP_ORIGIN="https://app.example")
    page = http.get(refused.context["again"])
    sent = {**OWNER, "next": NEXT, "csrfmiddlewaretoken": token(page)}
    assert http.post("/accounts/login/", sent)["Location"] == NEXT


def test_try_again_keeps_the_apps_request() -> None:
    browser = Browser("owner", Http(enforce_csrf_checks=True))
    action = browser.authorize("web", state="kept").context["action"]
    refused = browser.http.post(action, {"decision": "allow"})
    assert refused.status_code == 403
    again = refused.context["again"]
    assert again.startswith("/oauth2/authorize?")
    assert "state=kept" in again
    assert browser.http.get(again).status_code == 200, "the consent page once more"
    assert not Authorization.objects.exists()


@pytest.mark.parametrize(
    ("address", "again"),
    [
        ("/oauth2/logout/confirm?client_id=web", "/oauth2/logout?client_id=web"),
        ("/accounts/password/reset/", f"/accounts/password/reset/?next={quote(NEXT, safe='')}"),
        ("/accounts/signup/", f"/accounts/signup/?next={quote(NEXT, safe='')}"),
    ],
)
def test_it_leads_to_the_page_the_form_was_on(address: str, again: str) -> None:
    sent = {} if "logout" in address else {"next": NEXT}
    assert strict().post(address, sent).context["again"] == again
