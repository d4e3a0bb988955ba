"""Attributes and groups on pages: what people edit of themselves, and what superusers edit in the console."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts import attribute_schema, attributes, groups
from accounts.attributes import Definition, Editor
from accounts.events import Whoever
from accounts.models import AccountEvent, Attribute, EditableBy, Group, User
from tests.console import browser, page, problems, send

pytestmark = pytest.mark.usefixtures("console")
BY = Whoever(name="a test")


def user(username: str = "person") -> User:
    return User.objects.get(username=username)


def define(name: str, kind: str = "text", by: EditableBy = EditableBy.PERSON) -> None:
    attribute_schema.define(Definition(name, kind, name.title(), by), BY)


# --- The account page ------------------------------------------------------------------------------------------------


def profile(**fields: Any) -> Any:
    return browser("person").post(reverse("account_profile"), fields)


def test_people_enter_everything_that_apps_may_ask_for() -> None:
    define("motto")
    define("hours", "number")
    define("tags", "list")
    define("remote", "boolean")
    said = {
        "first_name": "Pat",
        "nickname": "Patty",
        "birthdate": "0000-12-31",
        "locale": "de_AT",
        "zoneinfo": "Europe/Vienna",
        "website": "https://pat.example/",
        "phone_number": "+43 1 234",
        "address": "1 Main St\r\nVienna",
        "address_country": "AT",
        "motto": "Grow",
        "hours": "38.5",
        "tags": "b\r\n a \r\n",
        "remote": "false",
    }
    assert profile(**said).status_code == 302
    assert user().attributes == {
        "nickname": "Patty",
        "birthdate": "0000-12-31",
        "locale": "de-AT",
        "zoneinfo": "Europe/Vienna",
        "website": "https://pat.example/",
        "phone_number": "+43 1 234",
        "address": {"formatted": "1 Main St\nVienna", "country": "AT"},
        "motto": "Grow",
        "hours": 38.5,
        "tags": ["b", "a"],
        "remote": False,
    }
    shown = browser("person").get(reverse("account_profile")).content.decode()
    assert 'value="+43 1 234"' in shown
    assert profile().status_code == 302
    assert (user().attributes, user().first_name) == ({}, "")


def test_people_edit_what_is_theirs_and_see_what_is_not() -> None:
    define("department", by=EditableBy.ADMINISTRATOR)
    define("payroll", "number", by=EditableBy.IMPORT)
    values = {"department": "Gardening", "payroll": 7, "phone_number": "+1 555", "phone_number_verified": True}
    attributes.change(user(), attributes.read(values, Editor.IMPORT)[0], BY)
    shown = browser("person").get(reverse("account_profile")).content.decode()
    assert "<dt>Department</dt><dd>Gardening</dd>" in shown
    assert 'name="department"' not in shown
    assert (
        profile(phone_number="+1 555", department="Chief", payroll="1", phone_number_verified="true").status_code == 302
    )
    assert user().attributes == values
    assert not AccountEvent.objects.filter(kind="profile.changed", sub=user().sub, detail__by=None).exists()
    assert profile(phone_number="+1 556").status_code == 302
    assert user().attributes["phone_number_verified"] is False


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("picture", "javascript:alert(1)"),
        ("birthdate", "31.12.1990"),
        ("zoneinfo", "Nowhere"),
        ("locale", "?"),
        ("phone_number", "call me"),
        ("address_country", "x" * 501),
        ("hours", "many"),
        ("hours", "1e400"),
        ("nickname", "a\0b"),
        ("tags", "x" * 201),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_field(field: str, value: str) -> None:
    define("hours", "number")
    define("tags", "list")
    answer = profile(**{field: value})
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])
    assert user().attributes == {}


# --- The console -----------------------------------------------------------------------------------------------------


def of_person(**fields: Any) -> Any:
    return send(browser("root"), page("accounts_user_change", user().pk), fields)


def test_a_superuser_edits_the_attributes_and_groups_of_somebody() -> None:
    define("department", by=EditableBy.ADMINISTRATOR)
    define("payroll", "number", by=EditableBy.IMPORT)
    staff, crew = groups.make("Staff", BY), groups.make("Night crew", BY)
    groups.set_members(crew, [user()], "ldap", BY)
    said = {"department": "Gardening", "payroll": "5", "phone_number": "+1 555", "phone_number_verified": "true"}
    assert of_person(**said, member_of="staff").status_code == 302
    assert user().attributes == {"department": "Gardening", "phone_number": "+1 555", "phone_number_verified": True}
    assert groups.group_names(user().pk) == ("Night crew", "Staff")
    [changed] = AccountEvent.objects.filter(kind="profile.changed", sub=user().sub)
    assert changed.detail == {"by": user("root").sub, "changed": sorted(user().attributes)}
    assert of_person().status_code == 302, "as it is shown, it is sent"
    assert (
        AccountEvent.objects.filter(kind__in=("profile.changed", "groups.changed"), detail__by=user("root").sub).count()
        == 2
    )
    assert of_person(member_of="").status_code == 302
    assert groups.group_names(user().pk) == ("Night crew",)
    assert staff.members.count() == 0


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value"),
    [("member_of", "Nobody"), ("website", "nowhere"), ("birthdate", "x"), ("zoneinfo", "Nowhere")],
)
def test_what_somebody_cannot_have_is_an_error_on_its_field(field: str, value: str) -> None:
    assert list(problems(of_person(**{field: value}))) == [field]


def test_a_superuser_makes_a_group_fills_it_and_deletes_it() -> None:
    root = browser("root")
    added = send(root, page("accounts_group_add"), {"name": "Staff", "people": "person\nowner"})
    assert added.status_code == 302
    staff = Group.objects.get()
    groups.set_members(staff, [user("viewer")], "ldap", BY)
    shown = root.get(page("accounts_group_change", staff.pk)).content.decode()
    assert "ldap: 1" in shown
    assert send(root, page("accounts_group_change", staff.pk), {"name": "Crew", "people": "person"}).status_code == 302
    assert [groups.group_names(user(name).pk) for name in ("person", "owner", "viewer")] == [("Crew",), (), ("Crew",)]
    assert {
        event.detail["by"]
        for event in AccountEvent.objects.filter(kind__startswith="group").exclude(detail__by="a test")
    } == {user("root").sub}
    assert LogEntry.objects.count() == 2
    assert "owner" not in "".join(LogEntry.objects.values_list("change_message", flat=True))
    assert root.post(page("accounts_group_delete", staff.pk), {"post": "yes"}).status_code == 302
    assert groups.group_names(user().pk) == ()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "STAFF"), ("name", "x" * 101), ("people", "somebody"), ("description", "x" * 501)],
)
def test_what_is_no_group_is_an_error_on_its_field(field: str, value: str) -> None:
    groups.make("staff", BY)
    assert list(problems(send(browser("root"), page("accounts_group_add"), {"name": "New", field: value}))) == [field]


def test_a_superuser_adds_an_attribute_and_says_who_edits_a_standard_claim() -> None:
    root = browser("root")
    fields = {"name": "department", "type": "list", "label": "Department", "editable_by": "person", "position": "3"}
    assert send(root, page("accounts_attribute_add"), fields).status_code == 302
    assert attributes.schema()["department"] == Definition(
        "department", "list", "Department", EditableBy.PERSON, position=3
    )
    standard = {"name": "nickname", "editable_by": "administrator"}
    assert send(root, page("accounts_attribute_add"), standard).status_code == 302
    assert attributes.schema()["nickname"].editable_by is EditableBy.ADMINISTRATOR
    row = Attribute.objects.get(name="nickname")
    assert send(root, page("accounts_attribute_change", row.pk), {"editable_by": "import"}).status_code == 302
    assert attributes.schema()["nickname"].editable_by is EditableBy.IMPORT
    assert "Department" in browser("person").get(reverse("account_profile")).content.decode()


def test_whoever_changes_a_type_or_deletes_hears_how_many_lose_a_value() -> None:
    define("department")
    attributes.change(user(), {"department": "Gardening"}, BY)
    row, root = Attribute.objects.get(), browser("root")
    address = page("accounts_attribute_change", row.pk)
    assert problems(send(root, address, {"type": "list"})) == {"lose_values": ["1 person loses a value."]}
    assert "1 person loses a value." in root.get(page("accounts_attribute_delete", row.pk)).content.decode()
    assert user().attributes == {"department": "Gardening"}
    assert send(root, address, {"type": "list", "lose_values": "on"}).status_code == 302
    assert user().attributes == {}
    assert root.post(page("accounts_attribute_delete", row.pk), {"post": "yes"}).status_code == 302
    assert not Attribute.objects.exists()


@pytest.mark.parametrize("username", ["owner", "nobody"])
def test_groups_and_attributes_are_for_superusers_only(username: str) -> None:
    define("department")
    staff = groups.make("staff", BY)
    http = browser(username)
    for model, key in (("group", staff.pk), ("attribute", Attribute.objects.get().pk)):
        for name, args in (("changelist", ()), ("add", ()), ("change", (key,)), ("delete", (key,))):
            assert http.get(page(f"accounts_{model}_{name}", *args)).status_code == 403
            assert http.post(page(f"accounts_{model}_{name}", *args), {"name": "x"}).status_code == 403
