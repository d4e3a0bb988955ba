"""A project's claim table against what this installation has: its attributes, and how much of its people is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.db.models.functions import Length
from django.utils.translation import gettext as _

from accounts import attributes
from accounts.models import GroupMember
from projects import claim_rules
from projects.claim_table import (
    ATTRIBUTE,
    GROUPS,
    MAX_BYTES,
    MAX_VALUES,
    ROLES,
    ClaimRow,
    effective,
    of_stored,
    size_of,
)
from projects.models import Project
from projects.problems import Problem
from projects.rules import quoted

LONGEST = 10  # people with the longest names of groups, whose claim is measured


def problems(rows: Sequence[ClaimRow], project: Project | None = None) -> Iterator[Problem]:
    """Everything that is wrong with the table. `project`: whose it is, where it is there already."""
    yield from claim_rules.problems(rows)
    yield from _too_large(rows, project)
    known = attributes.schema() if any(row.source == ATTRIBUTE for row in rows) else {}
    for index, row in enumerate(rows):
        if row.source == ATTRIBUTE and row.attribute and row.attribute not in known:
            message = _("There is no attribute %(name)s.") % {"name": quoted(row.attribute)}
            yield Problem(f"claims[{index}].attribute", message, "missing", row.attribute)
        elif row.source == GROUPS and (most := _too_many_groups(row)):
            yield Problem(f"claims[{index}].source", _too_many(most))


def _too_large(rows: Sequence[ClaimRow], project: Project | None) -> Iterator[Problem]:
    """Of roles: whoever has all of the project's is told all of them."""
    names = list(project.roles.values_list("name", flat=True)) if project else []
    for index, row in enumerate(rows):
        if row.source == ROLES and (size := _beyond(row, names)):
            yield Problem(f"claims[{index}].source", _too_long(row.name, size))


def role_problem(project: Project, name: str, before: str = "") -> str:
    """Why the project gets no role of this name, or an empty string: a token could not say all its roles.

    `before`: the name of the role that is called so from now on.
    """
    names = [one for one in project.roles.values_list("name", flat=True) if one != before]
    for row in effective(of_stored(project.claims)):
        if row.source == ROLES and (size := _beyond(row, [*names, name])) > _beyond(row, [*names, before]):
            return _too_long(row.name, size)
    return ""


def _beyond(row: ClaimRow, names: Sequence[str]) -> int:
    """The bytes of the claim that says all of these, if those are more than a token takes; else 0."""
    size = size_of(row.name, [*row.names(names)])
    return size if size > MAX_BYTES else 0


def _too_long(claim: str, size: int) -> str:
    return _(
        "All roles of this project together would be %(size)s bytes in the claim %(claim)s, which has %(most)s at "
        "most. Whoever has them all would be told without it. Choose shorter names, or some of the roles."
    ) % {"size": size, "claim": quoted(claim), "most": MAX_BYTES}


def _too_many_groups(row: ClaimRow) -> int:
    """How many somebody has of those the row lets through, if that is more than a token takes; else 0."""
    other = GroupMember.objects.filter(user=OuterRef("user"), group=OuterRef("group"), source__lt=OuterRef("source"))
    rows = GroupMember.objects.filter(~Exists(other)).order_by()  # each group once, whoever says so
    if row.prefix or row.only:
        chosen = Q(group__name__in=row.only)
        rows = rows.filter(chosen | Q(group__name__startswith=row.prefix) if row.prefix else chosen)
    counted = rows.values("user").annotate(number=Count("pk"), letters=Sum(Length("group__name")))
    most = counted.order_by("-number").values_list("number", flat=True).first() or 0
    if most > MAX_VALUES:
        return most
    for user in counted.order_by("-letters").values_list("user", flat=True)[:LONGEST]:
        told = row.names(rows.filter(user=user).values_list("group__name", flat=True))
        if size_of(row.name, [*told]) > MAX_BYTES:
            return len(told)
    return 0


def _too_many(most: int) -> str:
    return _(
        "Somebody here would have %(number)s of these groups, and a claim has %(most)s values at most (together "
        "%(bytes)s bytes). Such a person would be told without this claim. Choose some groups, by a prefix or by name."
    ) % {"number": most, "most": MAX_VALUES, "bytes": MAX_BYTES}
