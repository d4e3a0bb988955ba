"""Filters as conditions of a query (RFC 7644 section 3.4.2.2): of attributes that can be looked up, and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from idp.api.resource import storable
from idp.scim.errors import Unfit

MOST_TERMS = 50
NOTHING = Q(pk__in=())
TEXTS = {"eq": "iexact", "co": "icontains", "sw": "istartswith", "ew": "iendswith"}
EXACT = {"eq": "exact", "co": "contains", "sw": "startswith", "ew": "endswith"}
ORDERED = {"eq": "exact", "gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}


@dataclass(frozen=True, slots=True)
class Text:
    """A column with a text. `alike`: in any capitals. `kept`: the form that a text is kept in."""

    column: str
    alike: bool = True
    kept: Callable[[str], str] = str

    def compared(self, op: str, value: object) -> Q | None:
        look_up = (TEXTS if self.alike else EXACT).get(op)
        if look_up is None or not isinstance(value, str):
            return None
        return Q(**{f"{self.column}__{look_up}": self.kept(value)}) if storable(value) else NOTHING

    def present(self) -> Q:
        return Q(**{f"{self.column}__gt": ""})


@dataclass(frozen=True, slots=True)
class Flag:
    column: str

    def compared(self, op: str, value: object) -> Q | None:
        said = {"true": True, "false": False}.get(str(value).lower())
        return Q(**{self.column: said}) if op == "eq" and said is not None else None

    def present(self) -> Q:
        return Q()


@dataclass(frozen=True, slots=True)
class Moment:
    column: str

    def compared(self, op: str, value: object) -> Q | None:
        at = _moment(value)
        return Q(**{f"{self.column}__{ORDERED[op]}": at}) if at is not None and op in ORDERED else None

    def present(self) -> Q:
        return Q()


@dataclass(frozen=True, slots=True)
class Key:
    """An id, which is the same or is not. `among`: the rows that it finds, of one text."""

    among: Callable[[str], Q]
    any: Q | None = None

    def compared(self, op: str, value: object) -> Q | None:
        if op != "eq" or not isinstance(value, str):
            return None
        return self.among(value) if storable(value) else NOTHING

    def present(self) -> Q:
        return Q() if self.any is None else self.any


Column = Text | Flag | Moment | Key
Columns = Mapping[str, Column]


def condition(node: FilterNode, columns: Columns) -> Q:
    if _terms(node) > MOST_TERMS:
        raise Unfit(f"A filter has at most {MOST_TERMS} comparisons.", "invalidFilter")
    return _Conditions(columns).visit(node)


def _terms(node: FilterNode) -> int:
    if isinstance(node, LogicalExpr):
        return sum(map(_terms, node.terms))
    if isinstance(node, Not):
        return _terms(node.expr)
    return _terms(node.val_filter) if isinstance(node, ValuePath) else 1


class _Conditions(FilterVisitor[Q]):
    """`within`: the attribute whose values are looked at, in small letters: what `emails[…]` has between brackets."""

    def __init__(self, columns: Columns, within: str = "") -> None:
        self.columns, self.within = columns, within

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        found = Q()
        for term in node.terms:
            one = self.visit(term)
            found = found & one if node.op == LogicalOperator.and_ else found | one
        return found

    def visit_not(self, node: Not) -> Q:
        return ~self.visit(node.expr)

    def visit_present(self, node: Present) -> Q:
        return Q() if self._is_label(node.attr_path) else self._column(node.attr_path).present()

    def visit_comparison(self, node: Comparison) -> Q:
        if self._is_label(node.attr_path):
            return Q()
        column = self._column(node.attr_path)
        unequal = node.op == CompareOperator.ne
        if node.value is None and (unequal or node.op == CompareOperator.eq):
            return column.present() if unequal else ~column.present()
        found = column.compared("eq" if unequal else node.op.value, node.value)
        if found is None:
            raise Unfit(f"{node.attr_path} cannot be compared so.", "invalidFilter")
        return ~found if unequal else found

    def visit_value_path(self, node: ValuePath) -> Q:
        """Of a value that is there."""
        inside = _Conditions(self.columns, node.attr_path.attr.lower()).visit(node.val_filter)
        return self._column(node.attr_path).present() & inside

    def _is_label(self, path: AttrPath) -> bool:
        """One of them is kept, whatever it is called: `emails[type eq "work" and value eq …]` looks for its value."""
        return bool(self.within) and path.attr.lower() in ("type", "primary")

    def _column(self, path: AttrPath) -> Column:
        name = ".".join(one for one in (self.within, path.attr, path.sub_attr) if one).lower()
        found = self.columns.get(name)
        if found is None:
            known = ", ".join(self.columns)
            raise Unfit(f"{path} cannot be looked up. These can: {known}.", "invalidFilter")
        return found


def _moment(value: object) -> datetime | None:
    try:
        found = value if isinstance(value, datetime) else parse_datetime(str(value))
        return None if found is None or is_naive(found) else found.astimezone(UTC)
    except (ValueError, OverflowError):  # a year that there is in some zones only
        return None
