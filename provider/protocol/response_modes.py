"""What an answer holds and how it travels: response types and response modes.

OAuth 2.0 Multiple Response Type Encoding Practices 1.0, OAuth 2.0 Form Post Response Mode 1.0, and JARM (JWT Secured
Authorization Response Mode for OAuth 2.0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

# What clients get, and what only apps get that cannot be changed (protocol section 21): those bring tokens through the
# browser.
CODE = "code"
LEGACY = ("id_token", "code id_token", "token", "id_token token", "code token", "code id_token token")
_BY_WORDS = {frozenset(name.split()): name for name in (CODE, *LEGACY)}


@dataclass(frozen=True, slots=True)
class ResponseMode:
    """Where the parameters of an answer stand. `signed`: they are one parameter, a JWT of all of them."""

    way: Literal["query", "fragment", "form_post"]
    signed: bool = False


QUERY, FRAGMENT, FORM_POST = ResponseMode("query"), ResponseMode("fragment"), ResponseMode("form_post")
_PLAIN = {"query": QUERY, "fragment": FRAGMENT, "form_post": FORM_POST}
_NAMED = {**_PLAIN, **{f"{name}.jwt": replace(mode, signed=True) for name, mode in _PLAIN.items()}}
_DEFAULT_SIGNED = "jwt"  # as the response type has it, and signed (JARM section 2.3.4)
RESPONSE_MODES = (*_NAMED, _DEFAULT_SIGNED)


def response_type(text: str) -> str:
    """The response type of this name, whatever the order of its words; empty: there is none."""
    words = text.split(" ")
    return _BY_WORDS.get(frozenset(words), "") if len(words) == len(set(words)) else ""


def brings_tokens(response_type: str) -> bool:
    """Whether more than a code comes through the browser."""
    return response_type in LEGACY


def default_mode(response_type: str) -> ResponseMode:
    """Tokens never stand in a query, which servers keep in their logs."""
    return FRAGMENT if brings_tokens(response_type) else QUERY


def mode_of(name: str, response_type: str) -> ResponseMode | None:
    """The mode of this name; None: there is none, or the response type forbids it."""
    default = default_mode(response_type)
    if not name:
        return default
    mode = replace(default, signed=True) if name == _DEFAULT_SIGNED else _NAMED.get(name)
    return None if mode is not None and mode.way == "query" and default is not QUERY else mode
