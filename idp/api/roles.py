"""Roles that the apps of a project know, and who has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from common.json_type import Json
from idp.api import deletion
from idp.api.described import PAGE, WRITE, operation
from idp.api.documents import patched, placed, refuse_another, said_in
from idp.api.problems import not_found
from idp.api.resource import Resource, storable
from projects import role_document, roles
from projects.metadata import RoleMetadata
from projects.models import Project, ProjectRole
from projects.role_document import read_role, represent_role
from projects.roles import metadata_of, metadata_of_all


class RoleList(Resource):
    tag = "roles"

    @operation("list_roles", "List roles", answers="RolePage", parameters=PAGE)
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """What people may be in the apps of the project, and who is."""
        return self.listed(self.project(project).roles.all(), "pk", _represent)


class OneRole(Resource):
    tag = "roles"

    @operation("get_role", "Get a role", answers="Role")
    def get(self, request: HttpRequest, project: str, role: str) -> HttpResponse:
        found = roles.named(self.project(project), role) if storable(role) else None
        if found is None:
            raise not_found()
        return self.shown(represent_role(metadata_of(found)))

    @operation(
        "put_role",
        "Create or replace a role",
        answers="Role",
        sends="Role",
        parameters=WRITE,
        also={201: "It is new."},
    )
    def put(self, request: HttpRequest, project: str, role: str) -> HttpResponse:
        """Whoever is not named has it no more."""
        with transaction.atomic():
            home = self.editable(project, self.by)
            return self._write(roles.locked(role, home), home, role, self.sent())

    @operation("patch_role", "Change parts of a role", answers="Role", sends="Role", parameters=("if_match",))
    def patch(self, request: HttpRequest, project: str, role: str) -> HttpResponse:
        """JSON Merge Patch (RFC 7396): `users`, if it is there, is everybody who has it by name. A new `name` is what
        apps are told from then on."""
        with transaction.atomic():
            home = self.editable(project, self.by)
            found = locked(self, home, role)
            values = patched(represent_role(metadata_of(found)), self.sent())
            return self._write(found, home, str(values.get("name", role)), values)

    @operation("delete_role", "Delete a role", answers="Deletion", parameters=("dry_run", "if_match"))
    def delete(self, request: HttpRequest, project: str, role: str) -> HttpResponse:
        """Whoever had it has it no more."""
        with transaction.atomic():
            found = locked(self, self.editable(project, self.by), role)
            self.require(represent_role(metadata_of(found)))
            return deletion.delete(self, found, (), lambda: roles.delete(found, self.by))

    def _write(self, found: ProjectRole | None, home: Project, name: str, values: Mapping[str, Json]) -> HttpResponse:
        before = metadata_of(found) if found else None
        self.require(represent_role(before) if before else None)
        said = said_in(values, read_role)
        refuse_another(said, "name", name, lambda one: roles.plain(one).lower())
        wanted = role_document.role(RoleMetadata(name=roles.plain(name)), said)
        with placed(lambda field: "" if field == "project" else field):
            if found is None:
                found = roles.register(wanted, home, self.by)
            else:
                roles.change(found, wanted, self.by)
        return self.made(
            represent_role(metadata_of(found)), "projects", home.key, "roles", found.name, created=before is None
        )


class RoleOfUser(Resource):
    tag = "roles"

    @operation("grant_role_to_user", "Give a person a role", status=204)
    def put(self, request: HttpRequest, project: str, role: str, username: str) -> HttpResponse:
        """Others who have it keep it."""
        return _some(self, project, role, users=[username], has=True)

    @operation("revoke_role_from_user", "Take a role back from a person", status=204)
    def delete(self, request: HttpRequest, project: str, role: str, username: str) -> HttpResponse:
        """They may still have it by a group."""
        return _some(self, project, role, users=[username], has=False)


class RoleOfGroup(Resource):
    tag = "roles"

    @operation("grant_role_to_group", "Give everybody in a group a role", status=204)
    def put(self, request: HttpRequest, project: str, role: str, group: str) -> HttpResponse:
        """Whoever comes into the group has it then, and whoever leaves has it no more."""
        return _some(self, project, role, groups=[group], has=True)

    @operation("revoke_role_from_group", "Take a role back from a group", status=204)
    def delete(self, request: HttpRequest, project: str, role: str, group: str) -> HttpResponse:
        return _some(self, project, role, groups=[group], has=False)


def locked(view: Resource, home: Project, role: str) -> ProjectRole:
    found = roles.locked(role, home) if storable(role) else None
    if found is None:
        raise not_found()
    return found


def _some(
    view: Resource, project: str, role: str, users: Sequence[str] = (), groups: Sequence[str] = (), *, has: bool
) -> HttpResponse:
    with transaction.atomic():
        found = locked(view, view.editable(project, view.by), role)
        move = roles.grant if has else roles.revoke
        with placed(lambda _field: ""):
            move(found, view.by, users=users, groups=groups)
    return HttpResponse(status=204)


def _represent(found: Sequence[ProjectRole]) -> list[dict[str, Json]]:
    return [represent_role(one) for one in metadata_of_all(found)]
