"""An account as a program wants it: whoever says all of it says it again, and nothing moves."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import attribute_schema, attributes
from accounts.attributes import Definition
from accounts.models import AccountEvent, EditableBy, User
from clients.models import Client
from projects.events import SecurityEvent
from tests.guests import OPERATOR
from tests.idp.api.caller import OWN, Api, path, person
from tests.idp.api.test_people import sub_of
from tests.idp.api.test_people_accounts import events, hash_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
NEW = path("users", "4711")
WANTED: dict[str, Any] = {"username": "newcomer", "email": "new@people.example", "given_name": "Nora"}


def test_it_is_made_where_there_is_none_and_the_same_again_changes_nothing(everything: Api) -> None:
    made = everything.put(NEW, WANTED)
    assert (made.status_code, made["Location"], made.json()["sub"]) == (201, f"{OWN}/users/4711", "4711")
    told = [SecurityEvent.objects.count(), AccountEvent.objects.count()]
    again = everything.put(NEW, WANTED)
    assert (again.status_code, again.content, again["ETag"]) == (200, made.content, made["ETag"])
    assert [SecurityEvent.objects.count(), AccountEvent.objects.count()] == told


def test_what_is_not_named_has_its_default_and_the_password_stays(everything: Api) -> None:
    everything.put(NEW, {**WANTED, "is_staff": True, "password_hash": hash_of("a good password 7")})
    kept = User.objects.get(sub="4711").password
    now = everything.put(NEW, {"username": "newcomer"}).json()
    assert (now["email"], now["given_name"], now["is_staff"], now["has_password"]) == ("", "", False, True)
    assert User.objects.get(sub="4711").password == kept
    assert events("person.changed")[-1]["changed"] == ["email", "given_name", "is_staff"]


def test_what_is_answered_may_be_sent_as_it_is(everything: Api) -> None:
    address = path("users", sub_of("owner"))
    everything.patch(address, {"attributes": {"nickname": "Ow"}, "tokens_not_before": "2026-01-01T00:00:00Z"})
    shown = everything.get(address)
    again = everything.put(address, shown.json(), If_Match=shown["ETag"])
    assert (again.status_code, again.content) == (200, shown.content)


@pytest.mark.parametrize("changed", [{"email_verified": False}, {"groups": ["crew"]}, {"has_password": None}])
def test_what_is_only_shown_is_not_changed_in_silence(everything: Api, changed: dict[str, Any]) -> None:
    address = path("users", sub_of("owner"))
    refused = everything.put(address, {**everything.get(address).json(), **changed})
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        (f"/{next(iter(changed))}", "read_only")
    ]


def test_attributes_are_replaced_with_their_parts_and_what_an_import_edits_stays(everything: Api) -> None:
    attribute_schema.define(Definition("badge", "text", "Badge", EditableBy.IMPORT), OPERATOR)
    everything.put(NEW, {**WANTED, "attributes": {"nickname": "No", "address": {"locality": "Bern", "country": "CH"}}})
    someone = User.objects.get(sub="4711")
    attributes.put(someone, {"badge": "b-1"})
    someone.save()
    now = everything.put(NEW, {**WANTED, "attributes": {"address": {"locality": "Basel"}}})
    assert now.json()["attributes"] == {"address": {"locality": "Basel"}, "badge": "b-1"}
    assert everything.put(NEW, WANTED).json()["attributes"] == {"badge": "b-1"}


def test_it_depends_on_what_the_caller_knows(everything: Api) -> None:
    first = everything.put(NEW, WANTED, If_None_Match="*")
    assert first.status_code == 201
    assert everything.put(NEW, WANTED, If_None_Match="*").status_code == 412
    assert everything.put(NEW, {**WANTED, "given_name": "N."}, If_Match='"another"').status_code == 412
    assert everything.put(NEW, {**WANTED, "given_name": "N."}, If_Match=first["ETag"]).status_code == 200
    assert everything.put(path("users", "4712"), {"username": "b"}, If_Match=first["ETag"]).status_code == 412


def test_a_sub_is_nobody_elses_and_the_body_says_the_same_one(everything: Api) -> None:
    web = Client.objects.get(client_id="web").client_id
    for address, said, pointer in (
        (path("users", web), WANTED, "/sub"),
        (NEW, {**WANTED, "sub": "4712"}, "/sub"),
        (NEW, {"email": "new@people.example"}, "/username"),
        (NEW, {**WANTED, "username": "OWNER"}, "/username"),
    ):
        refused = everything.put(address, said)
        assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer]), said
    assert not User.objects.filter(username="newcomer").exists()


def test_nobody_takes_their_own_rights_by_leaving_them_out() -> None:
    refused = person("root").put(path("users", sub_of("root")), {"username": "root"})
    assert {one["pointer"] for one in refused.json()["errors"]} == {"/is_staff", "/is_superuser"}
