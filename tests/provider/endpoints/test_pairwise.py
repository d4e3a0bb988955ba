"""Pairwise subjects: what two projects are told of one person has nothing in common (protocol section 37)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import SignIn, User
from clients.models import Authorization, Client, ConsentRequest, LogoutNotice
from idp.api import consent_requests
from idp.configuration import apply
from projects.models import Project
from projects.sectors import told_sid, told_sub
from provider.inspection import inspect
from provider.keys import mint
from provider.protocol.exchange import ACCESS_TOKEN
from provider.protocol.facts import TOKEN_EXCHANGE
from tests.provider.receiver import Receiver, receiving
from tests.world import FOREIGN, ORDERS, SECRETS, App, Browser, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pairwise")]
FILE = f"""
version: 1
projects:
  - {{id: acme, subject_type: pairwise}}
  - id: other
    subject_type: pairwise
    apis: [{{identifier: {FOREIGN}, name: Reports, shared: public, token_format: jwt}}]
    clients:
      - client_id: reports-api
        client_name: Reports API
        client_secret: reports-api-secret
        grant_types: ["{TOKEN_EXCHANGE}"]
        scope: openid
        access_token_format: jwt
        audience: [{FOREIGN}]
        acts_for: [{FOREIGN}]
"""
WEB, SIBLING, STRANGER = map(App, ("web", "sibling", "stranger"))


@pytest.fixture
def pairwise(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(FILE)
    monkeypatch.setitem(SECRETS, "reports-api", "reports-api-secret")


@pytest.fixture
def listening() -> Iterator[Receiver]:
    with receiving() as receiver:
        Client.objects.filter(client_id="web").update(backchannel_logout_uri=receiver.url)
        yield receiver


def own() -> str:
    return User.objects.get(username="owner").sub


def project(key: str) -> Project:
    return Project.objects.get(key=key)


def known(key: str) -> str:
    """What the apps of this project know the owner by."""
    return told_sub(own(), project(key))


def test_every_endpoint_says_what_the_project_knows() -> None:
    tokens = Browser("owner").tokens("web", scope="openid email offline_access")
    access = tokens["access_token"]
    asked = WEB.post("/oauth2/tokeninfo", {"access_token": access}, auth=None).json()
    seen = [claims_of(tokens["id_token"])["sub"], WEB.introspect(access).json()["sub"], asked["sub"], asked["user_id"]]
    assert {*seen, WEB.userinfo(access).json()["sub"]} == {known("acme")}
    of_sibling = WEB.refresh(tokens["refresh_token"], scope="openid", audience="sibling").json()["id_token"]
    assert claims_of(of_sibling)["sub"] == known("acme"), "siblings agree"
    assert uuid.UUID(known("acme")).version == 8
    assert known("acme") not in (own(), known("other"))


def test_two_projects_are_told_nothing_that_is_the_same() -> None:
    """Of one person, in one sign-in. What they asked for themselves, and how strong the sign-in was, tells nobody."""
    browser = Browser("owner")
    first, second = (claims_of(browser.tokens(name)["id_token"]) for name in ("web", "stranger"))
    same = {name for name in first.keys() & second.keys() if first[name] == second[name]}
    assert same <= {"iss", "nonce", "iat", "exp", "auth_time", "acr", "amr"}, same
    assert {"sub", "sid", "jti"} <= first.keys() & second.keys()
    ids = {first["jti"].partition(".")[0], second["jti"].partition(".")[0]}
    assert ids == set(map(str, Authorization.objects.values_list("pk", flat=True))), "each has its own"


def test_a_jwt_says_it_and_is_alive() -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    access = Browser("owner").tokens("web", scope="openid orders.read", resource=ORDERS)["access_token"]
    assert claims_of(access)["sub"] == WEB.introspect(access).json()["sub"] == known("acme")


def test_it_costs_no_statement_on_token_paths() -> None:
    def all_of_it(app: App, tokens: dict[str, str]) -> None:
        assert app.refresh(tokens["refresh_token"], scope="openid").status_code == 200
        assert app.introspect(tokens["access_token"]).json()["active"]
        assert app.userinfo(tokens["access_token"]).status_code == 200
        assert app.post("/oauth2/tokeninfo", {"id_token": tokens["id_token"]}, auth=None).status_code == 200

    def statements() -> int:
        tokens = Browser("owner").tokens("web", scope="openid offline_access")
        all_of_it(WEB, tokens)  # facts are remembered
        with CaptureQueriesContext(connection) as seen:
            all_of_it(WEB, tokens)
        return len(seen)

    as_pairwise = statements()
    Project.objects.filter(key="acme").update(subject_type="public")
    assert as_pairwise == statements()


def test_a_guest_has_the_sector_of_the_project_that_let_it_in(agent: Client, listening: Receiver) -> None:
    Client.objects.filter(pk=agent.pk).update(backchannel_logout_uri=listening.url)
    browser = Browser("owner")
    answer = redirected(browser.answer(browser.authorize(agent.client_id, resource=ORDERS)))
    said = claims_of(App(agent.client_id).exchange(answer["code"]).json()["id_token"])
    assert said["sub"] == known("acme")
    browser.http.get("/oauth2/logout", {"id_token_hint": browser.tokens("web")["id_token"]})
    call_command("deliverevents", "--format", "json")
    told = {claims_of(one)["aud"]: claims_of(one) for one in listening.tokens}
    assert told.keys() == {agent.client_id, "web"}
    assert {(one["sub"], one["sid"]) for one in told.values()} == {(said["sub"], said["sid"])}


def test_a_token_for_another_projects_api_tells_each_its_own_and_whoever_holds_it_nothing() -> None:
    """A JWT would say the same to both."""
    apply(f"version: 1\nprojects: [{{id: acme, clients: [{{client_id: web, audience: ['{FOREIGN}']}}]}}]")
    access = Browser("owner").tokens("web", resource=FOREIGN)["access_token"]
    assert "." not in access
    assert WEB.introspect(access).json()["sub"] == known("acme")
    assert App("reports-api").introspect(access).json()["sub"] == known("other")
    answer = WEB.userinfo(access)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    said = WEB.post("/oauth2/tokeninfo", {"access_token": access}, auth=None).json()
    assert not said.keys() & {"sub", "user_id"}


def test_what_it_is_exchanged_for_does_not_name_where_it_came_from() -> None:
    """The id of the Authorization stands in the `jti` of a JWT, and the first project knows that, too."""
    apply(f"version: 1\nprojects: [{{id: acme, clients: [{{client_id: web, audience: ['{FOREIGN}']}}]}}]")
    browser = Browser("owner")
    browser.tokens("stranger", scope="openid")
    Project.objects.filter(key="other").update(consent_mode="implicit")
    access = browser.tokens("web", resource=FOREIGN)["access_token"]
    asks = {"grant_type": TOKEN_EXCHANGE, "subject_token": access, "subject_token_type": ACCESS_TOKEN}
    answer = App("reports-api").token(**asks, resource=FOREIGN)
    assert answer.status_code == 200, answer.content
    passed_on = answer.json()["access_token"]
    assert "." not in passed_on
    said = App("reports-api").introspect(passed_on).json()
    assert (said["sub"], said["act"]) == (known("other"), {"sub": "reports-api"})
    assert str(Authorization.objects.get(client__client_id="web").pk) not in json.dumps(said)


# --- And back ------------------------------------------------------------------------------------------------------


def test_a_hint_and_a_sub_that_is_asked_for_mean_the_person() -> None:
    browser = Browser("owner")
    id_token = browser.tokens("web")["id_token"]
    claims = json.dumps({"id_token": {"sub": {"value": known("acme")}}})
    assert redirected(browser.authorize("web", prompt="none", id_token_hint=id_token, claims=claims))["code"]
    member = Browser("member")
    member.code("web")
    assert redirected(member.authorize("web", prompt="none", id_token_hint=id_token))["error"] == "login_required"
    for sub in (own(), known("other")):
        claims = json.dumps({"id_token": {"sub": {"value": sub}}})
        assert redirected(browser.authorize("web", prompt="none", claims=claims))["error"] == "login_required"


def test_an_id_token_is_alive_while_its_authorization_is_known() -> None:
    id_token = Browser("owner").tokens("web")["id_token"]
    ask = {"id_token": id_token}
    assert WEB.post("/oauth2/tokeninfo", ask, auth=None).json()["sub"] == known("acme")
    User.objects.filter(username="owner").update(is_active=False)
    assert WEB.post("/oauth2/tokeninfo", ask, auth=None).status_code == 400
    User.objects.filter(username="owner").update(is_active=True)
    Authorization.objects.all().delete()
    assert WEB.post("/oauth2/tokeninfo", ask, auth=None).status_code == 400


def test_signing_out_at_an_app_needs_no_question_and_tells_it_by_its_own_names(listening: Receiver) -> None:
    browser = Browser("owner")
    id_token = browser.tokens("web")["id_token"]
    browser.tokens("stranger")
    assert "confirm" not in browser.http.get("/oauth2/logout", {"id_token_hint": id_token}).content.decode()
    ended = SignIn.objects.get()
    assert ended.ended_at is not None
    call_command("deliverevents", "--format", "json")
    said, notice = claims_of(listening.tokens[0]), LogoutNotice.objects.get()
    assert (said["sub"], said["sid"]) == (known("acme"), claims_of(id_token)["sid"])
    assert said["sid"] == told_sid(str(ended.sid), project("acme"))
    assert notice.sub == own()


@pytest.mark.parametrize("name", ["sub", "sid", "jti"])
def test_a_hint_of_another_sign_in_is_a_question(name: str) -> None:
    """Whatever of it is another's: a link that somebody sends a person signs nobody out."""
    browser, other = Browser("owner"), Browser("owner")
    said, strange = (claims_of(one.tokens("web")["id_token"]) for one in (browser, other))
    strange["sub"] = told_sub(User.objects.get(username="member").sub, project("acme"))
    forged = mint.sign({**said, name: strange[name]}, "RS256", mint.ID_TOKEN_TYPE)
    browser.http.get("/oauth2/logout", {"id_token_hint": forged})
    assert SignIn.objects.filter(ended_at=None).count() == 2


def test_a_server_ends_the_sign_in_that_its_hint_names() -> None:
    browser = Browser("owner")
    id_token = browser.tokens("web")["id_token"]
    Browser("owner").tokens("web")
    WEB.post("/oauth2/logout", {"id_token_hint": id_token}, auth=None, HTTP_ACCEPT="application/json")
    ended = SignIn.objects.get(ended_at__isnull=False)
    assert told_sid(str(ended.sid), project("acme")) == claims_of(id_token)["sid"]


def test_an_operator_learns_whose_it_is() -> None:
    found = inspect(Browser("owner").tokens("web")["id_token"])
    assert (found.active, found.facts["sub"], found.facts["username"]) == (True, own(), "owner")


def test_the_projects_own_consent_page_is_told_neither_the_name_nor_the_sub_that_others_know() -> None:
    Project.objects.filter(key="acme").update(consent_uri="https://consent.acme.example/ask")
    Browser("owner").authorize("web")
    said = consent_requests._represent(ConsentRequest.objects.select_related("client__project", "user").get())
    assert (said["subject"], said["username"]) == (known("acme"), "")
