"""Groups, and whom this client puts into them. A group that people made by hand it fills, and neither renames nor
deletes: what it gave there, it takes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse

from accounts import groups, provisioning
from accounts.models import Group, GroupMember, User
from common.json_type import Json
from idp.api.resource import storable
from idp.scim import answers, errors, patches, reading
from idp.scim.door import At, address_of
from idp.scim.errors import Unfit
from idp.scim.filters import NOTHING, Columns, Key, Moment, Text, condition
from idp.scim.reading import Query, fitting
from idp.scim.resources import GROUP, GROUPS, MEMBERS
from idp.scim.resources import Group as Team
from projects.json_shape import as_json
from projects.problems import Problem, require

NOT_YOURS = "People made this group here. A client puts its people into it, and neither renames nor deletes it."
BATCH = 500
MOST_MEMBERS = 20_000  # of all groups of a page together: it ends before there are more


@dataclass(slots=True)
class Moves:
    """Who comes and goes, one operation after the other. `all`: whoever is not named goes, too."""

    all: bool = False
    come: set[str] = field(default_factory=set)
    go: set[str] = field(default_factory=set)

    def add(self, ids: set[str]) -> None:
        self.come |= ids
        self.go -= ids

    def remove(self, ids: set[str]) -> None:
        self.come -= ids
        self.go |= ids

    def replace(self, ids: set[str]) -> None:
        self.all, self.come, self.go = True, ids, set()


# --- Reading -------------------------------------------------------------------------------------------------------


def find(asked: At, key: str) -> HttpResponse:
    return _page(asked, reading.query(asked, GROUPS))


def search(asked: At, key: str) -> HttpResponse:
    return _page(asked, reading.search(asked, GROUPS))


def _page(asked: At, query: Query) -> HttpResponse:
    rows = provisioning.groups_of(asked.source).order_by("created_at", "pk")
    if query.filter is not None:
        rows = rows.filter(condition(query.filter, _columns(asked.source)))
    members = query.selection.asks_for("members")
    return answers.page(asked, rows, query, lambda found: _represent(found, asked.source, members=members))


def _columns(source: str) -> Columns:
    def with_member(sub: str) -> Q:
        return Q(pk__in=GroupMember.objects.filter(user__sub=sub, source=source).values("group"))

    def of_id(text: str) -> Q:
        try:
            return Q(pk=UUID(text))
        except ValueError:
            return NOTHING

    members = Key(with_member)
    return {
        "id": Key(of_id),
        "externalid": Text("external_id", alike=False),
        "displayname": Text("name", kept=groups.plain),
        "members": members,
        "members.value": members,
        "meta.created": Moment("created_at"),
        "meta.lastmodified": Moment("updated_at"),
    }


def show(asked: At, key: str) -> HttpResponse:
    selection = reading.selected(asked, GROUPS)
    return answers.one(asked, _whole(_group(asked, key), asked.source), selection)


def _group(asked: At, key: str, *, locked: bool = False) -> Group:
    rows = provisioning.groups_of(asked.source)
    try:
        found = (rows.select_for_update() if locked else rows).filter(pk=UUID(key)).first()
    except ValueError:
        found = None
    if found is None:
        raise errors.not_found()
    return found


def _whole(group: Group, source: str) -> dict[str, Json]:
    return _represent([group], source, members=True)[0]


def _represent(found: Sequence[Group], source: str, *, members: bool) -> list[dict[str, Json]]:
    """In front as many as have no more members together than an answer has; one at least."""
    by_group: dict[UUID, list[Json]] = {}
    if members:
        rows = GroupMember.objects.filter(group__in=[one.pk for one in found], source=source).order_by("pk")
        for key, sub in rows.values_list("group", "user__sub"):
            by_group.setdefault(key, []).append({"value": sub, "$ref": address_of("Users", sub), "type": "User"})
    told: list[dict[str, Json]] = []
    left = MOST_MEMBERS
    for group in found:
        left -= len(by_group.get(group.pk, ()))
        if told and left < 0:
            break
        told.append(_represented(group, by_group.get(group.pk, [])))
    return told


def _represented(group: Group, members: list[Json]) -> dict[str, Json]:
    external = {"externalId": group.external_id} if group.external_id else {}
    return {
        "schemas": [GROUP],
        "id": str(group.pk),
        **external,
        "displayName": group.name,
        **({"members": members} if members else {}),
        "meta": {
            "resourceType": "Group",
            "created": as_json(group.created_at),
            "lastModified": as_json(group.updated_at),
            "location": address_of("Groups", str(group.pk)),
        },
    }


# --- Writing -------------------------------------------------------------------------------------------------------


def make(asked: At, key: str) -> HttpResponse:
    selection = reading.selected(asked, GROUPS)
    wanted = reading.resource(GROUPS, asked.sent(), new=True, usual={})
    said = _said(wanted)
    with transaction.atomic():
        _judge(said, None)
        group = groups.make(said["name"], asked.by, external_id=said["external_id"], source=asked.source)
        people = _people(_ids(wanted), asked.source, all_of_them=True)
        groups.set_members(group, people, asked.source, asked.by)
        return answers.one(asked, _whole(group, asked.source), selection, status=201)


def replace(asked: At, key: str) -> HttpResponse:
    selection = reading.selected(asked, GROUPS)
    wanted = reading.resource(GROUPS, asked.sent(), new=False, usual={})
    with transaction.atomic():
        group = _held(asked, key)
        _change(asked, group, _said(wanted), Moves(all=True, come=_ids(wanted)))
        return answers.one(asked, _whole(group, asked.source), selection)


def patch(asked: At, key: str) -> HttpResponse:
    """Of members only those that are named are read, however many there are; and so the answer has no body, unless
    attributes are asked for."""
    selection, wanted = reading.selected(asked, GROUPS), patches.operations(asked.sent())
    moves, others = Moves(), []
    for operation in wanted:
        if not _moved(moves, operation):
            others.append(operation)
    changes = patches.read(GROUPS, others)
    with transaction.atomic():
        group = _held(asked, key)
        with fitting():
            team = Team.model_validate(_represented(group, []))
        patches.apply(changes, team)
        _change(asked, group, _said(team), moves)
        if selection.wanted is not None:
            return answers.one(asked, _whole(group, asked.source), selection)
    return HttpResponse(status=204)


def delete(asked: At, key: str) -> HttpResponse:
    with transaction.atomic():
        group = _held(asked, key)
        if group.source == asked.source:
            groups.delete(group, asked.by)
        else:
            groups.set_members(group, [], asked.source, asked.by)
            groups.change(group, asked.by, external_id="")
    return HttpResponse(status=204)


def _held(asked: At, key: str) -> Group:
    group = _group(asked, key, locked=True)
    if "HTTP_IF_MATCH" in asked.request.META or "HTTP_IF_NONE_MATCH" in asked.request.META:
        answers.require(asked, _whole(group, asked.source))
    return group


def _said(wanted: Team) -> dict[str, str]:
    return {"name": wanted.display_name or "", "external_id": wanted.external_id or ""}


def _change(asked: At, group: Group, said: Mapping[str, str], moves: Moves) -> None:
    changed = {name: value for name, value in said.items() if getattr(group, name) != value}
    if "name" in changed and group.source != asked.source and groups.plain(changed["name"]) != group.name:
        raise errors.forbidden(NOT_YOURS)
    _judge(changed, group)
    groups.change(group, asked.by, **changed)
    come = _people(moves.come, asked.source, all_of_them=True)
    if moves.all:
        groups.set_members(group, come, asked.source, asked.by)
        return
    if come:
        groups.add_members(group, come, asked.source, asked.by)
    if moves.go:
        groups.remove_members(group, _people(moves.go, asked.source, all_of_them=False), asked.source, asked.by)


def _judge(said: Mapping[str, str], but: Group | None) -> None:
    there = groups.named(said["name"]) if "name" in said else None
    if there is not None and (but is None or there.pk != but.pk):
        raise errors.taken("Another group has this name.")
    require(Problem(one.name, one.message) for one in groups.problems(said, but))


# --- Members -------------------------------------------------------------------------------------------------------


def _ids(wanted: Team) -> set[str]:
    return set(_named([{"value": one.value} for one in wanted.members or ()]))


def _people(ids: Iterable[str], source: str, *, all_of_them: bool) -> list[User]:
    wanted = sorted(one for one in ids if storable(one))
    found: list[User] = []
    for start in range(0, len(wanted), BATCH):
        found += provisioning.people_of(source).filter(sub__in=wanted[start : start + BATCH]).only("pk", "sub")
    if all_of_them and len(found) < len(set(ids)):
        known = {one.sub for one in found}
        missing = next(one for one in sorted(ids) if one not in known)
        raise Unfit(f"members: There is nobody with the id {missing[:100]!r}.", "invalidValue")
    return found


def _moved(moves: Moves, operation: Mapping[str, Json]) -> bool:
    """Whether this operation is about members."""
    op, path, value = (operation.get(name) for name in ("op", "path", "value"))
    if (
        not isinstance(path, str)
        or not isinstance(op, str)
        or path.partition("[")[0].partition(".")[0].strip().lower().rpartition(":")[2] != "members"
    ):
        return False
    with fitting():
        read = MEMBERS(path)
        binding = read.resolve()
    if binding is None or binding.field_name != "members" or binding.sub_field_name is not None:
        raise Unfit("Members are added and removed as a whole.", "invalidPath")
    _apply(moves, op.lower(), str(read.value_filter) if read.value_filter else "", value)
    return True


def _apply(moves: Moves, op: str, chosen: str, value: Json) -> None:
    if op == "remove":
        ids = patches.ids_in(chosen) if chosen else None if value is None else set(_named(value))
        if ids is None:
            moves.replace(set())
        else:
            moves.remove(ids)
    elif chosen:
        raise Unfit("Members are added and removed as a whole.", "invalidPath")
    elif op == "add":
        moves.add(set(_named(value)))
    elif op == "replace":
        moves.replace(set(_named(value)))
    else:
        raise Unfit(f"{op[:40]!r} is not a PATCH operation: add, remove or replace", "invalidValue")


def _named(value: Json) -> Iterator[str]:
    """The ids in a list of members, in one member, or in a list of ids."""
    for one in value if isinstance(value, list) else [] if value is None else [value]:
        said = {name.lower(): part for name, part in one.items()} if isinstance(one, Mapping) else {"value": one}
        found = said.get("value")
        if not isinstance(found, str) or not found:
            raise Unfit("A member is named by its value, which is the id of a person.", "invalidValue")
        yield found
