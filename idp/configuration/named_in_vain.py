"""Groups and roles that a file names where nobody has them: it may be a mistake, or they come later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from django.db.models import Q

from accounts import groups
from idp.configuration.context import Context
from idp.configuration.problems import Place, quoted
from idp.configuration.shape import Entry, texts_of
from projects import roles
from projects.claim_table import GROUPS, ROLES
from projects.models import Project, RoleGrant
from projects.sign_in import BY_GROUPS, LetIn


def in_vain(context: Context, entry: Entry) -> Iterator[tuple[Place, str]]:
    """In the rules of who may sign in, of a project and its clients, and in its claim table."""
    project = context.projects.get(entry.text("id"))
    if project is None:
        return
    for one in (entry, *entry.entries("clients")):
        rule = one.values.get("sign_in")
        if isinstance(rule, LetIn) and rule.names:
            yield from ((one.place_of("sign_in"), said) for said in _of_rule(project, rule))
    table = entry.values.get("claims")
    for claim, row in table.items() if isinstance(table, Mapping) else ():
        source, names = str(row.get("source")), texts_of(row.get("only"))
        yield from ((entry.place_of("claims", claim), said) for said in _of_claim(project, source, names))


def _of_rule(project: Project, rule: LetIn) -> Iterator[str]:
    for name in rule.names:
        if rule.who == BY_GROUPS and not _has_members(name):
            yield f"Nobody is in the group {quoted(name)}: it lets nobody in."
        elif rule.who != BY_GROUPS and not _is_held(project, name):
            yield f"Nobody has the role {quoted(name)}: it lets nobody in."


def _of_claim(project: Project, source: str, names: Iterable[str]) -> Iterator[str]:
    """By their exact names, as the table is read."""
    for name in names:
        if source == ROLES and not project.roles.filter(name=name).exists():
            yield f"There is no role {quoted(name)}: it is never told."
        if source == GROUPS and ((group := groups.named(name)) is None or group.name != name):
            yield f"There is no group {quoted(name)}: it is never told."


def _has_members(name: str) -> bool:
    group = groups.named(name)
    return group is not None and group.members.exists()


def _is_held(project: Project, name: str) -> bool:
    role = roles.named(project, name)
    somebody = Q(user__isnull=False) | Q(group__members__isnull=False)
    return role is not None and RoleGrant.objects.filter(somebody, role=role).exists()
