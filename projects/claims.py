"""A project's claim table against what this installation has: its attributes, and how much of its people is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from accounts import attributes
from accounts.models import GroupMember
from projects import claim_rules
from projects.claim_table import ATTRIBUTE, GROUPS, MAX_BYTES, MAX_VALUES, ClaimRow
from projects.problems import Problem
from projects.rules import quoted


def problems(rows: Sequence[ClaimRow]) -> Iterator[Problem]:
    """Everything that is wrong with the table."""
    yield from claim_rules.problems(rows)
    known = attributes.schema() if any(row.source == ATTRIBUTE for row in rows) else {}
    for index, row in enumerate(rows):
        if row.source == ATTRIBUTE and row.attribute and row.attribute not in known:
            message = _("There is no attribute %(name)s.") % {"name": quoted(row.attribute)}
            yield Problem(f"claims[{index}].attribute", message, "missing", row.attribute)
        elif row.source == GROUPS and (most := _most_groups(row)) > MAX_VALUES:
            yield Problem(f"claims[{index}].source", _too_many(most))


def _most_groups(row: ClaimRow) -> int:
    """Of one person, of those the row lets through."""
    rows = GroupMember.objects.order_by()
    if row.prefix or row.only:
        chosen = Q(group__name__in=row.only)
        rows = rows.filter(chosen | Q(group__name__startswith=row.prefix) if row.prefix else chosen)
    counted = rows.values("user").annotate(number=Count("group", distinct=True)).order_by("-number")
    return counted.values_list("number", flat=True).first() or 0


def _too_many(most: int) -> str:
    return _(
        "Somebody here would have %(number)s of these groups, and a claim has %(most)s values at most (together "
        "%(bytes)s bytes). Such a person would be told without this claim. Choose some groups, by a prefix or by name."
    ) % {"number": most, "most": MAX_VALUES, "bytes": MAX_BYTES}
