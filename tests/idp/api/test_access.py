"""Who may ask the API: by our own access tokens, and with what the console demands of people."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Http
from django.test import RequestFactory

from accounts import groups
from accounts.models import SignIn, User
from clients import registration
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from clients.policy import metadata_of
from common import clock
from idp.api.access import caller_of
from idp.api.provider_wide import ProviderWide
from projects.actors import Actor
from projects.models import Member, Project
from projects.problems import RegistrationError
from provider.protocol.errors import InsufficientUserAuthentication
from tests.accounts.authenticators import SecurityKey
from tests.idp.api.caller import OPERATOR, OWN, TOOL, Api, machine, path, person, register
from tests.provider.proving import Holder
from tests.world import ISSUER, ORDERS, SECRETS, App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
ACME = path("projects", "acme")


def challenge(api: Api, method: str = "GET", address: str = ACME) -> tuple[int, str]:
    answer = api.ask(method, address, {} if method != "GET" else None)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.headers.get("WWW-Authenticate", "")


@pytest.mark.any_database
@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "x" * 5000])
def test_without_a_token_that_works_nothing_is_told(token: str) -> None:
    for address in (ACME, path("projects"), path("projects", "nothing")):
        status, asked = challenge(Api(token), address=address)
        assert status == 401
        assert asked.startswith('Bearer realm="vestibule"')
        assert "DPoP algs=" in asked
    assert challenge(Api(), "POST", path("nothing"))[0] == 404


@pytest.mark.any_database
def test_the_api_says_where_tokens_for_it_come_from() -> None:
    """RFC 9728: what a challenge names leads from the address of the API alone to a token that works there."""
    where = re.search(r'resource_metadata="([^"]*)"', challenge(Api())[1])
    assert where is not None
    assert where[1] == f"{ISSUER}/.well-known/oauth-protected-resource/api/v1"
    answer = Http().get(where[1].removeprefix(ISSUER))
    said = answer.json()
    assert (answer["Cache-Control"], answer["Access-Control-Allow-Origin"]) == ("public, max-age=300", "*")
    assert (said["resource"], said["authorization_servers"]) == (OWN, [ISSUER])
    assert said["scopes_supported"] == ["admin.read", "admin.write", "ssf.read", "ssf.manage", "scim.manage"]
    assert Http().get(said["resource_documentation"].removeprefix(ISSUER)).json()["openapi"]
    register(TOOL, "house")
    token = Browser("owner").tokens(TOOL, scope=" ".join(said["scopes_supported"]), resource=said["resource"])
    assert Api(str(token["access_token"])).get(ACME).status_code == 200
    refused = challenge(Api(str(token["access_token"]), scheme="DPoP"))
    assert (refused[0], "resource_metadata=" in refused[1]) == (401, True)
    reader = person("owner", "openid admin.read")
    assert "resource_metadata=" in challenge(reader, "PUT")[1], "also where a scope is missing"


@pytest.mark.any_database
def test_a_token_in_the_query_is_refused() -> None:
    refused = Api().get(f"{ACME}?access_token=x")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")


def test_a_token_for_another_audience_is_refused() -> None:
    token = Browser("owner").tokens("web", scope="openid orders.read", audience=ORDERS)["access_token"]
    status, asked = challenge(Api(str(token)))
    assert status == 401
    assert f"resource={OWN}" in asked
    assert challenge(Api(str(Browser("owner").tokens("web")["access_token"])))[0] == 401


def test_the_scope_that_is_missing_is_named() -> None:
    reader = person("owner", "openid admin.read")
    assert reader.get(ACME).status_code == 200
    for method in ("PUT", "PATCH", "DELETE"):
        status, asked = challenge(reader, method)
        assert status == 403
        assert 'error="insufficient_scope"' in asked
        assert 'scope="admin.write"' in asked


def test_whoever_may_not_enter_the_console_may_not_here() -> None:
    owner = person("owner")
    User.objects.filter(username="owner").update(is_staff=False)
    refused = owner.get(ACME)
    assert refused.status_code == 403
    assert "A superuser lets it in" in refused.json()["detail"]


def test_whoever_has_a_second_step_signs_in_with_it() -> None:
    owner = person("owner")
    SecurityKey(User.objects.get(username="owner"))
    status, asked = challenge(owner)
    assert status == 401
    assert 'error="insufficient_user_authentication"' in asked
    assert 'acr_values="aal2"' in asked
    SignIn.objects.update(acr="aal2")
    assert challenge(owner)[0] == 401, "what the token was issued for counts, not what they did since"


def test_what_asks_for_a_fresh_sign_in_says_how() -> None:
    owner = person("owner")
    request = RequestFactory().get(ACME, headers={"Authorization": f"Bearer {owner.token}"})
    assert caller_of(request, "admin.read", fresh_within=300).user is not None
    with pytest.raises(InsufficientUserAuthentication) as refused:
        caller_of(request, "admin.read", fresh_within=-1)
    assert refused.value.wanted == {"max_age": "-1"}


def _disable(client_id: str) -> None:
    client = Client.objects.get(client_id=client_id)
    registration.change(client, replace(metadata_of(client), enabled=False), OPERATOR)


ENDS: dict[str, Callable[[], object]] = {
    "the app is disabled": lambda: _disable(TOOL),
    "the person is deactivated": lambda: User.objects.filter(username="owner").update(is_active=False),
    "the sign-in ended": lambda: SignIn.objects.update(ended_at=clock.now()),
    "tokens of the person are ended": lambda: User.objects.update(tokens_not_before=clock.now() + timedelta(seconds=5)),
    "tokens of the project are ended": lambda: Project.objects.update(
        tokens_not_before=clock.now() + timedelta(seconds=5)
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_token_ends_here_with_everything_that_ends_it(end: str) -> None:
    owner = person("owner")
    ENDS[end]()
    assert challenge(owner)[0] == 401


def test_a_role_counts_as_it_is_now() -> None:
    owner = person("owner")
    assert owner.patch(ACME, {"name": "A"}).status_code == 200
    Member.objects.filter(user__username="owner").update(role="viewer")
    assert (owner.get(ACME).status_code, owner.patch(ACME, {"name": "B"}).status_code) == (200, 403)
    Member.objects.filter(user__username="owner").delete()
    assert owner.get(ACME).status_code == 404


def test_a_machine_manages_what_it_was_given() -> None:
    deployer = machine(administers=("acme",))
    assert [one["id"] for one in deployer.get(path("projects")).json()["items"]] == ["acme"]
    assert deployer.patch(ACME, {"name": "A"}).status_code == 200
    assert deployer.patch(ACME, {"consent_mode": "implicit"}).status_code == 422, "a superuser's to decide"
    assert deployer.get(path("projects", "house")).status_code == 404, "not even its own project"
    Client.objects.get(client_id="deployer").administers.clear()
    assert deployer.get(ACME).status_code == 404


def test_a_project_of_the_same_name_is_not_the_one_it_was_given() -> None:
    everything = machine("everything", administers=("*",))
    everything.put(path("projects", "new"), {"name": "New"})
    deployer = machine(administers=("new",))
    assert deployer.get(path("projects", "new")).status_code == 200
    everything.delete(path("projects", "new"))
    everything.put(path("projects", "new"), {"name": "New"})
    assert deployer.get(path("projects", "new")).status_code == 404


def test_jwt_access_tokens_work_and_end() -> None:
    register("jwt", "house", access_token_format="jwt")
    api = Api(str(Browser("owner").tokens("jwt", scope="openid admin.read")["access_token"]))
    assert api.token.count(".") == 2
    assert api.get(ACME).status_code == 200
    App("jwt").post("/oauth2/revoke", {"token": api.token})
    assert api.get(ACME).status_code == 401


def test_a_token_bound_to_a_key_needs_a_proof_for_this_very_address() -> None:
    register("bound", "house", grant_types=("client_credentials",), scope="admin.read", administers=("acme",))
    holder = Holder()
    token = holder.asks(App("bound"), grant_type="client_credentials").json()["access_token"]
    assert Api(token).get(ACME).status_code == 401

    def shown(url: str) -> int:
        return Api(token, scheme="DPoP").get(ACME, DPoP=holder.proof(url, "GET", token)).status_code

    assert shown(f"{OWN}/projects/acme") == shown(f"{OWN}/projects/%61cme") == 200
    assert shown(OWN) == shown(f"{OWN}/projects/other") == shown(f"{OWN}/projects/acme/clients") == 401
    answer = Api(token, scheme="DPoP").get(ACME, DPoP="x")
    assert (answer.status_code, answer["WWW-Authenticate"][:5]) == (401, "DPoP ")
    assert answer["DPoP-Nonce"]


def test_a_token_may_be_for_a_part_of_the_api() -> None:
    register("part", "house", grant_types=("client_credentials",), scope="admin.read", administers=("*",))
    answer = App("part").token(grant_type="client_credentials", resource=f"{OWN}/projects/acme").json()
    part = Api(answer["access_token"])
    assert part.get(ACME).status_code == 200
    assert [part.get(one).status_code for one in (path("projects"), path("projects", "other"))] == [401, 401]


@pytest.mark.any_database
def test_only_a_superuser_gives_a_client_the_api() -> None:
    acme, owner = Project.objects.get(key="acme"), Actor.person(User.objects.get(username="owner"))
    for said, field in (
        ({"scope": "admin.read"}, "scope"),
        ({"audience": (Audience(OWN),)}, "audience[0].value"),
        ({"administers": ("other",)}, "administers[0]"),
        ({"administers": ("nothing",)}, "administers[0]"),
        ({"administers": ("*",)}, "administers[0]"),
    ):
        with pytest.raises(RegistrationError) as refused:
            registration.register(ClientMetadata().changed(said), acme, owner)
        assert [one.field for one in refused.value.problems] == [field]
    registration.register(ClientMetadata(administers=("acme",)), acme, owner)


def test_only_a_superuser_hands_out_a_key_to_a_client_that_manages() -> None:
    register("ours", "acme", grant_types=("client_credentials",), redirect_uris=(), administers=("acme",))
    owner = Actor.person(User.objects.get(username="owner"))
    with pytest.raises(RegistrationError, match="managing this provider"):
        registration.generate_secret(Client.objects.get(client_id="ours"), owner)


@pytest.mark.any_database
def test_a_client_whose_id_is_an_address_of_the_api_opens_nothing() -> None:
    Client.objects.filter(client_id="web").update(client_id=f"{OWN}/x", scope="admin.read")
    SECRETS[f"{OWN}/x"] = registration.generate_secret(Client.objects.get(client_id=f"{OWN}/x"), OPERATOR)
    refused = App(f"{OWN}/x").token(grant_type="client_credentials")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")


def test_people_read_what_they_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    register("asks", "acme")
    page = Browser("owner").authorize("asks", scope="openid admin.read admin.write").content.decode()
    assert "Managing this provider" in page
    assert "Change the projects you manage at this provider, with their apps" in page


GIVES: dict[str, dict[str, Any]] = {
    "a scope that manages": {"scope": "openid admin.write"},
    "every project": {"administers": ["*"]},
    "one project": {"administers": ["other"]},
    "the API as an audience": {"audience": [{"value": OWN}]},
}


@pytest.mark.parametrize("what", GIVES)
def test_a_superuser_gives_a_client_the_api_only_after_a_fresh_sign_in(what: str, settings: Any) -> None:
    """Such a client changes people, which its giver may not do with an old sign-in."""
    root, web = person("root"), path("projects", "acme", "clients", "web")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    refused = root.patch(web, GIVES[what])
    assert refused.status_code == 401
    assert 'error="insufficient_user_authentication"' in refused["WWW-Authenticate"]
    assert 'max_age="-1"' in refused["WWW-Authenticate"]
    assert root.patch(web, {"client_name": "Web"}).status_code == 200, "everything else goes on"
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    assert root.patch(web, GIVES[what]).status_code == 200


OPENS: dict[str, dict[str, Any]] = {
    "it works again": {"enabled": True},
    "its tokens live for years": {"access_token_lifetime": 31_536_000},
}


@pytest.mark.parametrize("what", OPENS)
def test_a_superuser_opens_a_client_that_manages_only_after_a_fresh_sign_in(what: str, settings: Any) -> None:
    root, web = person("root"), path("projects", "acme", "clients", "web")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    for scope, status in (("openid", 200), ("openid admin.write", 401)):
        Client.objects.filter(client_id="web").update(scope=scope, enabled=False, access_token_lifetime=3600)
        assert root.patch(web, OPENS[what]).status_code == status
    assert root.patch(web, {"access_token_lifetime": 600}).status_code == 200, "less goes on"
    assert person("owner").patch(web, {"enabled": True}).status_code == 200, "who decides nothing is not asked"
    Client.objects.filter(client_id="web").update(enabled=False)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    assert root.patch(web, OPENS[what]).status_code == 200


def test_a_superuser_hands_out_a_key_to_a_client_that_manages_only_after_a_fresh_sign_in(settings: Any) -> None:
    register("ours", "acme", grant_types=("client_credentials",), redirect_uris=(), administers=("acme",))
    root, secrets = person("root"), path("projects", "acme", "clients", "ours", "secrets")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    assert root.post(secrets).status_code == 401
    assert root.post(path("projects", "acme", "clients", "web", "secrets")).status_code == 201
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    assert root.post(secrets).status_code == 201


@pytest.mark.parametrize("lost", ["is_superuser", "is_staff"])
@pytest.mark.parametrize("what", ["users", "groups", "attributes"])
def test_who_loses_the_right_while_they_wait_changes_nothing(
    what: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, group = person("root"), groups.make("Choir", OPERATOR)
    name = {"users": User.objects.get(username="owner").sub, "groups": str(group.pk), "attributes": "nickname"}[what]
    let_in = ProviderWide.refuse_others

    def and_then_lost(view: ProviderWide, *, hidden: bool = False) -> None:
        let_in(view, hidden=hidden)
        User.objects.filter(username="root").update(**{lost: False})

    monkeypatch.setattr(ProviderWide, "refuse_others", and_then_lost)
    assert root.delete(path(what, name)).status_code == (404 if lost == "is_superuser" else 403)
    assert User.objects.filter(username="owner").exists()
    assert type(group).objects.filter(pk=group.pk).exists()
