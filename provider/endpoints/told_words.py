"""What a scope of signing in means at one project, in words: with what its claim table tells besides."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from accounts import attributes
from projects.claim_table import ATTRIBUTE, GROUPS, ClaimRow
from projects.facts import ProjectFacts
from projects.scopes import SIGN_IN_SCOPES

MAX_NAMED = 10


def words_of(scopes: Iterable[str], project: ProjectFacts) -> dict[str, str]:
    """By scope, of those that sign people in."""
    asked = [scope for scope in scopes if scope in SIGN_IN_SCOPES]
    rows = [row for row in project.claims if row.needs in asked]
    labels = _labels(rows)
    return {scope: _words(scope, [row for row in rows if row.needs == scope], labels) for scope in asked}


def _labels(rows: Iterable[ClaimRow]) -> dict[str, str]:
    """What people call the attributes."""
    if not any(row.source == ATTRIBUTE for row in rows):
        return {}
    return {name: str(one.label) for name, one in attributes.schema().items()}


def _words(scope: str, rows: list[ClaimRow], labels: dict[str, str]) -> str:
    usual = _(SIGN_IN_SCOPES[scope].words)
    besides = [said for row in rows if (said := _besides(row, scope, labels))]
    more = list(dict.fromkeys(besides))
    return _("%(words)s (%(more)s)") % {"words": usual, "more": "; ".join(more)} if more else usual


def _besides(row: ClaimRow, scope: str, labels: dict[str, str]) -> str:
    """Empty: the words of the scope say it already."""
    if row.source == ATTRIBUTE:
        return _("also: %(attribute)s") % {"attribute": labels.get(row.attribute, row.attribute)}
    if row.source != scope:
        return _("also: your groups") if row.source == GROUPS else _("also: your roles in these apps")
    names = [*([f"{row.prefix}…"] if row.prefix else []), *row.only]
    return _("only: %(names)s") % {"names": ", ".join(names[:MAX_NAMED])} if names else ""
