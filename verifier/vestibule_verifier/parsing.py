"""Reading what others wrote: one text has one meaning, or it is refused."""

from __future__ import annotations

import base64
import json


def base64url(text: str) -> bytes:
    """Decode without padding; raises ValueError for every other way to write the same bytes (RFC 7515 section 2)."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise ValueError("not canonical base64url")
    return data


def json_object(text: bytes) -> dict[str, object]:
    """A JSON object without repeated names, NaN or infinity; raises ValueError."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose names are all different."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name is repeated")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
