"""Which scope a message to an MCP server needs: that of the tool it calls.

An app that lacks a scope has to hear it from HTTP, before the server begins to answer: only then does it ask for more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from vestibule_verifier.parsing import unique

MAX_BODY = 4 * 1024 * 1024  # bytes, as the official SDK has it


def needed_by(body: bytes, tools: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The scopes of the tools that this JSON-RPC message calls. What cannot be read for sure needs them all."""
    try:
        read = json.loads(body.decode(), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return frozenset[str]().union(*tools.values())
    messages = read if isinstance(read, list) else [read]
    return frozenset[str]().union(*(_needed(one, tools) for one in messages))


def _needed(message: object, tools: Mapping[str, frozenset[str]]) -> frozenset[str]:
    if not isinstance(message, dict) or message.get("method") != "tools/call":
        return frozenset()
    told = message.get("params")
    name = told.get("name") if isinstance(told, dict) else None
    return tools.get(name, frozenset()) if isinstance(name, str) else frozenset()
