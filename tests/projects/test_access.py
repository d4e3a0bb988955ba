"""Who may see and change which project: the rule itself, for every role, before any page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from projects import access
from projects.access import EDITORS, OWNERS, VIEWERS, Roles
from projects.models import Api, Member, Project, Role, Shared
from tests.console import OPEN, ORDERS, REPORTS, api, project

pytestmark = pytest.mark.usefixtures("console")

# Of each person: the projects they see, change and own.
TABLE = {
    "root": ({"acme", "other"}, {"acme", "other"}, {"acme", "other"}),
    "owner": ({"acme"}, {"acme"}, {"acme"}),
    "editor": ({"acme"}, {"acme"}, set()),
    "viewer": ({"acme"}, set(), set()),
    "both": ({"acme", "other"}, {"other"}, set()),
    "outsider": ({"other"}, {"other"}, {"other"}),
    "nobody": (set(), set(), set()),
}


def person(username: str) -> User:
    return User.objects.get(username=username)


def read_at_once(user: User | AnonymousUser, roles: tuple[Role, ...]) -> set[str]:
    """The same by `Roles`, which also answers without naming a project."""
    held = Roles.of(user)
    found = {one.key for one in Project.objects.all() if held.in_project(one.pk, roles)}
    assert held.in_any_project(roles) is bool(found)
    return found


@pytest.mark.parametrize("username", TABLE)
def test_each_role_sees_and_changes_these_projects_and_no_other(username: str) -> None:
    sees, changes, owns = TABLE[username]
    user = person(username)
    assert sorted(one.key for one in access.visible(user)) == sorted(sees), "each once"
    assert sorted(one.key for one in access.editable(user)) == sorted(changes)
    assert read_at_once(user, VIEWERS) == sees
    assert read_at_once(user, EDITORS) == changes
    assert read_at_once(user, OWNERS) == owns


@pytest.mark.parametrize("username", [*TABLE, None])
def test_who_cannot_sign_in_sees_nothing_whatever_their_roles(username: str | None) -> None:
    User.objects.update(is_active=False)
    user = person(username) if username else AnonymousUser()
    assert not access.visible(user).exists()
    assert not access.editable(user).exists()
    assert read_at_once(user, VIEWERS) == set()


@pytest.mark.parametrize("username", ["owner", "nobody"])
def test_no_project_is_nobodys_but_a_superusers(username: str) -> None:
    """An object that is not saved yet is of no project."""
    assert not Roles.of(person(username)).in_project(None, VIEWERS)
    assert Roles.of(person("root")).in_project(None, OWNERS)


def test_a_project_is_owned_alone_until_somebody_else_who_can_sign_in_owns_it() -> None:
    def alone() -> set[str]:
        return {one.key for one in access.solely_owned(person("owner"))}

    assert alone() == {"acme"}, "editors and the owners of other projects do not count"
    Member.objects.filter(user__username="editor").update(role=Role.OWNER)
    assert alone() == set()
    User.objects.filter(username="editor").update(is_active=False)
    assert alone() == {"acme"}
    assert not access.solely_owned(person("viewer")).exists()


def test_clients_may_ask_for_the_apis_of_their_project_and_those_shared_with_it() -> None:
    def of(key: str) -> set[str]:
        return set(access.open_apis(project(key)).values_list("identifier", flat=True))

    assert of("acme") == {ORDERS, OPEN}
    assert of("other") == {REPORTS, OPEN}
    reports = api(REPORTS)
    reports.shared_with.add(project("acme"))
    assert of("acme") == {ORDERS, OPEN}, "a list counts where the API is shared by list"
    Api.objects.filter(pk=reports.pk).update(shared=Shared.LISTED)
    assert of("acme") == {ORDERS, OPEN, REPORTS}
    reports.shared_with.clear()
    assert of("acme") == {ORDERS, OPEN}
