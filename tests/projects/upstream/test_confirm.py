"""Proving once more who one is, at a provider elsewhere: for an app, for an account page, never for somebody else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone

from accounts.models import AccountEvent, SignIn, User
from projects.upstream.models import Connector
from tests.projects.upstream.elsewhere import KEY, Visitor, asked, connector, location_in
from tests.projects.upstream.fake import SUB, Provider
from tests.projects.upstream.test_oidc import REQUEST, from_now, returned, waiting_in
from tests.world import Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
CONFIRM = "/accounts/linked/confirm/"
LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def federated(world: None, fake: Provider) -> Browser:
    """Somebody without a password, who signed in long ago by the one connector they have."""
    connector(fake.issuer)
    user = User.objects.get(username="owner")
    SocialAccount.objects.create(user=user, provider=KEY, uid=SUB)
    user.set_unusable_password()
    user.save()
    browser = Browser("owner")
    SignIn.objects.update(auth_time=LONG_AGO, connector=KEY)
    return browser


def pressed(browser: Browser, next_url: str) -> str:
    """The button of the page, and where it leads."""
    return location_in(browser.http.post(CONFIRM, {"by": KEY, "next": next_url}))


def ways(page: Response) -> list[str]:
    return re.findall(r"Go on with ([^<]+)<", page.content.decode())


@pytest.mark.parametrize("wants", [{"prompt": "login"}, {"max_age": "60"}], ids=["prompt", "max_age"])
def test_an_app_that_wants_a_fresh_proof_gets_one_from_there(
    federated: Browser, fake: Provider, wants: dict[str, str]
) -> None:
    page = federated.http.get("/oauth2/authorize", {**REQUEST, **wants})
    assert page["Location"].startswith(f"{CONFIRM}?next=")
    assert ways(federated.http.get(page["Location"])) == ["Corp"]
    location = pressed(federated, waiting_in(page))
    assert (asked(location)["prompt"], asked(location)["max_age"]) == ("login", "0")
    fake.claims = from_now({"auth_time": 0})
    back = returned(fake, Visitor("", federated.http), location)
    assert back["Location"] == waiting_in(page)
    assert federated.http.get(back["Location"]).status_code == 200, "its consent page, whatever the second it is"


@pytest.mark.parametrize("told", [None, -7200])
def test_an_old_proof_there_is_none_here(federated: Browser, fake: Provider, told: int | None) -> None:
    location = pressed(federated, "/accounts/linked/")
    fake.claims = from_now({"auth_time": told})
    assert returned(fake, Visitor("", federated.http), location).status_code == 403
    assert SignIn.objects.get().auth_time.year == 2020


def test_somebody_else_there_proves_nothing_and_changes_nobody(federated: Browser, fake: Provider) -> None:
    SocialAccount.objects.create(user=User.objects.get(username="member"), provider=KEY, uid="another")
    location = pressed(federated, "/accounts/linked/")
    fake.claims = {**from_now({"auth_time": 0}), "sub": "another"}
    fake.documents["/userinfo"] = {"sub": "another"}
    answer = returned(fake, Visitor("", federated.http), location)
    assert (answer.status_code, b"as somebody else" in answer.content) == (403, True)
    row = SignIn.objects.get(ended_at=None)
    assert (row.user.username, row.auth_time.year) == ("owner", 2020)


def test_a_stranger_there_is_neither_linked_nor_created(federated: Browser, fake: Provider) -> None:
    Connector.objects.update(creates_people=True, owns_domains=["people.example"])
    people = User.objects.count()
    location = pressed(federated, "/accounts/linked/")
    fake.claims = {**from_now({"auth_time": 0}), "sub": "new", "email": "owner@people.example", "email_verified": True}
    fake.documents["/userinfo"] = {"sub": "new"}
    assert returned(fake, Visitor("", federated.http), location).status_code == 403
    assert (SocialAccount.objects.count(), User.objects.count()) == (1, people)


def test_whoever_signed_in_meanwhile_gets_no_proof_of_another(federated: Browser, fake: Provider) -> None:
    location = pressed(federated, "/accounts/linked/")
    federated.http.force_login(User.objects.get(username="member"))
    fake.claims = from_now({"auth_time": 0})
    assert returned(fake, Visitor("", federated.http), location).status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/linked/",
        "/accounts/password/set/",
        "/accounts/two-step/app/",
        "/accounts/passkeys/add/",
        "/accounts/delete/",
    ],
)
def test_a_page_that_opens_the_account_for_good_asks_who_came_from_elsewhere(
    federated: Browser, fake: Provider, address: str
) -> None:
    page = federated.http.get(address)
    assert (urlsplit(page["Location"]).path, waiting_in(page)) == (CONFIRM, address)
    location = pressed(federated, address)
    fake.claims = from_now({"auth_time": 0})
    assert returned(fake, Visitor("", federated.http), location)["Location"] == address
    assert federated.http.get(address).status_code == 200
    row = SignIn.objects.get()
    assert (row.amr, row.connector) == (["federated"], KEY)


def test_a_password_is_not_set_by_a_form_that_came_too_late(federated: Browser) -> None:
    sent = {"password1": "correct horse battery", "password2": "correct horse battery"}
    assert federated.http.post("/accounts/password/set/", sent)["Location"].startswith(CONFIRM)
    assert not User.objects.get(username="owner").has_usable_password()
    answer = federated.http.post("/accounts/email/", {"email": "new@people.example", "action_add": ""})
    assert (urlsplit(answer["Location"]).path, waiting_in(answer)) == (CONFIRM, "/accounts/email/")
    assert not AccountEvent.objects.filter(kind="email.added").exists()
    assert STATE_SESSION_KEY not in federated.http.session


def test_who_has_a_password_may_choose(world: None, fake: Provider) -> None:
    connector(fake.issuer)
    browser = Browser("owner")
    SocialAccount.objects.create(user=User.objects.get(username="owner"), provider=KEY, uid=SUB)
    SignIn.objects.update(auth_time=LONG_AGO)
    page = browser.http.get(browser.http.get("/accounts/linked/")["Location"])
    assert f'href="{CONFIRM}?next=%2Faccounts%2Flinked%2F"' in page.content.decode()
    page = browser.http.get(f"{CONFIRM}?next=/accounts/linked/")
    assert "/accounts/reauthenticate/?next=" in page.content.decode()


@pytest.mark.parametrize("changed", [{"enabled": False}, {"kind": "github"}, {"kind": "google"}], ids=str)
def test_who_cannot_be_asked_again_there_signs_out_and_in(
    federated: Browser, fake: Provider, changed: dict[str, Any]
) -> None:
    Connector.objects.update(**changed)
    assert federated.http.get("/accounts/linked/")["Location"] == "/accounts/switch/?next=%2Faccounts%2Flinked%2F"
    assert federated.http.get(CONFIRM)["Location"] == "/accounts/switch/?next=%2F"
    assert federated.http.post(CONFIRM, {"by": KEY})["Location"] == "/accounts/switch/?next=%2F"


def test_of_another_connector_there_is_no_button(federated: Browser, fake: Provider) -> None:
    connector(fake.issuer, id="other", name="Other")
    assert ways(federated.http.get(CONFIRM)) == ["Corp"]
    assert federated.http.post(CONFIRM, {"by": "other"}).status_code == 200
    assert fake.asked == []


def test_a_connector_of_a_project_asks_again_whoever_it_signs_in(federated: Browser, fake: Provider) -> None:
    """Not only who comes from its apps."""
    Connector.objects.update(project=User.objects.get(username="owner").memberships.get(project__key="acme").project)
    assert ways(federated.http.get(CONFIRM)) == ["Corp"]


def test_a_proof_holds_though_the_clock_there_is_behind(federated: Browser, fake: Provider) -> None:
    page = federated.http.get("/oauth2/authorize", {**REQUEST, "prompt": "login"})
    location = pressed(federated, waiting_in(page))
    fake.claims = from_now({"auth_time": -30})
    before = timezone.now().timestamp()
    back = returned(fake, Visitor("", federated.http), location)
    assert federated.http.get(back["Location"]).status_code == 200
    assert before - 60 < SignIn.objects.get().auth_time.timestamp() <= timezone.now().timestamp()


def test_a_proof_of_the_future_is_one_of_now(federated: Browser, fake: Provider) -> None:
    location = pressed(federated, "/accounts/linked/")
    fake.claims = from_now({"auth_time": 50})
    returned(fake, Visitor("", federated.http), location)
    assert SignIn.objects.get().auth_time <= timezone.now()
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert federated.http.get("/accounts/linked/").status_code == 302


# --- A sign-in there that asked nobody ------------------------------------------------------------------------------

ASKS = ("/accounts/linked/", "/accounts/passkeys/add/", "/accounts/two-step/app/")


@pytest.fixture(params=[False, True], ids=["linked", "password"])
def somebody(request: pytest.FixtureRequest, federated: Browser) -> Browser:
    """Who signed in long ago; with a password here and elsewhere, or elsewhere alone."""
    user = User.objects.get(username="owner")
    if request.param:
        user.set_password("correct horse battery")
        user.save()
        SignIn.objects.all().delete()
        federated.http.force_login(user)
        SignIn.objects.update(auth_time=LONG_AGO)
    return federated


def silently(browser: Browser, fake: Provider) -> Response:
    """By the page with one button, for a page that wants no fresh proof; there nobody is asked, and no moment told."""
    visitor = Visitor("", browser.http)
    return returned(fake, visitor, visitor.begin(next_url="/accounts/security/"))


def answers(browser: Browser, waiting: str) -> list[int]:
    return [browser.http.get(address).status_code for address in (waiting, *ASKS)]


@pytest.mark.parametrize("wants", [{"prompt": "login"}, {"max_age": "60"}], ids=["prompt", "max_age"])
def test_a_sign_in_there_without_a_moment_proves_nothing_anew(
    somebody: Browser, fake: Provider, wants: dict[str, str]
) -> None:
    Connector.objects.update(trusts_mfa=True)
    waiting = waiting_in(somebody.http.get("/oauth2/authorize", {**REQUEST, **wants}))
    before = SignIn.objects.get(ended_at=None)
    fake.claims = {"amr": ["mfa"]}
    assert silently(somebody, fake)["Location"] == "/accounts/security/"
    assert answers(somebody, waiting) == [302] * 4
    after = SignIn.objects.get(ended_at=None)
    assert (after.sid, after.auth_time, after.acr) == (before.sid, before.auth_time, before.acr)


def test_signing_out_and_in_is_no_way_round_it(somebody: Browser, fake: Provider) -> None:
    waiting = waiting_in(somebody.http.get("/oauth2/authorize", {**REQUEST, "max_age": "3600"}))
    somebody.http.post("/accounts/logout/")
    assert silently(somebody, fake)["Location"] == "/accounts/security/"
    assert SignIn.objects.get(ended_at=None).amr == ["federated"]
    assert answers(somebody, waiting) == [302] * 4


def test_who_has_no_other_proof_has_given_theirs(
    federated: Browser, fake: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a kind that asks nobody again, and without a password here: else they could never do any of it."""
    federated.http.post("/accounts/logout/")
    monkeypatch.setattr("projects.upstream.connectors.ASK_AGAIN", ())
    silently(federated, fake)
    assert federated.http.get("/accounts/linked/").status_code == 200
