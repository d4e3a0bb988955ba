"""A JSON object in the body of a request: its type, its size, and what a database can hold of it."""

from __future__ import annotations

import re

import orjson

from provider.parameters import MAX_BYTES, Request
from provider.protocol.errors import InvalidClientMetadata, InvalidRequest, TooLarge, UnsupportedMediaType

_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json")
_LENGTH = re.compile(r"[0-9]{1,15}")


def read(request: Request) -> dict[str, object]:
    """Raises UnsupportedMediaType, TooLarge, InvalidRequest, InvalidClientMetadata."""
    kind = str(request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not _JSON.fullmatch(kind):
        raise UnsupportedMediaType("Send a JSON object, as application/json.")
    if not _LENGTH.fullmatch(length) or int(length) > MAX_BYTES:
        raise TooLarge("The request body is too large.")
    try:
        body = request.body
    except OSError:  # the client went away
        raise InvalidRequest("The request body ended early.") from None
    if len(body) < int(length):
        raise InvalidRequest("The request body ended early.")
    try:
        values = orjson.loads(body)  # refuses what is no UTF-8, half of a surrogate pair, and NaN
    except (orjson.JSONDecodeError, RecursionError):
        raise InvalidClientMetadata("The request body is not JSON.") from None
    if not isinstance(values, dict):
        raise InvalidClientMetadata("The request body is not a JSON object.")
    return values
