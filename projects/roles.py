"""Roles of a project: the one place where they are made, changed, deleted, granted and taken back.

A role is a word that the apps of its project are told of a person (`projects.claim_table`). Here it opens nothing, and
no other project hears of it. Who has it: people by name, and everybody in a group.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import groups, normalization
from accounts.models import Group, User
from projects import claims, quotas
from projects.actors import Actor
from projects.apis import grouped
from projects.events import Detail, acting, record, record_each
from projects.metadata import RoleMetadata
from projects.models import Project, ProjectRole, RoleGrant
from projects.problems import Problem, new_problems, require
from projects.rules import quoted, text_problem

LONGEST_NAME = 64
LONGEST_DESCRIPTION = 200


def metadata_of(role: ProjectRole) -> RoleMetadata:
    """What a role is now, and who has it."""
    return metadata_of_all([role])[0]


def metadata_of_all(roles: Sequence[ProjectRole]) -> list[RoleMetadata]:
    """The same of several, in as many statements as of one."""
    grants = RoleGrant.objects.filter(role__in=roles)
    people = grants.filter(user__isnull=False).order_by("user__username").values_list("role", "user__username")
    of_groups = grants.filter(group__isnull=False).order_by("group__name").values_list("role", "group__name")
    users_of, groups_of = grouped(people), grouped(of_groups)
    return [
        RoleMetadata(
            name=role.name,
            description=role.description,
            users=tuple(users_of.get(role.pk, ())),
            groups=tuple(groups_of.get(role.pk, ())),
        )
        for role in roles
    ]


def roles_of(project_id: int, user_id: int) -> tuple[str, ...]:
    """The roles somebody has in this project, by name or by a group."""
    has = Q(grants__user=user_id) | Q(grants__group__in=Group.objects.filter(members__user=user_id))
    found = ProjectRole.objects.filter(has, project=project_id).order_by("name")
    return tuple(found.distinct().values_list("name", flat=True))


def roles_of_each(project_id: int, user_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The same of several people, in as many statements as of one. Whoever has none is not in it."""
    grants = RoleGrant.objects.filter(role__project=project_id)
    by_group = grants.filter(group__members__user__in=user_ids).values_list("role", "group__members__user")
    held = grouped({*grants.filter(user__in=user_ids).values_list("role", "user"), *by_group})
    names = ProjectRole.objects.filter(pk__in=held).order_by("name").values_list("pk", "name")
    found = grouped((user, name) for key, name in names for user in held[key])
    return {user: tuple(said) for user, said in found.items()}


def plain(name: str) -> str:
    """A name as it is kept: NFKC, without spaces around. A long one stays as it is, and is refused."""
    return " ".join(unicodedata.normalize("NFKC", name).split()) if len(name) <= 4 * LONGEST_NAME else name


def named(project: Project, name: str) -> ProjectRole | None:
    """The role of this name, in any capitals."""
    return _alike(project.roles.all(), name) if not text_problem(name, 4 * LONGEST_NAME) else None


def _alike(rows: QuerySet[ProjectRole], name: str) -> ProjectRole | None:
    """PostgreSQL finds more by any capitals than are the same: an i without its dot for I."""
    said = plain(name)
    return next((one for one in rows.filter(name__iexact=said) if one.name.lower() == said.lower()), None)


# --- Problems ------------------------------------------------------------------------------------------------------


def problems(wanted: RoleMetadata, project: Project, by: Actor, role: ProjectRole | None = None) -> list[Problem]:
    """Everything that stands in the way of this role."""
    if problem := _not_theirs(project, by):
        return [problem]
    before = metadata_of(role) if role else None
    return [
        *_room(project, role),
        *new_problems(_own, wanted, before),
        *_another(wanted, project, role),
        *_told(wanted, project, role),
        *_Holders.named(wanted).problems(),
    ]


def _not_theirs(project: Project, by: Actor) -> Problem | None:
    return None if by.edits(project) else Problem("project", _("You may not change the roles of this project."))


def _room(project: Project, role: ProjectRole | None) -> Iterator[Problem]:
    if role is None and project.roles.count() >= quotas.ROLES:
        yield Problem("project", _("A project has at most %(most)s roles.") % {"most": quotas.ROLES})


def _own(wanted: RoleMetadata) -> Iterator[Problem]:
    if problem := name_problem(wanted.name):
        yield Problem("name", problem)
    if problem := text_problem(wanted.description, LONGEST_DESCRIPTION):
        yield Problem("description", problem)


def name_problem(name: str) -> str:
    """Why no role may be called so, or an empty string."""
    if problem := text_problem(name, LONGEST_NAME, needed=True):
        return problem
    if any(unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp") for one in name):
        return _("A name has no line breaks and no control characters.")
    if "/" in name:
        return _("The name of a role has no slash.")
    if name != plain(name):
        return _("Write %(plain)s: a name has no spaces around, and letters in their usual form.") % {
            "plain": quoted(plain(name))
        }
    return ""


def _another(wanted: RoleMetadata, project: Project, role: ProjectRole | None) -> Iterator[Problem]:
    if name_problem(wanted.name):
        return  # said already, and no database looks for a NUL
    same = project.roles.filter(name__iexact=wanted.name)
    if (same.exclude(pk=role.pk) if role else same).exists():
        yield Problem("name", _("This project has a role of this name already."))


def _told(wanted: RoleMetadata, project: Project, role: ProjectRole | None) -> Iterator[Problem]:
    before = role.name if role else ""
    if wanted.name == before or name_problem(wanted.name):
        return
    if problem := claims.role_problem(project, wanted.name, before):
        yield Problem("name", problem)


@dataclass(frozen=True, slots=True)
class _Holders:
    """Who is to have a role: rows, and the names nobody has."""

    users: dict[str, User]
    groups: dict[str, Group]
    asked: RoleMetadata

    @classmethod
    def named(cls, wanted: RoleMetadata) -> _Holders:
        return cls(_accounts(wanted.users), _groups(wanted.groups), wanted)

    def problems(self) -> Iterator[Problem]:
        """Whoever grants a role learns whether the name they typed exists. That is the price of naming people."""
        no_user = _("No account has this username: %(names)s. Check the spelling, capitals included.")
        no_group = _("There is no group of this name: %(names)s.")
        for member, known, sentence in (("users", self.users, no_user), ("groups", self.groups, no_group)):
            names: tuple[str, ...] = getattr(self.asked, member)
            if len(names) > quotas.ROLE_HOLDERS:
                yield Problem(f"{member}[{quotas.ROLE_HOLDERS}]", quotas.too_many(quotas.ROLE_HOLDERS))
            for index, name in enumerate(names):
                if name not in known:
                    yield Problem(f"{member}[{index}]", sentence % {"names": quoted(name)}, "missing", name)

    @property
    def keys(self) -> set[tuple[str, object]]:
        people = {("user", one.pk) for one in self.users.values()}
        return people | {("group", one.pk) for one in self.groups.values()}


def _accounts(usernames: Sequence[str]) -> dict[str, User]:
    """Those there are, by the names that were asked for."""
    same = {name: normalization.user_name(name) for name in usernames if not text_problem(name, 150)}
    found = {user.username: user for user in User.objects.filter(username__in=set(same.values()))} if same else {}
    return {name: found[username] for name, username in same.items() if username in found}


def _groups(names: Sequence[str]) -> dict[str, Group]:
    same = {name: groups.plain(name) for name in names if not text_problem(name, 400)}
    found, _unknown = groups.known_groups(same.values())
    by_name = {one.name.lower(): one for one in found}
    return {name: by_name[said.lower()] for name, said in same.items() if said.lower() in by_name}


# --- Writing -------------------------------------------------------------------------------------------------------


def register(wanted: RoleMetadata, project: Project, by: Actor) -> ProjectRole:
    """A new role. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)  # two at once would both find room
        require(problems(wanted, project, by))
        role = ProjectRole.objects.create(project=project, name=wanted.name, description=wanted.description)
        record(by, "role.created", project=project.key, role=role.name)
        _hold(role, _Holders.named(wanted).keys, by)
    return role


def locked(name: str, project: Project) -> ProjectRole | None:
    """The project's role of this name; nobody else changes it until the transaction ends."""
    rows = ProjectRole.objects.select_for_update(of=("self",)).select_related("project")
    return _alike(rows.filter(project=project), name) if not name_problem(plain(name)) else None


def change(role: ProjectRole, wanted: RoleMetadata, by: Actor) -> list[str]:
    """Make it what is wanted, and answer what that changed. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        role.refresh_from_db(from_queryset=ProjectRole.objects.select_for_update(of=("self",)))
        require(problems(wanted, role.project, by, role))
        before, wanted = metadata_of(role), settled(wanted)
        moved = differences(before, wanted)
        if words := [name for name in moved if name in ("name", "description")]:
            told: dict[str, Detail] = {
                name: {"before": getattr(before, name), "after": getattr(wanted, name)} for name in words
            }
            record(by, "role.changed", project=role.project.key, **{"role": role.name, **told})
            role.name, role.description = wanted.name, wanted.description
            role.save()
        _hold(role, _Holders.named(wanted).keys, by)
    return moved


def settled(wanted: RoleMetadata) -> RoleMetadata:
    """With the names that accounts and groups have, where somebody spelled them otherwise; each once."""
    users, whole = _accounts(wanted.users), _groups(wanted.groups)
    return replace(
        wanted,
        users=tuple(dict.fromkeys(users[name].username if name in users else name for name in wanted.users)),
        groups=tuple(dict.fromkeys(whole[name].name if name in whole else name for name in wanted.groups)),
    )


def differences(before: RoleMetadata, after: RoleMetadata) -> list[str]:
    """The fields in which they differ; people and groups have no order."""
    return [
        one.name for one in fields(after) if _sorted(getattr(before, one.name)) != _sorted(getattr(after, one.name))
    ]


def _sorted(value: object) -> object:
    return sorted(value) if isinstance(value, tuple) else value


def delete(role: ProjectRole, by: Actor) -> None:
    """Whoever had it has it no more. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        require(filter(None, [_not_theirs(role.project, by)]))
        record(by, "role.deleted", project=role.project.key, role=role.name)
        role.delete()


def grant(role: ProjectRole, by: Actor, *, users: Iterable[str] = (), groups: Iterable[str] = ()) -> int:
    """These have it, too. Answers how many are new. Raises RegistrationError."""
    return _some(role, by, RoleMetadata(name=role.name, users=tuple(users), groups=tuple(groups)), has=True)


def revoke(role: ProjectRole, by: Actor, *, users: Iterable[str] = (), groups: Iterable[str] = ()) -> int:
    """These have it no more. Answers how many had it. Raises RegistrationError."""
    return _some(role, by, RoleMetadata(name=role.name, users=tuple(users), groups=tuple(groups)), has=False)


def _some(role: ProjectRole, by: Actor, named: RoleMetadata, *, has: bool) -> int:
    with acting(by), transaction.atomic():
        ProjectRole.objects.select_for_update().get(pk=role.pk)
        holders = _Holders.named(named)
        require([*filter(None, [_not_theirs(role.project, by)]), *holders.problems()])
        before = _held(role)
        after = before | holders.keys if has else before - holders.keys
        for kind, member in (("user", "users"), ("group", "groups")):
            if sum(one == kind for one, _key in after) > quotas.ROLE_HOLDERS:
                require([Problem(member, quotas.too_many(quotas.ROLE_HOLDERS))])
        _hold(role, after, by)
    return len(before ^ after)


def _held(role: ProjectRole) -> set[tuple[str, object]]:
    rows = role.grants.values_list("user", "group")
    return {("user", user) if group is None else ("group", group) for user, group in rows}


def _hold(role: ProjectRole, wanted: set[tuple[str, object]], by: Actor) -> None:
    """Rows that stay are kept; each that comes or goes is an event."""
    before = _held(role)
    for kind, keys in (("role.revoked", before - wanted), ("role.granted", wanted - before)):
        people = User.objects.filter(pk__in=[key for what, key in keys if what == "user"])
        whole = Group.objects.filter(pk__in=[key for what, key in keys if what == "group"])
        if kind == "role.revoked":
            role.grants.filter(Q(user__in=people) | Q(group__in=whole)).delete()
        else:
            rows = [RoleGrant(role=role, user=one) for one in people]
            RoleGrant.objects.bulk_create([*rows, *(RoleGrant(role=role, group=one) for one in whole)])
        about: dict[str, Detail] = {"project": role.project.key, "role": role.name}
        told: list[dict[str, Detail]] = [{**about, "member": one.sub} for one in people]
        told += [{**about, "group": str(one.pk), "group_name": one.name} for one in whole]
        record_each(by, kind, told)
