"""What an operator is told of a token: what it is, whose, for whom; and which step says that it is worth nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from provider.protocol.confirmation import NOT_BOUND, Confirmation
from provider.protocol.facts import ClientFacts, Json
from provider.store.statements import AuthorizationRow


@dataclass(frozen=True, slots=True)
class No:
    """Why something is worth nothing. `step`: the function that says so to whoever presents it."""

    step: str
    reason: str


Why = Iterator[No]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Something that was made for a client. `behind`: what a person allowed, where it speaks of one."""

    kind: str
    form: str  # opaque, or JWT
    client: ClientFacts | None
    issued_at: datetime
    expires: datetime | None
    behind: AuthorizationRow | None = None
    scopes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    bound: Confirmation = NOT_BOUND
    actors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """The answer. `active` is what the endpoints say; `why` names the first step that says no."""

    kind: str = ""  # empty: nothing of ours, or nothing that is still known
    form: str = ""
    active: bool = False
    why: No | None = None
    facts: dict[str, Json] = field(default_factory=dict)
