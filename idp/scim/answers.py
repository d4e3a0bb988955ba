"""One resource or a page of them, with their versions (RFC 7644 sections 3.4 and 3.14)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson
from django.db.models import Model, QuerySet
from django.http import HttpResponse

from common.json_type import Json
from idp.api import preconditions
from idp.scim.door import At
from idp.scim.reading import Query
from idp.scim.selection import Selection

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
Row = TypeVar("Row", bound=Model)
Represent = Callable[[Sequence[Row]], Sequence[dict[str, Json]]]


def one(asked: At, said: dict[str, Json], selection: Selection, *, status: int = 200) -> HttpResponse:
    written = orjson.dumps(said)
    if same := asked.unchanged(written):
        return same
    where = _location(said) if status == 201 else ""
    return asked.told(selection.of(versioned(said)), status=status, tag=preconditions.etag(written), location=where)


def versioned(said: dict[str, Json]) -> dict[str, Json]:
    """`meta.version` is the ETag of the whole, whatever of it is shown."""
    meta = said.get("meta")
    return {
        **said,
        "meta": {**(meta if isinstance(meta, dict) else {}), "version": preconditions.etag(orjson.dumps(said))},
    }


def _location(said: dict[str, Json]) -> str:
    meta = said.get("meta")
    return str(meta.get("location", "")) if isinstance(meta, dict) else ""


def page(asked: At, rows: QuerySet[Row], query: Query, represent: Represent[Row]) -> HttpResponse:
    """`rows` in an order of their own, each once."""
    total = rows.count()
    found = list(rows[query.start - 1 : query.start - 1 + query.count]) if query.count and query.start <= total else []
    resources: list[Json] = [query.selection.of(versioned(said)) for said in represent(found)]
    return asked.told(
        {
            "schemas": [LIST],
            "totalResults": total,
            "startIndex": query.start,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    )


def require(asked: At, said: dict[str, Json]) -> None:
    """If-Match."""
    preconditions.require(asked.request._request, orjson.dumps(said))
