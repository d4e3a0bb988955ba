"""The console's pages of a project's roles and of its claim table."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import groups
from clients.models import SecurityEvent
from projects import registration, roles
from projects.actors import Actor
from projects.claim_presets import PRESETS
from projects.claim_rules import problems
from projects.claim_table import ClaimRow, effective
from projects.metadata import RoleMetadata
from projects.models import ProjectRole
from tests.console import browser, form_of, page, project, send
from tests.console import problems as shown_problems
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console")
OPERATOR = Actor.operator("test")


def add(username: str = "editor", **fields: Any) -> Response:
    return send(browser(username), page("projects_projectrole_add"), {"project": project().pk, **fields})


def role(name: str = "staff", key: str = "acme", **said: Any) -> ProjectRole:
    return roles.register(RoleMetadata(name=name, **said), project(key), OPERATOR)


# --- Roles ---------------------------------------------------------------------------------------------------------


def test_an_editor_makes_a_role_and_gives_it_to_people_and_groups() -> None:
    groups.make("The choir", OPERATOR)
    made = add(name="staff", description="Works here", users="person\nviewer\n", groups=" the choir \n")
    assert made.status_code == 302, shown_problems(made)
    found = ProjectRole.objects.get()
    whole = RoleMetadata(name="staff", description="Works here", users=("person", "viewer"), groups=("The choir",))
    assert roles.metadata_of(found) == whole
    address = page("projects_projectrole_change", found.pk)
    assert "project" not in form_of(browser("editor").get(address))
    assert send(browser("editor"), address, {"name": "team", "users": "person"}).status_code == 302
    assert roles.metadata_of(ProjectRole.objects.get()).users == ("person",)
    assert ProjectRole.objects.get().name == "team"
    assert browser("editor").post(page("projects_projectrole_delete", found.pk), {"post": "yes"}).status_code == 302
    assert SecurityEvent.objects.filter(kind="role.deleted", sub__gt="").count() == 1


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "a/b"}, "no slash"),
        ({"name": "staff", "users": "person\nnobody-here"}, "No account has this username"),
        ({"name": "staff", "groups": "nothing"}, "There is no group of this name"),
    ],
)
def test_a_wrong_form_makes_no_role_and_says_why(fields: dict[str, str], words: str) -> None:
    answer = add(**fields)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not ProjectRole.objects.exists()


def test_a_viewer_looks_and_changes_nothing_and_others_see_nothing() -> None:
    groups.make("Choir", OPERATOR)
    found, foreign = role(users=("person",), groups=("Choir",)), role("spy", "other")
    address = page("projects_projectrole_change", found.pk)
    text = browser("viewer").get(address).content.decode()
    assert "person" in text and "Choir" in text and 'name="_save"' not in text  # noqa: PT018
    assert browser("viewer").post(address, {"name": "x"}).status_code == 403
    assert browser("viewer").get(page("projects_projectrole_add")).status_code == 403
    listed = browser("editor").get(page("projects_projectrole_changelist")).content.decode()
    assert "staff" in listed
    assert "spy" not in listed
    assert browser("editor").get(page("projects_projectrole_change", foreign.pk)).status_code == 302


# --- The claim table -----------------------------------------------------------------------------------------------


def table(key: str = "acme") -> tuple[ClaimRow, ...]:
    return registration.metadata_of(project(key)).claims


def save(username: str = "owner", query: str = "", **fields: Any) -> Response:
    http, address = browser(username), page("projects_project_claims", project().pk)
    shown = http.get(address + query)
    assert shown.status_code == 200
    sent = {name.replace("__", "-"): value for name, value in fields.items()}
    return http.post(address, {**form_of(shown), **sent})


def test_an_owner_adds_changes_and_deletes_rows() -> None:
    first = {"claims__0__name": "groups", "claims__0__begins": "acme-", "claims__0__rename": "acme-admins = admin"}
    assert save(**first, claims__0__source="groups").status_code == 302
    row = ClaimRow(name="groups", source="groups", prefix="acme-", rename=(("acme-admins", "admin"),))
    assert table() == (row,)
    second = {"claims__1__name": "nick", "claims__1__source": "attribute", "claims__1__attribute": "nickname"}
    assert save(**second, claims__1__told_in=["userinfo"]).status_code == 302
    nick = ClaimRow(name="nick", source="attribute", attribute="nickname", told_in=("userinfo",))
    assert table() == (row, nick)
    assert save().status_code == 302
    assert table() == (row, nick), "nothing was touched"
    assert save(claims__0__DELETE="on").status_code == 302
    assert table() == (nick,)


def test_a_preset_is_proposed_and_saved_as_it_stands() -> None:
    assert save(query="?preset=api").status_code == 302
    assert table() == PRESETS["api"].rows
    assert save(query="?preset=api").status_code == 302, "it is there already"
    assert table() == PRESETS["api"].rows


@pytest.mark.any_database
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_table_that_may_be(preset: str) -> None:
    rows = PRESETS[preset].rows
    assert list(problems(rows)) == []
    assert len(effective(rows)) <= 3


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"claims__0__name": "sub"}, "says something else in a token already"),
        ({"claims__0__name": "team", "claims__0__source": "attribute"}, "Name the attribute"),
        ({"claims__0__name": "team", "claims__0__told_in": []}, "Say where it is told"),
        ({"claims__0__name": "team", "claims__0__source": "people"}, "not one of the available choices"),
        ({"claims__0__name": "team", "claims__0__rename": "a"}, "A value is needed"),
        ({"claims__0__name": "team", "claims__0__begins": "a\x7f"}, "no line breaks"),
        ({"claims__0__begins": "a"}, "This field is required"),
    ],
)
def test_a_wrong_row_is_said_and_nothing_is_saved(fields: dict[str, Any], words: str) -> None:
    answer = save(**fields)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert table() == ()


def test_a_page_that_was_opened_before_somebody_else_saved_undoes_nothing() -> None:
    http, address = browser("owner"), page("projects_project_claims", project().pk)
    old = form_of(http.get(address))
    assert save(query="?preset=api").status_code == 302
    answer = http.post(address, {**old, "claims-0-name": "team"})
    assert table() == PRESETS["api"].rows
    now = ", ".join(row.name for row in table())
    assert f"Saving it replaces what is there now: {now}." in answer.content.decode()
    assert form_of(answer)["claims-0-name"] == "team", "what was typed is not lost"
    assert http.post(address, form_of(answer)).status_code == 302, "they have read it, and insist"
    assert [row.name for row in table()] == ["team"]


def test_only_owners_change_the_table_and_members_look() -> None:
    address = page("projects_project_claims", project().pk)
    for username in ("editor", "viewer"):
        assert browser(username).get(address).status_code == 200
        assert browser(username).post(address, {}).status_code == 403
    assert browser("outsider").get(address).status_code == 404
