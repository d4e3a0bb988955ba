"""`--prune`: what the projects of a file do not list goes, told with its numbers; or nothing happens at all."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from clients.models import AudienceEntry, Authorization, Client, SecurityEvent
from idp.configuration import ConfigurationError, Prune, Report, apply
from idp.configuration.report import Ledger
from projects.actors import Actor
from projects.models import Api, Project
from projects.upstream import registration as connectors
from projects.upstream.metadata import ConnectorMetadata
from tests.guests import make_guest

pytestmark = pytest.mark.django_db

ORDERS, FILES = "https://api.acme.example/orders", "https://api.acme.example/files"
WEB: dict[str, Any] = {"client_id": "web", "client_secret": "s", "grant_types": ["client_credentials"]}
DELETED: dict[str, Any] = {"action": "deleted", "fields": []}
SHOP: dict[str, Any] = {**WEB, "client_id": "shop", "audience": [FILES]}


def file_of(*clients: dict[str, Any], apis: tuple[str, ...] = (ORDERS, FILES), **more: Any) -> dict[str, Any]:
    listed = [{"identifier": one, "name": "Some", "scopes": {"read": "See", "write": "Change"}} for one in apis]
    return {"version": 1, "projects": [{"id": "acme", "name": "Acme", "apis": listed, "clients": [*clients], **more}]}


def pruned(source: dict[str, Any], how: Prune = Prune.LISTED, *, dry_run: bool = False) -> Report:
    return apply(source, prune=how, dry_run=dry_run)


def refused(source: dict[str, Any], how: Prune = Prune.LISTED) -> str:
    with pytest.raises(ConfigurationError) as error:
        pruned(source, how)
    return str(error.value)


@pytest.fixture(autouse=True)
def _acme_is_there() -> None:
    apply(file_of(WEB, SHOP))


def test_one_of_anything_is_said_as_one() -> None:
    ledger = Ledger()
    ledger.deleted("thing", "x", dict.fromkeys(("people", "deliveries", "connectors", "links", "grants", "APIs"), 1))
    said = "1 person, 1 delivery, 1 connector, 1 link, 1 grant, 1 API"
    assert [str(one) for one in ledger.report(with_secrets=False).drift] == [f"deleted thing x with {said}"]


def test_what_is_listed_stays() -> None:
    assert not pruned(file_of(WEB, SHOP)).changed


def test_what_is_not_listed_is_deleted_and_said_with_its_numbers() -> None:
    shop, now = Client.objects.get(client_id="shop"), timezone.now()
    for name in ("ann", "bob", "bob"):
        user, _made = User.objects.get_or_create(username=name)
        Authorization.objects.create(user=user, client=shop, auth_time=now)
    report = pruned(file_of(WEB, apis=(ORDERS,)), dry_run=True)
    assert [change.intended for change in report.drift] == [
        "would delete client shop with 2 people, 3 authorizations",
        f"would delete API {FILES} with 2 scopes",
    ]
    assert Client.objects.count() == 2
    report = pruned(file_of(WEB, apis=(ORDERS,)))
    assert str(report.drift[0]) == "deleted client shop with 2 people, 3 authorizations"
    assert report.as_dict()["changes"][-2:] == [  # type: ignore[index]
        {
            "kind": "client",
            "name": "shop",
            "action": "deleted",
            "fields": [],
            "takes_down": {"people": 2, "authorizations": 3},
        },
        {"kind": "API", "name": FILES, "action": "deleted", "fields": [], "takes_down": {"scopes": 2}},
    ]
    assert [one.client_id for one in Client.objects.all()] == ["web"]
    assert [one.identifier for one in Api.objects.all()] == [ORDERS]
    assert not pruned(file_of(WEB, apis=(ORDERS,))).changed


def test_who_pruned_is_on_record() -> None:
    apply(file_of(WEB), prune=Prune.LISTED, origin={"by": "pat@build"})
    applied = SecurityEvent.objects.filter(kind="configuration.applied").latest("pk").detail
    assert (applied["by"], applied["changes"]) == ("pat@build", ["deleted client shop"])
    gone = SecurityEvent.objects.get(kind="client.deleted")
    assert (gone.client_id, gone.detail["run_by"]) == ("shop", "pat@build")


def test_without_it_nothing_is_deleted() -> None:
    assert not apply(file_of(WEB)).changed
    assert Client.objects.count() == 2


def test_a_list_that_the_file_does_not_have_says_nothing() -> None:
    assert not pruned({"version": 1, "projects": [{"id": "acme"}]}).changed
    assert not pruned(
        {"version": 1, "projects": [{"id": "acme", "clients": [{"client_id": "web"}, {"client_id": "shop"}]}]}
    ).changed
    assert Api.objects.count() == 2


def test_an_allowlist_that_stays_stands_in_the_way_and_then_nothing_is_done() -> None:
    told = refused(file_of(SHOP, apis=(ORDERS,)))
    assert told == (
        f"<configuration>: projects[0].apis: {FILES} cannot be deleted. "
        f"{FILES} is an audience of the client shop. Remove it there first. "
        "It is in `audience` of 1 in all (acme): take it off in the files of these projects and apply them before this "
        "one, or keep it in `apis` here."
    )
    assert Client.objects.filter(client_id="web").exists()


def test_the_way_out_is_told_once_and_names_few_projects() -> None:
    """However many apps list the API, and though one of them is a guest, which no file has."""
    shared = {"identifier": FILES, "name": "Some", "shared": "public", "scopes": {"read": "See", "write": "Change"}}
    home = file_of(SHOP, {**SHOP, "client_id": "more"})["projects"][0]
    more = [
        {"id": f"home-{number:02}", "name": "Home", "clients": [{**SHOP, "client_id": f"app-{number}"}]}
        for number in range(12)
    ]
    apply({"version": 1, "projects": [{**home, "apis": [home["apis"][0], shared]}, *more]})
    AudienceEntry.objects.bulk_create([AudienceEntry(client=make_guest(), value=FILES, canonical=FILES)])
    told = refused(file_of(SHOP, {**SHOP, "client_id": "more"}, apis=(ORDERS,)))
    assert told.count("Remove it there first.") == 10
    homes = ", ".join(["acme", *(f"home-{number:02}" for number in range(9)), "…"])
    assert told.count("It is in `audience` of 15 in all") == 1
    assert f"in all ({homes})" in told


def test_the_only_allowed_caller_stands_in_the_way_unless_its_target_goes_too() -> None:
    apply(file_of({**WEB, "allowed_callers": ["shop"]}, {**SHOP, "allowed_callers": ["web"]}))
    assert "shop cannot be deleted. web lists it as the only allowed caller" in refused(
        file_of({"client_id": "web"}, apis=(ORDERS, FILES))
    )
    pruned(file_of())
    assert not Client.objects.exists()


def test_apps_that_registered_themselves_are_none_of_the_file() -> None:
    Client.objects.filter(client_id="shop").update(registration_source="dcr")
    assert not pruned(file_of(WEB)).changed
    told = io.StringIO()
    call_command("exportconfig", stdout=io.StringIO(), stderr=told)
    assert told.getvalue() == "Project acme: 1 app that registered itself is not in the file.\n"


def test_a_file_with_a_mistake_prunes_nothing() -> None:
    assert "shop" not in refused(file_of({**WEB, "scope": "nix"}))
    assert Client.objects.count() == 2


class TestProjects:
    @pytest.fixture(autouse=True)
    def _other_is_there(self) -> None:
        apply(
            {"version": 1, "projects": [{"id": "other", "name": "Other", "clients": [{**WEB, "client_id": "theirs"}]}]}
        )

    def test_other_projects_stay_without_being_asked_for(self) -> None:
        assert not pruned(file_of(WEB, SHOP)).changed

    def test_other_projects_go_with_what_they_have(self) -> None:
        report = pruned(file_of(WEB, SHOP), Prune.PROJECTS)
        assert [str(change) for change in report.drift] == ["deleted client theirs", "deleted project other"]
        assert [project.key for project in Project.objects.all()] == ["acme"]

    def test_connectors_that_go_with_a_project_are_told_and_whom_they_linked(self) -> None:
        wanted = ConnectorMetadata(id="corp", name="Corp", kind="oidc", issuer="https://corp.example", client_id="us")
        connectors.register(replace(wanted, project="other"), Actor.operator("tests"))
        SocialAccount.objects.create(user=User.objects.create(username="ann"), provider="corp", uid="1")
        report = pruned(file_of(WEB, SHOP), Prune.PROJECTS)
        assert str(report.drift[-1]) == "deleted project other with 1 connector, 1 link"

    def test_a_file_without_projects_deletes_none(self) -> None:
        assert not pruned({"version": 1}, Prune.PROJECTS).changed

    def test_what_another_client_lists_keeps_a_project(self) -> None:
        shared = {"identifier": "https://other.example/", "name": "Theirs", "shared": "public"}
        apply({"version": 1, "projects": [{"id": "other", "apis": [shared]}]})
        listing = file_of({**WEB, "audience": ["https://other.example/"]}, SHOP)
        apply(listing)
        assert "https://other.example/ is an audience of the client web" in refused(listing, Prune.PROJECTS)
        assert Client.objects.filter(client_id="theirs").exists()
