"""Lists, page by page: in one order that never changes, from where the last page ended, without counting rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from common import issuer
from common.json_type import Json
from idp.api.problems import refused
from provider.parameters import from_query
from provider.protocol.errors import InvalidRequest

Row = TypeVar("Row", bound=Model)
USUAL, MOST = 50, 200
SALT = "idp.api.cursor"


def page(
    request: HttpRequest, rows: QuerySet[Row], by: str, represent: Callable[[list[Row]], Sequence[Json]]
) -> tuple[dict[str, Json], dict[str, str]]:
    """The body of a page and its headers. `by`: a column that tells every two rows apart.

    `represent` answers all of them at once: a page costs as many statements as one row.
    """
    limit, after = _limit(request), _after(request)
    ordered = rows.order_by(by)
    found = list((ordered if after is None else ordered.filter(**{f"{by}__gt": after}))[: limit + 1])
    more = len(found) > limit
    items = list(represent(found[:limit]))
    cursor = _cursor(request, _plain(getattr(found[limit - 1], by))) if more else None
    headers = {"Link": f'<{_next(request, cursor, limit)}>; rel="next"'} if cursor else {}
    return {"items": items, "next_cursor": cursor}, headers


def parameter(request: HttpRequest, name: str) -> str | None:
    """A parameter of the query; None: it is not there."""
    try:
        sent = [value for key, value in from_query(request) if key == name]
    except InvalidRequest as error:
        raise refused("malformed", str(error)) from None
    if len(sent) > 1:
        raise refused("malformed", f"{name} was sent more than once.")
    return sent[0] if sent else None


def _limit(request: HttpRequest) -> int:
    sent = parameter(request, "limit")
    if sent is None:
        return USUAL
    if not (sent.isascii() and sent.isdigit() and len(sent) <= len(str(MOST)) and 1 <= int(sent) <= MOST):
        raise refused("malformed", f"limit is a number from 1 to {MOST}.")
    return int(sent)


def _after(request: HttpRequest) -> str | int | None:
    sent = parameter(request, "cursor")
    if sent is None:
        return None
    try:
        last = signing.loads(sent, salt=f"{SALT}:{request.path_info}")
    except (signing.BadSignature, ValueError):
        last = None
    if not isinstance(last, str | int):
        raise refused("malformed", "cursor is not one that this list gave.")
    return last


def _plain(key: object) -> str | int:
    return key if isinstance(key, int) else str(key)


def _cursor(request: HttpRequest, last: str | int) -> str:
    """For this list only. Signed: nobody asks from a place of their own choice."""
    return signing.dumps(last, salt=f"{SALT}:{request.path_info}")


def _next(request: HttpRequest, cursor: str, limit: int) -> str:
    kept = [(name, value) for name, value in from_query(request) if name not in ("cursor", "limit")]
    address = issuer.url_of(escape_uri_path(request.path_info))
    return f"{address}?{urlencode([*kept, ('limit', limit), ('cursor', cursor)])}"
