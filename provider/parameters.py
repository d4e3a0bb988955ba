"""Parameters as they were sent: repeats kept, nothing repaired. Strict where a parser could be fooled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import unquote_plus

from django.conf import settings

from provider.protocol.errors import InvalidRequest, TooLarge
from provider.protocol.request import Params

MAX_BYTES = 65_536
MAX_FIELDS = 100
REPEATABLE = frozenset({"audience", "resource"})
_FORM = "application/x-www-form-urlencoded"
_LENGTH = re.compile(r"[0-9]{1,15}")


NOTHING = Params()


class Request(Protocol):
    """What is read of a request; Django's has it, too."""

    @property
    def method(self) -> str | None: ...

    @property
    def META(self) -> Mapping[str, object]:  # noqa: N802 - Django's name: the variables of the server (PEP 3333)
        ...

    @property
    def body(self) -> bytes: ...


def from_query(request: Request) -> Params:
    """The query of an authorization request."""
    return decode(str(request.META.get("QUERY_STRING", "")))


def authorization(request: Request) -> str | None:
    """The Authorization header; None without one. Servers hand over one that is not ASCII as an empty one."""
    sent = request.META.get("HTTP_AUTHORIZATION")
    return None if sent is None else str(sent)


def is_form(request: Request) -> bool:
    return str(request.META.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower() == _FORM


def from_body(request: Request) -> Params:
    """The form of a POST; each parameter at most once, except those that may repeat."""
    params = with_repeats(request)
    refuse_repeats(params)
    return params


def with_repeats(request: Request) -> Params:
    """The form of a POST as it is.

    Parameters in the URI end up in logs and histories: refused unless the deployment accepts old apps.
    """
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    nothing = not request.META.get("CONTENT_TYPE") and length == "0"
    query = from_query(request)
    if query.pairs and not settings.IDP_LEGACY_QUERY_CREDENTIALS:
        raise InvalidRequest(
            "Parameters in the URI are refused because credentials there end up in logs. "
            "Send them in the request body or the Authorization header."
        )
    if nothing and settings.IDP_LEGACY_QUERY_CREDENTIALS:
        return query
    if not is_form(request):
        raise InvalidRequest(f"Send the parameters as {_FORM}.")
    if not _LENGTH.fullmatch(length) or int(length) > MAX_BYTES:
        raise TooLarge("The request body is too large.")
    try:
        body = request.body.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidRequest("The request body is not percent-encoded.") from None
    except OSError:  # the client went away
        raise InvalidRequest("The request body ended early.") from None
    if len(body) < int(length):
        raise InvalidRequest("The request body ended early.")
    params = decode(body)
    return Params((*query.pairs, *params.pairs)) if query.pairs else params


def decode(text: str) -> Params:
    """Percent-decode strictly: UTF-8 only, no NUL, bounded in size and number."""
    if not text:
        return NOTHING
    if len(text) > MAX_BYTES:
        raise InvalidRequest("The request is too large.")
    fields = text.split("&")
    if len(fields) > MAX_FIELDS:
        raise InvalidRequest(f"At most {MAX_FIELDS} parameters are accepted.")
    try:
        named = [field.partition("=") for field in fields if field]
        pairs = [(decoded(name), decoded(value)) for name, _equals, value in named]
    except UnicodeDecodeError:
        raise InvalidRequest("A parameter is not valid UTF-8.") from None
    if "\0" in text or "%00" in text:
        raise InvalidRequest("A parameter contains a NUL character.")
    return Params(pairs)


def decoded(text: str) -> str:
    """A name or value of a form; raises UnicodeDecodeError. Most need no decoding, and looking is quicker."""
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text


def repeated(params: Params) -> str:
    """The first parameter that was sent more often than it may; empty: none."""
    seen: set[str] = set()
    for name, _value in params:
        if name in seen and name not in REPEATABLE:
            return name
        seen.add(name)
    return ""


def refuse_repeats(params: Params) -> None:
    """RFC 6749 section 3.1 and 3.2: never more than once."""
    if name := repeated(params):
        raise InvalidRequest(f"{name[:40]} was sent more than once.")
