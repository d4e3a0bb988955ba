"""People by SCIM: made, changed, deactivated and deleted by a program elsewhere (rules S1 to S4)."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import attribute_schema, attributes
from accounts.attributes import Definition
from accounts.events import Whoever
from accounts.models import AccountEvent, EditableBy, Provisioned, SignIn, User
from clients.models import Authorization
from idp.api import person_changes
from projects.events import SecurityEvent
from tests.idp.api.caller import machine
from tests.idp.scim.conftest import USER, Scim, provisioner
from tests.world import App, Browser

pytestmark = pytest.mark.django_db
WHOLE: dict[str, Any] = {
    "externalId": "e-7",
    "userName": "Ada",
    "active": True,
    "name": {"givenName": "Ada", "familyName": "Reader", "middleName": "B."},
    "displayName": "Ada Reader (Library)",
    "nickName": "ad",
    "profileUrl": "https://people.example/ada",
    "locale": "de-DE",
    "timezone": "Europe/Berlin",
    "emails": [{"value": "ada@people.example", "type": "home", "primary": True}],
    "phoneNumbers": [{"value": "+49 30 1234567", "type": "mobile"}],
    "addresses": [{"streetAddress": "Road 1", "locality": "Town", "country": "DE", "type": "work"}],
    "photos": [{"value": "https://people.example/ada.png", "type": "photo"}],
}


def of(user: dict[str, Any] | str) -> str:
    return f"/Users/{user if isinstance(user, str) else user['id']}"


def sub_of(username: str) -> str:
    return User.objects.get(username=username).sub


def found(scim: Scim, expression: str) -> list[str]:
    answer = scim.get("/Users?" + f"filter={expression}".replace(" ", "+").replace("[", "%5B").replace("]", "%5D"))
    assert answer.status_code == 200, answer.content
    return sorted(one["userName"] for one in answer.json()["Resources"])


# --- Made ----------------------------------------------------------------------------------------------------------


def test_somebody_new_is_told_back_as_they_were_said(scim: Scim) -> None:
    answer = scim.ask("POST", "/Users", WHOLE)
    said = answer.json()
    meta = said.pop("meta")
    assert (answer.status_code, said.pop("schemas"), said.pop("id")) == (201, [USER], sub_of("Ada"))
    assert said == WHOLE
    assert (answer["Location"], answer["ETag"]) == (meta["location"], meta["version"])
    assert (meta["resourceType"], meta["location"]) == ("User", f"http://localhost:8000/scim/v2{of(sub_of('Ada'))}")


def test_what_is_kept_of_them_are_the_attributes_there_are(scim: Scim) -> None:
    scim.make("Users", **WHOLE)
    user = User.objects.get(username="ada".title())
    assert (user.first_name, user.last_name, user.email, user.is_active) == (
        "Ada",
        "Reader",
        "ada@people.example",
        True,
    )
    assert user.attributes == {
        "middle_name": "B.",
        "nickname": "ad",
        "profile": "https://people.example/ada",
        "locale": "de-DE",
        "zoneinfo": "Europe/Berlin",
        "phone_number": "+49 30 1234567",
        "address": {"street_address": "Road 1", "locality": "Town", "country": "DE"},
        "picture": "https://people.example/ada.png",
    }
    assert not user.has_usable_password()
    assert not EmailAddress.objects.get(user=user).verified, "nobody has proved it"


def test_whoever_made_them_stands_in_one_event(scim: Scim) -> None:
    made = scim.make("Users", **WHOLE)
    event = SecurityEvent.objects.get(kind="person.created")
    assert (event.detail["person"], event.detail["by"]) == (made["id"], "directory")
    assert Provisioned.objects.get().source == "scim:directory"
    scim.patch(of(made), {"op": "replace", "path": "nickName", "value": "adi"})
    changed = SecurityEvent.objects.get(kind="person.changed")
    assert (changed.detail["by"], changed.detail["changed"]) == ("directory", ["attributes.nickname"])
    assert AccountEvent.objects.get(kind="profile.changed").detail["by"] == "directory"
    scim.patch(of(made), {"op": "replace", "path": "nickName", "value": "adi"})
    scim.patch(of(made), {"op": "replace", "path": "externalId", "value": "e-8"})
    changes = SecurityEvent.objects.filter(kind="person.changed").order_by("pk")
    assert [one.detail["changed"] for one in changes] == [["attributes.nickname"], ["source"]]


@pytest.mark.parametrize(
    "said", [{"userName": "OWNER"}, {"userName": "new", "emails": [{"value": "Owner@People.example"}]}]
)
def test_s3_who_is_there_is_not_made_again(scim: Scim, said: dict[str, Any]) -> None:
    answer = scim.ask("POST", "/Users", said)
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    member = of(sub_of("member"))
    for path, value in (("userName", "owner"), ("emails", [{"value": "owner@people.example"}])):
        answer = scim.patch(member, {"op": "replace", "path": path, "value": value})
        assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")


def test_s4_no_password_no_role_and_no_right_is_set(scim: Scim) -> None:
    rights = {"password": "secret-of-theirs", "roles": [{"value": "owner"}], "entitlements": [{"value": "admin"}]}
    made = scim.make("Users", userName="plain", is_staff=True, is_superuser=True, **rights)
    scim.patch(of(made), *({"op": "add", "path": name, "value": value} for name, value in rights.items()))
    scim.patch(of(made), {"op": "add", "value": {**rights, "is_staff": True}})
    user = User.objects.get(username="plain")
    assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (False, False, False)
    assert not {"password", "roles", "entitlements"} & scim.get(of(made)).json().keys()


def test_s4_whoever_enters_the_console_is_changed_by_nobody_here(scim: Scim, staff: None) -> None:
    for username in ("owner", "root"):
        before = User.objects.filter(username=username).values().get()
        address = of(before["sub"])
        answers = (
            scim.ask("PUT", address, {"userName": "other"}),
            scim.patch(address, {"op": "replace", "path": "active", "value": False}),
            scim.patch(address, {"op": "replace", "path": "externalId", "value": "x"}),
            scim.ask("DELETE", address),
        )
        assert [one.status_code for one in answers] == [403] * 4
        assert User.objects.filter(username=username).values().get() == before
        assert scim.get(address).status_code == 200
        scim.make("Groups", displayName=f"With {username}", members=[{"value": before["sub"]}])
    assert not Provisioned.objects.exists()


def test_an_attribute_that_only_an_import_sets_is_set_by_this_one(scim: Scim) -> None:
    for name in ("nickname", "given_name"):
        before = attributes.schema()[name]
        attribute_schema.define(
            Definition(name, before.type, before.label, EditableBy.IMPORT, standard=True), Whoever("x")
        )
    made = scim.make("Users", userName="imported", nickName="im", name={"givenName": "Imp"})
    assert (made["nickName"], made["name"]) == ("im", {"givenName": "Imp"})
    api = machine(administers=("*",))
    assert api.patch(f"/api/v1/users/{made['id']}", {"attributes": {"nickname": "other"}}).status_code == 422


OWN = "urn:ietf:params:scim:schemas:extension:vestibule:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def test_what_an_installation_added_is_an_extension(scim: Scim) -> None:
    for name, kind in {"department": "text", "floor": "number", "skills": "list", "model_config": "text"}.items():
        attribute_schema.define(Definition(name, kind, name, EditableBy.IMPORT), Whoever("x"))
    [schema] = [one for one in scim.get("/Schemas").json()["Resources"] if one["id"] == OWN]
    kept = {one["name"]: (one["type"], one["multiValued"]) for one in schema["attributes"]}
    assert kept == {"department": ("string", False), "floor": ("decimal", False), "skills": ("string", True)}
    [person, _group] = scim.get("/ResourceTypes").json()["Resources"]
    assert [one["schema"] for one in person["schemaExtensions"]] == [OWN]
    made = scim.make("Users", userName="ada", **{OWN: {"floor": 3}, ENTERPRISE: {"department": "IT", "division": "x"}})
    assert (made["schemas"], made[OWN]) == ([USER, OWN], {"department": "IT", "floor": 3})
    for operation, wanted in (
        (
            {"op": "Add", "path": f"{OWN}:skills", "value": ["a", "b"]},
            {"department": "IT", "floor": 3, "skills": ["a", "b"]},
        ),
        ({"op": "Remove", "path": f"{OWN}:floor"}, {"department": "IT", "skills": ["a", "b"]}),
        (
            {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "HR"},
            {"department": "HR", "skills": ["a", "b"]},
        ),
        ({"op": "Add", "value": {f"{ENTERPRISE}:department": "PR"}}, {"department": "PR", "skills": ["a", "b"]}),
        ({"op": "replace", "value": {ENTERPRISE: {"department": "QA"}}}, {"department": "QA", "skills": ["a", "b"]}),
    ):
        answer = scim.patch(of(made), operation)
        assert (answer.status_code, answer.json()[OWN]) == (200, wanted), operation
    assert User.objects.get(username="ada").attributes == {"department": "QA", "skills": ["a", "b"]}
    shown = scim.get(of(made) + f"?attributes={OWN}:department").json()
    assert shown[OWN] == {"department": "QA"}
    assert OWN not in scim.ask("PUT", of(made), {"userName": "ada"}).json()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("said", "about"),
    [
        ({}, "userName"),
        ({"userName": ""}, "userName"),
        ({"userName": "a b/c"}, "userName"),
        ({"userName": 3}, "userName"),
        ({"userName": "x", "active": "perhaps"}, "active"),
        ({"userName": "x", "emails": [{"value": "no address"}]}, "emails"),
        ({"userName": "x", "emails": "x@people.example"}, "emails"),
        ({"userName": "x", "timezone": "Nowhere"}, "timezone"),
        ({"userName": "x", "locale": "not a language"}, "locale"),
        ({"userName": "x", "phoneNumbers": [{"value": "call me"}]}, "phoneNumbers"),
        ({"userName": "x", "profileUrl": "javascript:alert(1)"}, "profileUrl"),
        ({"userName": "x", "name": {"givenName": "x" * 151}}, "name.givenName"),
        ({"userName": "x", "externalId": "x" * 256}, "externalId"),
        ({"userName": "x", "displayName": "x" * 501}, "displayName"),
        ({"userName": "x", "addresses": [{"locality": "x" * 501}]}, "addresses"),
    ],
)
def test_what_does_not_fit_is_named_and_nobody_is_made(scim: Scim, said: dict[str, Any], about: str) -> None:
    before = User.objects.count()
    answer = scim.ask("POST", "/Users", said)
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
    assert about in answer.json()["detail"].replace("user_name", "userName")
    assert User.objects.count() == before


def test_who_has_a_name_to_show_alone_is_called_so(scim: Scim) -> None:
    scim.make("Users", userName="shown", displayName="Ada  Maria Reader")
    user = User.objects.get(username="shown")
    assert (user.first_name, user.last_name) == ("Ada", "Maria Reader")


# --- Whose ---------------------------------------------------------------------------------------------------------


def test_people_of_another_client_are_not_there(scim: Scim) -> None:
    other = provisioner("elsewhere")
    made = other.make("Users", userName="theirs", externalId="e-1")
    assert scim.get(of(made)).status_code == 404
    assert scim.ask("DELETE", of(made)).status_code == 404
    assert scim.patch(of(made), {"op": "replace", "path": "active", "value": False}).status_code == 404
    assert found(scim, 'externalId eq "e-1"') == found(scim, 'userName eq "theirs"') == []
    assert found(other, 'externalId eq "e-1"') == ["theirs"]
    assert scim.ask("POST", "/Users", {"userName": "theirs"}).status_code == 409
    scim.patch(of(sub_of("owner")), {"op": "add", "path": "externalId", "value": "e-2"})
    assert found(other, 'userName eq "owner"') == [], "it is looked after now"


def test_when_a_client_is_deleted_its_people_are_there_for_the_next(scim: Scim) -> None:
    other = provisioner("elsewhere")
    made = other.make("Users", userName="theirs", externalId="e-1")
    group = other.make("Groups", displayName="Readers", members=[{"value": made["id"]}])
    machine(administers=("*",)).delete("/api/v1/projects/house/clients/elsewhere")
    assert scim.get(of(made)).json()["userName"] == "theirs"
    assert "externalId" not in scim.get(of(made)).json()
    assert scim.get(f"/Groups/{group['id']}").json()["displayName"] == "Readers"
    assert not User.objects.get(username="theirs").group_members.exists()
    assert AccountEvent.objects.filter(sub=made["id"], kind="groups.changed").count() == 2


# --- Leaving -------------------------------------------------------------------------------------------------------


@pytest.fixture
def tokens(world: None) -> dict[str, Any]:
    """What the member gave the app `web`."""
    return Browser("member").tokens("web", scope="openid offline_access orders.read")


@pytest.mark.parametrize("value", [False, "False", "false"])
def test_s3_who_is_not_active_has_nothing_left(scim: Scim, tokens: dict[str, Any], value: object) -> None:
    address = of(sub_of("member"))
    answer = scim.patch(address, {"op": "Replace", "path": "active", "value": value})
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert not SignIn.objects.filter(user__username="member", ended_at=None).exists()
    assert App("web").introspect(str(tokens["access_token"])).json() == {"active": False}
    assert App("web").refresh(str(tokens["refresh_token"])).status_code == 400
    assert AccountEvent.objects.filter(sub=sub_of("member"), kind="account.deactivated").count() == 1
    assert found(scim, "active eq false") == ["member"]
    scim.patch(address, {"op": "replace", "value": {"active": "True"}})
    assert App("web").refresh(str(tokens["refresh_token"])).status_code == 400, "nothing is revived"


def test_s3_all_of_it_ends_or_nothing(scim: Scim, tokens: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("the log is full")

    monkeypatch.setattr(person_changes, "record", fails)
    address = of(sub_of("member"))
    assert scim.patch(address, {"op": "replace", "path": "active", "value": False}).status_code == 500
    assert scim.ask("DELETE", address).status_code == 500
    assert User.objects.get(username="member").is_active
    assert SignIn.objects.filter(user__username="member", ended_at=None).exists()
    assert App("web").refresh(str(tokens["refresh_token"])).status_code == 200


def test_s3_who_is_deleted_is_gone_with_all_they_have(scim: Scim, tokens: dict[str, Any]) -> None:
    sub = sub_of("member")
    assert scim.ask("DELETE", of(sub)).status_code == 204
    assert not User.objects.filter(sub=sub).exists()
    assert App("web").introspect(str(tokens["access_token"])).json() == {"active": False}
    assert not Authorization.objects.filter(user__sub=sub).exists()
    for answer in (scim.get(of(sub)), scim.ask("DELETE", of(sub)), scim.ask("PUT", of(sub), {"userName": "x"})):
        assert answer.status_code == 404
    assert AccountEvent.objects.filter(sub=sub, kind="account.deleted").count() == 1
    assert SecurityEvent.objects.get(kind="person.deleted").detail["by"] == "directory"


def test_a_replacement_that_says_nothing_of_it_lets_nobody_in_again(scim: Scim) -> None:
    made = scim.make("Users", **{**WHOLE, "active": False})
    replaced = scim.ask("PUT", of(made), {"userName": "ada2"})
    assert replaced.status_code == 200, replaced.content
    said = replaced.json()
    assert (said["active"], said["userName"]) == (False, "ada2")
    assert said.keys() == {"schemas", "id", "meta", "active", "userName"}, "what is not said is gone"


# --- Changed in parts (S1) -----------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ([{"op": "Replace", "path": "nickName", "value": "n"}], {"nickName": "n"}),
        ([{"OP": "ADD", "PATH": "NICKNAME", "VALUE": "n"}], {"nickName": "n"}),
        ([{"op": "replace", "value": {"nickName": "n", "id": "other", "schemas": []}}], {"nickName": "n"}),
        ([{"op": "add", "path": f"{USER}:nickName", "value": "n"}], {"nickName": "n"}),
        ([{"op": "Remove", "path": "name.middleName"}], {"name": {"givenName": "Ada", "familyName": "Reader"}}),
        ([{"op": "Add", "path": "name.givenName", "value": "A"}], {"name": {**WHOLE["name"], "givenName": "A"}}),
        ([{"op": "Add", "value": {"name.givenName": "A"}}], {"name": {**WHOLE["name"], "givenName": "A"}}),
        ([{"op": "add", "value": {"name": {"givenName": "A"}}}], {"name": {**WHOLE["name"], "givenName": "A"}}),
        (
            [{"op": "Replace", "path": 'emails[type eq "home"].value', "value": "b@people.example"}],
            {"emails": [{"value": "b@people.example", "type": "home", "primary": True}]},
        ),
        (
            [{"op": "Add", "value": {'emails[type eq "home"].value': "b@people.example"}}],
            {"emails": [{"value": "b@people.example", "type": "home", "primary": True}]},
        ),
        ([{"op": "Add", "path": 'emails[type eq "work"].value', "value": "w@people.example"}], {}),
        (
            [{"op": "replace", "path": "emails", "value": [{"value": "b@people.example", "primary": "True"}]}],
            {"emails": [{"value": "b@people.example", "primary": True}]},
        ),
        ([{"op": "remove", "path": 'emails[value eq "ADA@people.example"]'}], {"emails": None}),
        ([{"op": "Add", "path": "nickName", "value": [{"$ref": None, "value": "n"}]}], {"nickName": "n"}),
        ([{"op": "replace", "path": "nickName", "value": None}], {"nickName": None}),
        ([{"op": "add", "path": "title", "value": "Boss"}], {}),
        (
            [
                {
                    "op": "add",
                    "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                    "value": "x",
                }
            ],
            {},
        ),
        (
            [{"op": "replace", "path": "nickName", "value": "n"}, {"op": "remove", "path": "nickName"}],
            {"nickName": None},
        ),
        (
            [{"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "tel:+49-1"}],
            {"phoneNumbers": [{"value": "+49-1", "type": "work"}]},
        ),
        (
            [{"op": "replace", "path": 'addresses[type eq "work"].locality', "value": "City"}],
            {"addresses": [{**WHOLE["addresses"][0], "locality": "City"}]},
        ),
    ],
)
def test_s1_every_form_of_an_operation_is_understood(
    scim: Scim, operations: list[dict[str, Any]], wanted: dict[str, Any]
) -> None:
    made = scim.make("Users", **WHOLE)
    answer = scim.patch(of(made), *operations)
    assert answer.status_code == 200, answer.content
    shown = {name: value for name, value in answer.json().items() if name in WHOLE}
    assert shown == {name: value for name, value in {**WHOLE, **wanted}.items() if value is not None}
    assert scim.get(of(made)).json() == answer.json()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ({"op": "delete", "path": "nickName"}, "invalidValue"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "remove", "path": "active"}, "mutability"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "replace", "path": "groups", "value": [{"value": "x"}]}, "mutability"),
        ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": {"a": 1}}, "invalidValue"),
        ("nonsense", "invalidSyntax"),
    ],
)
def test_s1_what_cannot_be_done_is_told_in_a_word_of_scim(scim: Scim, operation: Any, kind: str) -> None:
    made = scim.make("Users", **WHOLE)
    answer = scim.patch(of(made), {"op": "replace", "path": "nickName", "value": "n"}, operation)
    assert (answer.status_code, answer.json().get("scimType")) == (400, kind)
    assert scim.get(of(made)).json()["nickName"] == "ad", "all of it, or nothing"


@pytest.mark.any_database
def test_operations_are_bounded(scim: Scim) -> None:
    one = {"op": "replace", "path": "nickName", "value": "n"}
    address = of(sub_of("member"))
    for operations in ([], [one] * 101):
        assert scim.patch(address, *operations).status_code == 400
    assert scim.ask("PATCH", address, {"Operations": {}}).status_code == 400


# --- Found (S2) ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('userName eq "ADA"', ["Ada"]),
        ('USERNAME EQ "ada"', ["Ada"]),
        ('externalId eq "e-7"', ["Ada"]),
        ('externalId eq "E-7"', []),
        ('emails.value eq "ADA@people.example"', ["Ada"]),
        ('emails[type eq "work"].value eq "ada@people.example"', ["Ada"]),
        ('emails[type eq "work" and value eq "ada@people.example"]', ["Ada"]),
        ('userName sw "A" and not (active eq false)', ["Ada"]),
        ('userName eq "ada" or userName eq "owner"', ["Ada", "owner"]),
        ('not (userName eq "ada") and name.givenName eq "olive"', ["owner"]),
        ("externalId pr", ["Ada"]),
        ('emails[type eq "work"] and userName eq "nobody-writes-to-me"', []),
        ('userName sw "nobody" and not (emails[primary eq true])', ["nobody-writes-to-me"]),
        ('userName ne "ada" and emails.value co "PEOPLE.example" and userName ew "r"', ["member", "outsider", "owner"]),
        ('meta.lastModified gt "2011-05-13T04:42:34Z" and externalId pr', ["Ada"]),
        ('userName eq "nobody"', []),
        ('userName eq "\\u0000"', []),
        ('groups eq "nonsense"', []),
    ],
)
def test_s2_people_are_found_in_any_capitals(scim: Scim, expression: str, names: list[str]) -> None:
    scim.make("Users", **WHOLE)
    scim.make("Users", userName="nobody-writes-to-me")
    assert found(scim, expression) == names


@pytest.mark.any_database
@pytest.mark.parametrize(
    "expression",
    [
        "userName",
        'userName xx "a"',
        'password eq "x"',
        'nickName eq "x"',
        'title eq "x"',
        'userName gt "a"',
        "active gt true",
        'active eq "perhaps"',
        'meta.created gt "soon"',
        "(" * 40 + 'userName eq "a"' + ")" * 39,
        " or ".join(['userName eq "a"'] * 51),
        'userName eq "' + "x" * 2000 + '"',
    ],
)
def test_s2_what_cannot_be_looked_up_is_refused(scim: Scim, expression: str) -> None:
    answer = scim.ask("POST", "/Users/.search", {"filter": expression})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


def test_a_list_is_read_page_by_page(scim: Scim) -> None:
    names = [scim.make("Users", userName=f"page-{number}")["userName"] for number in range(5)]
    read: list[str] = []
    while True:
        page = scim.get(f"/Users?filter=userName+sw+%22page-%22&startIndex={len(read) + 1}&count=2").json()
        assert (page["totalResults"], page["startIndex"]) == (5, len(read) + 1)
        assert page["itemsPerPage"] == len(page["Resources"])
        if not page["Resources"]:
            break
        read += [one["userName"] for one in page["Resources"]]
    assert sorted(read) == sorted(names)
    assert scim.get("/Users?count=0").json()["Resources"] == []
    assert scim.get("/Users?count=100000").status_code == 200
    assert scim.get("/Users?startIndex=-5&count=-1").json()["itemsPerPage"] == 0
    assert scim.get("/Users?startIndex=" + "9" * 15).json()["Resources"] == []
    assert scim.get("/Users?count=many").status_code == 400
    assert scim.get("/Users?count=1&count=2").status_code == 400


@pytest.mark.any_database
def test_an_answer_has_the_attributes_that_are_asked_for(scim: Scim) -> None:
    made = scim.make("Users", **WHOLE)
    some = scim.get(of(made) + f"?attributes=username,name.givenName,{USER}:emails.value,nothing").json()
    assert some == {
        "schemas": [USER],
        "id": made["id"],
        "userName": "Ada",
        "name": {"givenName": "Ada"},
        "emails": [{"value": "ada@people.example"}],
    }
    rest = scim.get(of(made) + "?excludedAttributes=emails,name.givenName,meta,id").json()
    assert rest["name"] == {"familyName": "Reader", "middleName": "B."}
    assert not {"emails", "meta"} & rest.keys()
    assert rest["id"] == made["id"]
    [listed] = scim.ask("POST", "/Users/.search", {"filter": 'userName eq "ada"', "attributes": ["userName"]}).json()[
        "Resources"
    ]
    assert listed.keys() == {"schemas", "id", "userName"}
    assert scim.get(of(made) + "?attributes=id&excludedAttributes=name").status_code == 400


def test_nobody_overwrites_what_they_have_not_seen(scim: Scim) -> None:
    made = scim.make("Users", **WHOLE)
    tag, nick = made["meta"]["version"], {"op": "replace", "path": "nickName", "value": "n"}
    assert scim.get(of(made), If_None_Match=tag).status_code == 304
    changed = scim.patch(of(made), nick, If_Match=tag)
    assert (changed.status_code, changed["ETag"]) == (200, changed.json()["meta"]["version"])
    assert changed["ETag"] != tag
    for answer in (
        scim.patch(of(made), nick, If_Match=tag),
        scim.ask("PUT", of(made), WHOLE, If_Match=tag),
        scim.ask("DELETE", of(made), If_Match=tag),
    ):
        assert answer.status_code == 412
    assert scim.ask("DELETE", of(made), If_Match=changed["ETag"]).status_code == 204


# --- Whatever is sent ----------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [*WHOLE, "schemas", "id", "meta", "groups", "members", "password", "value", "Operations", "op", "path"]
)
PATHS = st.sampled_from(
    ['emails[type eq "work"].value', "emails[", "name", "active", "members", "urn:x:y", "", "$ref", "a.b.c"]
)
LEAVES = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20) | PATHS | NAMES
ANYTHING = st.recursive(
    LEAVES | TEXTS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES | PATHS, inside, max_size=4),
    max_leaves=12,
)
OPERATION = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "remove", "x"])},
    optional={"path": PATHS | NAMES | ANYTHING, "value": ANYTHING},
)


@pytest.mark.any_database
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(said=st.dictionaries(NAMES, ANYTHING, max_size=6), operations=st.lists(OPERATION, min_size=1, max_size=3))
def test_whatever_is_sent_is_done_or_refused(scim: Scim, said: dict[str, Any], operations: list[Any]) -> None:
    address = of(sub_of("outsider"))
    answers = (
        scim.ask("POST", "/Users", {**said, "userName": "drawn"}),
        scim.ask("POST", "/Groups", {"displayName": "drawn", **said}),
        scim.ask("PUT", address, {"userName": "outsider", **said, "active": True}),
        scim.patch(address, *operations),
        scim.ask("POST", "/Users/.search", said),
    )
    assert max(one.status_code for one in answers) < 500, [one.content for one in answers]
    User.objects.filter(username="drawn").delete()
