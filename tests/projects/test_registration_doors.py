"""Projects and APIs: what is asked of their registrations, by whom, and what is wrong with it; through every door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import yaml
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from clients import resources
from clients.models import SecurityEvent
from idp.configuration import ConfigurationError, apply
from projects import api_registration, quotas, registration
from projects.actors import Actor
from projects.metadata import ApiMetadata, Membership, ProjectMetadata, Scope, Screen
from projects.models import Api, Member, Project
from projects.problems import RegistrationError
from tests import console, drawing
from tests.console import OPEN, ORDERS, REPORTS, Blanks, api, browser, page, project

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]

NEW = "https://new.acme.example"
BLANKS = Blanks()


@dataclass(frozen=True)
class Row:
    """What is said of an API or a project that is there (or of a new one), and the fields with a problem."""

    said: Mapping[str, Any]
    wrong: tuple[str, ...] = ()
    by: str = "root"
    of: str = ""

    def __str__(self) -> str:
        return f"{self.by}: {self.of or 'new'} {dict(self.said)}"[:90]


def names(fields: Any) -> tuple[str, ...]:
    return tuple(sorted({field.partition("[")[0].partition(".")[0] for field in fields}))


# --- APIs ----------------------------------------------------------------------------------------------------------

APIS = [
    Row({"name": "New"}),
    Row({"name": "New"}, by="editor"),
    Row({"name": ""}, ("name",)),
    Row({"name": "x" * 101}, ("name",)),
    Row({"identifier": "orders"}, ("identifier",)),
    Row({"identifier": "http://api.acme.example"}, ("identifier",)),
    Row({"identifier": "https://api.acme.example/a?b=c"}, ("identifier",)),
    Row({"identifier": "http://localhost:8000/api"}, ("identifier",)),
    *(Row({"identifier": f"{REPORTS}/deep"}, ("identifier",), by) for by in ("editor", "root")),
    Row({"identifier": "https://gone.other.example/below"}, ("identifier",), "editor"),
    Row({"identifier": "https://gone.other.example/below"}),
    Row({"identifier": "https://partner.example"}, ("identifier",), "editor"),
    Row({"identifier": "https://partner.example"}),
    *(Row({"token_lifetime": seconds}, ("token_lifetime",), of=of) for seconds in (0, 10**9) for of in ("", ORDERS)),
    *(
        Row({"token_lifetime": seconds}, ("token_lifetime",) if by == "editor" and seconds > 86_400 else (), by, of)
        for seconds in (86_400, 86_401)
        for by in ("editor", "root")
        for of in ("", ORDERS)
    ),
    Row({"scopes": {"new.read": "See"}}, by="editor"),
    Row({"scopes": {"openid": "Sign in"}}, ("scopes",)),
    Row({"scopes": {"admin.read": "All"}}, ("scopes",)),
    Row({"scopes": {'a"b': "See"}}, ("scopes",)),
    Row({"scopes": {"new.read": "x" * 201}}, ("scopes",)),
    Row({"scopes": {f"s{number}": "See" for number in range(quotas.API_SCOPES)}}, by="editor"),
    Row({"scopes": {f"s{number}": "See" for number in range(quotas.API_SCOPES + 1)}}, ("scopes",)),
    Row({"shared": ["other"]}),
    Row({"shared": ["other"]}, ("shared",), "editor"),
    Row({"shared": ["nix"]}, ("shared",)),
    Row({"shared": []}, ("shared",)),
]


@pytest.fixture(autouse=True)
def _before(console: None) -> None:
    """An API of another project that is gone, and an address that its clients use."""
    root = Actor.operator("test")
    gone = resources.register_api(
        ApiMetadata(identifier="https://gone.other.example", name="Gone"), project("other"), root
    )
    resources.delete_api(gone, root)
    project("other").clients.get().audience_entries.create(value="https://partner.example/a")


def api_directly(row: Row) -> tuple[str, ...]:
    before = api_registration.metadata_of(api(row.of)) if row.of else ApiMetadata(identifier=NEW, name="New")
    said = dict(row.said)
    if "scopes" in said:
        said["scopes"] = tuple(Scope(name, words) for name, words in said["scopes"].items())
    if "shared" in said:
        said |= {"shared": "listed", "shared_with": tuple(said["shared"])}
    wanted, by = replace(before, **said), Actor.person(User.objects.get(username=row.by))
    try:
        if row.of:
            api_registration.change(api(row.of), wanted, by)
        else:
            resources.register_api(wanted, project(), by)
    except RegistrationError as error:
        return names("shared" if one.name == "shared_with" else one.field for one in error.problems)
    return ()


def api_in_the_console(row: Row) -> tuple[str, ...]:
    http = browser(row.by)
    where = page("projects_api_change", api(row.of).pk) if row.of else page("projects_api_add")
    fields = {} if row.of else {"project": project().pk, "identifier": NEW, "name": "New"}
    said = dict(row.said)
    for index, (name, words) in enumerate(said.pop("scopes", {}).items()):
        fields |= {f"scopes-{index}-name": name, f"scopes-{index}-description": words}
        fields["scopes-TOTAL_FORMS"] = index + 1
    if "shared" in said:
        said |= {"shared": "listed", "shared_with": "\n".join(said["shared"])}
    answer = drawing.post(http, where, {**BLANKS.of(row.by, where, http), **fields, **said})
    if answer.status_code == 302:
        return ()
    found = console.problems(answer)
    return names({"inlines": "scopes", "shared_with": "shared"}.get(name, name) for name in found)


def api_by_a_file(row: Row) -> tuple[str, ...]:
    said = {"identifier": row.of or NEW, **({} if row.of else {"name": "New"}), **row.said}
    return _applied({"id": "acme", "apis": [said]}, "projects[0].apis[0].")


def _applied(said: dict[str, Any], prefix: str) -> tuple[str, ...]:
    try:
        apply(yaml.safe_dump({"version": 1, "projects": [said]}), path="doors.yaml")
    except ConfigurationError as error:
        places = [one.place for one in error.problems]
        return names(place.path.removeprefix(prefix) for place in places if place.line)
    return ()


Doors = dict[str, Callable[[Row], tuple[str, ...]]]
API_DOORS: Doors = {"direct": api_directly, "console": api_in_the_console, "file": api_by_a_file}


def cases(rows: list[Row], doors: Doors) -> list[tuple[str, Row]]:
    """Files are applied by who runs the provider, never by a member."""
    return [(door, row) for row in rows for door in doors if door != "file" or row.by == "root"]


@pytest.mark.parametrize(("door", "row"), cases(APIS, API_DOORS), ids=str)
def test_every_door_finds_the_same_problems_of_an_api(door: str, row: Row) -> None:
    before = Api.objects.count()
    assert API_DOORS[door](row) == row.wrong
    assert Api.objects.count() == before + (not row.wrong and not row.of)


# --- Projects ------------------------------------------------------------------------------------------------------

PROJECTS = [
    Row({"name": "Renamed"}, by="owner", of="acme"),
    Row({"name": "New"}),
    Row({"id": "Upper"}, ("id",)),
    Row({"id": "two words"}, ("id",)),
    Row({"name": "x" * 101}, ("name",)),
    Row({"consent_mode": "never"}, ("consent_mode",), of="acme"),
    Row({"consent_mode": "implicit"}, ("consent_mode",), "owner", "acme"),
    Row({"consent_mode": "implicit"}, of="acme"),
    Row({"status": "testing"}, ("status",), "owner", "acme"),
    Row({"status": "testing"}, of="acme"),
    *(Row({"test_users": ["person", "nix"]}, ("test_users",), by, "acme") for by in ("owner", "root")),
    Row({"test_users": ["person"]}, by="owner", of="acme"),
    *(Row({"longest_grant": seconds}, ("longest_grant",), of="acme") for seconds in (0, -1, 10**9)),
    Row({"longest_grant": 86_400}, by="owner", of="acme"),
    Row({"consent_screen": {"policy_uri": "javascript:alert(1)"}}, ("consent_screen",), "editor", "acme"),
    Row({"consent_screen": {"support_email": "nobody"}}, ("consent_screen",), of="acme"),
    Row({"consent_screen": {"app_name": "Shown"}}, by="editor", of="acme"),
    Row({"viewers": ["viewer", "both", "person"]}, by="owner", of="acme"),
    *(Row({"viewers": ["viewer", "both", "nix"]}, ("members",), by, "acme") for by in ("owner", "root")),
]


def project_directly(row: Row) -> tuple[str, ...]:
    before = registration.metadata_of(project(row.of)) if row.of else ProjectMetadata(id="new", name="New")
    said = dict(row.said)
    if "consent_screen" in said:
        said["consent_screen"] = Screen(**said["consent_screen"])
    if "test_users" in said:
        said["test_users"] = tuple(said["test_users"])
    if "viewers" in said:
        kept = [one for one in before.members if one.role != "viewer"]
        said["members"] = (*kept, *(Membership(name, "viewer") for name in said.pop("viewers")))
    wanted, by = replace(before, **said), Actor.person(User.objects.get(username=row.by))
    try:
        if row.of:
            registration.change(project(row.of), wanted, by)
        else:
            registration.register(wanted, by)
    except RegistrationError as error:
        return names(one.field for one in error.problems)
    return ()


def project_in_the_console(row: Row) -> tuple[str, ...]:
    http = browser(row.by)
    where = page("projects_project_change", project(row.of).pk) if row.of else page("projects_project_add")
    said: dict[str, Any] = {} if row.of else {"key": "new", "name": "New"}
    said |= {{"id": "key"}.get(name, name): value for name, value in row.said.items()}
    if "test_users" in said:
        said["test_users"] = "\n".join(said["test_users"])
    for name, value in said.pop("consent_screen", {}).items():
        said[f"consent_screen-0-{name}"] = value
    if "viewers" in said:  # the last of them is new
        said |= {"members-4-username": said.pop("viewers")[-1], "members-4-role": "viewer"}
    answer = drawing.post(http, where, {**BLANKS.of(row.by, where, http), **said})
    if answer.status_code == 302:
        return ()
    inlines = "members" if "members-4-username" in said else "consent_screen"
    return names({"inlines": inlines, "key": "id"}.get(name, name) for name in console.problems(answer))


def project_by_a_file(row: Row) -> tuple[str, ...]:
    said = {"id": row.of or "new", **({} if row.of else {"name": "New"}), **row.said}
    if "viewers" in said:
        said["members"] = {"viewers": said.pop("viewers")}
    return _applied(said, "projects[0].")


PROJECT_DOORS: Doors = {"direct": project_directly, "console": project_in_the_console, "file": project_by_a_file}


@pytest.mark.parametrize(("door", "row"), cases(PROJECTS, PROJECT_DOORS), ids=str)
def test_every_door_finds_the_same_problems_of_a_project(door: str, row: Row) -> None:
    before = Project.objects.count()
    assert PROJECT_DOORS[door](row) == row.wrong
    assert Project.objects.count() == before + (not row.wrong and not row.of)


def test_an_editor_changes_the_consent_screen_and_no_more_of_a_project() -> None:
    acme, by = project(), Actor.person(User.objects.get(username="editor"))
    before = registration.metadata_of(acme)
    registration.change(acme, replace(before, consent_screen=Screen(app_name="Shown")), by)
    assert acme.consent_screen.app_name == "Shown"
    now = registration.metadata_of(acme)
    for name, wanted in {
        "name": replace(now, name="Mine"),
        "members": replace(now, members=()),
        "test_users": replace(now, test_users=("person",)),
        "cross_client": replace(now, cross_client="off"),
    }.items():
        with pytest.raises(RegistrationError) as refused:
            registration.change(acme, wanted, by)
        assert [one.field for one in refused.value.problems] == [name]


# --- On record, and what cannot pass by unseen ---------------------------------------------------------------------


def kinds() -> list[str]:
    return list(SecurityEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_what_becomes_of_a_project_and_its_members_is_on_record() -> None:
    SecurityEvent.objects.all().delete()
    by = Actor.person(User.objects.get(username="root"))
    people = (Membership("person", "owner"),)
    made = registration.register(ProjectMetadata(id="new", name="New", members=people), by)
    changed = replace(registration.metadata_of(made), status="testing", members=(Membership("person", "viewer"),))
    registration.change(made, changed, by)
    registration.change(made, replace(registration.metadata_of(made), members=()), by)
    resources.delete_project(made, by)
    expected = ["member.added", "project.created", "member.changed", "project.changed", "member.removed"]
    assert kinds() == [*expected, "project.deleted"]
    assert set(SecurityEvent.objects.values_list("sub", flat=True)) == {by.sub}


def test_what_becomes_of_an_api_is_on_record() -> None:
    SecurityEvent.objects.all().delete()
    by = Actor.person(User.objects.get(username="editor"))
    made = resources.register_api(ApiMetadata(identifier=NEW, name="New"), project(), by)
    api_registration.change(made, replace(api_registration.metadata_of(made), token_lifetime=60), by)
    resources.delete_api(made, by)
    assert kinds() == ["api.created", "api.changed", "api.deleted"]
    assert set(SecurityEvent.objects.values_list("sub", flat=True)) == {by.sub}


DELETIONS: dict[str, Callable[[], object]] = {
    "row": lambda: Api.objects.get(identifier=OPEN).delete(),
    "query": lambda: Api.objects.filter(identifier=OPEN).delete(),
    "with its project": lambda: (project("other").clients.all().delete(), project("other").delete()),
}


@pytest.mark.parametrize("way", DELETIONS)
def test_the_address_of_a_deleted_api_stays_closed_however_it_was_deleted(way: str) -> None:
    DELETIONS[way]()
    by = Actor.person(User.objects.get(username="editor"))
    with pytest.raises(RegistrationError, match="overlaps an API of another project"):
        resources.register_api(ApiMetadata(identifier=f"{OPEN}/below", name="Mine"), project(), by)


def test_rows_saved_past_the_registration_are_on_record_as_nobodys_doing() -> None:
    SecurityEvent.objects.all().delete()
    acme = project()
    acme.save()
    Member.objects.create(project=acme, user=User.objects.get(username="person"), role="owner").delete()
    api().save()
    assert kinds() == ["project.saved", "member.created", "member.deleted", "api.saved"]
    assert {one.detail["by"] for one in SecurityEvent.objects.all()} == {"code"}


def test_a_lifetime_is_bounded_in_the_row_and_in_the_database_too() -> None:
    row = api()
    row.token_lifetime = 10**9
    with pytest.raises(ValidationError):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        Api.objects.filter(pk=row.pk).update(token_lifetime=10**9)
