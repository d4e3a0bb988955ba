"""prompt, max_age and who is signed in: asked when it has to be, and never skipped by following a link."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.utils import timezone

from accounts.models import SignIn, User
from accounts.sign_in import PROOF_KEY
from clients.models import Authorization
from projects.models import Consent, Project
from provider.endpoints import interaction
from tests.world import ISSUER, App, Browser, Response, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def leads_to(response: Response, page: str) -> str:
    """The `next` of a redirect to one of our own pages."""
    url = urlsplit(response["Location"])
    assert (response.status_code, url.netloc, url.path) == (302, "", page)
    return parse_qs(url.query)["next"][0]


def sign_in(browser: Browser, username: str, next_url: str) -> Response:
    form = {"login": username, "password": f"{username}-pw", "next": next_url}
    return browser.http.post("/accounts/login/", form)


def prove(browser: Browser, password: str, next_url: str) -> Response:
    return browser.http.post("/accounts/reauthenticate/", {"password": password, "next": next_url})


def silent(browser: Browser, client_id: str = "web", /, **params: Any) -> dict[str, str]:
    """What the client hears with prompt=none: always a redirect with state and iss, never a page."""
    answer = redirected(browser.authorize(client_id, prompt="none", **params))
    assert (answer["iss"], answer["state"]) == (ISSUER, "the-state")
    return answer


# --- prompt=none ---------------------------------------------------------------------------------------------------


def test_nobody_signed_in_is_login_required() -> None:
    assert silent(Browser())["error"] == "login_required"


def test_missing_consent_is_consent_required_a_new_audience_included() -> None:
    browser = Browser("owner")
    assert silent(browser)["error"] == "consent_required"
    browser.code("web", scope="openid email")
    assert silent(browser, scope="openid email")["code"]
    assert silent(browser, scope="openid profile")["error"] == "consent_required"
    assert silent(browser, audience="https://api.acme.example/orders")["error"] == "consent_required"


def test_a_silent_answer_is_a_code_that_works() -> None:
    browser = Browser("owner")
    browser.code("web")
    assert App("web").exchange(silent(browser)["code"]).status_code == 200


def test_nobody_is_asked_in_a_first_party_project() -> None:
    assert silent(Browser("owner"), "desk")["code"]
    assert not Consent.objects.exists()


def test_none_stands_alone() -> None:
    browser = Browser("owner")
    for prompt in ("none login", "consent none", "none none2", "NONE"):
        assert redirected(browser.authorize("web", prompt=prompt))["error"] == "invalid_request"


def test_an_old_sign_in_is_login_required() -> None:
    browser = Browser("owner")
    browser.code("web")
    assert silent(browser, max_age=10)["code"]
    with time_machine.travel(timezone.now() + timedelta(seconds=12)):
        assert silent(browser, max_age=10)["error"] == "login_required"
        assert silent(browser, max_age=10_000)["code"]
    assert silent(browser, max_age=0)["error"] == "login_required"


def test_an_ended_or_deactivated_sign_in_is_login_required() -> None:
    browser, other = Browser("owner"), Browser("member")
    browser.code("web")
    other.code("web")
    SignIn.objects.filter(user__username="owner").update(ended_at=timezone.now())
    assert silent(browser)["error"] == "login_required"
    User.objects.filter(username="member").update(is_active=False)
    assert silent(other)["error"] == "login_required"
    assert leads_to(other.authorize("web"), "/accounts/login/")


# --- Signing in on the way -----------------------------------------------------------------------------------------


def test_somebody_who_is_not_signed_in_signs_in_and_goes_on() -> None:
    browser = Browser()
    here = leads_to(browser.authorize("web"), "/accounts/login/")
    answer = sign_in(browser, "owner", here)
    assert answer["Location"] == here
    page = browser.http.get(here)
    assert page.status_code == 200
    assert redirected(browser.answer(page))["code"]


@pytest.mark.parametrize("params", [{"prompt": "login"}, {"max_age": 0}, {"prompt": "login consent"}])
def test_a_fresh_sign_in_cannot_be_skipped_by_following_next(params: dict[str, Any]) -> None:
    browser = Browser("owner")
    for _ in range(3):
        here = leads_to(browser.authorize("web", **params), "/accounts/reauthenticate/")
        assert leads_to(browser.http.get(here), "/accounts/reauthenticate/") == here
    assert prove(browser, "wrong", here).status_code == 200
    assert leads_to(browser.http.get(here), "/accounts/reauthenticate/")
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        assert prove(browser, "owner-pw", here)["Location"] == here
        page = browser.http.get(here)
        assert page.status_code == 200
        assert redirected(browser.answer(page))["code"]
        assert leads_to(browser.authorize("web", **params), "/accounts/reauthenticate/"), "the next request asks anew"


def test_a_denied_request_that_comes_again_asks_anew() -> None:
    browser = Browser("owner")
    here = leads_to(browser.authorize("web", prompt="login"), "/accounts/reauthenticate/")
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        prove(browser, "owner-pw", here)
        assert redirected(browser.answer(browser.http.get(here), "deny"))["error"] == "access_denied"
        assert leads_to(browser.http.get(here), "/accounts/reauthenticate/") == here


def test_a_session_remembers_few_requests_that_want_a_fresh_sign_in() -> None:
    browser = Browser("owner")
    for number in range(interaction.MAX_PROOFS + 5):
        here = leads_to(browser.authorize("web", prompt="login", state=f"{number}"), "/accounts/reauthenticate/")
    assert len(browser.http.session[PROOF_KEY]) == interaction.MAX_PROOFS
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        prove(browser, "owner-pw", here)
        assert browser.http.get(here).status_code == 200, "the newest is among them"


def test_a_consent_form_sent_without_the_asked_for_sign_in_starts_again() -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    action = page.context["action"] + "&prompt=login"
    answer = browser.http.post(action, {"decision": "allow", "seen": page.context["seen"]})
    assert (answer.status_code, "code=" in answer["Location"]) == (303, False)
    assert leads_to(browser.http.get(answer["Location"]), "/accounts/reauthenticate/")
    assert not Authorization.objects.exists()


def test_a_sign_in_that_is_too_old_is_proved_again_and_auth_time_moves() -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        browser = Browser("owner")
        first = browser.tokens("web")
    with time_machine.travel(start + timedelta(seconds=60), tick=False):
        here = leads_to(browser.authorize("web", max_age=30), "/accounts/reauthenticate/")
        assert leads_to(browser.http.get(here), "/accounts/reauthenticate/")
        prove(browser, "owner-pw", here)
        code = redirected(browser.http.get(here))["code"]
        second = App("web").exchange(code).json()
    moved = claims_of(second["id_token"])["auth_time"] - claims_of(first["id_token"])["auth_time"]
    assert moved == 60


def test_a_sign_in_made_for_a_request_is_fresh_enough_for_it_however_long_the_way_back_took() -> None:
    browser = Browser("owner")
    browser.code("web")
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        here = leads_to(browser.authorize("web", max_age=1), "/accounts/reauthenticate/")
        prove(browser, "owner-pw", here)
    with time_machine.travel(timezone.now() + timedelta(seconds=20)):
        assert redirected(browser.http.get(here))["code"]
        assert leads_to(browser.http.get(here), "/accounts/reauthenticate/"), "and for no other"


def test_auth_time_is_the_sign_ins_own_and_not_the_last_login() -> None:
    browser = Browser("owner")
    with time_machine.travel(timezone.now() + timedelta(seconds=600)):
        Browser("owner")  # another browser
        claims = claims_of(browser.tokens("web")["id_token"])
    row = SignIn.objects.earliest("auth_time")
    assert claims["auth_time"] == int(row.auth_time.timestamp())
    assert claims["sid"] == str(row.sid)


def test_choosing_an_account_ends_once_one_was_chosen() -> None:
    browser = Browser("owner")
    here = leads_to(browser.authorize("web", prompt="select_account"), "/accounts/switch/")
    assert leads_to(browser.http.get(here), "/accounts/switch/"), "following next chooses nobody"
    assert browser.http.get(f"/accounts/switch/?next={here}").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        browser.http.post("/accounts/switch/", {"next": here})
        sign_in(browser, "member", here)
        page = browser.http.get(here)
        assert page.status_code == 200
        assert redirected(browser.answer(page))["code"]
    assert Authorization.objects.get().user.username == "member"


def test_somebody_without_a_password_signs_in_again_and_gets_there() -> None:
    person = User.objects.get(username="owner")
    person.set_unusable_password()
    person.save()
    browser = Browser("owner")
    here = leads_to(browser.authorize("web", prompt="login"), "/accounts/switch/")
    browser.http.post("/accounts/switch/", {"next": here})
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        browser.http.force_login(person)
        assert browser.http.get(here).status_code == 200


def test_prompt_consent_always_shows_the_page() -> None:
    browser = Browser("owner")
    browser.code("web")
    assert redirected(browser.authorize("web"))["code"]
    assert browser.authorize("web", prompt="consent").status_code == 200
    assert Browser("owner").authorize("desk", prompt="consent").status_code == 200


def test_a_forgotten_request_asks_for_a_sign_in_anew() -> None:
    browser = Browser()
    here = leads_to(browser.authorize("web", prompt="login"), "/accounts/login/")
    sign_in(browser, "owner", here)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert leads_to(browser.http.get(here), "/accounts/reauthenticate/")
    with time_machine.travel(timezone.now() + timedelta(minutes=17)):
        prove(browser, "owner-pw", here)
        assert browser.http.get(here).status_code == 200, "what was asked for anew is enough"


# --- Testing projects ----------------------------------------------------------------------------------------------


def test_a_project_in_testing_admits_only_its_test_users() -> None:
    project = Project.objects.get(key="house")
    project.status = "testing"
    project.save()
    project.test_users.add(User.objects.get(username="owner"))
    assert redirected(Browser("owner").authorize("desk"))["code"]
    for answer in (Browser("member").authorize("desk"), Browser("member").authorize("desk", prompt="none")):
        assert redirected(answer)["error"] == "access_denied"
    assert Authorization.objects.get().user.username == "owner"


def test_a_project_put_to_testing_while_the_page_is_open_admits_nobody_else() -> None:
    browser = Browser("outsider")
    page = browser.authorize("web")
    Project.objects.filter(key="acme").update(status="testing")
    assert redirected(browser.answer(page))["error"] == "access_denied"
    assert not Consent.objects.exists()
