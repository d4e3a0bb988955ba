"""Changes in parts (RFC 7644 section 3.5.2), also as Microsoft Entra and Okta write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from scim2_models import Context, PatchOp
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ScimFilter

from common.json_type import Json
from idp.scim.errors import Unfit
from idp.scim.reading import fitting
from idp.scim.resources import ENTERPRISE, OWN, POLICY, Kind, Known

SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MOST = 100  # operations, each member of a value without a path counted as one
MOST_PATH = 2_000  # characters
MOST_JOINED = 50  # comparisons of all paths together that come after another one
MOST_PARTS = 2_000  # in the values of what is not about members
_JOINED = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)
OURS = ("id", "meta", "schemas", "groups")  # repeated by some, and never changed


def operations(said: Mapping[str, Json]) -> list[dict[str, Json]]:
    """One by one, with small letters in the names of their members."""
    found = next((value for name, value in said.items() if name.lower() == "operations"), None)
    if not isinstance(found, list) or not found:
        raise Unfit("Operations is a list of operations.", "invalidSyntax")
    each = [*islice((one for operation in found for one in _split(operation)), MOST + 1)]
    if len(found) > MOST or len(each) > MOST:
        raise Unfit(f"At most {MOST} operations at once.", "tooMany")
    _bounded(each)
    return [_named(one) for one in each]


def _bounded(each: Iterable[Mapping[str, Json]]) -> None:
    """What is read of a path takes time for each comparison."""
    paths = [path for one in each if isinstance(path := one.get("path"), str)]
    if any(len(path) > MOST_PATH for path in paths):
        raise Unfit(f"A path has at most {MOST_PATH} characters.", "invalidPath")
    if sum(len(_JOINED.findall(path)) for path in paths) > MOST_JOINED:
        raise Unfit(f"Paths have at most {MOST_JOINED} joined comparisons at once.", "tooMany")


def _parts(value: Json) -> int:
    """As many as there are at any depth, up to one too many."""
    left, number = [value], 0
    while left and number <= MOST_PARTS:
        one = left.pop()
        inside = [*one.values()] if isinstance(one, Mapping) else one if isinstance(one, list) else []
        number += len(inside)
        left += inside
    return number


def _named(operation: dict[str, Json]) -> dict[str, Json]:
    path, value = operation.get("path"), operation.get("value")
    if isinstance(path, str) and path.lower().startswith(ENTERPRISE.lower()):
        return {**operation, "path": OWN + path[len(ENTERPRISE) :]}
    return operation if path or not isinstance(value, Mapping) else {**operation, "value": in_our_words(value)}


def in_our_words(said: Mapping[str, Json]) -> Mapping[str, Json]:
    """What is said by the schema for enterprises are attributes of this installation, where it has one of this name."""
    found = next((name for name in said if name.lower() == ENTERPRISE.lower()), None)
    theirs, ours = said.get(found or ""), said.get(OWN)
    if not isinstance(theirs, Mapping) or not isinstance(ours or {}, Mapping):
        return said
    rest = {name: value for name, value in said.items() if name != found}
    return {**rest, OWN: {**theirs, **(ours if isinstance(ours, Mapping) else {})}}


def _split(operation: Json) -> Iterator[dict[str, Json]]:
    """Without a path, each member of the value is an operation: its name may be a path with a filter."""
    if not isinstance(operation, Mapping):
        raise Unfit("An operation is an object.", "invalidSyntax")
    one = {name.lower(): value for name, value in operation.items()}
    value = one.get("value")
    if one.get("path") or not isinstance(value, Mapping):
        yield {name: _plain(said) if name == "value" else said for name, said in one.items()}
        return
    for name, inside in value.items():
        if name.lower() not in OURS:
            yield {**one, "path": name, "value": inside}


def _plain(value: Json) -> Json:
    """`[{"$ref": null, "value": "x"}]` for one text: so Entra writes where it takes everything for a list."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping) and "$ref" in value[0]:
        inside: Mapping[str, Json] = value[0]
        if inside.get("$ref") is None and set(inside) == {"$ref", "value"}:
            return inside["value"]
    return value


def read(kind: Kind[Known], wanted: list[dict[str, Json]]) -> PatchOp[Known] | None:
    """Before anything is locked: it takes the time that it takes. None: nothing is wanted."""
    if not wanted:
        return None
    if _parts([one.get("value") for one in wanted]) > MOST_PARTS:
        raise Unfit(f"At most {MOST_PARTS} values at once.", "tooMany")
    with fitting():
        patch: PatchOp[Known] = kind.patch.model_validate(
            {"schemas": [SCHEMA], "Operations": wanted}, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY
        )
    return patch


def apply(patch: PatchOp[Known] | None, target: Known) -> None:
    """All of it, or nothing."""
    if patch is not None:
        with fitting():
            patch.patch(target, scim_policy=POLICY)


def ids_in(expression: str) -> set[str]:
    """Whom `members[value eq "…"]` means."""
    with fitting():
        return _ids(ScimFilter(expression).ast) or set()


def _ids(node: FilterNode) -> set[str] | None:
    """None: whoever it is."""
    if isinstance(node, Comparison) and node.op == CompareOperator.eq:
        name = node.attr_path.attr.lower()
        if name == "value" and isinstance(node.value, str):
            return {node.value}
        if name == "type":
            return None
    if isinstance(node, LogicalExpr):
        each = [found for found in map(_ids, node.terms) if found is not None]
        if each:
            return set.union(*each) if node.op == LogicalOperator.or_ else set.intersection(*each)
    raise Unfit("Members are named by their value.", "invalidFilter")
