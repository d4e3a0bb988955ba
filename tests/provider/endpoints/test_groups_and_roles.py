"""Groups, roles and attributes as apps are told of them: tokens, userinfo, introspection, and what people are asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from accounts import attributes, groups
from accounts.models import Attribute, Group, User
from clients.models import Client, SecurityEvent
from projects import claims as project_claims
from projects import registration, roles
from projects.actors import Actor
from projects.claim_table import (
    ACCESS_TOKEN,
    ATTRIBUTE,
    GROUPS,
    ID_TOKEN,
    INTROSPECTION,
    PLACES,
    ROLES,
    ClaimRow,
    size_of,
)
from projects.metadata import RoleMetadata
from projects.models import Api, Project, ProjectRole
from projects.problems import RegistrationError
from projects.scopes import SIGN_IN_SCOPES
from provider.explain import explain
from provider.inspection import inspect
from provider.protocol import told
from provider.store import belonging
from tests.world import FOREIGN, ORDERS, App, Browser, claims_of

pytestmark = pytest.mark.usefixtures("house")

OPERATOR = Actor.operator("test")
SCOPE = "openid profile offline_access groups roles orders.read"
TEAM = "https://acme.example/claims/team"
TABLE = (
    ClaimRow(name="groups", source=GROUPS, prefix="acme-", told_in=PLACES),
    ClaimRow(name="roles", source=ROLES, told_in=PLACES),
    ClaimRow(name=TEAM, source=ATTRIBUTE, attribute="team", told_in=PLACES),
)
TOLD = {"groups": ["acme-staff"], "roles": ["editor"], TEAM: ["blue"]}


def tell(*rows: ClaimRow, key: str = "acme") -> None:
    project = Project.objects.get(key=key)
    registration.change(project, replace(registration.metadata_of(project), claims=rows), OPERATOR)


def may_ask(*client_ids: str, scope: str = SCOPE) -> None:
    for row in Client.objects.filter(client_id__in=client_ids):
        row.scope = f"{row.scope} {scope}"
        row.save()


@pytest.fixture
def house(world: None) -> None:
    """The owner is in two groups and of the blue team, and an editor in the apps of Acme."""
    owner = User.objects.get(username="owner")
    for name in ("acme-staff", "choir"):
        groups.set_members(groups.make(name, OPERATOR), [owner], "", OPERATOR)
    Attribute.objects.create(name="team", type="list")
    attributes.change(owner, {"team": ["blue"]}, OPERATOR)
    acme = Project.objects.get(key="acme")
    roles.register(RoleMetadata(name="editor", groups=("acme-staff",)), acme, OPERATOR)
    roles.register(RoleMetadata(name="spy", users=("owner",)), Project.objects.get(key="other"), OPERATOR)
    tell(*TABLE)
    may_ask("web", "sibling", "stranger")


def by_table(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name in TOLD}


def introspected(token: str, client_id: str = "web") -> dict[str, Any]:
    return by_table(App(client_id).introspect(token).json())


def test_an_app_is_told_everywhere_the_table_says() -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    tokens = Browser("owner").tokens("web", scope=SCOPE)
    assert by_table(claims_of(tokens["id_token"])) == TOLD
    assert by_table(claims_of(tokens["access_token"])) == TOLD
    assert by_table(App("web").userinfo(tokens["access_token"]).json()) == TOLD
    assert introspected(tokens["access_token"]) == TOLD
    tokeninfo = App("web").post("/oauth2/tokeninfo", {"access_token": tokens["access_token"]}, auth="").json()
    assert by_table(tokeninfo) == {}, "what tokeninfo says stays as it is"


def test_who_has_none_of_it_is_told_of_with_empty_lists() -> None:
    tokens = Browser("member").tokens("web", scope=SCOPE)
    empty: dict[str, Any] = {name: [] for name in TOLD}
    assert (
        by_table(claims_of(tokens["id_token"])) == by_table(App("web").userinfo(tokens["access_token"]).json()) == empty
    )


def test_without_the_scopes_nothing_of_it_is_told() -> None:
    tokens = Browser("owner").tokens("web", scope="openid")
    assert by_table(claims_of(tokens["id_token"])) == introspected(tokens["access_token"]) == {}


def test_a_client_that_did_not_register_the_scopes_is_not_told() -> None:
    tokens = Browser("owner").tokens("desk", scope="openid groups roles")
    assert tokens["scope"] == "openid"
    assert "groups" not in claims_of(tokens["id_token"])


@pytest.mark.parametrize("format", ["opaque", "jwt"])
def test_what_changes_shows_at_the_next_answer(format: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=format)
    tokens = Browser("owner").tokens("web", scope=SCOPE)
    roles.revoke(ProjectRole.objects.get(name="editor"), OPERATOR, groups=["acme-staff"])
    groups.set_members(Group.objects.get(name="acme-staff"), [], "", OPERATOR)
    roles.register(RoleMetadata(name="admin", users=("owner",)), Project.objects.get(key="acme"), OPERATOR)
    now = {"groups": [], "roles": ["admin"], TEAM: ["blue"]}
    assert by_table(App("web").userinfo(tokens["access_token"]).json()) == introspected(tokens["access_token"]) == now
    again = App("web").refresh(tokens["refresh_token"]).json()
    assert by_table(claims_of(again["id_token"])) == now
    tell(TABLE[0])
    assert by_table(App("web").userinfo(again["access_token"]).json()) == {"groups": [], "roles": ["admin"]}, (
        "its default"
    )
    assert introspected(again["access_token"]) == {"groups": []}


def test_a_refresh_that_narrows_narrows_what_is_told() -> None:
    tokens = Browser("owner").tokens("web", scope=SCOPE)
    less = App("web").refresh(tokens["refresh_token"], scope="openid roles").json()
    assert by_table(claims_of(less["id_token"])) == {"roles": ["editor"]}
    assert by_table(App("web").userinfo(less["access_token"]).json()) == {"roles": ["editor"]}


def test_a_single_claim_is_asked_for_by_its_name() -> None:
    wanted = json.dumps({"id_token": {"roles": None}, "userinfo": {TEAM: None, "groups": {"essential": True}}})
    page = Browser("owner").authorize("web", scope="openid", claims=wanted)
    assert b"See which groups you belong to" in page.content
    tokens = Browser("owner").tokens("web", scope="openid", claims=wanted)
    assert by_table(claims_of(tokens["id_token"])) == {"roles": ["editor"]}
    assert by_table(App("web").userinfo(tokens["access_token"]).json()) == {"groups": ["acme-staff"], TEAM: ["blue"]}
    assert introspected(tokens["access_token"]) == {}


def test_a_sibling_is_told_by_the_table_of_the_project_within_the_callers_scopes() -> None:
    refresh_token = Browser("owner").tokens("web", scope="openid offline_access roles")["refresh_token"]
    answer = App("web").refresh(refresh_token, audience="sibling").json()
    assert claims_of(answer["id_token"])["aud"] == "sibling"
    assert by_table(claims_of(answer["id_token"])) == {"roles": ["editor"]}


def test_another_project_is_told_of_its_own_roles_by_its_own_table() -> None:
    tokens = Browser("owner").tokens("stranger", scope="openid groups roles")
    assert by_table(claims_of(tokens["id_token"])) == {"groups": ["acme-staff", "choir"], "roles": ["spy"]}
    Client.objects.filter(client_id="web").update(introspection="all")
    assert App("web").introspect(tokens["access_token"]).json()["active"]
    tell(replace(TABLE[1], told_in=(INTROSPECTION,)), key="other")
    assert introspected(tokens["access_token"], "web") == {}
    assert introspected(tokens["access_token"], "stranger") == {"roles": ["spy"]}


def test_an_api_of_another_project_learns_nothing_of_the_roles_here() -> None:
    Api.objects.filter(identifier=FOREIGN).update(shared="public", token_format="jwt")
    Client.objects.get(client_id="web").audience_entries.create(value=FOREIGN)
    tokens = Browser("owner").tokens("web", scope=SCOPE, resource=FOREIGN)
    assert claims_of(tokens["access_token"])["aud"] == FOREIGN
    assert by_table(claims_of(tokens["access_token"])) == {}
    assert by_table(App("web").userinfo(tokens["access_token"]).json()) == {}
    assert introspected(tokens["access_token"]) == {}
    assert by_table(claims_of(tokens["id_token"])) == TOLD, "which is for the app alone"


def test_an_api_of_the_project_reads_roles_in_its_jwt() -> None:
    Api.objects.filter(identifier=ORDERS).update(token_format="jwt")
    tell(replace(TABLE[1], name="entitlements", told_in=(ACCESS_TOKEN,)))
    tokens = Browser("owner").tokens("web", scope="openid roles orders.read", resource=ORDERS)
    said = claims_of(tokens["access_token"])
    assert (said["entitlements"], said["scope"]) == (["editor"], "openid roles orders.read")
    assert "entitlements" not in claims_of(tokens["id_token"])


def test_a_project_without_a_table_tells_groups_and_roles_as_they_are() -> None:
    tell()
    said = claims_of(Browser("owner").tokens("web", scope=SCOPE)["id_token"])
    assert by_table(said) == {"groups": ["acme-staff", "choir"], "roles": ["editor"]}


def test_the_consent_page_asks_for_it_in_words() -> None:
    Attribute.objects.filter(name="team").update(label="Team color")
    page = Browser("owner").authorize("web", scope=SCOPE).content.decode()
    assert "See which groups you belong to (only: acme-…)" in page
    assert "See which roles you have in these apps<" in page
    assert f"{SIGN_IN_SCOPES['profile'].words} (also: Team color)" in page
    tell(replace(TABLE[0], prefix="", scope="profile"))
    page = Browser("owner").authorize("web", scope=SCOPE).content.decode()
    assert f"{SIGN_IN_SCOPES['profile'].words} (also: your groups)" in page


def test_an_operator_sees_what_is_told() -> None:
    token = Browser("owner").tokens("web", scope=SCOPE)["access_token"]
    assert inspect(token).facts["claims"] == TOLD
    plain = Browser("owner").tokens("web", scope="openid")["access_token"]
    assert "claims" not in inspect(plain).facts
    explained = explain(Client.objects.get(client_id="web"), "")
    told_by_row = {one.row: one.token.told for one in explained.attempts if one.token is not None}
    assert told_by_row["authorization_code"] == dict.fromkeys((ID_TOKEN, "userinfo", INTROSPECTION), tuple(TOLD))
    assert told_by_row["client_credentials"] == {}


def test_discovery_lists_the_scopes_and_both_claims() -> None:
    document = App("web").http.get("/.well-known/openid-configuration").json()
    assert {"groups", "roles"} <= {*document["scopes_supported"]} & {*document["claims_supported"]}


# --- What it costs -------------------------------------------------------------------------------------------------


def test_groups_and_roles_are_read_only_where_somebody_is_told_of_them() -> None:
    assert belonging.are_needed()
    tell(replace(TABLE[2], told_in=(ID_TOKEN,)))
    for row in Client.objects.filter(scope__contains="roles"):
        row.scope = row.scope.replace("roles", "").replace("groups", "")
        row.save()
    assert not belonging.are_needed(), "an attribute is a fact of everybody"
    tell(replace(TABLE[0], scope="profile"))
    assert belonging.are_needed()


# --- What is too large ---------------------------------------------------------------------------------------------


def test_what_is_too_large_is_left_out_everywhere_and_noted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "MAX_VALUES", 1)
    owner = User.objects.get(username="owner")
    groups.set_members(groups.make("acme-other", OPERATOR), [owner], "", OPERATOR)
    tokens = Browser("owner").tokens("web", scope=SCOPE)
    rest = {"roles": ["editor"], TEAM: ["blue"]}
    for _again in range(2):
        assert by_table(claims_of(tokens["id_token"])) == introspected(tokens["access_token"]) == rest
        assert by_table(App("web").userinfo(tokens["access_token"]).json()) == rest
    event = SecurityEvent.objects.get(kind="claim.too_large")
    assert (event.client_id, event.sub, event.detail["claim"]) == ("web", owner.sub, "groups")


def test_a_table_that_would_be_too_large_for_somebody_is_refused_when_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(project_claims, "MAX_VALUES", 1)
    with pytest.raises(RegistrationError, match="Somebody here would have 2 of these groups"):
        tell(replace(TABLE[0], prefix=""))
    tell(replace(TABLE[0], prefix="ch"))
    with pytest.raises(RegistrationError, match="2 of these groups"):
        tell(replace(TABLE[0], prefix="ch", only=("acme-staff",)))
    tell(replace(TABLE[0], prefix="", only=("acme-staff", "nobody")))


def test_nor_is_one_whose_names_are_too_long_together(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = replace(TABLE[0], prefix="", only=(), rename=())
    just_enough = size_of("groups", ["acme-staff", "choir"])
    monkeypatch.setattr(project_claims, "MAX_BYTES", just_enough - 1)
    with pytest.raises(RegistrationError, match="2 of these groups"):
        tell(everything)
    monkeypatch.setattr(project_claims, "MAX_BYTES", just_enough)
    tell(everything)
