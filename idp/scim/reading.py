"""Bodies and queries, read with `scim2_models`: what does not fit is said in its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import ValidationError
from scim2_models import Context, Error, SCIMException
from scim2_models.path import FilterNode

from common.json_type import Json
from idp.api import pages
from idp.scim import selection
from idp.scim.door import At
from idp.scim.errors import Unfit
from idp.scim.resources import POLICY, Kind, Known
from idp.scim.selection import Selection

USUAL, MOST = 100, 200  # of a page
MOST_FILTER = 2000  # characters
FURTHEST = 10**9  # place in a list
LONGEST_DETAIL = 500
PARAMETERS = ("filter", "startIndex", "count", "attributes", "excludedAttributes")


@dataclass(frozen=True, slots=True)
class Query:
    selection: Selection
    filter: FilterNode | None = None
    start: int = 1
    count: int = USUAL


@contextmanager
def fitting() -> Iterator[None]:
    """Whatever is wrong with what was sent is an answer."""
    try:
        yield
    except ValidationError as error:
        first = Error.from_validation_errors(error)[0]
        raise Unfit((first.detail or "")[:LONGEST_DETAIL], first.scim_type or "", first.status or 400) from None
    except SCIMException as error:
        raise Unfit(str(error)[:LONGEST_DETAIL], error.scim_type, error.status) from None


def resource(kind: Kind[Known], said: Mapping[str, Json], *, new: bool, usual: Mapping[str, Json]) -> Known:
    """A whole one, of a POST or PUT. `usual`: what holds where nothing is said."""
    named = {name.lower() for name, value in said.items() if value is not None}
    whole = {**said, **{name: value for name, value in usual.items() if name.lower() not in named}}
    context = Context.RESOURCE_CREATION_REQUEST if new else Context.RESOURCE_REPLACEMENT_REQUEST
    with fitting():
        read: Known = kind.model.model_validate(whole, scim_ctx=context, scim_policy=POLICY)
    return read


def selected(asked: At, kind: Kind[Known]) -> Selection:
    """What the answer to this request has."""
    sent = [pages.parameter(asked.request._request, name) or "" for name in ("attributes", "excludedAttributes")]
    return _selection(sent[0], sent[1], kind.schema)


def query(asked: At, kind: Kind[Known]) -> Query:
    sent = {name: pages.parameter(asked.request._request, name) for name in PARAMETERS}
    return _read(kind, {name: value for name, value in sent.items() if value is not None})


def search(asked: At, kind: Kind[Known]) -> Query:
    """The same in the body of a POST (RFC 7644 section 3.4.3)."""
    known = {name.lower(): name for name in PARAMETERS}
    return _read(kind, {known[name.lower()]: value for name, value in asked.sent().items() if name.lower() in known})


def _read(kind: Kind[Known], sent: Mapping[str, Json]) -> Query:
    expression = sent.get("filter")
    if isinstance(expression, str) and len(expression) > MOST_FILTER:
        raise Unfit(f"A filter has at most {MOST_FILTER} characters.", "invalidFilter")
    asked = {name: sent[name] for name in ("filter", "startIndex", "count") if sent.get(name) not in (None, "")}
    with fitting():
        read = kind.search.model_validate(asked, scim_policy=POLICY)
    return Query(
        selection=_selection(_text(sent.get("attributes")), _text(sent.get("excludedAttributes")), kind.schema),
        filter=read.filter.ast if read.filter else None,
        start=min(read.start_index or 1, FURTHEST),
        count=MOST
        if read.count is None and "count" in asked
        else min(USUAL if read.count is None else read.count, MOST),
    )


def _text(value: Json) -> str:
    """Names in one text, or in a list."""
    if isinstance(value, list):
        return ",".join(one for one in value if isinstance(one, str))
    return value if isinstance(value, str) else ""


def _selection(attributes: str, excluded: str, schema: str) -> Selection:
    if len(attributes) > selection.MOST or len(excluded) > selection.MOST:
        raise Unfit(f"attributes and excludedAttributes have at most {selection.MOST} characters.", "invalidValue")
    if attributes.strip() and excluded.strip():
        raise Unfit("Send attributes or excludedAttributes, not both.", "invalidValue")
    return selection.read(attributes, excluded, schema)
