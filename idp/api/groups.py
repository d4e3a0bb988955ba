"""Groups of people, and who belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts import groups
from accounts.models import Group, GroupMember, User
from common.json_type import Json
from idp import directory
from idp.api import deletion, pages
from idp.api.described import PAGE, operation
from idp.api.documents import said_in
from idp.api.problems import not_found
from idp.api.provider_wide import ProviderWide
from idp.api.resource import identifier_of, storable
from projects.json_shape import as_json
from projects.problems import Problem, require


class OfGroup(ProviderWide):
    """Whatever is below a group."""

    tag = "groups"

    def group(self, identifier: str, *, locked: bool = False) -> Group:
        self.refuse_others(hidden=True)
        rows = Group.objects.select_for_update() if locked else Group.objects.all()
        found = rows.filter(pk=identifier_of(identifier)).first()
        if locked:
            self.refuse_others(hidden=True)  # who waited may have lost the right meanwhile
        if found is None:
            raise not_found()
        return found


class GroupList(ProviderWide):
    @operation("list_groups", "List groups", answers="GroupPage", parameters=(*PAGE, "name"))
    def get(self, request: HttpRequest) -> HttpResponse:
        """All of them, or the one of this name, in any capitals."""
        self.refuse_others()
        rows, name = Group.objects.all(), pages.parameter(request, "name")
        if name is not None:
            rows = rows.filter(name__iexact=groups.plain(name)) if storable(name) else rows.none()
        return self.listed(rows, "pk", represent)

    @operation(
        "create_group", "Add a group", answers="Group", status=201, sends="GroupWanted", parameters=("idempotency_key",)
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """Its id is made here, and stays when it is called something else."""
        self.refuse_others()
        return self.once(self._made, allow=self.refuse_others)

    def _made(self) -> HttpResponse:
        with transaction.atomic():
            said = said_in({"name": "", **self.sent()}, directory.read_group)
            _require(said, None)
            group, _changed = directory.write_group(None, said, self.by)
        return self.made(represent([group])[0], "groups", str(group.pk))


class OneGroup(OfGroup):
    @operation("get_group", "Get a group", answers="Group")
    def get(self, request: HttpRequest, group_id: str) -> HttpResponse:
        return self.shown(represent([self.group(group_id)])[0])

    @operation("patch_group", "Change a group", answers="Group", sends="GroupWanted", parameters=("if_match",))
    def patch(self, request: HttpRequest, group_id: str) -> HttpResponse:
        """JSON Merge Patch (RFC 7396)."""
        with transaction.atomic():
            found = self.group(group_id, locked=True)
            self.require(represent([found])[0])
            sent = {name: "" if value is None else value for name, value in self.sent().items()}
            said = said_in(sent, directory.read_group)
            _require(said, found)
            directory.write_group(found, said, self.by)
            return self.shown(represent([found])[0])

    @operation("delete_group", "Delete a group", answers="Deletion", parameters=("if_match", "dry_run"))
    def delete(self, request: HttpRequest, group_id: str) -> HttpResponse:
        """Nobody belongs to it any more, and nothing says that somebody did but the log."""
        with transaction.atomic():
            found = self.group(group_id, locked=True)
            self.require(represent([found])[0])
            return deletion.delete(self, found, [], lambda: self._gone(found))

    def _gone(self, group: Group) -> None:
        groups.delete(group, self.by)


class GroupMemberList(OfGroup):
    @operation("list_group_members", "List who belongs to a group", answers="GroupMemberPage", parameters=PAGE)
    def get(self, request: HttpRequest, group_id: str) -> HttpResponse:
        found = self.group(group_id)
        people = User.objects.filter(pk__in=found.members.values("user"))
        return self.listed(people, "pk", lambda rows: _members(found, rows))


class OneGroupMember(OfGroup):
    @operation(
        "put_group_member",
        "Put somebody into a group",
        answers="GroupMember",
        also={201: "They are new."},
        problems=("conflict",),
    )
    def put(self, request: HttpRequest, group_id: str, sub: str) -> HttpResponse:
        """By hand. What a connector says of them stays beside it. There is no body."""
        with transaction.atomic():
            found, person = self.group(group_id, locked=True), _person(sub)
            moved = groups.add_members(found, [person], "", self.by)
            now = _members(found, [person])[0]
        return self.made(now, "groups", str(found.pk), "members", sub, created=bool(moved.added))

    @operation("delete_group_member", "Take somebody out of a group", status=204)
    def delete(self, request: HttpRequest, group_id: str, sub: str) -> HttpResponse:
        """Whom somebody put there by hand. Others come back with whatever says that they belong."""
        with transaction.atomic():
            found, person = self.group(group_id, locked=True), _person(sub)
            if not groups.remove_members(found, [person], "", self.by).removed:
                raise not_found()
        return HttpResponse(status=204)


def _person(sub: str) -> User:
    found = User.objects.filter(sub=sub).first() if storable(sub) else None
    if found is None:
        raise not_found()
    return found


def _require(said: Mapping[str, object], but: Group | None) -> None:
    found: list[Problem] = directory.problems(groups.problems(directory.texts_of(said), but))
    require(found)


def represent(rows: Sequence[Group]) -> list[dict[str, Json]]:
    return [
        {
            "id": str(one.pk),
            **directory.group_document(one),
            "created_at": as_json(one.created_at),
            "updated_at": as_json(one.updated_at),
        }
        for one in rows
    ]


def _members(group: Group, people: Sequence[User]) -> list[dict[str, Json]]:
    """`sources`: what says that they belong; empty text: somebody did by hand."""
    said: dict[int, list[str]] = {}
    for user, source in GroupMember.objects.filter(group=group, user__in=people).values_list("user_id", "source"):
        said.setdefault(user, []).append(source)
    return [{"sub": one.sub, "username": one.username, "sources": sorted(said.get(one.pk, []))} for one in people]
