"""What an invitation brings beside an account and a membership: roles in the apps of its project, and groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from accounts import groups
from accounts.models import Group, User
from projects import quotas
from projects.actors import Actor, Right
from projects.events import record
from projects.invitation import Invitation
from projects.models import Project, ProjectRole, RoleGrant
from projects.problems import Problem
from projects.roles import named
from projects.rules import quoted, text_problem

MOST = 50  # roles of one invitation, and groups


def problems(roles: Sequence[str], of_groups: Sequence[str], project: Project | None, by: Actor) -> Iterator[Problem]:
    """Whoever may invite was asked before: an editor, who grants roles of the project; groups are for superusers, who
    have just proved who they are, as where they change a group. Raises ProofTooOld."""
    if of_groups:
        by.ask_for_proof(Right.FILL_GROUPS)
    if roles and project is None:
        yield Problem("roles", _("A role is in a project: name one."))
    elif of_groups and not by.may(Right.FILL_GROUPS):
        yield Problem("groups", _("Only superusers put people into groups."))
    else:
        no_role = _("The project has no role of this name: %(names)s.")
        no_group = _("There is no group of this name: %(names)s.")
        for member, names, sentence in (("roles", roles, no_role), ("groups", of_groups, no_group)):
            known = found_roles(names, project) if member == "roles" else found_groups(names)
            if len(names) > MOST:
                yield Problem(f"{member}[{MOST}]", quotas.too_many(MOST))
            for index, name in enumerate(names):
                if name not in known:
                    yield Problem(f"{member}[{index}]", sentence % {"names": quoted(name)}, "missing", name)


def found_roles(names: Sequence[str], project: Project | None) -> dict[str, ProjectRole]:
    """Those there are, by the names that were said."""
    found = {name: named(project, name) for name in names[: MOST + 1]} if project is not None else {}
    return {name: role for name, role in found.items() if role is not None}


def found_groups(names: Sequence[str]) -> dict[str, Group]:
    found = {name: groups.named(name) for name in names[: MOST + 1] if not text_problem(name, 400)}
    return {name: group for name, group in found.items() if group is not None}


def names_of(invitation: Invitation) -> dict[str, list[str]]:
    return {
        "roles": list(invitation.roles.order_by("name").values_list("name", flat=True)),
        "groups": list(invitation.groups.order_by("name").values_list("name", flat=True)),
    }


def still_may(by: Actor, invitation: Invitation) -> bool:
    """Whoever made it could still put people into its groups."""
    return by.may(Right.FILL_GROUPS) or not invitation.groups.exists()


def give(invitation: Invitation, user: User, by: Actor) -> None:
    """What there still is of it, in the transaction that uses the invitation up."""
    for role in invitation.roles.order_by("name"):
        _grant, is_new = RoleGrant.objects.get_or_create(role=role, user=user)
        if is_new:
            about = {"role": role.name, "member": user.sub, "invitation": str(invitation.pk)}
            record(by, "role.granted", project=role.project.key, **about)
    for group in invitation.groups.order_by("name"):
        groups.add_members(group, [user], "", by)
