"""`manage.py report`: each list of it has who belongs there, and nobody else."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from clients import registration
from clients.models import Client, ClientSecret, SecurityEvent
from clients.policy import metadata_of
from common.command import WRONG_USE, Refused
from projects.actors import Actor
from tests.accounts.second_steps import enrol
from tests.world import SECRETS, App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
LONG_AGO = timedelta(days=400)


def report(*arguments: str) -> Any:
    out = StringIO()
    call_command("report", "--format", "json", *arguments, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_who_may_what_and_who_lacks_a_second_step() -> None:
    enrol(User.objects.get(username="owner"))
    User.objects.create_superuser("root-of-all", password="pw")
    found = report()
    rows = {one["username"]: one for one in found["people_with_rights"]}
    assert rows.keys() == {"root-of-all", "owner", "member"}, "an outsider has no rights"
    assert (rows["owner"]["roles"], rows["owner"]["second_step"]) == (["owner of acme"], True)
    assert rows["root-of-all"]["superuser"]
    assert {one["username"] for one in found["without_second_step"]} == {"root-of-all", "member"}


def test_which_clients_manage_the_provider_and_where() -> None:
    web = Client.objects.select_related("project").get(client_id="web")
    wanted = metadata_of(web).changed({"scope": "openid admin.read", "administers": ("acme",)})
    registration.change(web, wanted, Actor.operator("tests"))
    assert [(one["client_id"], one["scopes"], one["administers"]) for one in report()["clients_with_rights"]] == [
        ("web", ["admin.read"], ["acme"])
    ]


def test_who_changed_what_names_people_and_commands() -> None:
    owner, web = User.objects.get(username="owner"), Client.objects.select_related("project").get(client_id="web")
    registration.change(web, metadata_of(web).changed({"access_token_lifetime": 60}), Actor.person(owner))
    call_command("rotatesecret", "service", stdout=StringIO())
    rows = {(one["who"].partition(" (")[0], one["kind"]): one["times"] for one in report()["changes"]}
    assert rows["owner", "client.changed"] == 1
    assert rows["rotatesecret", "client.secret_generated"] == 1
    assert report("--since", timezone.now().isoformat())["changes"] == []


def test_who_brought_people_and_gave_roles_is_in_it_too() -> None:
    call_command("roles", "acme", "staff", "--make", "--to", "member", stdout=StringIO())
    SecurityEvent.objects.create(kind="people.imported", detail={"by": "importusers"})
    SecurityEvent.objects.create(kind="connector.refused")  # it happened, and nobody decided it
    rows = {(one["who"].partition(" (")[0], one["kind"]) for one in report()["changes"]}
    assert {("roles", "role.created"), ("roles", "role.granted"), ("importusers", "people.imported")} <= rows
    assert "connector.refused" not in {kind for _who, kind in rows}


def test_what_was_not_used_is_listed_and_what_was_is_not() -> None:
    Client.objects.update(created=timezone.now() - LONG_AGO)
    ClientSecret.objects.update(created_at=timezone.now() - LONG_AGO)
    App("service").token(grant_type="client_credentials")
    Browser("owner").tokens("spa", scope="openid")
    found = report()
    unused = {one["client_id"] for one in found["unused_clients"]}
    assert {"service", "spa", "retired"}.isdisjoint(unused), "used, or disabled"
    assert {"web", "sibling", "blind"} <= unused
    assert {one["client_id"] for one in found["unused_secrets"]} == SECRETS.keys() & {
        *("web", "sibling", "blind", "retired", "picky", "stranger", "desk"),
    }
    assert {one["client_id"] for one in found["secrets"]} >= {"service", "web"}


def test_refusals_are_summed_by_reason() -> None:
    for _again in range(3):
        App("service").token(grant_type="client_credentials", audience="https://nobody.example")
    [row] = report()["refusals"]
    assert (row["endpoint"], row["error"], row["times"]) == ("token", "invalid_target", 3)


def test_people_read_lists_and_no_secret() -> None:
    out = StringIO()
    call_command("report", "--since", "30d", stdout=out, stderr=StringIO())
    text = out.getvalue()
    assert "Who may what: 2" in text
    assert "Signing keys by age: " in text
    for secret in SECRETS.values():
        assert secret not in text.split()
    assert not [row.digest for row in ClientSecret.objects.all() if row.digest in text]


def test_a_time_that_cannot_be_is_wrong_use() -> None:
    with pytest.raises(Refused, match="--since takes") as raised:
        report("--since", "the war")
    assert raised.value.returncode == WRONG_USE
