"""When a request came, and what it is called: in its answer, in the log, and on the page that a person sees of it."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

from common.address import Request, is_from_proxy

HEADER = "X-Request-Id"
_NAMED = re.compile(r"[A-Za-z0-9_.:=-]{1,64}")  # nothing that could end a line, a header or an attribute
_KEY = "vestibule.arrival"


class Client(Protocol):
    """The client that a request is of, as far as a line of the log and a number have to know it."""

    @property
    def client_id(self) -> str: ...

    @property
    def project_key(self) -> str: ...


class Wait(NamedTuple):
    """For a neighbour, from and until, on the clock that only counts."""

    what: str
    began: float
    ended: float


@dataclass(slots=True)
class Arrival:
    """`id`: short enough to read out on the telephone, where no proxy gave a longer one.

    `client`, `grant` and `error` are what was found out of the request, never what it says. A client that has a secret
    has proved itself but at the authorization endpoint, where its id is all that is known; a public one nowhere.
    """

    id: str
    at: float  # on the clock that only counts
    told: bool = False  # a line of the log speaks of this request already
    client: Client | None = None
    grant: str = ""
    error: str = ""
    waits: list[Wait] | None = None  # on what, where somebody wants to know

    @property
    def milliseconds(self) -> float:
        return round((time.perf_counter() - self.at) * 1000, 1)


current: ContextVar[Arrival | None] = ContextVar("arrival", default=None)


def of_client(client: Client) -> None:
    """The request that is being answered is of this client."""
    if (came := current.get()) is not None:
        came.client = client


def of_grant(grant_type: str) -> None:
    """It is a token request of this grant type."""
    if (came := current.get()) is not None:
        came.grant = grant_type


def arrival_of(request: Request) -> Arrival:
    """The same one each time."""
    kept = request.META.get(_KEY)
    return kept if isinstance(kept, Arrival) else note(cast("MutableMapping[str, object]", request.META))


def note(meta: MutableMapping[str, object]) -> Arrival:
    """It has come now, with these variables of the server. Every request pays for this."""
    sent = meta.get("HTTP_X_REQUEST_ID")
    given = _given(str(sent), meta) if sent else ""
    # A name and no secret; each process draws from numbers of its own.
    made = Arrival(given or random.getrandbits(32).to_bytes(4, "big").hex(), time.perf_counter())
    meta[_KEY] = made
    return made


def _given(sent: str, meta: Mapping[str, object]) -> str:
    """Only a proxy of ours names requests: what anybody sends could look like another request in the log."""
    return sent if _NAMED.fullmatch(sent) and is_from_proxy(meta) else ""
