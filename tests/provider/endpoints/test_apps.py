"""Apps with access: people see what they allowed each project, and take it back; it stops at once, everywhere."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Http
from django.utils import timezone

from accounts.models import SignIn, User
from clients import remains
from clients.models import Authorization, Client, SecurityEvent
from projects.models import Api, ApiScope, Consent, ConsentScreen, Project
from tests.world import BILLING, ORDERS, App, Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
LIST, PAGE, REMOVE = "/accounts/apps/", "/accounts/apps/acme/", "/accounts/apps/acme/remove/"
WIDE = "openid email offline_access orders.read orders.write"


@pytest.fixture
def person() -> Browser:
    return Browser("owner")


def text(response: Response) -> str:
    """What a page says, without its markup."""
    assert response.status_code == 200, response.status_code
    body = response.content.decode().partition('<main id="main">')[2]
    words = " ".join(re.sub(r"<[^>]+>", " ", body).split())
    return re.sub(r" (?=[.,:?])", "", html.unescape(words))


def events() -> list[SecurityEvent]:
    return list(SecurityEvent.objects.filter(kind="consent.taken_back"))


def consent() -> Consent:
    return Consent.objects.get(user__username="owner", project__key="acme")


def live() -> set[str]:
    """The clients that have a live Authorization of the person."""
    rows = Authorization.objects.filter(user__username="owner", ended_at__isnull=True)
    return set(rows.values_list("client__client_id", flat=True))


def take_back(person: Browser, **form: str) -> Response:
    return person.http.post(REMOVE, form)


# --- Seeing --------------------------------------------------------------------------------------------------------


def test_nothing_was_allowed_yet(person: Browser) -> None:
    assert "No app has access" in text(person.http.get(LIST))
    assert person.http.get(PAGE).status_code == 404


def test_every_project_is_listed_by_the_name_people_know(person: Browser) -> None:
    ConsentScreen.objects.filter(project__key="acme").update(app_name="Acme shopping")
    person.code("web", scope="openid email")
    person.code("stranger")
    page = text(person.http.get(LIST))
    assert "Acme shopping 2 permissions" in page
    assert "Other 1 permission " in page
    assert text(Browser("member").http.get(LIST)).startswith("Apps with access No app")


def test_a_project_says_what_it_may_do_where_and_who_used_it(person: Browser) -> None:
    person.code("web", scope=WIDE, audience=[ORDERS, "urn:acme:queue"])
    person.code("sibling", scope="openid")
    page = text(person.http.get(PAGE))
    for words in (
        "About you",
        "See your e-mail address",
        "Orders What you bought",
        "See your orders",
        "Change your orders",
        ORDERS,
        "urn:acme:queue",
        "Acme web",
        "Acme sibling",
        "Acme single page",
    ):
        assert words in page
    used, covered = page.split("are covered too")
    assert "Acme sibling" in used
    assert "Acme sibling" not in covered
    assert "Acme single page" in covered
    for other in ("Acme native", "Acme service", "Stranger"):
        assert other not in page


def test_it_says_since_when_and_when_it_was_used_last(person: Browser) -> None:
    refresh = person.tokens("spa", scope="openid offline_access")["refresh_token"]
    long_ago, lately = timezone.now() - timedelta(days=30), timezone.now() - timedelta(days=3)
    Consent.objects.update(created_at=long_ago)
    Authorization.objects.update(created_at=lately)
    page = text(person.http.get(PAGE))
    assert f"First allowed {long_ago:%Y-%m-%d}" in page
    assert f"Last used {lately:%Y-%m-%d}" in page
    App("spa").refresh(refresh)
    assert f"Last used {timezone.now():%Y-%m-%d}" in text(person.http.get(PAGE))


def test_an_app_that_shares_no_consent_is_shown_with_what_it_has(person: Browser) -> None:
    person.code("native", scope="openid offline_access")
    assert consent().scopes == []
    page = text(person.http.get(PAGE))
    assert "Stay connected while you are away" in page
    assert "Acme native" in page


def test_first_party_apps_are_listed_while_they_are_signed_in(person: Browser) -> None:
    person.code("desk", scope="openid email")
    assert "House" in text(person.http.get(LIST))
    page = text(person.http.get("/accounts/apps/house/"))
    assert "you are not asked" in page
    assert "Remove" not in page, "nothing was consented to"
    Authorization.objects.update(ended_at=timezone.now(), ended_because="a test")
    assert "House" not in text(person.http.get(LIST))
    assert person.http.get("/accounts/apps/house/").status_code == 404


@pytest.mark.parametrize("row", [Project, Client, User])
def test_what_was_ended_for_good_is_not_listed(person: Browser, row: Any) -> None:
    person.code("desk")
    row.objects.update(tokens_not_before=timezone.now() + timedelta(seconds=1))
    assert "House" not in text(person.http.get(LIST))


@pytest.mark.parametrize("row", [Project, Client, User])
def test_an_app_used_again_since_is_listed(person: Browser, row: Any) -> None:
    row.objects.update(tokens_not_before=timezone.now())
    person.code("desk")
    assert "House" in text(person.http.get(LIST))


@pytest.mark.parametrize(
    "ended", [lambda: SignIn.objects.update(ended_at=timezone.now()), lambda: SignIn.objects.all().delete()]
)
def test_without_offline_access_a_first_party_app_is_listed_until_its_sign_in_ends(
    person: Browser, ended: Callable[[], object]
) -> None:
    person.code("desk", scope="openid")
    ended()
    assert "House" not in text(Browser("owner").http.get(LIST))
    person = Browser("owner")
    person.code("desk", scope="openid offline_access")
    ended()
    assert "House" in text(Browser("owner").http.get(LIST))


def test_an_app_that_may_come_back_is_listed(person: Browser) -> None:
    person.code("desk")
    Client.objects.update(enabled=False)
    Project.objects.update(status="testing")
    assert "House" in text(person.http.get(LIST))


def test_a_consent_with_nothing_left_is_not_listed(person: Browser) -> None:
    person.code("native")
    Authorization.objects.update(ended_at=timezone.now(), ended_because="a test")
    assert "No app has access" in text(person.http.get(LIST))


def test_the_pages_of_others_are_like_those_of_nobody(person: Browser) -> None:
    person.code("web")
    outsider = Browser("outsider")
    answers = [
        outsider.http.get(f"/accounts/apps/{key}/{more}") for key in ("acme", "nobody") for more in ("", "remove/")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert outsider.http.post(REMOVE).status_code == 404
    assert live() == {"web"}


@pytest.mark.parametrize("address", [LIST, PAGE, REMOVE])
def test_they_are_for_the_person_alone(person: Browser, address: str) -> None:
    person.code("web")
    answer = Http().get(address)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={address}")
    own = person.http.get(address)
    assert "no-store" in own["Cache-Control"]
    assert "unsafe" not in own["Content-Security-Policy"]
    assert "<script" not in own.content.decode()
    assert len(own.content) < 20_000


def test_names_cannot_inject(person: Browser) -> None:
    nasty = "<script>alert(1)</script>\"'\u202e"
    ApiScope.objects.update(description=nasty)
    Api.objects.update(name=nasty, description=nasty)
    Client.objects.update(name=nasty)
    ConsentScreen.objects.update(app_name=nasty, policy_uri="javascript:alert(1)")
    person.code("web", scope=WIDE, audience=ORDERS)
    for address in (LIST, PAGE, REMOVE, f"{REMOVE}?scope=orders.read", f"{REMOVE}?audience={ORDERS}"):
        page = person.http.get(address).content.decode()
        assert "<script" not in page
        assert "javascript:" not in page
        assert "&lt;script&gt;" in page


# --- One scope -----------------------------------------------------------------------------------------------------


def test_asking_changes_nothing(person: Browser) -> None:
    person.code("web", scope=WIDE, audience=ORDERS)
    for query in ("", "?scope=email", f"?audience={ORDERS}"):
        assert person.http.get(REMOVE + query).status_code == 200
        assert person.http.head(REMOVE + query).status_code == 200
    assert live() == {"web"}
    assert not events()


def test_a_scope_goes_with_every_authorization_that_contains_it(person: Browser) -> None:
    tokens = person.tokens("web", scope="openid email offline_access")
    other = person.tokens("sibling", scope="openid offline_access")
    assert take_back(person, scope="email")["Location"] == PAGE
    assert consent().scopes == ["openid", "offline_access"]
    assert App("web").refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert App("web").userinfo(tokens["access_token"]).status_code == 401
    assert App("sibling").refresh(other["refresh_token"]).status_code == 200, "it never had it"
    page = person.authorize("web", scope="openid email")
    assert 'value="email"' in page.content.decode(), "and is asked again"


def test_of_an_app_that_shares_no_consent_too(person: Browser) -> None:
    person.code("native", scope="openid offline_access")
    take_back(person, scope="offline_access")
    assert live() == set()


def test_it_is_on_record(person: Browser) -> None:
    person.code("web", scope="openid email")
    take_back(person, scope="email")
    (event,) = events()
    assert (event.kind, event.sub) == ("consent.taken_back", str(User.objects.get(username="owner").sub))
    assert event.detail == {"project": "acme", "scopes": ["email"], "audiences": [], "authorizations": 1}
    assert Authorization.objects.get().ended_because == "taken back by the person"


@pytest.mark.parametrize("scope", ["profile", "openid", "email ", "EMAIL", "\0", "openid email", "x" * 5000, "é"])
def test_what_is_not_there_or_has_to_stay_is_not_taken(person: Browser, scope: str) -> None:
    person.code("web", scope="openid email")
    assert take_back(person, scope=scope)["Location"] == PAGE
    assert "Nothing was changed" in text(person.http.get(PAGE))
    assert person.http.get(REMOVE, {"scope": scope}).status_code == 302
    assert (consent().scopes, live()) == (["openid", "email"], {"web"})


def test_required_ones_are_shown_without_a_way_to_remove_them_alone(person: Browser) -> None:
    person.code("web", scope="openid email")
    page = person.http.get(PAGE).content.decode()
    assert "?scope=email" in page
    assert "?scope=openid" not in page


# --- One audience --------------------------------------------------------------------------------------------------


def test_an_audience_takes_its_apis_scopes_along(person: Browser) -> None:
    token = person.tokens("web", scope="openid orders.read", audience=[ORDERS, BILLING])["access_token"]
    other = person.tokens("web", scope="openid", audience=BILLING)["access_token"]
    asked = text(person.http.get(REMOVE, {"audience": ORDERS}))
    assert "With it goes See your orders" in asked
    take_back(person, audience=ORDERS)
    assert (consent().scopes, consent().audiences) == (["openid"], [BILLING])
    assert App("web").introspect(token).json() == {"active": False}
    assert App("web").introspect(other).json()["active"], "it works elsewhere only"


def test_scopes_that_a_kept_audience_offers_too_stay(person: Browser) -> None:
    ApiScope.objects.create(api=Api.objects.get(identifier=BILLING), name="orders.read", description="See invoices")
    person.code("web", scope="openid orders.read orders.write", audience=[ORDERS, BILLING])
    take_back(person, audience=ORDERS)
    assert (consent().scopes, consent().audiences) == (["openid", "orders.read"], [BILLING])


def test_an_authorization_that_has_only_such_a_scope_ends_too(person: Browser) -> None:
    person.code("web", scope="openid orders.read", audience=ORDERS)
    person.code("spa", scope="openid orders.read")
    person.code("sibling", scope="openid")
    take_back(person, audience=ORDERS)
    assert live() == {"sibling"}


def test_an_audience_goes_with_what_is_below_it(person: Browser) -> None:
    person.code("web", scope="openid", audience=f"{ORDERS}/mine")
    person.code("web", scope="openid", audience=ORDERS)
    person.code("sibling", scope="openid")
    page = person.http.get(PAGE).content.decode()
    assert f"{ORDERS}/mine" not in page, "the wider one says it all"
    take_back(person, audience=ORDERS)
    assert live() == {"sibling"}


@pytest.mark.parametrize(
    "audience", [BILLING, f"{ORDERS}/mine", "https://api.acme.example", "nonsense", "https://[", "\0"]
)
def test_an_audience_that_is_not_there_is_not_taken(person: Browser, audience: str) -> None:
    person.code("web", scope="openid", audience=ORDERS)
    take_back(person, audience=audience)
    assert (consent().audiences, live()) == ([ORDERS], {"web"})
    assert not events()


# --- Everything ----------------------------------------------------------------------------------------------------


def test_everything_deletes_the_consent_and_says_what_it_does_not_delete(person: Browser) -> None:
    person.code("web", scope=WIDE, audience=ORDERS)
    person.code("stranger")
    asked = text(person.http.get(REMOVE))
    for words in (
        "Remove all access of Acme?",
        "Acme web",
        "Where it stops working Orders",
        "keeps what it has received",
    ):
        assert words in asked
    answer = take_back(person)
    assert answer["Location"] == LIST
    assert "no access" in text(person.http.get(LIST))
    assert not Consent.objects.filter(project__key="acme").exists()
    assert live() == {"stranger"}
    assert not Authorization.objects.filter(client__project__key="acme").exists()
    (event,) = events()
    assert event.detail == {"project": "acme", "scopes": [], "audiences": [], "authorizations": 1}
    assert person.authorize("web").status_code == 200, "and is asked again"


@pytest.mark.parametrize("part", [{}, {"scope": "offline_access"}])
def test_nobody_else_and_no_other_project_loses_anything(person: Browser, part: dict[str, str]) -> None:
    """Theirs come first, so that whoever looks for any row finds theirs."""
    granted = "openid offline_access"
    theirs = Browser("member").tokens("sibling", scope=granted)["refresh_token"]
    elsewhere = person.tokens("stranger", scope=granted)["refresh_token"]
    own = person.tokens("web", scope=granted)["refresh_token"]
    others = Consent.objects.exclude(pk=consent().pk)
    before = list(others.order_by("pk").values_list("pk", "scopes"))
    assert len(before) == 2
    asked = text(person.http.get(REMOVE))
    assert ("Acme web" in asked, "Acme sibling" in asked, "Stranger" in asked) == (True, False, False)
    take_back(person, **part)
    assert App("web").refresh(own).json()["error"] == "invalid_grant"
    assert App("sibling").refresh(theirs).status_code == 200, "another person's"
    assert App("stranger").refresh(elsewhere).status_code == 200, "another project's"
    assert list(others.order_by("pk").values_list("pk", "scopes")) == before
    assert events()[0].detail["authorizations"] == 1


def test_what_had_ended_before_keeps_its_reason_and_is_not_counted(person: Browser) -> None:
    person.code("desk")
    ended_at = timezone.now() - timedelta(hours=1)
    Authorization.objects.update(ended_at=ended_at, ended_because="a test")
    person.code("desk")
    person.http.post("/accounts/apps/house/remove/")
    first = Authorization.objects.get(ended_because="a test")
    assert first.ended_at == ended_at
    assert events()[0].detail["authorizations"] == 1


def test_first_party_apps_are_signed_out(person: Browser) -> None:
    tokens = person.tokens("desk", scope="openid offline_access")
    assert "Sign House out everywhere?" in text(person.http.get("/accounts/apps/house/remove/"))
    person.http.post("/accounts/apps/house/remove/")
    assert "House is signed out everywhere." in text(person.http.get(LIST))
    assert App("desk").refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert App("desk").userinfo(tokens["access_token"]).status_code == 401
    assert "House" not in text(person.http.get(LIST))


def test_what_was_asked_before_the_project_became_first_party_goes_too(person: Browser) -> None:
    person.code("web", scope="openid email")
    Project.objects.filter(key="acme").update(consent_mode="implicit")
    person.code("web", scope="openid email")
    take_back(person)
    assert live() == set()
    assert not Consent.objects.exists()


def test_the_last_one_leads_back_to_the_list(person: Browser) -> None:
    person.code("web", scope="email")
    assert take_back(person, scope="email")["Location"] == LIST


def test_only_a_form_of_ours_takes_back(person: Browser) -> None:
    person.code("web", scope="openid email")
    strict = Http(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="owner"))
    for form in ({}, {"scope": "email"}, {"csrfmiddlewaretoken": "x" * 64}):
        assert strict.post(REMOVE, form).status_code == 403
    assert live() == {"web"}
    for method in ("put", "delete", "patch"):
        assert getattr(person.http, method)(REMOVE).status_code == 405
    for address in (LIST, PAGE):
        assert person.http.post(address).status_code == 405


# --- Tokens that are checked elsewhere -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lifetime", "said"), [(60, "1 minute"), (3600, "60 minutes"), (3601, "61 minutes"), (604_800, "7 days")]
)
def test_it_says_how_long_an_api_that_checks_by_itself_may_go_on(person: Browser, lifetime: int, said: str) -> None:
    person.code("web", scope="openid email")
    assert "checks access by itself" not in text(person.http.get(REMOVE))
    Client.objects.filter(client_id="web").update(access_token_format="jwt", access_token_lifetime=lifetime)
    assert f"may go on for up to {said}." in text(person.http.get(REMOVE))


def test_an_api_may_decide_that_too(person: Browser) -> None:
    Api.objects.filter(identifier=ORDERS).update(token_format="jwt")
    person.code("web", scope="openid", audience=ORDERS)
    assert "up to 60 minutes" in text(person.http.get(REMOVE, {"audience": ORDERS}))


# --- Deleting a consent ends everything, at every endpoint ---------------------------------------------------------


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_taking_everything_back_ends_every_code_and_token_at_once(person: Browser, token_format: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=token_format)
    tokens = person.tokens("web", scope="openid email offline_access")
    code = person.code("web", scope="openid email")
    web, access = App("web"), tokens["access_token"]
    assert (access.count(".") == 2) is (token_format == "jwt")
    assert web.introspect(access).json()["active"]
    take_back(person)
    assert web.introspect(access).json() == {"active": False}
    assert web.introspect(tokens["refresh_token"]).json() == {"active": False}
    assert web.userinfo(access).status_code == 401
    tokeninfo = web.post("/oauth2/tokeninfo", {"access_token": access}, auth="")
    assert (tokeninfo.status_code, tokeninfo.json()["error"]) == (400, "invalid_token")
    for refused in (web.refresh(tokens["refresh_token"]), web.exchange(code)):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_of_many_all_end_at_once_and_none_is_deleted_within_the_request(
    person: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remains, "FEW", 2)
    tokens = person.tokens("web", scope="openid email offline_access")
    for _ in range(2):
        person.code("web", scope="openid email")
    take_back(person)
    assert App("web").introspect(tokens["access_token"]).json() == {"active": False}
    assert App("web").refresh(tokens["refresh_token"]).status_code == 400
    assert Authorization.objects.filter(ended_at__isnull=False).count() == Authorization.objects.count() == 3
    assert (consent().scopes, consent().audiences) == ([], [])
    assert [event.detail["authorizations"] for event in events()] == [3]
    assert "No app has access" in text(person.http.get(LIST))
    assert person.authorize("web", scope="openid email").status_code == 200, "they are asked anew"
    assert person.tokens("web", scope="openid email")["scope"] == "openid email"


# --- Two tabs ------------------------------------------------------------------------------------------------------


def test_a_page_that_is_older_than_the_removal_says_so(person: Browser) -> None:
    person.code("web", scope="openid email")
    take_back(person, scope="email")
    assert take_back(person, scope="email")["Location"] == PAGE
    assert "Nothing was changed" in text(person.http.get(PAGE))
    take_back(person)
    assert take_back(person).status_code == 404


def test_a_consent_page_that_is_older_than_the_removal_is_asked_again(person: Browser) -> None:
    person.code("web", scope="openid email")
    page = person.authorize("web", scope="openid email profile")
    take_back(person, scope="email")
    answer = person.answer(page)
    assert answer["Location"].startswith("/oauth2/authorize?")
    again = person.http.get(answer["Location"])
    assert 'value="email"' in again.content.decode()
    assert redirected(person.answer(again))["code"]
    assert set(consent().scopes) == {"openid", "email", "profile"}
