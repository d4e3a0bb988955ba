"""Names and ids of whom a project or a client lets in, and what somebody belongs to (protocol section 32)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import groups
from accounts.models import Group, GroupMember
from projects import quotas
from projects.belonging import ProjectRole, RoleGrant
from projects.choices import SignIn
from projects.models import Project
from projects.problems import Problem
from projects.rules import quoted, text_problem
from projects.sign_in import EVERYBODY, Belongs, LetIn, group_id, role_id

LONGEST = 400  # characters of a name before it is made plain


class Ruled(Protocol):
    """A row of a project or a client."""

    sign_in: str
    sign_in_ids: list[str]


def let_in(row: Ruled) -> LetIn:
    """As people write it. What is gone has no name."""
    return let_in_all([row])[0]


def let_in_all(rows: Sequence[Ruled]) -> list[LetIn]:
    """The same of several: at most one statement for groups and one for roles."""
    asked = {who: {one for row in rows if row.sign_in == who for one in row.sign_in_ids} for who in SignIn.values}
    names: dict[str, Mapping[str, str]] = {}
    if ids := asked[SignIn.GROUPS]:
        names[SignIn.GROUPS.value] = {group_id(one.pk): one.name for one in Group.objects.filter(pk__in=ids)}
    if ids := asked[SignIn.ROLES]:
        names[SignIn.ROLES.value] = {role_id(one.pk): one.name for one in ProjectRole.objects.filter(pk__in=ids)}
    return [_named(row, names.get(row.sign_in, {})) for row in rows]


def _named(row: Ruled, names: Mapping[str, str]) -> LetIn:
    if row.sign_in == SignIn.ANYONE:
        return EVERYBODY
    return LetIn(row.sign_in, tuple(sorted(names[one] for one in row.sign_in_ids if one in names)))


def problems(wanted: LetIn, project: Project | None) -> Iterator[Problem]:
    """What is wrong with it in this project, which may not be there yet."""
    if wanted.who not in SignIn.values:
        yield Problem("sign_in", _("%(value)s is not known here.") % {"value": quoted(wanted.who)})
    elif wanted.who == SignIn.ANYONE:
        if wanted.names:
            yield Problem("sign_in", _("Everybody is let in: names mean nothing here. Choose groups or roles."))
    elif len(wanted.names) > quotas.LISTED:
        yield Problem(f"sign_in.{wanted.who}", quotas.too_many(quotas.LISTED))
    else:
        known = _known(wanted, project)
        sentences = {
            SignIn.GROUPS.value: _("There is no group %(name)s."),
            SignIn.ROLES.value: _("This project has no role %(name)s."),
        }
        for index, name in enumerate(wanted.names):
            if name not in known:
                message = sentences[wanted.who] % {"name": quoted(name)}
                yield Problem(f"sign_in.{wanted.who}[{index}]", message, "missing", name)


def _known(wanted: LetIn, project: Project | None) -> dict[str, tuple[str, str]]:
    """By the names that were asked for: id and name of each there is."""
    same = {name: groups.plain(name).lower() for name in wanted.names if not text_problem(name, LONGEST)}
    if wanted.who == SignIn.GROUPS:
        found = {one.name.lower(): (group_id(one.pk), one.name) for one in groups.known_groups(same)[0]}
    elif project is not None and project.pk:
        rows = ProjectRole.objects.filter(project=project)
        found = {one.name.lower(): (role_id(one.pk), one.name) for one in rows}
    else:
        found = {}
    return {name: found[said] for name, said in same.items() if said in found}


def settled(wanted: LetIn, project: Project | None) -> LetIn:
    """By the names that groups and roles have, in one order. One that nobody knows stays: it is a problem."""
    if wanted.who == SignIn.ANYONE:
        return wanted
    known = _known(wanted, project)
    named = dict.fromkeys(known[one][1] if one in known else one for one in wanted.names)
    return LetIn(wanted.who, tuple(sorted(named)))


def keep(row: Ruled, wanted: LetIn, project: Project) -> None:
    """Set the columns; nothing is saved."""
    row.sign_in, row.sign_in_ids = wanted.who, []
    if wanted.who != SignIn.ANYONE:
        row.sign_in_ids = sorted(key for key, _name in _known(wanted, project).values())


def belongs(person_id: int) -> Belongs:
    """What this person belongs to, for whoever did not read it with them."""
    return belongs_each((person_id,))[person_id]


def belongs_each(people: Collection[int]) -> dict[int, Belongs]:
    """The same of several, in as many statements as of one."""
    groups_of: dict[int, set[UUID]] = {one: set() for one in people}
    for person, group in GroupMember.objects.filter(user__in=people).values_list("user", "group"):
        groups_of[person].add(group)
    all_groups = set().union(*groups_of.values())
    own: dict[int, set[int]] = {one: set() for one in people}
    by_group: defaultdict[UUID, set[int]] = defaultdict(set)
    grants = RoleGrant.objects.filter(Q(user__in=people) | Q(group__in=all_groups))
    for role, person, group in grants.values_list("role", "user", "group"):
        if person is not None:
            own[person].add(role)
        else:
            by_group[group].add(role)
    return {
        one: Belongs(
            frozenset(map(group_id, mine)),
            frozenset(map(role_id, own[one].union(*(by_group[group] for group in mine)))),
        )
        for one, mine in groups_of.items()
    }


def tested_by_each(people: Collection[int], among: Collection[int]) -> dict[int, frozenset[int]]:
    """Those of these projects whose test users they are."""
    found: dict[int, set[int]] = {one: set() for one in people}
    rows = Project.test_users.through.objects.filter(user__in=people, project__in=among)
    for person, project in rows.values_list("user", "project"):
        found[person].add(project)
    return {one: frozenset(projects) for one, projects in found.items()}
