"""Changes in parts (RFC 7644 section 3.5.2), also as Microsoft Entra and Okta write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scim2_models import Context
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ScimFilter

from common.json_type import Json
from idp.scim.errors import Unfit
from idp.scim.reading import fitting
from idp.scim.resources import ENTERPRISE, OWN, POLICY, Kind, Known

SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MOST = 100  # operations
OURS = ("id", "meta", "schemas", "groups")  # repeated by some, and never changed


def operations(said: Mapping[str, Json]) -> list[dict[str, Json]]:
    """One by one, with small letters in the names of their members."""
    found = next((value for name, value in said.items() if name.lower() == "operations"), None)
    if not isinstance(found, list) or not found:
        raise Unfit("Operations is a list of operations.", "invalidSyntax")
    if len(found) > MOST:
        raise Unfit(f"At most {MOST} operations at once.", "tooMany")
    return [_named(one) for operation in found for one in _split(operation)]


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


def apply(kind: Kind[Known], target: Known, wanted: list[dict[str, Json]]) -> None:
    """All of them, or none."""
    if not wanted:
        return
    with fitting():
        patch = kind.patch.model_validate(
            {"schemas": [SCHEMA], "Operations": wanted}, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY
        )
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
