"""What a token is bound to: whoever presents it also proves that (RFC 7800, RFC 9449 section 6, RFC 8705 section 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from provider.protocol.errors import InvalidGrant


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The members of `cnf`; empty: not bound in this way."""

    jkt: str = ""  # the thumbprint of a key (RFC 7638), proved by a DPoP proof
    x5t: str = ""  # the SHA-256 of a certificate, proved by the TLS connection

    def __bool__(self) -> bool:
        return bool(self.jkt or self.x5t)

    @property
    def members(self) -> dict[str, str]:
        """As tokens, rows and introspection say it."""
        named = {"jkt": self.jkt, "x5t#S256": self.x5t}
        return {name: value for name, value in named.items() if value}

    @property
    def text(self) -> str:
        """The same for a row, as JSON."""
        return json.dumps(self.members) if self else "{}"

    @classmethod
    def of(cls, members: Mapping[str, str] | None) -> Confirmation:
        """What we wrote ourselves, read back."""
        return cls(members.get("jkt", ""), members.get("x5t#S256", "")) if members else NOT_BOUND


NOT_BOUND = Confirmation()
ANOTHER_HOLDER = "The code or token is bound to another key, or to another certificate, than this request shows."


def refuse_another_holder(bound: Confirmation, shown: Confirmation) -> None:
    """A code, refresh token or subject token that is bound needs a request that shows the same.

    RFC 9449 sections 5 and 10, protocol section 13.
    """
    if (bound.jkt and bound.jkt != shown.jkt) or (bound.x5t and bound.x5t != shown.x5t):
        raise InvalidGrant(ANOTHER_HOLDER)


def for_refresh_token(shown: Confirmation, *, public: bool) -> Confirmation:
    """A public client proves in no other way that it is the same. Any other authenticates, and may change its key."""
    return shown if public else NOT_BOUND
