"""A shared API stays its project's: that decides what tokens for it are like, and when they end (section 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Http
from django.utils import timezone

from accounts.models import User
from clients.models import AudienceEntry, SecurityEvent
from idp.configuration import apply
from projects import api_registration
from projects.actors import Actor
from projects.metadata import ApiMetadata, Scope
from projects.models import Api, Project
from provider.protocol.access_tokens import LIFETIME_ABROAD
from tests.console import browser, insist, page, send
from tests.world import FOREIGN, ORDERS, App, Browser, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbour")]
WEEK, SHORT = 604_800, 300
OPERATOR = Actor.operator("test")
WORLD = f"""
version: 1
users: [{{username: theirs, is_staff: true}}, {{username: looks, is_staff: true}}]
projects:
  - id: acme
    clients:
      - client_id: web
        access_token_format: jwt
        access_token_lifetime: {WEEK}
        audience: [{FOREIGN}, {ORDERS}]
        scope: openid profile offline_access orders.read reports.read
  - id: other
    members: {{editors: [theirs], viewers: [looks]}}
    apis: [{{identifier: {FOREIGN}, shared: public, scopes: {{reports.read: See your reports}}}}]
    clients: [{{client_id: stranger, acts_for: [{FOREIGN}], audience: [{FOREIGN}], scope: reports.read}}]
"""


@pytest.fixture
def neighbour(world: None) -> None:
    """A client of one project that says JWTs of a week, and an API that another project shares with it."""
    apply(WORLD, path="neighbour.yaml")


def api(**changes: Any) -> None:
    Api.objects.filter(identifier=FOREIGN).update(**changes)


def ask(client_id: str = "web", **params: Any) -> Any:
    return App(client_id).token(grant_type="client_credentials", **{"audience": FOREIGN, **params})


def asked(client_id: str = "web") -> str:
    token: str = ask(client_id).json()["access_token"]
    return token


def of_a_person(scope: str = "openid reports.read") -> str:
    token: str = Browser("owner").tokens("web", scope=scope, audience=FOREIGN)["access_token"]
    return token


def tokeninfo(token: str) -> int:
    return App("web").post("/oauth2/tokeninfo", {"access_token": token}, auth=None).status_code


def lives(token: str) -> bool:
    """Whether everybody here who accepts a token still does, and all say the same."""
    answers = {bool(App(name).introspect(token).json()["active"]) for name in ("web", "stranger")}
    answers |= {App("web").userinfo(token).status_code == 200, tokeninfo(token) == 200}
    assert len(answers) == 1
    return answers.pop()


# --- Format and lifetime -------------------------------------------------------------------------------------------


def test_a_client_of_another_project_decides_neither_format_nor_lifetime() -> None:
    answer = ask().json()
    assert answer["access_token"].count(".") == 0, "nobody could end a JWT before its time"
    assert answer["expires_in"] == LIFETIME_ABROAD
    described = App("stranger").introspect(answer["access_token"]).json()
    assert described["exp"] - described["iat"] == LIFETIME_ABROAD
    own = ask(audience=ORDERS).json()
    assert (own["access_token"].count("."), own["expires_in"]) == (2, WEEK)


@pytest.mark.parametrize(("limit", "lifetime"), [(SHORT, SHORT), (2 * WEEK, WEEK)])
def test_what_the_api_says_holds(limit: int, lifetime: int) -> None:
    api(token_format="jwt", token_lifetime=limit)
    answer = ask().json()
    claims = claims_of(answer["access_token"])
    assert answer["expires_in"] == claims["exp"] - claims["iat"] == lifetime


# --- Alone ---------------------------------------------------------------------------------------------------------


def test_defaults_that_hold_it_and_another_one_give_no_token_that_is_for_both() -> None:
    AudienceEntry.objects.filter(client__client_id="web").update(default=True)
    response = App("web").token(grant_type="client_credentials")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
    assert "a token of its own" in response.json()["error_description"]
    AudienceEntry.objects.filter(value=ORDERS).update(default=False)
    token = App("web").token(grant_type="client_credentials").json()["access_token"]
    assert App("stranger").introspect(token).json()["aud"] == FOREIGN


def test_signing_in_goes_with_it() -> None:
    token = of_a_person("openid profile reports.read orders.read")
    described = App("stranger").introspect(token).json()
    assert (described["aud"], described["scope"]) == (FOREIGN, "openid profile reports.read")
    assert App("web").userinfo(token).json()["preferred_username"] == "owner"


# --- What its project ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_taking_the_share_back_ends_every_token_of_the_others(form: str) -> None:
    api(token_format=form)
    theirs, of_person, own = asked(), of_a_person(), asked("stranger")
    assert lives(theirs)
    assert lives(of_person)
    api(shared="private")
    assert not lives(theirs)
    assert not lives(of_person)
    assert App("stranger").introspect(own).json()["active"], "its own clients are no others"


def test_a_refresh_token_goes_on_for_what_is_open() -> None:
    """It is the client's, not the API's. What it may be used for is asked anew each time."""
    code = Browser("owner").code("web", scope="orders.read reports.read", audience=[FOREIGN, ORDERS])
    refresh_token = App("web").exchange(code, audience=ORDERS).json()["refresh_token"]
    assert App("web").introspect(refresh_token).json()["aud"] == [FOREIGN, ORDERS]
    api(shared="private")
    assert App("web").introspect(refresh_token).json()["aud"] == ORDERS
    assert App("web").refresh(refresh_token, audience=FOREIGN).json()["error"] == "invalid_target"
    assert App("web").refresh(refresh_token, audience=ORDERS).status_code == 200


def test_leaving_the_list_ends_them_too() -> None:
    api(shared="listed")
    Api.objects.get(identifier=FOREIGN).shared_with.add(Project.objects.get(key="acme"))
    token = asked()
    assert lives(token)
    Api.objects.get(identifier=FOREIGN).shared_with.clear()
    assert not lives(token)


def shared(http: Http, **said: str) -> None:
    address = page("projects_api_change", Api.objects.get(identifier=FOREIGN).pk)
    assert insist(http, address, {"shared_with": "", **said}).status_code == 302


def test_sharing_it_again_revives_nothing() -> None:
    root = browser("owner")
    User.objects.filter(username="owner").update(is_staff=True, is_superuser=True)
    shared(root, shared="listed", shared_with="acme\nhouse")
    token, own = asked(), asked("stranger")
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        shared(root, shared="listed", shared_with="house")
        assert not lives(token)
        shared(root, shared="public")
        assert not lives(token)
        assert App("stranger").introspect(own).json()["active"]
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        assert App("stranger").introspect(asked()).json()["active"]


@pytest.mark.parametrize(
    ("before", "after", "ends"),
    [
        (("public", ""), ("listed", "acme"), True),
        (("public", ""), ("private", ""), True),
        (("listed", "acme"), ("private", ""), True),
        (("listed", "acme"), ("listed", "house"), True),
        (("listed", "acme"), ("listed", "acme\nhouse"), False),
        (("listed", "acme"), ("public", ""), False),
        (("private", ""), ("public", ""), False),
    ],
)
def test_what_is_taken_from_nobody_ends_nothing(before: tuple[str, str], after: tuple[str, str], ends: bool) -> None:
    User.objects.filter(username="owner").update(is_staff=True, is_superuser=True)
    shared(browser("owner"), shared=before[0], shared_with=before[1])
    api(others_not_before=None)
    shared(browser("owner"), shared=after[0], shared_with=after[1])
    assert (Api.objects.get(identifier=FOREIGN).others_not_before is not None) is ends


def test_a_scope_it_offers_no_longer_is_gone_from_tokens_that_are_there() -> None:
    token = of_a_person()
    Api.objects.get(identifier=FOREIGN).scopes.all().delete()
    assert App("stranger").introspect(token).json()["scope"] == "openid"


@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_an_editor_of_the_api_ends_every_token_for_it(form: str) -> None:
    api(token_format=form)
    tokens = [asked(), of_a_person(), asked("stranger")]
    elsewhere = ask(audience=ORDERS).json()["access_token"]
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        answer = end_tokens(browser("theirs"))
        assert b"Tokens for 1 API ended." in answer.content
        for token in tokens:
            assert App("stranger").introspect(token).json() == {"active": False}
        assert App("web").userinfo(tokens[1]).status_code == 401
        assert tokeninfo(tokens[0]) == 400
        assert App("web").introspect(elsewhere).json()["active"]
    event = SecurityEvent.objects.get(kind="api.tokens_ended")
    assert event.detail == {"project": "other", "identifier": FOREIGN}
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        assert lives(asked()), "who may ask for it gets new ones"


def end_tokens(http: Http) -> Any:
    action = {"action": "end_tokens", "_selected_action": Api.objects.get(identifier=FOREIGN).pk}
    return http.post(page("projects_api_changelist"), action, follow=True)


@pytest.mark.parametrize("username", ["looks", "owner"])
def test_nobody_else_ends_them(username: str) -> None:
    """Neither who may only look, nor who edits the project whose client has the token."""
    User.objects.update(is_staff=True)
    token = asked()
    end_tokens(browser(username))
    assert lives(token)
    assert not SecurityEvent.objects.filter(kind="api.tokens_ended").exists()


def test_of_a_token_for_several_apis_what_one_of_them_ended_drops_out() -> None:
    """The client's own project may share a token among its APIs."""
    billing = ORDERS.replace("orders", "billing")
    apply(
        f"""
version: 1
projects:
  - id: acme
    apis: [{{identifier: {billing}, scopes: {{bills.read: See your bills}}}}]
    clients: [{{client_id: web, audience: [{ORDERS}, {billing}], scope: orders.read bills.read}}]
""",
        path="own.yaml",
    )
    token = ask(audience=[ORDERS, billing]).json()["access_token"]
    moment = timezone.now() + timedelta(seconds=1)
    Api.objects.filter(identifier=billing).update(tokens_not_before=moment)
    described = App("web").introspect(token).json()
    assert (described["aud"], described["scope"]) == (ORDERS, "orders.read")
    Api.objects.filter(identifier=ORDERS).update(tokens_not_before=moment)
    assert App("web").introspect(token).json() == {"active": False}


@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_an_api_that_was_deleted_and_registered_anew_accepts_no_token_of_before(form: str) -> None:
    api(token_format=form)
    ended = asked()
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        end_tokens(browser("theirs"))
        later = asked("stranger")
        api_registration.delete(Api.objects.get(identifier=FOREIGN), OPERATOR)
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        apply(WORLD.replace("shared: public", "shared: public, name: Reports"), path="neighbour.yaml")
        api(token_format=form)
        assert not lives(ended)
        assert not lives(later), "whose it was then is nobody's to say"
    with time_machine.travel(timezone.now() + timedelta(seconds=15)):
        assert lives(asked())


def test_what_an_api_ended_does_not_live_on_at_an_address_below_it_that_is_registered_later() -> None:
    below = f"{FOREIGN}/yearly"
    ended, moment = ask(audience=below).json()["access_token"], timezone.now() + timedelta(seconds=1)
    assert lives(ended)
    api(tokens_not_before=moment, others_not_before=moment)
    assert not lives(ended)
    nested = ApiMetadata(
        identifier=below, name="Yearly", shared="public", scopes=(Scope("reports.read", "See your reports"),)
    )
    made = api_registration.register(nested, Project.objects.get(key="other"), OPERATOR)
    assert (made.tokens_not_before, made.others_not_before) == (moment, moment)
    assert not lives(ended)


def test_an_address_that_was_of_no_api_keeps_its_tokens() -> None:
    """Clients may have used it for long, before somebody registers it."""
    new = ApiMetadata(identifier="https://partner.example/a", name="Partner")
    made = api_registration.register(new, Project.objects.get(key="other"), OPERATOR)
    assert made.tokens_not_before is None


def test_saving_the_page_of_an_api_moves_no_moment() -> None:
    """It shows whole seconds. Moved back by less than one, tokens that were ended would work again."""
    end_tokens(browser("theirs"))
    before = Api.objects.get(identifier=FOREIGN).tokens_not_before
    assert before is not None
    address = page("projects_api_change", Api.objects.get(identifier=FOREIGN).pk)
    assert send(browser("theirs"), address, {"name": "Renamed"}).status_code == 302
    saved = Api.objects.get(identifier=FOREIGN)
    assert (saved.name, saved.tokens_not_before) == ("Renamed", before)
