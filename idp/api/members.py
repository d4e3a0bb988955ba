"""Who manages a project: people by their user names, each with one role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts import normalization
from common.json_type import Json
from idp.api.described import PAGE, WRITE, operation
from idp.api.documents import placed, refuse_another, said_in
from idp.api.problems import not_found, refused
from idp.api.resource import Resource, storable
from projects import registration
from projects.choices import Role
from projects.json_shape import Members, Spot, choice, read_members, text
from projects.metadata import Membership
from projects.models import Member, Project
from projects.problems import Problem
from projects.registration import metadata_of


class MemberList(Resource):
    @operation("list_members", "List members", answers="MemberPage", parameters=PAGE)
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self.listed(self.project(project).members.select_related("user"), "pk", _represent)


class OneMember(Resource):
    tag = "members"

    @operation("get_member", "Get a member", answers="Member")
    def get(self, request: HttpRequest, project: str, username: str) -> HttpResponse:
        return self.shown(self._one(self._found(self.project(project), username)))

    @operation(
        "put_member",
        "Add a member, or change their role",
        answers="Member",
        sends="Member",
        parameters=WRITE,
        also={201: "They are new."},
    )
    def put(self, request: HttpRequest, project: str, username: str) -> HttpResponse:
        """Only owners may. The person has an account, which this names exactly."""
        with transaction.atomic():
            found = self._locked(project)
            there = self._member(found, username)
            self.require(self._one(there) if there else None)
            sent = self.sent()
            refuse_another(sent, "username", username, normalization.user_name)
            said = said_in(sent, _read)
            self._write(found, username, str(said["role"]))
            now = self._one(self._found(found, username))
        return self.made(now, "projects", project, "members", username, created=there is None)

    @operation("delete_member", "Remove a member", status=204, parameters=("if_match",))
    def delete(self, request: HttpRequest, project: str, username: str) -> HttpResponse:
        """Only owners may."""
        with transaction.atomic():
            found = self._locked(project)
            self.require(self._one(self._found(found, username)))
            self._write(found, username, "")
        return HttpResponse(status=204)

    def _locked(self, key: str) -> Project:
        found = Project.objects.select_for_update().get(pk=self.project(key).pk)
        if not self.by.owns(found):
            raise refused("forbidden", "Only an owner changes who the members are.")
        return found

    def _member(self, project: Project, username: str) -> Member | None:
        if not storable(username):
            return None
        name = normalization.user_name(username)
        return project.members.select_related("user").filter(user__username=name).first()

    def _found(self, project: Project, username: str) -> Member:
        found = self._member(project, username)
        if found is None:
            raise not_found()
        return found

    def _one(self, member: Member) -> Json:
        return _represent([member])[0]

    def _write(self, project: Project, username: str, role: str) -> None:
        """`role`: empty, and they are none any more."""
        before, name = metadata_of(project), normalization.user_name(username)
        others = tuple(one for one in before.members if one.username != name)
        wanted = replace(before, members=(*others, Membership(name, role)) if role else others)
        with placed(lambda field: "username" if field.endswith("username") else field.rpartition(".")[2]):
            registration.change(project, wanted, self.by)


WANTED: Members = {"username": text, "role": choice(Role.values)}


def _read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(WANTED, spot, needed=["role"]), spot.found


def _represent(members: Sequence[Member]) -> list[dict[str, Json]]:
    return [{"username": one.user.username, "role": str(one.role)} for one in members]
